//! The run of an admitted request: queues its jobs and turns their results into an answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{
    EngineError, ImageIdentity, Prediction, RunError, Subject, Timing, Warning,
    admission::{MethodPlan, MovingMean, RequestPlan},
    answer::{MethodAnswer, method_answer, unlikeness},
    method::{HeadCall, tta},
    queue::reply_channel,
    worker::{Job, JobImages, JobResults, Shared},
};
use bundle::Method;
use imaging::CellImage;
use uncertainty::ood::OodScore;

/// A running request.
pub(crate) struct RequestRun<'request> {
    pub(crate) shared: &'request Shared,
    pub(crate) decoding: &'request Arc<Semaphore>,
    /// Where to record the share of views that were needed.
    pub(crate) share_of_views: Option<&'request MovingMean>,
    pub(crate) plan: &'request RequestPlan,
    pub(crate) image: ImageIdentity,
    pub(crate) seed: u64,
}

/// The results for the original image and for its views, and the pictures of the views.
#[derive(Default)]
struct SubjectResults {
    original: JobResults,
    views: JobResults,
    pictures: Vec<Vec<u8>>,
}

/// A decoded upload for test-time augmentation.
struct DecodedCell {
    cell: Arc<CellImage>,
    /// The image that views are made from.
    source: Arc<CellImage>,
}

impl RequestRun<'_> {
    /// Runs the plan for the subject and makes the answer.
    pub(crate) async fn answer(&self, subject: Subject) -> Result<Prediction, EngineError> {
        let started = Instant::now();
        let is_upload = matches!(subject, Subject::Upload(_));
        let results = self.run(subject).await?;
        let SubjectResults {
            original, views, ..
        } = &results;
        let size = original.size.or(views.size).filter(|_| is_upload);
        let input = &self.plan.model().manifest().input;
        let crop_size = size.and_then(|size| Warning::of_upload(input, size));
        let passes = Warning::of_passes(self.plan);
        let warnings = crop_size.into_iter().chain(passes).collect();
        let timing = Timing {
            queue: original.queue.max(views.queue),
            decode: original.preparation + views.preparation,
            inference: original.inference + views.inference,
            total: started.elapsed(),
        };
        let ood = unlikeness(self.plan.model(), &original.statistics)?;
        let mut answers = self.answers(&results, ood)?.into_iter();
        Ok(Prediction {
            model: Arc::clone(self.plan.model()),
            image: self.image.clone(),
            seed: self.seed,
            answer: answers.next().ok_or(RunError::WorkerGone)?,
            comparisons: answers.collect(),
            pictures: results.pictures,
            ood,
            warnings,
            timing,
        })
    }

    /// The answers of all methods, in the plan's order.
    fn answers(
        &self,
        results: &SubjectResults,
        ood: Option<OodScore>,
    ) -> Result<Vec<MethodAnswer>, RunError> {
        let views = results.views.scores.concat();
        let mut of_original = results.original.scores.iter();
        let mut answers = Vec::with_capacity(self.plan.methods.len());
        for method in &self.plan.methods {
            let scores = match method.method {
                Method::Tta => &views[..],
                _ => of_original.next().map_or(&[][..], Vec::as_slice),
            };
            answers.push(method_answer(self.plan.model(), method, scores, ood)?);
        }
        Ok(answers)
    }

    /// Without views, one worker does everything, because each change of threads costs as much as a
    /// resize.
    async fn run(&self, subject: Subject) -> Result<SubjectResults, EngineError> {
        let Some(tta) = self.plan.tta() else {
            return Ok(SubjectResults {
                original: self.run_original(JobImages::Subject(subject)).await?,
                ..SubjectResults::default()
            });
        };
        let (decoded, preparation) = self.decode(subject).await?;
        let source = Arc::clone(&decoded.source);
        let size = (decoded.cell.width(), decoded.cell.height());
        let original = async {
            match self.plan.needs_original() {
                true => self.run_original(JobImages::Cell(decoded.cell)).await,
                false => Ok(JobResults::default()),
            }
        };
        let (original, mut views) = tokio::try_join!(original, self.run_views(tta, &source))?;
        views.preparation += preparation;
        views.size = Some(size);
        Ok(SubjectResults {
            original,
            pictures: self.pictures(source, views.scores.len()).await?,
            views,
        })
    }

    async fn decode(&self, subject: Subject) -> Result<(DecodedCell, Duration), EngineError> {
        let (limits, model) = (self.shared.limits, Arc::clone(self.plan.model()));
        let decode = move || {
            let started = Instant::now();
            let input = &model.manifest().input;
            let cell = subject.pixels(input, &limits)?;
            let cell = Arc::new(cell.ok_or(EngineError::NoViewsOfTensor)?);
            let source = tta::source(&cell, input)?;
            Ok((DecodedCell { cell, source }, started.elapsed()))
        };
        on_a_core(self.decoding, decode).await
    }

    /// Runs every method except TTA, and the statistics, with one trunk pass.
    async fn run_original(&self, images: JobImages) -> Result<JobResults, EngineError> {
        self.submit(images, self.plan.head_calls(self.seed)).await
    }

    /// Runs the views of a cell in rounds until there are enough. `scores` has one entry per view.
    async fn run_views(
        &self,
        plan: &MethodPlan,
        cell: &Arc<CellImage>,
    ) -> Result<JobResults, EngineError> {
        let at_once = self.shared.workers * self.shared.batches.largest;
        let mut rounds = tta::ViewRounds::new(
            self.plan.model().manifest(),
            (plan.passes, at_once),
            plan.policy.as_ref(),
            self.plan.abnormal(),
            self.plan.options().exact,
        );
        let mut all = JobResults::default();
        while let Some(round) = rounds.next_round() {
            let chunks = tta::chunks(round, self.shared.batches.largest, self.shared.workers);
            // One running and one ready for each worker.
            let mut running = stream::iter(chunks)
                .map(|views| self.run_chunk(cell, views))
                .buffered(2 * self.shared.workers);
            while let Some(chunk) = running.try_next().await? {
                all = all.and(chunk);
            }
            rounds.look_at(&mut all.scores)?;
        }
        if let (Some(mean), Some(share)) = (self.share_of_views, rounds.share_asked()) {
            mean.record(share);
        }
        Ok(all)
    }

    async fn run_chunk(
        &self,
        cell: &Arc<CellImage>,
        views: std::ops::Range<usize>,
    ) -> Result<JobResults, EngineError> {
        // Without a head of their own, views share the baseline's with the images of other
        // requests.
        let call = HeadCall {
            method: self.plan.model().manifest().head_method(Method::Tta),
            passes: 1,
            seed: self.seed,
        };
        let images = JobImages::Views {
            cell: Arc::clone(cell),
            seed: self.seed,
            range: views,
        };
        let mut results = self.submit(images, vec![call]).await?;
        let classes = self.plan.model().classes().max(1);
        let of_chunk = results.scores.concat();
        results.scores = of_chunk.chunks(classes).map(<[f32]>::to_vec).collect();
        Ok(results)
    }

    /// Makes the views again for their pictures. Few requests need pictures, and keeping all views
    /// would cost every request the memory.
    async fn pictures(
        &self,
        source: Arc<CellImage>,
        count: usize,
    ) -> Result<Vec<Vec<u8>>, EngineError> {
        if !self.plan.options().pictures {
            return Ok(Vec::new());
        }
        let (model, seed) = (Arc::clone(self.plan.model()), self.seed);
        let draw = move || {
            let manifest = model.manifest();
            match &manifest.methods.tta {
                Some(tta) => Ok(tta::pictures(&source, tta, &manifest.input, seed, count)?),
                None => Ok(Vec::new()),
            }
        };
        on_a_core(self.decoding, draw).await
    }

    /// Queues a job and waits for its answer.
    async fn submit(
        &self,
        images: JobImages,
        calls: Vec<HeadCall>,
    ) -> Result<JobResults, EngineError> {
        let (options, (reply, awaited)) = (self.plan.options(), reply_channel());
        let cost = images.count();
        let job = Job {
            model: self.plan.index,
            images,
            calls,
            enqueued: Instant::now(),
            deadline: options.deadline,
            reply,
        };
        let pushed = self.shared.queue.push(job, cost, options.priority);
        pushed.map_err(|_| EngineError::Draining)?;
        awaited.answer().await.ok_or(RunError::WorkerGone)?
    }
}

/// Runs work on pixels outside the async threads, for at most as many images at a time as there are
/// cores.
pub(crate) async fn on_a_core<Made: Send + 'static>(
    cores: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<Made, EngineError> + Send + 'static,
) -> Result<Made, EngineError> {
    let permit = Arc::clone(cores).acquire_owned().await;
    let permit = permit.map_err(|_| EngineError::Draining)?;
    // Started work continues when its client goes away, and keeps its permit.
    let work = move || {
        let _permit = permit;
        work()
    };
    spawn_blocking(work).await.map_err(RunError::Task)?
}
