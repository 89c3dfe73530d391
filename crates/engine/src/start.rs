//! Starting the workers: each gets sessions of its own, tried once before it takes jobs.

use std::{num::NonZero, sync::Arc, thread};

use tokio::sync::Semaphore;

use super::{
    Engine, Model, Runtime, SessionOptions, Shared, StartError,
    backlog::Backlog,
    check::{check, check_on_all_cores, check_on_other_pictures, empty_tensor, warm_up},
    moving_mean::MovingMean,
    precision::choose,
    queue::Queue,
    sessions::{BundleGraphs, Sessions},
    worker::{Batches, Station, Workplace, work},
};
use crate::config::EngineConfig;
use bundle::{Bundle, Trunk};
use imaging::Limits;

/// Workers that share a GPU: some prepare their batches while those of others are running (`make bench-gpu`).
const WORKERS_ON_GPU: usize = 8;

/// Batches on a GPU unless the configuration says otherwise.
const BATCH_ON_GPU: usize = 8;

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
        let layout = Layout::of(config);
        let place = Arc::new(Workplace {
            queue: Queue::new(layout.workers),
            backlog: Backlog::new(config.queue_capacity, config.max_wait_seconds.duration()),
            limits,
            workers: layout.workers,
            batches: layout.batches,
        });
        let opening = Opening {
            config,
            layout,
            runtime,
        };
        let read = |bundle: &Bundle| opening.read(bundle);
        let graphs: Vec<BundleGraphs> = bundles.iter().map(read).collect::<Result<_, _>>()?;
        for number in 0..layout.workers {
            // Workers that stand ready already leave when the queue is closed.
            let started = opening.start_worker(number, &place, &bundles, &graphs);
            started.inspect_err(|_| place.queue.close())?;
        }

        let provider = config
            .execution_providers
            .first()
            .map_or_else(|| "cpu".to_owned(), ToString::to_string);
        let models: Vec<_> = bundles
            .into_iter()
            .map(|bundle| Arc::new(Model::new(bundle, provider.clone())))
            .collect();
        let shared = Shared {
            shares_of_views: models.iter().map(|_| MovingMean::default()).collect(),
            models,
            place,
            max_passes: config.max_passes,
            decoding: Arc::new(Semaphore::new(layout.cores)),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

/// Verifies a bundle in full, as the server does at its start: tensors, the answers of every method on several images, a
/// trial run of each size of batch, and the same answer on one core and on all of them; with each of its trunks.
///
/// # Errors
/// The first thing that is wrong, as one sentence.
pub fn check_bundle(
    config: &EngineConfig,
    runtime: &Runtime,
    bundle: &Bundle,
) -> Result<(), StartError> {
    let opening = Opening {
        config,
        layout: Layout::of(config),
        runtime,
    };
    let served = choose(config, bundle)?;
    let trunk = bundle.manifest().trunk.as_ref();
    let precisions = trunk.map(Trunk::precisions).unwrap_or_default();
    let others = precisions
        .into_iter()
        .filter(|precision| Some(*precision) != served.trunk_precision())
        .filter_map(|precision| bundle.clone().with_trunk_precision(precision));
    for bundle in std::iter::once(served.clone()).chain(others) {
        let graphs = opening.read(&bundle)?;
        opening.station(&bundle, &graphs, true)?;
    }
    Ok(())
}

/// Cores that this process may use.
pub fn available_cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// How many workers [`Engine::start`] starts.
pub fn workers(config: &EngineConfig) -> usize {
    Layout::of(config).workers
}

/// How the cores are shared out.
#[derive(Clone, Copy)]
struct Layout {
    cores: usize,
    workers: usize,
    /// Threads inside one session.
    intra: usize,
    batches: Batches,
    /// Whether one worker has sessions for all cores besides.
    on_all_cores: bool,
}

impl Layout {
    /// On the processor one worker per core with one thread each, and sessions on all cores for a lone request, unless
    /// the configuration says otherwise: `make bench` shows what other layouts cost.
    fn of(config: &EngineConfig) -> Self {
        let (cores, on_gpu) = (available_cores(), config.is_on_gpu());
        let or = |chosen: usize, usual: usize| if chosen == 0 { usual } else { chosen };
        let usual_workers = if on_gpu {
            cores.min(WORKERS_ON_GPU)
        } else {
            cores
        };
        let workers = or(config.workers, usual_workers);
        let intra = or(config.intra_threads, (cores / workers).max(1));
        let largest = or(config.max_batch, if on_gpu { BATCH_ON_GPU } else { 1 });
        Self {
            cores,
            workers,
            intra,
            batches: Batches {
                // The libraries of a GPU choose their kernels by the size of the batch, and the last bits with them; and
                // they choose anew, for up to half a second, whenever it changes.
                smallest: if on_gpu { largest } else { 1 },
                largest,
            },
            on_all_cores: !on_gpu && intra < cores && config.intra_threads == 0,
        }
    }
}

/// What sessions are opened with.
struct Opening<'start> {
    config: &'start EngineConfig,
    layout: Layout,
    runtime: &'start Runtime,
}

impl Opening<'_> {
    /// Starts a worker with sessions of its own on every bundle.
    ///
    /// The sessions of all workers are opened on this thread, one after the other: what one leaves behind while it is
    /// opened, the allocator gives to the next, instead of keeping it for each thread.
    fn start_worker(
        &self,
        number: usize,
        place: &Arc<Workplace>,
        bundles: &[Bundle],
        graphs: &[BundleGraphs],
    ) -> Result<(), StartError> {
        let station = |(bundle, graphs)| self.station(bundle, graphs, number == 0);
        let stations: Result<Vec<Station>, StartError> =
            bundles.iter().zip(graphs).map(station).collect();
        let mut stations = stations?;
        let place = Arc::clone(place);
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || work(&place, number, &mut stations))?;
        Ok(())
    }

    fn station(
        &self,
        bundle: &Bundle,
        graphs: &BundleGraphs,
        is_first: bool,
    ) -> Result<Station, StartError> {
        let mut sessions = self.open_and_check(bundle, graphs)?;
        if is_first && self.layout.on_all_cores {
            let options = SessionOptions {
                spinning: true,
                ..self.options(self.layout.cores)
            };
            sessions.open_on_all_cores(self.runtime, graphs, &options)?;
            check_on_all_cores(bundle, &mut sessions)?;
        }
        if is_first {
            check_on_other_pictures(bundle, &mut sessions)?;
        }
        warm_up(bundle, &mut sessions, self.layout.batches)?;
        let images = empty_tensor(bundle, self.layout.batches.largest)?;
        Ok(Station { sessions, images })
    }

    fn read(&self, bundle: &Bundle) -> Result<BundleGraphs, StartError> {
        let options = self.options(self.layout.intra);
        Ok(BundleGraphs::read(self.runtime, bundle, &options)?)
    }

    fn open_and_check(
        &self,
        bundle: &Bundle,
        graphs: &BundleGraphs,
    ) -> Result<Sessions, StartError> {
        let options = self.options(self.layout.intra);
        let mut sessions = Sessions::open(self.runtime, graphs, &options)?;
        check(bundle, &mut sessions)?;
        Ok(sessions)
    }

    fn options(&self, threads: usize) -> SessionOptions<'_> {
        SessionOptions {
            providers: &self.config.execution_providers,
            intra_threads: threads,
            spinning: false,
            keep_dropout: false,
        }
    }
}
