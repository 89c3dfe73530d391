//! The engine's public interface.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::Semaphore;

use crate::{
    DecodedField, EngineConfig, EngineError, LoadedModel, Prediction, RequestOptions, RequestPlan,
    Runtime, StartError, Subject,
    admission::{Backlog, MovingMean, RequestLoad},
    queue::Queue,
    request::{RequestRun, on_a_core},
    session::{BundleGraphs, SessionOpener, choose},
    worker::{Shared, start_worker},
};
use bundle::Bundle;
use imaging::Limits;

/// Longest pause before a waiting request tries again. The estimated wait can be too long if others
/// give up.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Loaded bundles and their workers. Clones share everything. The workers stop when the last clone
/// is dropped or after [`Engine::begin_drain`], once the queue is empty.
#[derive(Clone)]
pub struct Engine {
    state: Arc<EngineState>,
}

struct EngineState {
    models: Vec<Arc<LoadedModel>>,
    /// For each bundle, the mean share of views that test-time augmentation runs before it stops.
    shares_of_views: Vec<MovingMean>,
    shared: Arc<Shared>,
    max_passes: usize,
    /// One permit per image that is decoded outside the workers.
    decoding: Arc<Semaphore>,
}

impl Engine {
    /// Loads the bundles for every worker. Returns when all workers are ready.
    ///
    /// # Errors
    /// [`StartError`] for the first problem with a bundle, a provider or the machine.
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
        let opener = SessionOpener::new(config, runtime);
        let layout = opener.layout;
        let shared = Arc::new(Shared {
            queue: Queue::new(layout.workers),
            backlog: Backlog::new(config.queue_capacity, config.max_wait_seconds.duration()),
            limits,
            workers: layout.workers,
            batches: layout.batches,
        });
        // Workers that are already started stop when the queue is closed.
        start_workers(&opener, &shared, &bundles).inspect_err(|_| shared.queue.close())?;
        let provider = config
            .execution_providers
            .first()
            .map_or_else(|| "cpu".to_owned(), ToString::to_string);
        let models: Vec<_> = bundles
            .into_iter()
            .map(|bundle| Arc::new(LoadedModel::new(bundle, provider.clone())))
            .collect();
        let state = EngineState {
            shares_of_views: models.iter().map(|_| MovingMean::default()).collect(),
            models,
            shared,
            max_passes: config.max_passes,
            decoding: Arc::new(Semaphore::new(layout.cores)),
        };
        Ok(Self {
            state: Arc::new(state),
        })
    }

    /// The loaded bundles; the first is the default.
    pub fn models(&self) -> &[Arc<LoadedModel>] {
        &self.state.models
    }

    /// The bundle with this name; the default for `None`.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] if no bundle has this name.
    pub fn model(&self, name: Option<&str>) -> Result<&Arc<LoadedModel>, EngineError> {
        self.find(name).map(|(_, model)| model)
    }

    fn find(&self, name: Option<&str>) -> Result<(usize, &Arc<LoadedModel>), EngineError> {
        let models = &self.state.models;
        let mut numbered = models.iter().enumerate();
        let found = numbered.find(|(_, model)| name.is_none_or(|name| model.name() == name));
        found.ok_or_else(|| {
            let known: Vec<_> = models.iter().map(|model| model.name()).collect();
            EngineError::UnknownModel {
                name: name.unwrap_or_default().to_owned(),
                known: known.join(", "),
            }
        })
    }

    /// Plans what to run for a request's options.
    ///
    /// # Errors
    /// [`EngineError`] if no bundle has the name, or if it does not offer the method, passes or
    /// policy.
    pub fn plan(&self, options: RequestOptions) -> Result<RequestPlan, EngineError> {
        let found = self.find(options.model.as_deref())?;
        RequestPlan::new(options, found, self.state.max_passes)
    }

    /// Whether a subject would be admitted now.
    ///
    /// # Errors
    /// [`EngineError`] if the queue is full, the deadline is too short, or the engine shuts down.
    pub fn check(&self, plan: &RequestPlan) -> Result<(), EngineError> {
        self.open_for_work()?.backlog.check(self.load(plan))
    }

    /// Answers for one subject. Dropping the future cancels its work, both waiting and running.
    ///
    /// # Errors
    /// Every variant of [`EngineError`] except those of [`Self::plan`].
    pub async fn predict(
        &self,
        plan: &RequestPlan,
        subject: Subject,
    ) -> Result<Prediction, EngineError> {
        subject.check(plan)?;
        let shared = self.open_for_work()?;
        let _admission = shared.backlog.admit(self.load(plan))?;
        let (image, seed) = subject.identity_and_seed(plan.options().seed);
        let run = RequestRun {
            shared,
            decoding: &self.state.decoding,
            share_of_views: self.state.shares_of_views.get(plan.index),
            plan,
            image,
            seed,
        };
        run.answer(subject).await
    }

    /// Answers for a subject of a request that is already admitted: waits while the queue is full.
    ///
    /// # Errors
    /// As [`Self::predict`], except [`EngineError::QueueFull`].
    pub async fn predict_patiently(
        &self,
        plan: &RequestPlan,
        subject: Subject,
    ) -> Result<Prediction, EngineError> {
        loop {
            match self.predict(plan, subject.clone()).await {
                Err(EngineError::QueueFull { retry_after }) => {
                    tokio::time::sleep(retry_after.min(LONGEST_PAUSE)).await;
                }
                answered => return answered,
            }
        }
    }

    /// Answers for all subjects, as (index, answer) in the order in which they finish. As many are
    /// in progress as keep every worker busy. Dropping the stream cancels the rest.
    pub fn predict_all(
        &self,
        plan: &RequestPlan,
        subjects: impl IntoIterator<Item = Subject>,
    ) -> impl Stream<Item = (usize, Result<Prediction, EngineError>)> {
        let shared = &self.state.shared;
        // One running and one ready for each place in a batch.
        let in_flight = 2 * shared.workers * shared.batches.largest;
        let answer = async move |(index, subject)| {
            let answered = self.predict_patiently(plan, subject).await;
            (index, answered)
        };
        let numbered = subjects.into_iter().enumerate();
        stream::iter(numbered)
            .map(answer)
            .buffer_unordered(in_flight)
    }

    /// Decodes a field image.
    ///
    /// # Errors
    /// [`EngineError::Image`] if it cannot be decoded.
    pub async fn decode_field(&self, upload: Bytes) -> Result<Arc<DecodedField>, EngineError> {
        let limits = self.state.shared.limits;
        let work = move || DecodedField::of(&upload, &limits).map(Arc::new);
        on_a_core(&self.state.decoding, work).await
    }

    fn load(&self, plan: &RequestPlan) -> RequestLoad {
        let share_of_views = self.state.shares_of_views.get(plan.index);
        // All views, before the first measurement.
        plan.load(share_of_views.and_then(MovingMean::get).unwrap_or(1.0))
    }

    fn open_for_work(&self) -> Result<&Shared, EngineError> {
        let shared = &self.state.shared;
        if shared.queue.is_closed() {
            return Err(EngineError::Draining);
        }
        Ok(shared)
    }

    /// Waiting work, in images × trunk passes.
    pub fn queue_depth(&self) -> usize {
        self.state.shared.queue.waiting_cost()
    }

    /// `Retry-After` for a client that is refused now, estimated from the speed of the queue: 1 to
    /// 60 s.
    pub fn retry_after(&self) -> Duration {
        self.state.shared.backlog.retry_after()
    }

    /// Refuses new work. Waiting requests are still answered.
    pub fn begin_drain(&self) {
        self.state.shared.queue.close();
    }
}

impl Drop for EngineState {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

/// Opens the sessions of all workers on this thread, one after the other. The allocator then reuses
/// temporary memory, instead of keeping some for each thread.
fn start_workers(
    opener: &SessionOpener<'_>,
    shared: &Arc<Shared>,
    bundles: &[Bundle],
) -> Result<(), StartError> {
    let graphs = bundles.iter().map(|bundle| opener.read(bundle));
    let graphs: Vec<BundleGraphs> = graphs.collect::<Result<_, _>>()?;
    for number in 0..shared.workers {
        let mut ready = Vec::with_capacity(bundles.len());
        for (bundle, graphs) in bundles.iter().zip(&graphs) {
            ready.push(opener.open(bundle, graphs, number == 0)?);
        }
        start_worker(number, shared, ready)?;
    }
    Ok(())
}
