//! The server on a GPU: against a bare loop, against itself on the processor, and with several
//! numbers of workers and batch sizes. Also whether its answers are the same alone, beside others,
//! and on the processor.

use bundle::Method;
use serde_json::Value;

use crate::{
    BenchResult,
    bare::gpu::GpuLoop,
    client::{answers, predictions},
    closed_loop::measure as load,
    figures::{
        PartFigures,
        RequiredValue::{AtLeast, AtMost},
    },
    server::RunningServer,
    setting::Setting,
};

const CLIENTS: [usize; 3] = [1, 32, 256];
/// Workers and largest batch; the first is the server's default.
const LAYOUTS: [(usize, usize); 6] = [(8, 8), (1, 8), (4, 8), (16, 8), (8, 1), (8, 16)];
/// How often each image is sent at once. With fifty views each, more would be refused.
const CROWD: usize = 3;
/// Largest difference of a probability from that of the processor, in millionths.
const CLOSE: f64 = 100.0;

/// The execution providers of a server on the GPU.
fn provider(setting: &Setting) -> BenchResult<String> {
    let gpu = setting.options.gpu.ok_or("name a GPU: --gpu 0")?;
    Ok(format!("[\"cuda:{gpu}\"]"))
}

/// The same images, alone and beside others, on the GPU and on the processor.
pub(crate) fn compared(setting: &Setting) -> BenchResult<PartFigures> {
    let mut figures =
        PartFigures::new("Answers from the GPU: alone, beside others, and compared with the cores");
    let on_cores = RunningServer::start()?;
    let served = RunningServer::start_with(&provider(setting)?, (0, 0))?;
    for method in setting.bundle.manifest().offered_methods() {
        compare(&mut figures, setting, method, [&served, &on_cores])?;
    }
    Ok(figures)
}

/// Every method on the GPU and on the processor. `tta` runs all views.
pub(crate) fn methods(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let mut figures =
        PartFigures::new("The running server on the GPU, against itself on all cores");
    let on_cores = RunningServer::start()?;
    let served = RunningServer::start_with(&provider(setting)?, (0, 0))?;
    for _ in 0..options.rounds {
        for method in setting.bundle.manifest().offered_methods() {
            let query = format!("method={method}&exact=true&priority=bulk");
            let requests = predictions(&query, "", &setting.images);
            for clients in CLIENTS {
                let subject = format!("{method}, {clients} clients");
                let mut there = load(&served, &requests, clients, options.seconds)?;
                let here = load(&on_cores, &requests, clients, options.seconds)?;
                let mut noted = figures.of(&subject);
                noted.note("images/s", there.load.rate());
                noted.note("CPU ms/image", there.cpu_ms);
                noted.note("p50 ms", there.load.latency_ms(0.5));
                noted.note("p99 ms", there.load.latency_ms(0.99));
                noted.note("refused", there.load.refused_share());
                noted.note("failed", there.load.failed as f64);
                let faster = there.load.rate() / here.load.rate();
                noted.note("throughput: GPU / cores", faster);
            }
        }
    }
    Ok(figures)
}

/// Many clients in several layouts, and a loop over as many sessions and the same batches.
pub(crate) fn layouts(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let provider = provider(setting)?;
    let clients = CLIENTS.into_iter().max().unwrap_or(1);
    let mut figures =
        PartFigures::new(format!("Workers and batches on the GPU, {clients} clients"));
    for (workers, batch) in LAYOUTS {
        let subject = format!("{workers} workers, batches of {batch}");
        let mut bare = GpuLoop::open(setting, workers, batch)?;
        let server = RunningServer::start_with(&provider, (workers, batch))?;
        let reach = |method: Method| -> BenchResult<f64> {
            let requests = predictions(&format!("method={method}"), "", &setting.images);
            let measured = load(&server, &requests, clients, options.seconds)?;
            Ok(measured.load.rate())
        };
        for _ in 0..options.rounds {
            let looped = bare.rate(options.seconds)?;
            let baseline = reach(Method::Baseline)?;
            let mc_dropout = reach(Method::McDropout)?;
            let mut noted = figures.of(&subject);
            noted.note("baseline, images/s", baseline);
            noted.note("throughput: server / loop", baseline / looped);
            noted.note("mc_dropout, images/s", mc_dropout);
            noted.note("loop, inputs ready, images/s", looped);
        }
    }
    Ok(figures)
}

fn compare(
    figures: &mut PartFigures,
    setting: &Setting,
    method: Method,
    [served, on_cores]: [&RunningServer; 2],
) -> BenchResult {
    let query = format!("method={method}&exact=true&priority=bulk&seed=1");
    let requests = predictions(&query, "", &setting.images);
    let alone = answers(served.address, &requests, 1)?;
    let crowd = [requests.as_slice(); CROWD].concat();
    let crowd = answers(served.address, &crowd, crowd.len())?;
    let cores = answers(on_cores.address, &requests, 1)?;
    let share = |alike: usize, all: usize| alike as f64 / all as f64;
    let in_crowd = crowd.iter().zip(alone.iter().cycle());
    let equal = in_crowd.filter(|(answer, alone)| {
        let parts = ["prediction", "probabilities", "uncertainty"];
        parts.iter().all(|part| answer[part] == alone[part])
    });
    let equal = share(equal.count(), crowd.len());
    let pairs = || alone.iter().zip(&cores);
    let decisions = pairs().filter(|(there, here)| there["decision"] == here["decision"]);
    let decisions = share(decisions.count(), alone.len());
    let mut apart: f64 = 0.0;
    for (there, here) in pairs() {
        let (there, here) = (probabilities(there), probabilities(here));
        if there.is_empty() || there.len() != here.len() {
            return Err("an answer has no probabilities".into());
        }
        let differences = there
            .iter()
            .zip(&here)
            .map(|(one, other)| (one - other).abs());
        apart = apart.max(differences.fold(0.0, f64::max));
    }
    let subject = method.to_string();
    let mut noted = figures.of(&subject);
    noted.note_asked("equal alone and beside others", AtLeast(1.0), equal);
    noted.note_asked("decisions as on the cores", AtLeast(1.0), decisions);
    let what = "largest difference of a probability, millionths";
    noted.note_asked(what, AtMost(CLOSE), 1e6 * apart);
    Ok(())
}

fn probabilities(answer: &Value) -> Vec<f64> {
    let classes = answer["probabilities"].as_array().into_iter().flatten();
    let probabilities = classes.filter_map(|class| class["probability"].as_f64());
    probabilities.collect()
}
