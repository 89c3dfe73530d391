//! A single upload beside a large job.

use bytes::Bytes;

use crate::{
    BenchResult,
    client::{drive, predictions},
    closed_loop::{LoadSeen, closed_loop},
    figures::{PartFigures, RequiredValue::AtMost},
    server::RunningServer,
    setting::Setting,
};

/// Clients of the large job, each with fifty views of an image in progress.
const LARGE: usize = 64;
/// Its requests: bulk work, all views.
pub(crate) const LARGE_QUERY: &str = "method=tta&exact=true&priority=bulk";
const SECONDS: f64 = 4.0;

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let mut figures = PartFigures::new(format!(
        "A single upload (baseline) beside {LARGE} clients of tta"
    ));
    let mut bare = setting.bare_loop()?;
    let server = RunningServer::start()?;
    let single = predictions("method=baseline", "", &setting.images);
    let large = predictions(LARGE_QUERY, "", &setting.images);
    for _ in 0..options.rounds {
        let batch_ms = bare.pass_ms(options.seconds / 2.0)?;
        let mut idle = drive(closed_loop(server.address, &single, 1, SECONDS))?;
        let (mut beside, job) = drive(together(&server, &single, &large))?;
        let mut noted = figures.of("idle");
        noted.note("p50 ms", idle.latency_ms(0.5));
        noted.note("p99 ms", idle.latency_ms(0.99));
        noted.note("one batch ms", batch_ms);
        let mut noted = figures.of("beside the job");
        noted.note("p50 ms", beside.latency_ms(0.5));
        noted.note("p99 ms", beside.latency_ms(0.99));
        noted.note("refused", beside.refused as f64);
        noted.note("the job's images/s", job.rate());
        let ratio = (beside.latency_ms(0.99) - batch_ms) / idle.latency_ms(0.99);
        noted.note_asked("(p99 - one batch) / p99 idle", AtMost(2.0), ratio);
    }
    Ok(figures)
}

async fn together(
    server: &RunningServer,
    single: &[Bytes],
    large: &[Bytes],
) -> (LoadSeen, LoadSeen) {
    tokio::join!(
        closed_loop(server.address, single, 1, SECONDS),
        closed_loop(server.address, large, LARGE, SECONDS)
    )
}
