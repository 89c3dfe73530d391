//! Connections: accepting, time limits, shutdown.
//!
//! This uses hyper directly, because `axum::serve` has no limit on reading the head of a request.

use std::{convert::Infallible, future::Future, pin::pin, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tracing::{debug, info, warn};

use super::service::Service;
use crate::config::ServerConfig;

/// Pause if the system has no file descriptor left for a new connection.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);
/// The first bytes of an HTTP/2 connection (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Pause before the next look at a preface of which only a part has arrived.
const PAUSE_WITHIN_PREFACE: Duration = Duration::from_millis(20);

/// Time limits of a connection.
#[derive(Clone, Copy)]
struct ConnectionLimits {
    /// For the first byte, and then for a whole request head.
    head: Duration,
    /// Until the client takes what was written.
    writing: Duration,
}

/// Serves until `shutdown` completes, then drains: readiness turns to 503 at once; after the
/// configured delay no more connections are accepted; requests in flight are answered, up to the
/// configured deadline.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    service: Service,
    config: ServerConfig,
    shutdown: impl Future<Output = ()>,
) {
    let limits = ConnectionLimits {
        head: config.header_read_timeout_seconds.duration(),
        writing: config.request_timeout_seconds.duration(),
    };
    let graceful = GracefulShutdown::new();
    let mut answering = JoinSet::new();
    let until_drained = async {
        shutdown.await;
        info!("shutting down");
        service.begin_drain();
        tokio::time::sleep(config.drain_delay_seconds.duration()).await;
    };
    tokio::select! {
        never = accept(&listener, &router, limits, &graceful, &mut answering) => match never {},
        () = until_drained => {}
    }
    drop(listener);
    let deadline = config.drain_timeout_seconds.duration();
    if timeout(deadline, graceful.shutdown()).await.is_err() {
        while answering.try_join_next().is_some() {}
        warn!(
            connections = answering.len(),
            "the drain deadline passed, closing connections that are still open"
        );
    }
    service.engine.begin_drain();
}

/// Accepts connections for ever. When this is dropped, connections that have not started are
/// closed.
async fn accept(
    listener: &TcpListener,
    router: &Router,
    limits: ConnectionLimits,
    graceful: &GracefulShutdown,
    answering: &mut JoinSet<()>,
) -> Infallible {
    let mut beginning = JoinSet::new();
    let mut next = pin!(accepted(listener));
    loop {
        tokio::select! {
            stream = &mut next => {
                next.set(accepted(listener));
                beginning.spawn(begun(stream, limits.head));
            }
            Some(begun) = beginning.join_next() => {
                if let Ok(Some(stream)) = begun {
                    answering.spawn(answer(stream, router.clone(), limits, graceful.watcher()));
                }
            }
            Some(_) = answering.join_next() => {}
        }
    }
}

/// The next connection, with a pause after each failure.
async fn accepted(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                warn!(%error, "could not accept a connection");
                tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
            }
        }
    }
}

/// Answers the requests of a connection, until it ends or the server shuts down.
async fn answer(stream: TcpStream, router: Router, limits: ConnectionLimits, watcher: Watcher) {
    limit_writing(&stream, limits.writing);
    // Sends small answers at once. If the option is not supported, they are only slower.
    drop(stream.set_nodelay(true));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.head);
    let service = TowerToHyperService::new(router);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "a connection ended early");
    }
}

/// The connection, once its HTTP version is known; `None` after `limit`. hyper's own limit starts
/// only then, so a connection that never shows its version would stay open for ever.
async fn begun(stream: TcpStream, limit: Duration) -> Option<TcpStream> {
    let is_clear = timeout(limit, version_is_clear(&stream)).await;
    is_clear.unwrap_or(false).then_some(stream)
}

/// Waits until the bytes are more than a part of HTTP/2's preface; false if the connection ends
/// before.
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

/// Closes a connection whose client does not read for this long. hyper waits without a limit until
/// it may write, and the answer would stay in memory.
fn limit_writing(stream: &TcpStream, limit: Duration) {
    #[cfg(target_os = "linux")]
    drop(socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limit)));
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, limit);
}
