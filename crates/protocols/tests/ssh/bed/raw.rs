//! A client that says what stock clients never say.

use std::sync::Arc;

use russh::client::{self, Handle};
use russh::keys::{Certificate, PrivateKey, PublicKeyOrCertificate};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Bed, me};

/// Takes every host key: what the gate shows is the stock clients' to check.
pub struct Anyone;

impl client::Handler for Anyone {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

impl Bed {
    /// Connects to the target as alice, in this process.
    pub async fn raw(&self, target: &str) -> Handle<Anyone> {
        let mut tcp = TcpStream::connect(&self.address).await.unwrap();
        tcp.write_all(&protocols::proxy_header::encode(target).unwrap()).await.unwrap();
        let mut client = client::connect_stream(Arc::default(), tcp, Anyone).await.unwrap();
        let key = PrivateKey::read_openssh_file(&self.alice.key).unwrap();
        let certificate = std::fs::read_to_string(&self.alice.certificate).unwrap();
        let certificate = Certificate::from_openssh(&certificate).unwrap();
        let answer = client.authenticate_openssh_cert(me(), Arc::new(key), certificate).await.unwrap();
        assert!(answer.success());
        client
    }
}
