//! Who waits for a job. When nobody does any more, it is not begun; when that happens to every job of a batch that is
//! running, the run is ended.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use ort::session::RunOptions;
use tokio::sync::oneshot;

/// A batch inside the runtime.
pub(crate) struct BatchRun {
    options: RunOptions,
    /// Jobs of the batch for which somebody still waits.
    wanted: AtomicUsize,
}

impl BatchRun {
    pub(crate) fn new(jobs: usize) -> Result<Arc<Self>, ort::Error> {
        Ok(Arc::new(Self {
            options: RunOptions::new()?,
            wanted: AtomicUsize::new(jobs),
        }))
    }

    /// What every call into the runtime for this batch takes.
    pub(crate) fn options(&self) -> &RunOptions {
        &self.options
    }

    /// The runtime looks at its flag before each node of the graph.
    fn want_one_less(&self) {
        if self.wanted.fetch_sub(1, Ordering::AcqRel) == 1 {
            // It cannot fail on valid options; if it did, the run would go on to its end.
            drop(self.options.terminate());
        }
    }
}

enum JobStage {
    Waiting,
    Running(Arc<BatchRun>),
    GivenUp,
}

struct SharedStage(Mutex<JobStage>);

impl SharedStage {
    /// No step under the lock panics.
    fn lock(&self) -> MutexGuard<'_, JobStage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side of whoever waits. Dropping it gives the job up.
pub(crate) struct ReplyReceiver<Answer> {
    stage: Arc<SharedStage>,
    answer: oneshot::Receiver<Answer>,
}

/// The side of the worker.
pub(crate) struct ReplySender<Answer> {
    stage: Arc<SharedStage>,
    answer: oneshot::Sender<Answer>,
}

/// Both sides of a job.
pub(crate) fn reply_channel<Answer>() -> (ReplySender<Answer>, ReplyReceiver<Answer>) {
    let stage = Arc::new(SharedStage(Mutex::new(JobStage::Waiting)));
    let (sender, receiver) = oneshot::channel();
    let reply = ReplySender {
        stage: Arc::clone(&stage),
        answer: sender,
    };
    let awaited = ReplyReceiver {
        stage,
        answer: receiver,
    };
    (reply, awaited)
}

impl<Answer> ReplyReceiver<Answer> {
    /// The answer; `None` when the worker went away without one.
    pub(crate) async fn answer(mut self) -> Option<Answer> {
        (&mut self.answer).await.ok()
    }
}

impl<Answer> Drop for ReplyReceiver<Answer> {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut *self.stage.lock(), JobStage::GivenUp);
        if let JobStage::Running(run) = stage {
            run.want_one_less();
        }
    }
}

impl<Answer> ReplySender<Answer> {
    /// Whether nobody waits any more.
    pub(crate) fn is_given_up(&self) -> bool {
        matches!(*self.stage.lock(), JobStage::GivenUp)
    }

    /// Makes the job part of a run, which counts it as wanted.
    pub(crate) fn begin(&self, run: &Arc<BatchRun>) {
        let mut stage = self.stage.lock();
        if matches!(*stage, JobStage::GivenUp) {
            drop(stage);
            run.want_one_less();
        } else {
            *stage = JobStage::Running(Arc::clone(run));
        }
    }

    /// Hands the answer over, if somebody still wants it.
    pub(crate) fn send(self, answer: Answer) {
        drop(self.answer.send(answer));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ort::value::TensorRef;

    use super::*;
    use crate::{SessionOptions, config::ExecutionProvider, session::test_runtime};

    #[test]
    fn a_run_ends_when_nobody_waits_for_any_of_its_jobs() {
        let options = SessionOptions {
            providers: &[ExecutionProvider::Cpu],
            intra_threads: 1,
            spinning: false,
            keep_dropout: false,
        };
        let trunk = testkit::path("models/cric-lite0/trunk.onnx");
        let mut session = test_runtime().session(&trunk, &options).unwrap();
        let run = BatchRun::new(2).unwrap();
        let (first, second) = (reply_channel::<()>(), reply_channel::<()>());
        first.0.begin(&run);
        second.0.begin(&run);
        let image = vec![0.5_f32; 3 * 128 * 128];
        let mut ask = || {
            let image = TensorRef::from_array_view(([1_i64, 3, 128, 128], &*image)).unwrap();
            let outputs = session.run_with_options(ort::inputs![image], run.options());
            outputs.map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(ask(), Ok(()));
        drop(first.1);
        assert_eq!(ask(), Ok(()), "somebody still waits for the second");
        drop(second.1);
        assert!(ask().unwrap_err().contains("terminate"));
    }

    #[test]
    fn a_job_is_given_up_when_nobody_waits() {
        let (reply, awaited) = reply_channel::<()>();
        assert!(!reply.is_given_up());
        drop(awaited);
        assert!(reply.is_given_up());
    }

    #[tokio::test]
    async fn an_answer_arrives_and_a_worker_that_went_away_leaves_none() {
        let (reply, awaited) = reply_channel();
        reply.send(7);
        assert_eq!(awaited.answer().await, Some(7));
        let (reply, awaited) = reply_channel::<i32>();
        drop(reply);
        assert_eq!(awaited.answer().await, None);
    }
}
