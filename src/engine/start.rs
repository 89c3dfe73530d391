//! Starting the workers: each opens its own sessions, tries them once, and only then takes jobs.

use std::{
    num::NonZero,
    sync::{Arc, mpsc},
    thread,
};

use tokio::sync::Semaphore;

use super::{
    Engine, Model, Runtime, SessionOptions, Shared, StartError,
    check::check,
    drain_rate::DrainRate,
    queue::Queue,
    sessions::Sessions,
    worker::{Workplace, work},
};
use crate::{
    bundle::Bundle,
    config::{EngineConfig, ExecutionProvider},
    imaging::Limits,
};

impl Engine {
    /// Loads the bundles on every worker and returns when all are ready to answer.
    ///
    /// # Errors
    /// The first thing that is wrong with a bundle, a provider or the machine.
    pub fn start(
        config: &EngineConfig,
        limits: Limits,
        runtime: Arc<Runtime>,
        bundles: Vec<Bundle>,
    ) -> Result<Self, StartError> {
        if bundles.is_empty() {
            return Err(StartError::NoBundle);
        }
        let threads = Threads::of(config);
        let place = Arc::new(Workplace {
            queue: Queue::new(config.queue_capacity),
            drain_rate: DrainRate::default(),
            workers: threads.workers,
            max_batch: largest_batch(config),
        });
        let bundles = Arc::new(bundles);
        let start = WorkerStart {
            config: config.clone(),
            threads,
            runtime,
            bundles: Arc::clone(&bundles),
        };
        start.spawn_all(&place)?;

        let provider = config
            .execution_providers
            .first()
            .map_or_else(|| "cpu".to_owned(), ToString::to_string);
        let models = bundles
            .iter()
            .map(|bundle| Arc::new(Model::new(bundle.clone(), provider.clone())))
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

/// Verifies a bundle in full, as the server does at its start: tensors and a trial run of every method.
///
/// # Errors
/// The first thing that is wrong, as one sentence.
pub fn check_bundle(
    config: &EngineConfig,
    runtime: &Runtime,
    bundle: &Bundle,
) -> Result<(), StartError> {
    open_and_check(config, Threads::of(config), runtime, bundle).map(|_| ())
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

struct WorkerStart {
    config: EngineConfig,
    threads: Threads,
    runtime: Arc<Runtime>,
    bundles: Arc<Vec<Bundle>>,
}

impl WorkerStart {
    fn spawn_all(self, place: &Arc<Workplace>) -> Result<(), StartError> {
        let start = Arc::new(self);
        let (ready, readiness) = mpsc::channel();
        for number in 0..place.workers {
            let (start, place, ready) = (Arc::clone(&start), Arc::clone(place), ready.clone());
            let run = move || match start.open_all() {
                Ok(mut models) => {
                    drop(start);
                    let told = ready.send(Ok(()));
                    drop(ready);
                    if told.is_ok() {
                        work(&place, &mut models);
                    }
                }
                // Nobody listens any more when another worker failed first.
                Err(error) => drop(ready.send(Err(error))),
            };
            thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(run)?;
        }
        drop(ready);
        for _ in 0..place.workers {
            let outcome = readiness.recv().unwrap_or(Err(StartError::WorkerGone));
            outcome.inspect_err(|_| place.queue.close())?;
        }
        Ok(())
    }

    fn open_all(&self) -> Result<Vec<Sessions>, StartError> {
        let open = |bundle| open_and_check(&self.config, self.threads, &self.runtime, bundle);
        self.bundles.iter().map(open).collect()
    }
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
    check(bundle.manifest(), &mut sessions)?;
    Ok(sessions)
}
