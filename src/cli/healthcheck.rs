//! `secondlook healthcheck`: asks a server whether it is ready, for containers without curl.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use super::{StartFailure, say::complain};
use crate::config::{Config, Overrides};

const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) fn run(options: &Overrides) -> Result<ExitCode, StartFailure> {
    let address = reachable(Config::load(options)?.listen);
    match ask(address) {
        Ok(status_line) if status_line.split(' ').nth(1) == Some("200") => Ok(ExitCode::SUCCESS),
        Ok(status_line) => {
            let status = status_line.trim();
            complain(format!(
                "http://{address}/health/ready: expected status 200, found `{status}`"
            ));
            Ok(ExitCode::FAILURE)
        }
        Err(error) => {
            complain(format!(
                "no answer from http://{address}/health/ready: {error}"
            ));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A server that listens on every address is asked at the loopback address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The status line of the answer.
fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
