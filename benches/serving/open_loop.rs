//! Requests at a fixed rate, whether or not earlier ones were answered: an overloaded server.

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{client::IdleConnections, statistics::quantile};

/// An answer counts as useful within this many seconds.
pub(crate) const USEFUL_SECONDS: f64 = 1.0;

/// The results of the requests.
#[derive(Default)]
pub(crate) struct Flood {
    seconds: f64,
    /// Answers with 200 within [`USEFUL_SECONDS`] that arrived before the load ended. Later ones
    /// were computed without any load.
    useful: usize,
    /// Seconds from the moment a request was due, for 200.
    answered: Vec<f64>,
    /// The same for 503 and 429.
    refused: Vec<f64>,
    /// Any other status, such as 504, or no answer.
    pub failed: usize,
    /// Largest delay of the generator, in seconds. Above a few milliseconds it did not reach its
    /// rate.
    pub lateness: f64,
}

impl Flood {
    /// Useful answers per second while the load lasted.
    pub(crate) fn goodput(&self) -> f64 {
        self.useful as f64 / self.seconds
    }

    /// The same with answers after the end, divided by the length of the load alone. The peers'
    /// harness calls it goodput.
    pub(crate) fn goodput_with_the_rest(&self) -> f64 {
        let useful = self.answered.iter();
        let useful = useful.filter(|seconds| **seconds <= USEFUL_SECONDS);
        useful.count() as f64 / self.seconds
    }

    /// Share of the refusals that came within 50 ms; 1 where nothing was refused.
    pub(crate) fn prompt_refusals(&self) -> f64 {
        let late = self.refused.iter().filter(|seconds| **seconds > 0.05);
        1.0 - late.count() as f64 / self.refused.len().max(1) as f64
    }

    /// Milliseconds below which a share of the refusals came.
    pub(crate) fn refusal_ms(&mut self, share: f64) -> f64 {
        1e3 * quantile(&mut self.refused, share)
    }

    /// Milliseconds below which a share of the answers came.
    pub(crate) fn answer_ms(&mut self, share: f64) -> f64 {
        1e3 * quantile(&mut self.answered, share)
    }

    fn note(&mut self, status: u16, due: Instant, end: Instant) {
        let elapsed = due.elapsed().as_secs_f64();
        let is_useful = status == 200 && elapsed <= USEFUL_SECONDS && Instant::now() <= end;
        self.useful += usize::from(is_useful);
        match status {
            200 => self.answered.push(elapsed),
            429 | 503 => self.refused.push(elapsed),
            _ => self.failed += 1,
        }
    }
}

/// Sends `rate` requests per second, evenly spaced, then waits for those in progress.
pub(crate) async fn open_loop(
    address: SocketAddr,
    requests: &[Bytes],
    rate: f64,
    seconds: f64,
) -> Flood {
    let flood = Rc::new(RefCell::new(Flood {
        seconds,
        ..Flood::default()
    }));
    let connections = Rc::new(IdleConnections::to(address));
    let (mut running, mut lateness) = (JoinSet::new(), 0.0_f64);
    let (start, count) = (Instant::now(), (rate * seconds) as usize);
    let end = start + Duration::from_secs_f64(seconds);
    for (number, request) in (0..count).zip(requests.iter().cycle()) {
        let due = start + Duration::from_secs_f64(number as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        lateness = lateness.max(due.elapsed().as_secs_f64());
        let (flood, connections) = (Rc::clone(&flood), Rc::clone(&connections));
        let request = request.clone();
        running.spawn_local(async move {
            let status = connections.ask(&request, |status, _| status).await;
            flood.borrow_mut().note(status.unwrap_or(0), due, end);
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
    Flood {
        lateness,
        ..flood.take()
    }
}
