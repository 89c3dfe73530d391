//! Clients that each send the next request when they have the answer to the last one.

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{
    BenchResult,
    client::{KeptConnection, drive},
    process::cpu_seconds,
    server::RunningServer,
    statistics::quantile,
};

/// How long a refused client waits: the shortest `Retry-After`.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(1);
const WARM_UP: Duration = Duration::from_millis(300);
/// The longest measured time. It runs from an answer of one client to a later answer of the same
/// client. Clients that begin together are answered together, so between two answers of one client
/// the others have theirs, too.
const LONGEST: Duration = Duration::from_secs(20);

/// The answers within the measured time.
#[derive(Default)]
pub(crate) struct LoadSeen {
    pub answered: usize,
    /// 503 or 429.
    pub refused: usize,
    /// Any other status, or no answer.
    pub failed: usize,
    /// Seconds of each answered request.
    latencies: Vec<f64>,
    /// Measured time.
    pub seconds: f64,
    /// All answers, also those before and after the measured time.
    pub answered_in_all: usize,
}

impl LoadSeen {
    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    /// Milliseconds below which a share of the answers came.
    pub(crate) fn latency_ms(&mut self, share: f64) -> f64 {
        1e3 * quantile(&mut self.latencies, share)
    }

    /// Share of the requests that were refused, from 0 to 1.
    pub(crate) fn refused_share(&self) -> f64 {
        self.refused as f64 / (self.answered + self.refused).max(1) as f64
    }

    fn note(&mut self, status: u16, elapsed: Duration) {
        self.answered += usize::from(status == 200);
        match status {
            200 => self.latencies.push(elapsed.as_secs_f64()),
            429 | 503 => self.refused += 1,
            _ => self.failed += 1,
        }
    }
}

/// A running load.
struct Running {
    load: LoadSeen,
    /// The time from which answers are counted.
    warm: Instant,
    /// When the first of them arrived, and for which client. It only starts the clock.
    begin: Option<(Instant, usize)>,
    seconds: f64,
    /// When the measurement ended.
    end: Option<Instant>,
}

impl Running {
    fn note(&mut self, client: usize, status: u16, sent: Instant) {
        let now = Instant::now();
        let is_answer = status == 200;
        self.load.answered_in_all += usize::from(is_answer);
        if self.end.is_some() || now < self.warm {
            return;
        }
        let Some((begin, first)) = self.begin else {
            self.begin = is_answer.then_some((now, client));
            self.end = (now - self.warm >= LONGEST).then_some(now);
            return;
        };
        self.load.note(status, now - sent);
        let measured = now - begin;
        self.load.seconds = measured.as_secs_f64();
        let is_whole = is_answer && client == first;
        if (is_whole && self.load.seconds >= self.seconds) || measured >= LONGEST {
            self.end = Some(now);
        }
    }
}

/// Runs `clients` for `seconds` or a little longer, after a warm-up that is not counted. Waits for
/// the requests in progress at the end.
pub(crate) async fn closed_loop(
    address: SocketAddr,
    requests: &[Bytes],
    clients: usize,
    seconds: f64,
) -> LoadSeen {
    let running = Rc::new(RefCell::new(Running {
        load: LoadSeen::default(),
        warm: Instant::now() + WARM_UP,
        begin: None,
        seconds,
        end: None,
    }));
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (running, requests) = (Rc::clone(&running), requests.to_vec());
        tasks.spawn_local(async move {
            let mut connection = None;
            for request in requests.iter().cycle().skip(number) {
                if running.borrow().end.is_some() {
                    return;
                }
                let sent = Instant::now();
                let status = ask(&mut connection, address, request).await;
                running.borrow_mut().note(number, status, sent);
                if status != 200 {
                    tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    std::mem::take(&mut running.borrow_mut().load)
}

/// The status, or 0 when there was none. A broken connection is opened again the next time.
async fn ask(connection: &mut Option<KeptConnection>, address: SocketAddr, request: &[u8]) -> u16 {
    if connection.is_none() {
        *connection = KeptConnection::connect(address).await.ok();
    }
    let Some(client) = connection else { return 0 };
    match client.ask(request).await {
        Ok(reply) => reply.status,
        Err(_) => {
            *connection = None;
            0
        }
    }
}

/// A load and its cost.
pub(crate) struct LoadCost {
    pub load: LoadSeen,
    /// CPU milliseconds of the server per answer. The cost includes refusals.
    pub cpu_ms: f64,
    /// The load generator's own.
    pub generator_cpu_ms: f64,
}

/// Runs a load against a server.
pub(crate) fn measure(
    server: &RunningServer,
    requests: &[Bytes],
    clients: usize,
    seconds: f64,
) -> BenchResult<LoadCost> {
    let used = || {
        Ok::<_, Box<dyn std::error::Error>>((
            cpu_seconds(server.id())?,
            cpu_seconds(std::process::id())?,
        ))
    };
    let before = used()?;
    let load = drive(closed_loop(server.address, requests, clients, seconds))?;
    let after = used()?;
    // Without any answer these are infinite, and the table shows it.
    let answers = load.answered_in_all as f64;
    Ok(LoadCost {
        load,
        cpu_ms: 1e3 * (after.0 - before.0) / answers,
        generator_cpu_ms: 1e3 * (after.1 - before.1) / answers,
    })
}
