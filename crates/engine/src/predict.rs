//! The way of one request: plan, take on, run, judge.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::spawn_blocking;

use super::{
    Engine, EngineError, HeadCall, Model, PredictRequest, Prediction, RunError, Subject, Timing,
    backlog::Load,
    claim::claim,
    judge::judge,
    methods::tta,
    plan::Plan,
    prepare::Source,
    unlike::{judge_statistics, refer_unlike},
    warning,
    worker::{Job, JobAnswer, Workplace},
};
use bundle::Method;
use imaging::CellImage;

impl Engine {
    /// Whether the request would be taken on now, by everything but its image.
    ///
    /// # Errors
    /// See [`Engine::predict`].
    pub fn check(&self, request: &PredictRequest) -> Result<(), EngineError> {
        let (index, model) = self.find(request.model.as_deref())?;
        let plan = Plan::new(model, request, self.shared.max_passes)?;
        self.open_place()?
            .backlog
            .check(self.load(index, &plan, request))
    }

    /// Answers one request. Dropping the future gives its work up: what waits is not begun, and what runs is ended.
    ///
    /// # Errors
    /// Every variant of [`EngineError`].
    pub async fn predict(&self, request: PredictRequest) -> Result<Prediction, EngineError> {
        let started = Instant::now();
        let (index, model) = self.find(request.model.as_deref())?;
        let plan = Plan::new(model, &request, self.shared.max_passes)?;
        let load = self.load(index, &plan, &request);
        let _admission = self.open_place()?.backlog.admit(load)?;
        let work = Work {
            engine: self,
            index,
            model,
            plan: &plan,
            seed: request.seed.unwrap_or_else(|| request.image.own_seed()),
            load,
        };
        let is_upload = matches!(request.image, Subject::Upload(_));
        let asked = work.ask(request.image, request.pictures).await?;
        let Asked {
            itself,
            views,
            pictures,
        } = asked;
        let size = itself.size.or(views.size).filter(|_| is_upload);

        let ood = judge_statistics(model, &itself.statistics)?;
        let mut scores_of_heads = itself.scores.into_iter();
        let mut answers = Vec::with_capacity(plan.methods.len());
        for method in &plan.methods {
            let scores = match method.method {
                Method::Tta => views.scores.concat(),
                _ => scores_of_heads.next().unwrap_or_default(),
            };
            let mut answer = judge(model, method, &scores)?;
            refer_unlike(model.manifest(), ood, &mut answer);
            answers.push(answer);
        }
        let mut answers = answers.into_iter();
        let answer = answers.next().ok_or(RunError::WorkerGone)?;
        let timing = Timing {
            queue: itself.queue.max(views.queue),
            decode: itself.preparation + views.preparation,
            inference: itself.inference + views.inference,
            total: started.elapsed(),
        };
        Ok(Prediction {
            model: Arc::clone(model),
            seed: work.seed,
            answer,
            comparisons: answers.collect(),
            pictures,
            ood,
            warnings: size
                .and_then(|size| warning::of_upload(&model.manifest().input, size))
                .into_iter()
                .chain(warning::of_passes(model, &plan))
                .collect(),
            timing,
        })
    }

    fn load(&self, index: usize, plan: &Plan, request: &PredictRequest) -> Load {
        Load {
            cost: plan.cost(self.share_of_views(index)),
            priority: request.priority,
            deadline: request.deadline,
        }
    }

    /// Works on pixels outside the async threads, on no more images at a time than there are cores.
    pub(super) async fn on_a_core<Made: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<Made, EngineError> + Send + 'static,
    ) -> Result<Made, EngineError> {
        let permit = Arc::clone(&self.shared.decoding).acquire_owned().await;
        let permit = permit.map_err(|_| EngineError::Draining)?;
        // What has begun goes on when its client goes away, and so does its claim to a core.
        let work = move || {
            let _permit = permit;
            work()
        };
        spawn_blocking(work).await.map_err(RunError::Task)?
    }

    fn open_place(&self) -> Result<&Workplace, EngineError> {
        let place = &self.shared.place;
        if place.queue.is_closed() {
            return Err(EngineError::Draining);
        }
        Ok(place)
    }
}

/// One request on its way through the engine.
pub(super) struct Work<'request> {
    pub(super) engine: &'request Engine,
    pub(super) index: usize,
    pub(super) model: &'request Arc<Model>,
    pub(super) plan: &'request Plan,
    pub(super) seed: u64,
    pub(super) load: Load,
}

/// What the workers gave back for the image itself and for its views, and what those views look like.
struct Asked {
    itself: Outcome,
    views: Outcome,
    pictures: Vec<Vec<u8>>,
}

/// What the workers gave back, and how long it took.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) scores: Vec<Vec<f32>>,
    pub(super) statistics: Vec<f32>,
    pub(super) size: Option<(u32, u32)>,
    pub(super) preparation: Duration,
    pub(super) queue: Duration,
    pub(super) inference: Duration,
}

impl Outcome {
    /// Work adds up; waiting went on at the same time.
    pub(super) fn and(mut self, next: Self) -> Self {
        self.scores.extend(next.scores);
        self.preparation += next.preparation;
        self.queue = self.queue.max(next.queue);
        self.inference += next.inference;
        self
    }
}

impl From<JobAnswer> for Outcome {
    fn from(answer: JobAnswer) -> Self {
        Self {
            scores: answer.scores,
            statistics: answer.statistics,
            size: answer.size,
            preparation: answer.preparation,
            queue: answer.queue,
            inference: answer.inference,
        }
    }
}

/// An upload whose views are wanted.
struct Decoded {
    cell: Arc<CellImage>,
    /// What views are made of.
    source: Arc<CellImage>,
}

impl Work<'_> {
    pub(super) fn place(&self) -> &Workplace {
        &self.engine.shared.place
    }

    /// Without views the worker does everything in one go: each change of threads costs as much as a resize.
    async fn ask(&self, subject: Subject, with_pictures: bool) -> Result<Asked, EngineError> {
        if self.plan.views() == 0 {
            return Ok(Asked {
                itself: self.run_itself(Source::Subject(subject)).await?,
                views: Outcome::default(),
                pictures: Vec::new(),
            });
        }
        let (decoded, preparation) = self.decode(subject).await?;
        let source = Arc::clone(&decoded.source);
        let size = (decoded.cell.width(), decoded.cell.height());
        let itself = async {
            match self.plan.needs_image_itself() {
                true => self.run_itself(Source::Cell(decoded.cell)).await,
                false => Ok(Outcome::default()),
            }
        };
        let (itself, mut views) = tokio::try_join!(itself, self.run_views(decoded.source))?;
        views.preparation += preparation;
        views.size = Some(size);
        let count = if with_pictures { views.scores.len() } else { 0 };
        let pictures = self.pictures(source, count).await?;
        Ok(Asked {
            itself,
            views,
            pictures,
        })
    }

    /// Views are made anew for their pictures: few ask for them, and keeping fifty would cost everybody the memory.
    async fn pictures(
        &self,
        source: Arc<CellImage>,
        count: usize,
    ) -> Result<Vec<Vec<u8>>, EngineError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let (model, seed) = (Arc::clone(self.model), self.seed);
        let draw = move || {
            let manifest = model.manifest();
            match &manifest.methods.tta {
                Some(tta) => Ok(tta::pictures(&source, tta, &manifest.input, seed, count)?),
                None => Ok(Vec::new()),
            }
        };
        self.engine.on_a_core(draw).await
    }

    async fn decode(&self, subject: Subject) -> Result<(Decoded, Duration), EngineError> {
        let (limits, model) = (self.place().limits, Arc::clone(self.model));
        let decode = move || {
            let started = Instant::now();
            let input = &model.manifest().input;
            let cell = subject.pixels(input, &limits)?;
            let cell = Arc::new(cell.ok_or(EngineError::NoViewsOfTensor)?);
            let source = tta::source(&cell, input)?;
            Ok((Decoded { cell, source }, started.elapsed()))
        };
        self.engine.on_a_core(decode).await
    }

    /// Every method but TTA, and the statistics: one trunk pass for all of them.
    async fn run_itself(&self, source: Source) -> Result<Outcome, EngineError> {
        self.submit(source, self.plan.head_calls(self.seed)).await
    }

    /// Puts a job into the queue and waits for its answer.
    pub(super) async fn submit(
        &self,
        source: Source,
        calls: Vec<HeadCall>,
    ) -> Result<Outcome, EngineError> {
        let (reply, awaited) = claim();
        let cost = source.images();
        let job = Job {
            model: self.index,
            source,
            calls,
            size: None,
            enqueued: Instant::now(),
            deadline: self.load.deadline,
            reply,
        };
        let pushed = self.place().queue.push(job, cost, self.load.priority);
        pushed.map_err(|_| EngineError::Draining)?;
        let answer = awaited.answer().await.ok_or(RunError::WorkerGone)?;
        Ok(answer?.into())
    }
}
