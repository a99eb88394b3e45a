//! `lodge proxy`

use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::Context;

/// Connects OpenSSH to a target through Lodge; `lodge ssh-config` writes the `ProxyCommand` line that runs this.
#[derive(Args)]
pub struct Arguments {
    /// Target to reach.
    target: String,
    /// Hands the connected socket to OpenSSH (`ProxyUseFdpass yes`) and ends, so that no byte is copied here.
    #[arg(long)]
    pass_socket: bool,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let profile = context.folder.profile()?;
    let mut stream = connect(&profile.ssh_host, profile.ssh_port)?;
    let header = server::proxy_header(&arguments.target)
        .with_context(|| format!("`{}` is no target name", arguments.target))?;
    stream.write_all(&header)?;
    if arguments.pass_socket { pass(&stream) } else { copy(&stream) }
}

fn connect(host: &str, port: u16) -> Result<TcpStream> {
    let addresses =
        (host, port).to_socket_addrs().with_context(|| format!("cannot find the address of {host}"))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, Duration::from_secs(10)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error).with_context(|| format!("cannot reach Lodge's SSH gate at {host}:{port}")),
        None => bail!("{host} has no address"),
    }
}

fn pass(stream: &TcpStream) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let sockets = [stream.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&sockets));
    sendmsg(io::stdout(), &[IoSlice::new(&[0])], &mut ancillary, SendFlags::empty())
        .context("cannot hand the connection to ssh; is `ProxyUseFdpass yes` set?")?;
    Ok(())
}

fn copy(stream: &TcpStream) -> Result<()> {
    let mut upward = stream.try_clone()?;
    thread::spawn(move || {
        let _ = forward(&mut io::stdin().lock(), &mut upward);
        let _ = upward.shutdown(Shutdown::Write);
    });
    forward(&mut &*stream, &mut io::stdout().lock()).context("the connection broke off")
}

fn forward(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count])?;
        to.flush()?;
    }
}
