//! Opens and checks a bundle's sessions, and divides the cores among them.

use std::{num::NonZero, thread};

use super::{
    bundle_sessions::{BatchSizes, BundleSessions},
    check::{check, check_on_all_cores, check_on_other_images, empty_tensor, warm_up},
    graphs::BundleGraphs,
    precision::choose,
    runtime::{Runtime, SessionOptions},
};
use crate::{StartError, config::EngineConfig};
use bundle::{Bundle, Trunk};
use imaging::InputTensor;

/// Number of workers on a GPU: some prepare batches while those of others run (`make bench-gpu`).
const WORKERS_ON_GPU: usize = 8;

/// Default size of batches on a GPU.
const BATCH_ON_GPU: usize = 8;

/// Verifies a bundle in full, as the server does at start, with each of its trunks: tensors, the
/// outputs of every method for several images, a trial run of each batch size, and identical
/// results on one core and on all.
///
/// # Errors
/// [`StartError`] for the first problem found.
pub fn check_bundle(
    config: &EngineConfig,
    runtime: &Runtime,
    bundle: &Bundle,
) -> Result<(), StartError> {
    let opener = SessionOpener::new(config, runtime);
    let served = choose(config, bundle)?;
    let trunk = bundle.manifest().trunk.as_ref();
    let precisions = trunk.map(Trunk::precisions).unwrap_or_default();
    let others = precisions
        .into_iter()
        .filter(|precision| Some(*precision) != served.trunk_precision())
        .filter_map(|precision| bundle.clone().with_trunk_precision(precision));
    for bundle in std::iter::once(served.clone()).chain(others) {
        let graphs = opener.read(&bundle)?;
        opener.open(&bundle, &graphs, true)?;
    }
    Ok(())
}

/// Number of cores that this process may use.
pub fn available_cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Number of workers that [`crate::Engine::start`] starts.
pub fn workers(config: &EngineConfig) -> usize {
    WorkerLayout::of(config).workers
}

/// The division of the cores.
#[derive(Clone, Copy)]
pub(crate) struct WorkerLayout {
    pub(crate) cores: usize,
    pub(crate) workers: usize,
    /// Threads inside one session.
    intra: usize,
    pub(crate) batches: BatchSizes,
    /// Whether one worker has additional sessions on all cores.
    on_all_cores: bool,
}

impl WorkerLayout {
    /// By default, on the processor: one worker per core with one thread each, and additional
    /// sessions on all cores for a lone request. `make bench` measures other layouts.
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
            batches: BatchSizes {
                // The libraries of a GPU choose kernels by batch size, which changes the last bits
                // of results. Each change of size also costs up to half a second.
                smallest: if on_gpu { largest } else { 1 },
                largest,
            },
            on_all_cores: !on_gpu && intra < cores && config.intra_threads == 0,
        }
    }
}

/// The checked sessions of a bundle, and the tensor that is reused for its batches.
pub(crate) struct ReadyBundle {
    pub(crate) sessions: BundleSessions,
    pub(crate) images: InputTensor,
}

/// Opens sessions by the configuration.
pub(crate) struct SessionOpener<'start> {
    config: &'start EngineConfig,
    pub(crate) layout: WorkerLayout,
    runtime: &'start Runtime,
}

impl<'start> SessionOpener<'start> {
    pub(crate) fn new(config: &'start EngineConfig, runtime: &'start Runtime) -> Self {
        Self {
            config,
            layout: WorkerLayout::of(config),
            runtime,
        }
    }

    /// Opens and checks the sessions of one worker. The first worker gets additional sessions on
    /// all cores.
    pub(crate) fn open(
        &self,
        bundle: &Bundle,
        graphs: &BundleGraphs,
        is_first: bool,
    ) -> Result<ReadyBundle, StartError> {
        let options = self.options(self.layout.intra);
        let mut sessions = BundleSessions::open(self.runtime, graphs, &options)?;
        check(bundle, &mut sessions)?;
        if is_first && self.layout.on_all_cores {
            let options = SessionOptions {
                spinning: true,
                ..self.options(self.layout.cores)
            };
            sessions.open_on_all_cores(self.runtime, graphs, &options)?;
            check_on_all_cores(bundle, &mut sessions)?;
        }
        if is_first {
            check_on_other_images(bundle, &mut sessions)?;
        }
        warm_up(bundle, &mut sessions, self.layout.batches)?;
        let images = empty_tensor(bundle, self.layout.batches.largest)?;
        Ok(ReadyBundle { sessions, images })
    }

    /// Reads the graphs, once for all workers.
    pub(crate) fn read(&self, bundle: &Bundle) -> Result<BundleGraphs, StartError> {
        let options = self.options(self.layout.intra);
        Ok(BundleGraphs::read(self.runtime, bundle, &options)?)
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
