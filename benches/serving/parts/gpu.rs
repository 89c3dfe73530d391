//! The server on a GPU: against a bare loop there, against itself on this machine's cores, and in layouts of workers and
//! batches. And whether it answers alike: alone and in a crowd, there and here.

use std::net::SocketAddr;

use bundle::Method;
use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    BenchResult,
    bare::gpu::GpuLoop,
    client::{KeptConnection, drive, predictions},
    closed_loop::measure as load,
    figures::{
        PartFigures,
        RequiredValue::{AtLeast, AtMost},
    },
    server::RunningServer,
    setting::Setting,
};

const CLIENTS: [usize; 3] = [1, 32, 256];
/// Workers and largest batch: the first is what the server takes unless its configuration says otherwise.
const LAYOUTS: [(usize, usize); 6] = [(8, 8), (1, 8), (4, 8), (16, 8), (8, 1), (8, 16)];
/// How often each image is sent at once; more would be refused where each has fifty views.
const CROWD: usize = 3;
/// How far a probability may lie from what the cores say, in millionths.
const CLOSE: f64 = 100.0;

/// How the server is told to run there.
fn provider(setting: &Setting) -> BenchResult<String> {
    let gpu = setting.options.gpu.ok_or("name a GPU: --gpu 0")?;
    Ok(format!("[\"cuda:{gpu}\"]"))
}

/// The same images, alone and in a crowd, on the GPU and on the cores.
pub(crate) fn answers(setting: &Setting) -> BenchResult<PartFigures> {
    let mut figures =
        PartFigures::new("Answers from the GPU: alone, in a crowd, and from the cores");
    let on_cores = RunningServer::start()?;
    let served = RunningServer::start_with(&provider(setting)?, (0, 0))?;
    for method in setting.bundle.manifest().offered_methods() {
        compare(&mut figures, setting, method, [&served, &on_cores])?;
    }
    Ok(figures)
}

/// Every method on the GPU and on the cores; with augmentation, all views.
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
                figures.note(&subject, "images/s", there.load.rate());
                figures.note(&subject, "CPU ms/image", there.cpu_ms);
                figures.note(&subject, "p50 ms", there.load.latency_ms(0.5));
                figures.note(&subject, "p99 ms", there.load.latency_ms(0.99));
                figures.note(&subject, "refused", there.load.refused_share());
                figures.note(&subject, "failed", there.load.failed as f64);
                let faster = there.load.rate() / here.load.rate();
                figures.note(&subject, "throughput: GPU / cores", faster);
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
            Ok(load(&server, &requests, clients, options.seconds)?
                .load
                .rate())
        };
        for _ in 0..options.rounds {
            let looped = bare.rate(options.seconds)?;
            let baseline = reach(Method::Baseline)?;
            let mc_dropout = reach(Method::McDropout)?;
            figures.note(&subject, "baseline, images/s", baseline);
            figures.note(&subject, "throughput: server / loop", baseline / looped);
            figures.note(&subject, "mc_dropout, images/s", mc_dropout);
            figures.note(&subject, "loop, inputs ready, images/s", looped);
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
    let alone = drive(ask(served.address, &requests, 1))??;
    let crowd = drive(ask(served.address, &requests, CROWD))??;
    let cores = drive(ask(on_cores.address, &requests, 1))??;
    let same = |(index, answer): (usize, &Value)| {
        let alone = &alone[index % alone.len()];
        let parts = ["prediction", "probabilities", "uncertainty"];
        parts.iter().all(|part| answer[part] == alone[part])
    };
    let share = |count: usize, all: usize| count as f64 / all as f64;
    let equal = crowd
        .iter()
        .enumerate()
        .filter(|answer| same(*answer))
        .count();
    let pairs = || alone.iter().zip(&cores);
    let decisions = pairs()
        .filter(|(there, here)| there["decision"] == here["decision"])
        .count();
    let mut apart: f64 = 0.0;
    for (there, here) in pairs() {
        let (there, here) = (probabilities(there), probabilities(here));
        if there.is_empty() || there.len() != here.len() {
            return Err("an answer has no probabilities".into());
        }
        let differences = there
            .iter()
            .zip(&here)
            .map(|(there, here)| (there - here).abs());
        apart = apart.max(differences.fold(0.0, f64::max));
    }
    let subject = method.to_string();
    figures.note_asked(
        &subject,
        "equal alone and in a crowd",
        AtLeast(1.0),
        share(equal, crowd.len()),
    );
    figures.note_asked(
        &subject,
        "decisions as on the cores",
        AtLeast(1.0),
        share(decisions, alone.len()),
    );
    figures.note_asked(
        &subject,
        "probabilities apart at most, millionths",
        AtMost(CLOSE),
        1e6 * apart,
    );
    Ok(())
}

fn probabilities(answer: &Value) -> Vec<f64> {
    let classes = answer["probabilities"].as_array();
    let classes = classes.map(Vec::as_slice).unwrap_or_default();
    classes
        .iter()
        .filter_map(|class| class["probability"].as_f64())
        .collect()
}

/// The answers to all requests, in order and again and again, all asked at once when `times` is more than 1.
async fn ask(address: SocketAddr, requests: &[Bytes], times: usize) -> BenchResult<Vec<Value>> {
    let mut asked = JoinSet::new();
    let mut answers = vec![Value::Null; requests.len() * times];
    for index in 0..answers.len() {
        let request = requests[index % requests.len()].clone();
        asked.spawn_local(async move { (index, answer(address, &request).await) });
        if times == 1 {
            collect(&mut asked, &mut answers).await?;
        }
    }
    while !asked.is_empty() {
        collect(&mut asked, &mut answers).await?;
    }
    Ok(answers)
}

async fn collect(
    asked: &mut JoinSet<(usize, Result<Value, String>)>,
    answers: &mut [Value],
) -> BenchResult {
    if let Some(answered) = asked.join_next().await {
        let (index, answer) = answered?;
        answers[index] = answer?;
    }
    Ok(())
}

async fn answer(address: SocketAddr, request: &[u8]) -> Result<Value, String> {
    let mut client = KeptConnection::connect(address)
        .await
        .map_err(|error| error.to_string())?;
    let reply = client
        .ask(request)
        .await
        .map_err(|error| error.to_string())?;
    match reply.status {
        200 => serde_json::from_slice(client.body(&reply)).map_err(|error| error.to_string()),
        status => Err(format!("an answer had status {status}")),
    }
}
