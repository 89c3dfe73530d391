//! A cheap HTTP/1.1 client. Requests are prepared once, connections are kept, and only status and
//! length are parsed.
//!
//! It shares the cores with the server under test, so its own cost is measured (`--only
//! generator`).

use std::{cell::RefCell, future::Future, io, net::SocketAddr, ops::Range, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::{net::TcpStream, task::LocalSet};

use crate::BenchResult;

const BUFFER_BYTES: usize = 16 * 1024;
/// Longest time for one answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(40);

/// Runs `work`, which may spawn local tasks, on this thread.
pub(crate) fn drive<Output>(work: impl Future<Output = Output>) -> BenchResult<Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(LocalSet::new().block_on(&runtime, work))
}

/// A whole request without a body.
pub(crate) fn get(path: &str) -> Bytes {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into()
}

/// One request for each image, its bytes as the body.
pub(crate) fn predictions(query: &str, headers: &str, images: &[Bytes]) -> Vec<Bytes> {
    let request = |image: &Bytes| {
        let head = format!(
            "POST /v1/predictions?{query} HTTP/1.1\r\nHost: bench\r\nContent-Type: image/jpeg\r\n{headers}Content-Length: {}\r\n\r\n",
            image.len()
        );
        Bytes::from([head.as_bytes(), image].concat())
    };
    images.iter().map(request).collect()
}

/// The answers to all requests, in their order, with this many requests at a time.
///
/// # Errors
/// An answer with another status than 200, or none.
pub(crate) fn answers(
    address: SocketAddr,
    requests: &[Bytes],
    at_once: usize,
) -> BenchResult<Vec<Value>> {
    let connections = &IdleConnections::to(address);
    let answer = |request| async move {
        let read = |status, body: &[u8]| match status {
            200 => Ok(serde_json::from_slice(body)?),
            _ => Err(format!("an answer had status {status}").into()),
        };
        let answer = connections.ask(request, read).await;
        answer.ok_or("a request was not answered")?
    };
    let asked = stream::iter(requests.iter().map(Bytes::as_ref)).map(answer);
    drive(asked.buffered(at_once).try_collect())?
}

/// Idle connections to a server.
pub(crate) struct IdleConnections {
    address: SocketAddr,
    idle: RefCell<Vec<KeptConnection>>,
}

impl IdleConnections {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self {
            address,
            idle: RefCell::default(),
        }
    }

    /// Sends a request over one of them, or a new one. Returns what `read` makes of status and
    /// body, or `None` when there was no answer.
    pub(crate) async fn ask<Answer>(
        &self,
        request: &[u8],
        read: impl Fn(u16, &[u8]) -> Answer,
    ) -> Option<Answer> {
        // A server may close an idle connection, so try another one, as every client does.
        loop {
            let idle = self.idle.borrow_mut().pop();
            let is_new = idle.is_none();
            let mut client = match idle {
                Some(client) => client,
                None => KeptConnection::connect(self.address).await.ok()?,
            };
            if let Ok(reply) = client.ask(request).await {
                let answer = read(reply.status, client.body(&reply));
                self.idle.borrow_mut().push(client);
                return Some(answer);
            }
            if is_new {
                return None;
            }
        }
    }
}

/// One kept connection.
pub(crate) struct KeptConnection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer. Its body is in the client's buffer.
pub(crate) struct HttpReply {
    pub status: u16,
    body: Range<usize>,
}

impl KeptConnection {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    /// Sends a prepared request and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<HttpReply> {
        self.send(request).await?;
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        tokio::time::timeout(TIMEOUT, self.receive())
            .await
            .map_err(late)?
    }

    /// Sends a prepared request and leaves the answer in the buffer.
    pub(crate) async fn send(&mut self, mut request: &[u8]) -> io::Result<()> {
        while !request.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(request) {
                Ok(written) => request = request.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn body(&self, reply: &HttpReply) -> &[u8] {
        self.buffer.get(reply.body.clone()).unwrap_or_default()
    }

    async fn receive(&mut self) -> io::Result<HttpReply> {
        let mut filled = 0;
        let mut reply = None;
        loop {
            if reply.is_none() {
                reply = head(self.buffer.get(..filled).unwrap_or_default())?;
            }
            match reply {
                Some(reply) if filled >= reply.body.end => return Ok(reply),
                Some(HttpReply { ref body, .. }) if body.end > self.buffer.len() => {
                    self.buffer.resize(body.end, 0);
                }
                _ => {}
            }
            filled += self.read(filled).await?;
        }
    }

    async fn read(&mut self, filled: usize) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            let free = self.buffer.get_mut(filled..).unwrap_or_default();
            match self.stream.try_read(free) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }
}

/// Status and place of the body, once the head is complete.
fn head(received: &[u8]) -> io::Result<Option<HttpReply>> {
    let Some(length) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let head = received
        .get(..length)
        .and_then(|head| str::from_utf8(head).ok());
    let mut lines = head.ok_or_else(malformed)?.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
    let body_bytes = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    let (status, body_bytes) = status.zip(body_bytes).ok_or_else(malformed)?;
    let start = length + 4;
    Ok(Some(HttpReply {
        status,
        body: start..start + body_bytes,
    }))
}
