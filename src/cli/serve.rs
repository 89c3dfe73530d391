//! `secondlook serve`.

use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
    thread,
};

use tokio::{
    net::TcpListener,
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use tracing::warn;

use super::{StartFailure, start};
use crate::{
    api::{self, Service},
    config::{Config, EngineConfig, Overrides},
    telemetry,
};
use bundle::plain::io_error;
use engine::available_cores;

pub(super) fn run(options: &Overrides) -> Result<ExitCode, StartFailure> {
    let config = Config::load(options)?;
    config.access.check_exposure(config.listen)?;
    // Kept until the end: dropping it writes the lines that wait.
    let _log = telemetry::log::start(&config.log)?;
    if config.idempotency.is_some() {
        warn!(
            "the section [idempotency] is ignored: the same request always gets the same answer; remove the section"
        );
    }
    let mut builder = Builder::new_multi_thread();
    let runtime = start::threads(builder.worker_threads(threads(&config.engine)))?;
    runtime.block_on(serve(config))?;
    // Threads that still decode for a connection that was closed are not waited for.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config) -> Result<(), StartFailure> {
    let shutdown = shutdown_signal().map_err(|error| {
        let reason = io_error(&error);
        format!(
            "cannot set up the handling of SIGTERM and SIGINT ({reason}): check the limits with \
                 `secondlook doctor`"
        )
    })?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        format!(
            "cannot listen on {}: {}; `secondlook doctor` says what to do",
            config.listen,
            io_error(&error)
        )
    })?;
    let metrics = telemetry::metrics::start()?;
    tokio::spawn(telemetry::metrics::keep_condensed(metrics.clone()));
    let starting = config.clone();
    let engine = tokio::task::spawn_blocking(move || start::engine(&starting)).await??;
    for model in engine.models() {
        for lacking in model.manifest().lacks() {
            warn!(model = model.manifest().name, "{lacking}");
        }
    }
    let service = Service::new(engine, metrics, &config.limits, &config.server);
    say_ready(listener.local_addr()?);
    api::serve(
        listener,
        api::router(service.clone(), &config.access),
        service,
        config.server,
        shutdown,
    )
    .await;
    Ok(())
}

/// Writes from a thread of its own: standard output may be a full pipe, and the server must serve
/// anyway.
fn say_ready(address: SocketAddr) {
    let line = format!("secondlook is ready at http://{address}\n");
    let said = thread::Builder::new().spawn(move || io::stdout().write_all(line.as_bytes()));
    drop(said);
}

/// Number of threads for connections and answers. On the processor they share the cores with the
/// engine's workers, and each further thread costs more than it brings: one thread answers
/// thousands of requests a second, one core makes hundreds of predictions.
fn threads(config: &EngineConfig) -> usize {
    match config.is_on_gpu() {
        true => available_cores(),
        false => available_cores().div_ceil(4),
    }
}

/// Completes on SIGTERM or SIGINT. The handlers are in place when this returns.
fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
