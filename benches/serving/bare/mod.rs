//! The bare loop: the same sessions, the same images and the same cores as the server, without a
//! server.
//!
//! For many clients: a thread per core, each with its own sessions of one thread. For one client:
//! sessions that use all cores, with threads that spin or that sleep, whichever is faster.

pub(crate) mod gpu;
mod inputs;
mod sessions;

use std::{sync::Barrier, thread, time::Instant};

use bundle::{Bundle, Method};
use bytes::Bytes;
use engine::Runtime;

use crate::{BenchResult, machine::cores, process::cpu_seconds, statistics::quantile};
use inputs::BareInputs;
use sessions::BareSessions;

/// The results of a loop.
pub(crate) struct Reached {
    /// Images per second, all threads together.
    pub rate: f64,
    /// CPU milliseconds for an image.
    pub cpu_ms: f64,
    /// Milliseconds for an image, median.
    pub latency_ms: f64,
}

/// Whether images are decoded, resized and augmented within the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoding {
    /// Tensors are ready.
    Before,
    /// From the encoded image, as in the server.
    Within,
}

/// Opened sessions and prepared inputs.
pub(crate) struct BareLoop {
    bundle: Bundle,
    images: Vec<Bytes>,
    /// One for each core.
    parallel: Vec<BareSessions>,
    /// All cores for one image: sleeping, spinning.
    alone: [BareSessions; 2],
}

impl BareLoop {
    pub(crate) fn open(runtime: &Runtime, bundle: &Bundle, images: &[Bytes]) -> BenchResult<Self> {
        let open = |threads, spinning| BareSessions::open(runtime, bundle, (threads, spinning));
        let parallel = (0..cores()).map(|_| open(1, false));
        Ok(Self {
            bundle: bundle.clone(),
            images: images.to_vec(),
            parallel: parallel.collect::<BenchResult<_>>()?,
            alone: [open(cores(), false)?, open(cores(), true)?],
        })
    }

    /// Runs all cores at once, one image on each.
    pub(crate) fn parallel(
        &mut self,
        method: Method,
        decoding: Decoding,
        seconds: f64,
    ) -> BenchResult<Reached> {
        let feed = Feed::new(&self.bundle, &self.images, method, decoding)?;
        run(&mut self.parallel, &feed, seconds)
    }

    /// Runs one image at a time on all cores, with threads that spin or sleep, whichever is faster.
    pub(crate) fn alone(
        &mut self,
        method: Method,
        decoding: Decoding,
        seconds: f64,
    ) -> BenchResult<Reached> {
        let feed = Feed::new(&self.bundle, &self.images, method, decoding)?;
        let [sleeping, spinning] = &mut self.alone;
        let sleeping = run(std::slice::from_mut(sleeping), &feed, seconds / 2.0)?;
        let spinning = run(std::slice::from_mut(spinning), &feed, seconds / 2.0)?;
        let is_faster = spinning.latency_ms < sleeping.latency_ms;
        Ok(if is_faster { spinning } else { sleeping })
    }

    /// Milliseconds of one decoded image on one core.
    pub(crate) fn pass_ms(&mut self, seconds: f64) -> BenchResult<f64> {
        let (bundle, images) = (&self.bundle, &self.images);
        let feed = Feed::new(bundle, images, Method::Baseline, Decoding::Before)?;
        let one = self.parallel.get_mut(..1).ok_or("there is no core")?;
        Ok(run(one, &feed, seconds)?.latency_ms)
    }
}

/// The work of a loop.
struct Feed<'a> {
    bundle: &'a Bundle,
    method: Method,
    encoded: &'a [Bytes],
    /// One per image; empty when the loop makes them.
    ready: Vec<BareInputs>,
}

impl<'a> Feed<'a> {
    fn new(
        bundle: &'a Bundle,
        encoded: &'a [Bytes],
        method: Method,
        decoding: Decoding,
    ) -> BenchResult<Self> {
        let inputs = encoded
            .iter()
            .map(|image| BareInputs::of(image, bundle, method));
        let ready = match decoding {
            Decoding::Before => inputs.collect::<BenchResult<_>>()?,
            Decoding::Within => Vec::new(),
        };
        Ok(Self {
            bundle,
            method,
            encoded,
            ready,
        })
    }

    fn answer(&self, sessions: &mut BareSessions, number: usize) -> BenchResult {
        if let Some(inputs) = self.ready.get(number % self.encoded.len()) {
            return sessions.answer(inputs);
        }
        let image = &self.encoded[number % self.encoded.len()];
        sessions.answer(&BareInputs::of(image, self.bundle, self.method)?)
    }
}

/// Runs a thread for each of `sessions`, all for the same time.
fn run(sessions: &mut [BareSessions], feed: &Feed<'_>, seconds: f64) -> BenchResult<Reached> {
    let before = cpu_seconds(std::process::id())?;
    let threads = together(sessions, |number, sessions| {
        repeat(sessions, feed, number, seconds)
    })?;
    let used = cpu_seconds(std::process::id())? - before;
    let rate = threads
        .iter()
        .map(|seconds| seconds.len() as f64 / seconds.iter().sum::<f64>())
        .sum();
    let mut latencies = threads.concat();
    Ok(Reached {
        rate,
        cpu_ms: 1e3 * used / latencies.len() as f64,
        latency_ms: 1e3 * quantile(&mut latencies, 0.5),
    })
}

/// Works on each of `items` in a thread of its own. All threads start together.
fn together<Item: Send, Made: Send>(
    items: &mut [Item],
    work: impl Fn(usize, &mut Item) -> BenchResult<Made> + Sync,
) -> BenchResult<Vec<Made>> {
    let start = Barrier::new(items.len());
    let made: Vec<Result<Made, String>> = thread::scope(|scope| {
        let (start, work) = (&start, &work);
        let spawn = |(number, item)| {
            scope.spawn(move || {
                start.wait();
                // The errors cannot leave their thread, so only their texts do.
                work(number, item).map_err(|error| error.to_string())
            })
        };
        let threads: Vec<_> = items.iter_mut().enumerate().map(spawn).collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|thread| thread.unwrap_or_else(|_| Err("a loop panicked".to_owned())))
            .collect()
    });
    Ok(made.into_iter().collect::<Result<_, _>>()?)
}

/// Seconds of each image.
fn repeat(
    sessions: &mut BareSessions,
    feed: &Feed<'_>,
    first: usize,
    seconds: f64,
) -> BenchResult<Vec<f64>> {
    let (start, mut latencies) = (Instant::now(), Vec::new());
    let mut number = first;
    while start.elapsed().as_secs_f64() < seconds {
        let begin = Instant::now();
        feed.answer(sessions, number)?;
        latencies.push(begin.elapsed().as_secs_f64());
        number += 1;
    }
    Ok(latencies)
}
