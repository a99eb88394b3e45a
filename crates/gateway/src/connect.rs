//! Reaching a target over the network.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(10);

/// Why a target could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The target refused, or its name does not resolve.
    #[error(
        "cannot reach {target} at {address}: {source}; check that it is up and that its address is right"
    )]
    Unreachable {
        /// The target's name.
        target: String,
        /// Its address.
        address: String,
        /// What the network said.
        source: io::Error,
    },
    /// The target did not answer.
    #[error("{target} at {address} did not answer within {} s; check that it is up", PATIENCE.as_secs())]
    Silent {
        /// The target's name.
        target: String,
        /// Its address.
        address: String,
    },
}

pub(crate) async fn dial(target: &access::Target) -> Result<TcpStream, DialError> {
    let (name, address) = (target.name.clone(), target.address.clone());
    match tokio::time::timeout(PATIENCE, TcpStream::connect(target.address.as_str())).await {
        Ok(Ok(stream)) => {
            // Keystrokes must not wait for company; a failure here costs latency, not correctness.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Ok(Err(source)) => Err(DialError::Unreachable { target: name, address, source }),
        Err(_) => Err(DialError::Silent { target: name, address }),
    }
}
