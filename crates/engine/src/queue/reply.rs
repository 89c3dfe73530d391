//! Replies to jobs, and cancellation. A job whose client has gone is not started. A running batch
//! is terminated when the clients of all its jobs have gone.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use ort::session::RunOptions;
use tokio::sync::oneshot;

/// A batch inside the runtime.
pub(crate) struct BatchRun {
    options: RunOptions,
    /// Number of jobs of the batch whose clients still wait.
    wanted: AtomicUsize,
}

impl BatchRun {
    pub(crate) fn new(jobs: usize) -> Result<Arc<Self>, ort::Error> {
        Ok(Arc::new(Self {
            options: RunOptions::new()?,
            wanted: AtomicUsize::new(jobs),
        }))
    }

    /// The options for every call into the runtime for this batch.
    pub(crate) fn options(&self) -> &RunOptions {
        &self.options
    }

    /// Notes that a client has gone. The last one terminates the run; the runtime checks this
    /// before each node.
    fn want_one_less(&self) {
        if self.wanted.fetch_sub(1, Ordering::AcqRel) == 1 {
            // It cannot fail on valid options. If it did, the run would continue to its end.
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
    /// No code under the lock panics, so a poisoned lock is still consistent.
    fn lock(&self) -> MutexGuard<'_, JobStage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's side of a job. Dropping it cancels the job.
pub(crate) struct ReplyReceiver<Answer> {
    stage: Arc<SharedStage>,
    answer: oneshot::Receiver<Answer>,
}

/// The worker's side of a job.
pub(crate) struct ReplySender<Answer> {
    stage: Arc<SharedStage>,
    answer: oneshot::Sender<Answer>,
}

/// Makes both sides of a job.
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
    /// The answer; `None` if the worker stopped without one.
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
    /// Whether the client has gone.
    pub(crate) fn is_given_up(&self) -> bool {
        matches!(*self.stage.lock(), JobStage::GivenUp)
    }

    /// Adds the job to a run, which counts it as wanted.
    pub(crate) fn begin(&self, run: &Arc<BatchRun>) {
        let mut stage = self.stage.lock();
        if matches!(*stage, JobStage::GivenUp) {
            drop(stage);
            run.want_one_less();
        } else {
            *stage = JobStage::Running(Arc::clone(run));
        }
    }

    /// Sends the answer, if the client still waits.
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
    fn run_ends_without_waiting_clients() {
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
        assert_eq!(ask(), Ok(()), "the second client still waits");
        drop(second.1);
        assert!(ask().unwrap_err().contains("terminate"));
    }

    #[test]
    fn job_without_client_is_given_up() {
        let (reply, awaited) = reply_channel::<()>();
        assert!(!reply.is_given_up());
        drop(awaited);
        assert!(reply.is_given_up());
    }

    #[tokio::test]
    async fn stopped_worker_gives_no_answer() {
        let (reply, awaited) = reply_channel();
        reply.send(7);
        assert_eq!(awaited.answer().await, Some(7));
        let (reply, awaited) = reply_channel::<i32>();
        drop(reply);
        assert_eq!(awaited.answer().await, None);
    }
}
