//! How soon the machine is free when many clients disconnect in the middle of their work.

use std::{
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::fairness::LARGE_QUERY;
use crate::{
    BenchResult,
    client::{KeptConnection, drive, predictions},
    closed_loop::closed_loop,
    figures::{PartFigures, RequiredValue::AtMost},
    machine::cores,
    process::cpu_seconds_of_threads,
    server::RunningServer,
    setting::Setting,
};

/// Clients that disconnect, each with fifty views in progress.
const LEAVING: usize = 16;
/// How long they wait before they disconnect.
const UNTIL_BUSY: Duration = Duration::from_millis(400);
/// Longer than any work that may still run for them.
const AFTERWARDS: Duration = Duration::from_millis(1500);

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let mut figures = PartFigures::new(format!(
        "{LEAVING} clients of tta disconnect in the middle of their work"
    ));
    let mut bare = setting.bare_loop()?;
    let server = RunningServer::start()?;
    let lone = predictions("method=baseline", "", &setting.images[..1]);
    let large = predictions(LARGE_QUERY, "", &setting.images);
    for _ in 0..options.rounds_of_one_request() {
        let pass_ms = bare.pass_ms(options.seconds / 2.0)?;
        let mut idle = drive(closed_loop(server.address, &lone, 1, options.seconds))?;
        let idle_ms = idle.latency_ms(0.5);
        let first_ms = drive(leave_and_ask(&server, &large, &lone.concat()))??;
        thread::sleep(AFTERWARDS);
        let wasted_ms = drive(leave_and_watch(&server, &large))??;
        let mut noted = figures.of("after they left");
        noted.note("one trunk pass ms", pass_ms);
        noted.note("lone request ms, idle", idle_ms);
        noted.note("lone request ms", first_ms);
        let delay = (first_ms - idle_ms) / pass_ms;
        noted.note_asked("its delay in trunk passes", AtMost(1.0), delay);
        noted.note("CPU ms after they left", wasted_ms);
        let wasted_passes = wasted_ms / pass_ms / cores() as f64;
        noted.note("the same in trunk passes per core", wasted_passes);
    }
    Ok(figures)
}

/// Starts the load and returns the connections once the server works on it.
async fn busy(server: &RunningServer, requests: &[Bytes]) -> BenchResult<Vec<KeptConnection>> {
    let mut clients = Vec::new();
    for request in requests.iter().cycle().take(LEAVING) {
        let mut client = KeptConnection::connect(server.address).await?;
        client.send(request).await?;
        clients.push(client);
    }
    tokio::time::sleep(UNTIL_BUSY).await;
    Ok(clients)
}

/// Milliseconds of a lone request that follows immediately.
async fn leave_and_ask(server: &RunningServer, large: &[Bytes], lone: &[u8]) -> BenchResult<f64> {
    let mut client = KeptConnection::connect(server.address).await?;
    drop(busy(server, large).await?);
    let left = Instant::now();
    let reply = client.ask(lone).await?;
    if reply.status != 200 {
        return Err(format!("the lone request was answered {}", reply.status).into());
    }
    Ok(1e3 * left.elapsed().as_secs_f64())
}

/// CPU milliseconds that the server uses when no client is left.
async fn leave_and_watch(server: &RunningServer, large: &[Bytes]) -> BenchResult<f64> {
    drop(busy(server, large).await?);
    let before = cpu_seconds_of_threads(server.id())?;
    tokio::time::sleep(AFTERWARDS).await;
    Ok(1e3 * (cpu_seconds_of_threads(server.id())? - before))
}
