//! Connections: how they are taken, what they may keep waiting for, and how they end.
//!
//! Through hyper itself rather than `axum::serve`, which has no limit on reading a request's head.

use std::{convert::Infallible, future::Future, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tracing::{debug, info, warn};

use super::service::Service;
use crate::config::ServerConfig;

/// How long to wait when the system has no file descriptor left for a new connection.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);
/// The first bytes of a connection that speaks HTTP/2 (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long to wait before looking again at a preface that came in part.
const PAUSE_WITHIN_PREFACE: Duration = Duration::from_millis(20);

/// Serves until `shutdown` completes, then drains: readiness turns to 503 at once; after the configured delay no more
/// connections are taken; requests in flight are answered, up to the configured deadline.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    service: Service,
    config: ServerConfig,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let connection = Connection {
        router,
        header_read_timeout: config.header_read_timeout_seconds.duration(),
        write_timeout: config.request_timeout_seconds.duration(),
        stopping,
    };

    let until_drained = async {
        shutdown.await;
        info!("shutting down");
        service.begin_drain();
        tokio::time::sleep(config.drain_delay_seconds.duration()).await;
    };
    tokio::select! {
        never = accept(&listener, &connection, &mut connections) => match never {},
        () = until_drained => {}
    }
    drop(listener);

    stop.send_replace(true);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    if timeout(config.drain_timeout_seconds.duration(), all_closed)
        .await
        .is_err()
    {
        warn!(
            connections = connections.len(),
            "the drain deadline passed: closing connections that are still open"
        );
    }
    service.engine().begin_drain();
}

async fn accept(
    listener: &TcpListener,
    connection: &Connection,
    connections: &mut JoinSet<()>,
) -> Infallible {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection.clone().run(stream))),
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// What every connection is served with.
#[derive(Clone)]
struct Connection {
    router: Router,
    header_read_timeout: Duration,
    write_timeout: Duration,
    stopping: watch::Receiver<bool>,
}

impl Connection {
    async fn run(mut self, stream: TcpStream) {
        if !self.begins(&stream).await {
            return;
        }
        limit_writing(&stream, self.write_timeout);
        // Small answers should not wait for more to send. Where the option is unknown they do; that is all.
        drop(stream.set_nodelay(true));
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_read_timeout);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(self.header_read_timeout);
        let service = TowerToHyperService::new(self.router);
        let mut connection =
            std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        let outcome = tokio::select! {
            outcome = connection.as_mut() => outcome,
            () = stopped(&mut self.stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = outcome {
            debug!(%error, "a connection ended early");
        }
    }

    /// hyper's own limit starts when it is clear which HTTP is spoken; a connection that never says so would stay for ever.
    async fn begins(&mut self, stream: &TcpStream) -> bool {
        tokio::select! {
            begun = timeout(self.header_read_timeout, version_is_clear(stream)) => begun.unwrap_or(false),
            () = stopped(&mut self.stopping) => false,
        }
    }
}

/// Waits until what came is not just a part of HTTP/2's preface; false when the connection ends before.
async fn version_is_clear(stream: &TcpStream) -> bool {
    let mut begun = [0; HTTP2_PREFACE.len()];
    loop {
        match stream.peek(&mut begun).await {
            Ok(0) | Err(_) => return false,
            Ok(length)
                if length < begun.len() && begun.get(..length) == HTTP2_PREFACE.get(..length) =>
            {
                tokio::time::sleep(PAUSE_WITHIN_PREFACE).await;
            }
            Ok(_) => return true,
        }
    }
}

/// A client that never reads would keep its answer in memory for ever: hyper waits without a limit until it may write. The
/// system gives the connection up when nothing of what was written is taken for so long.
fn limit_writing(stream: &TcpStream, limit: Duration) {
    #[cfg(target_os = "linux")]
    drop(socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limit)));
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, limit);
}

/// Completes when the server takes no more connections.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}
