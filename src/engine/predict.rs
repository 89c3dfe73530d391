//! The way of one request: plan, decode, run, judge.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::{
    Engine, EngineError, HeadCall, Model, PredictRequest, Prediction, RunError, Timing,
    judge::judge,
    methods::tta,
    plan::Plan,
    prepare::{Prepared, off_thread, prepare},
    queue::Refused,
    unlike::{judge_statistics, refer_unlike},
    worker::{Job, JobAnswer},
};
use crate::{
    bundle::{Method, Tta},
    imaging::{CellImage, InputTensor},
};

impl Engine {
    /// Answers one request. Dropping the future gives up the work that is still waiting.
    ///
    /// # Errors
    /// Every variant of [`EngineError`].
    pub async fn predict(&self, request: PredictRequest) -> Result<Prediction, EngineError> {
        let started = Instant::now();
        let (index, model) = self.find(request.model.as_deref())?;
        let plan = Plan::new(model, &request, self.shared.max_passes)?;
        self.admit(plan.cost())?;
        let seed = request.seed.unwrap_or_else(|| seed_of(&request.image));
        let work = Work {
            engine: self,
            index,
            model,
            plan: &plan,
            seed,
        };

        let (prepared, preparation) = work.prepare(request.image).await?;
        let (itself, views) = tokio::try_join!(
            work.run_image_itself(prepared.itself),
            work.run_views(prepared.source)
        )?;

        let ood = judge_statistics(model, &itself.statistics)?;
        let mut scores_of_heads = itself.scores.into_iter();
        let mut answers = Vec::with_capacity(plan.methods.len());
        for method in &plan.methods {
            let scores = match method.method {
                Method::Tta => views.scores.concat(),
                _ => scores_of_heads.next().unwrap_or_default(),
            };
            let mut answer = judge(model, method, &scores)?;
            refer_unlike(model.manifest(), ood, &mut answer.decision);
            answers.push(answer);
        }
        let mut answers = answers.into_iter();
        let answer = answers.next().ok_or(RunError::WorkerGone)?;
        let timing = Timing {
            queue: itself.queue.max(views.queue),
            decode: preparation + views.preparation,
            inference: itself.inference + views.inference,
            total: started.elapsed(),
        };
        Ok(Prediction {
            model: Arc::clone(model),
            seed,
            answer,
            comparisons: answers.collect(),
            ood,
            timing,
        })
    }

    fn admit(&self, cost: usize) -> Result<(), EngineError> {
        self.shared
            .place
            .queue
            .admits(cost)
            .map_err(|refused| self.refusal(&refused))
    }

    fn refusal(&self, refused: &Refused) -> EngineError {
        let place = &self.shared.place;
        match refused {
            Refused::Closed => EngineError::Draining,
            Refused::Full => EngineError::QueueFull {
                retry_after: place.drain_rate.time_for(place.queue.waiting_cost()),
            },
        }
    }
}

/// The first 53 bits of the SHA-256 of the upload: the same bytes get the same answer, and every JSON reader keeps the
/// number exactly.
pub fn seed_of(image: &[u8]) -> u64 {
    let digest = Sha256::digest(image);
    digest
        .iter()
        .take(8)
        .fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
        >> 11
}

/// One request on its way through the engine.
struct Work<'request> {
    engine: &'request Engine,
    index: usize,
    model: &'request Arc<Model>,
    plan: &'request Plan,
    seed: u64,
}

/// What the workers gave back, and how long it took.
#[derive(Default)]
struct Outcome {
    scores: Vec<Vec<f32>>,
    statistics: Vec<f32>,
    preparation: Duration,
    queue: Duration,
    inference: Duration,
}

impl Outcome {
    fn of(answer: JobAnswer, preparation: Duration) -> Self {
        Self {
            scores: answer.scores,
            statistics: answer.statistics,
            preparation,
            queue: answer.queue,
            inference: answer.inference,
        }
    }

    /// Work adds up; waiting went on at the same time.
    fn and(mut self, next: Self) -> Self {
        self.scores.extend(next.scores);
        self.preparation += next.preparation;
        self.queue = self.queue.max(next.queue);
        self.inference += next.inference;
        self
    }
}

impl Work<'_> {
    /// Decodes no more images at a time than there are cores.
    async fn prepare(&self, upload: Bytes) -> Result<(Prepared, Duration), EngineError> {
        let shared = &self.engine.shared;
        let permit = shared.decoding.acquire().await;
        let _permit = permit.map_err(|_| EngineError::Draining)?;
        let (limits, model, plan) = (shared.limits, Arc::clone(self.model), self.plan.clone());
        off_thread(move || prepare(&upload, &limits, &model, &plan)).await
    }

    /// Every method but TTA, and the statistics: one trunk pass for all of them.
    async fn run_image_itself(&self, image: Option<InputTensor>) -> Result<Outcome, EngineError> {
        let Some(image) = image else {
            return Ok(Outcome::default());
        };
        let calls = self.plan.head_calls(self.seed);
        let answer = self.submit(image, calls).await?;
        Ok(Outcome::of(answer, Duration::ZERO))
    }

    /// TTA: views are made and answered a few at a time, on as many workers as there are.
    async fn run_views(&self, source: Option<Arc<CellImage>>) -> Result<Outcome, EngineError> {
        let (Some(source), Some(tta)) = (&source, self.model.tta()) else {
            return Ok(Outcome::default());
        };
        let place = &self.engine.shared.place;
        let chunks = tta::chunks(self.plan.views(), place.max_batch, place.workers);
        let running = stream::iter(chunks)
            .map(|range| self.run_chunk(source, tta, range))
            .buffered(place.workers);
        let together = |all: Outcome, chunk| async { Ok(all.and(chunk)) };
        running.try_fold(Outcome::default(), together).await
    }

    async fn run_chunk(
        &self,
        source: &Arc<CellImage>,
        tta: &Tta,
        range: Range<usize>,
    ) -> Result<Outcome, EngineError> {
        // Held until the answer is there: this bounds the memory that views take, whatever the number of requests.
        let permit = self.engine.shared.viewing.acquire().await;
        let _permit = permit.map_err(|_| EngineError::Draining)?;
        let (source, model, tta) = (Arc::clone(source), Arc::clone(self.model), tta.clone());
        let seed = self.seed;
        let prepare = move || tta::views(&source, &tta, &model.manifest().input, seed, range);
        let (images, preparation) = off_thread(prepare).await?;
        let call = HeadCall {
            method: Method::Tta,
            passes: 1,
            seed,
        };
        let answer = self.submit(images, vec![call]).await?;
        Ok(Outcome::of(answer, preparation))
    }

    async fn submit(
        &self,
        images: InputTensor,
        calls: Vec<HeadCall>,
    ) -> Result<JobAnswer, EngineError> {
        let (reply, answer) = oneshot::channel();
        let cost = images.images();
        let job = Job {
            model: self.index,
            images,
            calls,
            enqueued: Instant::now(),
            reply,
        };
        let pushed = self.engine.shared.place.queue.push(job, cost);
        pushed.map_err(|refused| self.engine.refusal(&refused))?;
        Ok(answer.await.map_err(|_| RunError::WorkerGone)??)
    }
}
