//! A `ProxyCommand` for tests: `test-ssh-proxy ADDRESS TARGET` says which target is wanted, then copies both ways.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let (Some(address), Some(target)) = (words.next(), words.next()) else {
        return Err(io::Error::other("usage: test-ssh-proxy ADDRESS TARGET"));
    };
    let mut gate = TcpStream::connect(address)?;
    gate.write_all(&protocols::proxy_header::encode(&target).map_err(io::Error::other)?)?;
    let mut upward = gate.try_clone()?;
    std::thread::spawn(move || {
        // When either copy fails the connection is over, and the other copy sees its end.
        let _ = io::copy(&mut io::stdin().lock(), &mut upward);
        let _ = upward.shutdown(Shutdown::Write);
    });
    let mut stdout = io::stdout().lock();
    let mut buffer = [0; 64 * 1024];
    loop {
        match io::Read::read(&mut gate, &mut buffer)? {
            0 => return Ok(()),
            count => {
                stdout.write_all(&buffer[..count])?;
                stdout.flush()?;
            }
        }
    }
}
