//! Many requests of one client: a few in flight at a time, and patience with a full backlog.

use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};

use super::{Engine, EngineError, PredictRequest, Prediction};

/// Whoever waits for room looks again at least this often: the estimate is of a crowd that may have gone by then.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Engine {
    /// Answers each request with its place among them, in whatever order they finish, with no more in flight than keep every
    /// worker busy. Dropping the stream gives up what is left.
    pub fn predict_all(
        &self,
        requests: impl IntoIterator<Item = PredictRequest>,
    ) -> impl Stream<Item = (usize, Result<Prediction, EngineError>)> {
        let place = &self.shared.place;
        // One in the runtime and one ready for each place in a batch.
        let in_flight = 2 * place.workers * place.batches.largest;
        let numbered = requests.into_iter().enumerate();
        stream::iter(numbered)
            .map(move |(index, request)| async move { (index, self.predict_patiently(request).await) })
            .buffer_unordered(in_flight)
    }

    /// Answers a request of somebody who was let in already: while the backlog is full, it waits.
    ///
    /// # Errors
    /// Every variant of [`EngineError`] but [`EngineError::QueueFull`].
    pub async fn predict_patiently(
        &self,
        request: PredictRequest,
    ) -> Result<Prediction, EngineError> {
        loop {
            match self.predict(request.clone()).await {
                Err(EngineError::QueueFull { retry_after }) => {
                    tokio::time::sleep(retry_after.min(LONGEST_PAUSE)).await;
                }
                outcome => return outcome,
            }
        }
    }
}
