//! Starting the workers: each gets sessions of its own, tried once before it takes jobs.

use std::{num::NonZero, sync::Arc, thread};

use tokio::sync::Semaphore;

use super::{
    Engine, Model, Runtime, SessionOptions, Shared, StartError,
    check::check,
    drain_rate::DrainRate,
    precision::choose,
    queue::Queue,
    sessions::Sessions,
    worker::{Workplace, work},
};
use crate::{
    bundle::{Bundle, Trunk},
    config::{EngineConfig, ExecutionProvider},
    imaging::Limits,
};

impl Engine {
    /// Loads the bundles for every worker and returns when all are ready to answer.
    ///
    /// # Errors
    /// The first thing that is wrong with a bundle, a provider or the machine.
    pub fn start(
        config: &EngineConfig,
        limits: Limits,
        runtime: &Runtime,
        bundles: Vec<Bundle>,
    ) -> Result<Self, StartError> {
        if bundles.is_empty() {
            return Err(StartError::NoBundle);
        }
        let chosen = bundles.iter().map(|bundle| choose(config, bundle));
        let bundles: Vec<Bundle> = chosen.collect::<Result<_, _>>()?;
        let threads = Threads::of(config);
        let place = Arc::new(Workplace {
            queue: Queue::new(config.queue_capacity),
            drain_rate: DrainRate::default(),
            workers: threads.workers,
            max_batch: largest_batch(config),
        });
        let open = |bundle: &Bundle| open_and_check(config, threads, runtime, bundle);
        for number in 0..threads.workers {
            // Workers that stand ready already leave when the queue is closed.
            start_worker(number, &place, open, &bundles).inspect_err(|_| place.queue.close())?;
        }

        let provider = config
            .execution_providers
            .first()
            .map_or_else(|| "cpu".to_owned(), ToString::to_string);
        let models = bundles
            .into_iter()
            .map(|bundle| Arc::new(Model::new(bundle, provider.clone())))
            .collect();
        let shared = Shared {
            models,
            place,
            limits,
            max_passes: config.max_passes,
            decoding: Semaphore::new(threads.cores),
            // One chunk in the runtime and one ready for each worker.
            viewing: Semaphore::new(2 * threads.workers),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

/// Verifies a bundle in full, as the server does at its start: tensors and a trial run of every method, with each of its
/// trunks.
///
/// # Errors
/// The first thing that is wrong, as one sentence.
pub fn check_bundle(
    config: &EngineConfig,
    runtime: &Runtime,
    bundle: &Bundle,
) -> Result<(), StartError> {
    let threads = Threads::of(config);
    let served = choose(config, bundle)?;
    let trunk = bundle.manifest().trunk.as_ref();
    let precisions = trunk.map(Trunk::precisions).unwrap_or_default();
    let others = precisions
        .into_iter()
        .filter(|precision| Some(*precision) != served.trunk_precision())
        .filter_map(|precision| bundle.clone().with_trunk_precision(precision));
    for bundle in std::iter::once(served.clone()).chain(others) {
        open_and_check(config, threads, runtime, &bundle)?;
    }
    Ok(())
}

/// How the cores are shared out.
#[derive(Clone, Copy)]
struct Threads {
    cores: usize,
    workers: usize,
    intra: usize,
}

impl Threads {
    /// One worker per core with one thread each, unless the configuration says otherwise.
    fn of(config: &EngineConfig) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let workers = if config.workers == 0 {
            cores
        } else {
            config.workers
        };
        let intra = if config.intra_threads == 0 {
            (cores / workers).max(1)
        } else {
            config.intra_threads
        };
        Self {
            cores,
            workers,
            intra,
        }
    }
}

fn largest_batch(config: &EngineConfig) -> usize {
    let on_gpu = matches!(
        config.execution_providers.first(),
        Some(ExecutionProvider::Cuda(_))
    );
    match config.max_batch {
        0 if on_gpu => 8,
        0 => 1,
        chosen => chosen,
    }
}

/// Starts a worker with sessions of its own on every bundle.
///
/// The sessions of all workers are opened on this thread, one after the other: what one leaves behind while it is
/// opened, the allocator gives to the next, instead of keeping it for each thread.
fn start_worker(
    number: usize,
    place: &Arc<Workplace>,
    open: impl Fn(&Bundle) -> Result<Sessions, StartError>,
    bundles: &[Bundle],
) -> Result<(), StartError> {
    let mut models: Vec<Sessions> = bundles.iter().map(open).collect::<Result<_, _>>()?;
    let place = Arc::clone(place);
    thread::Builder::new()
        .name(format!("worker-{number}"))
        .spawn(move || work(&place, &mut models))?;
    Ok(())
}

fn open_and_check(
    config: &EngineConfig,
    threads: Threads,
    runtime: &Runtime,
    bundle: &Bundle,
) -> Result<Sessions, StartError> {
    let options = SessionOptions {
        providers: &config.execution_providers,
        intra_threads: threads.intra,
        keep_dropout: false,
    };
    let mut sessions = Sessions::open(runtime, bundle, &options)?;
    check(bundle, &mut sessions)?;
    Ok(sessions)
}
