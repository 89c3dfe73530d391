//! The log, on standard error: standard output belongs to the program's answers.
//!
//! Lines go through a queue to a thread of their own. When nothing reads them, or they cannot be written, they are lost and
//! counted: a line may be lost, never an answer.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{IsTerminal, Write, stderr},
    mem, panic,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tracing::{error, field};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt, util::TryInitError};

use super::writer::LossyWriter;
use crate::config::{LogConfig, LogFormat};

/// Lines that may wait to be written: a few seconds of the busiest server, and some megabytes.
const WAITING_LINES: usize = 8192;
/// How long the end of the process waits for room in a queue that is full.
const LONGEST_WAIT_FOR_ROOM: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// The lines of this process' log that were lost.
static LOST: OnceLock<LostLines> = OnceLock::new();

/// The log cannot be written as configured.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is no list of levels and directives.
    #[error("`log.filter` = `{filter}` cannot be read ({reason}): write a level such as info")]
    Filter {
        /// The filter as configured.
        filter: String,
        /// What the parser says.
        reason: String,
    },
    /// There is a log already.
    #[error("the log was started twice")]
    StartedTwice(#[from] TryInitError),
}

/// The log of the process. What waits to be written is written when this is dropped, within about two seconds; keep it
/// until the process ends.
#[must_use = "lines that wait are lost when the process ends without dropping it"]
pub struct Log {
    queue: NonBlocking,
    thread: Option<WorkerGuard>,
}

struct LostLines {
    /// For which the queue had no room.
    crowded_out: ErrorCounter,
    /// Which could not be written.
    unwritten: Arc<AtomicU64>,
}

/// Tells whether the log could be written as configured.
///
/// # Errors
/// [`LogError::Filter`]
pub fn check(config: &LogConfig) -> Result<(), LogError> {
    filter(config).map(drop)
}

fn filter(config: &LogConfig) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(&config.filter).map_err(|error| LogError::Filter {
        filter: config.filter.clone(),
        reason: error.to_string(),
    })
}

/// Starts the log for the whole process. From then on panics are lines of the log, too.
///
/// # Errors
/// [`LogError`]
pub fn start(config: &LogConfig) -> Result<Log, LogError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = filter(config)?;
    let unwritten = Arc::new(AtomicU64::new(0));
    let (queue, thread) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(LossyWriter::new(stderr(), Arc::clone(&unwritten)));
    let crowded_out = queue.error_counter();
    let log = fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(queue.clone());
    match config.format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init()?,
    }
    LOST.get_or_init(|| LostLines {
        crowded_out,
        unwritten,
    });
    log_panics();
    Ok(Log {
        queue,
        thread: Some(thread),
    })
}

/// How many lines of this process' log were lost so far; 0 before it is started.
pub fn lost_lines() -> u64 {
    let Some(lost) = LOST.get() else {
        return 0;
    };
    let crowded_out = u64::try_from(lost.crowded_out.dropped_lines()).unwrap_or(u64::MAX);
    crowded_out.saturating_add(lost.unwritten.load(Ordering::Relaxed))
}

/// The standard library writes panics to standard error itself, and waits for ever where nothing reads that.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let thread = thread::current();
        let backtrace = Backtrace::capture();
        let is_wanted = backtrace.status() == BacktraceStatus::Captured;
        error!(
            thread = thread.name(),
            location = panic.location().map(field::display),
            backtrace = is_wanted.then(|| field::display(&backtrace)),
            "panicked: {}",
            panic.payload_as_str().unwrap_or("without a text"),
        );
    }));
}

impl Log {
    /// Whether a line would be lost now, tried with an empty one.
    fn is_full(&mut self) -> bool {
        let counter = self.queue.error_counter();
        let before = counter.dropped_lines();
        drop(self.queue.write_all(b""));
        counter.dropped_lines() > before
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let started = Instant::now();
        let mut is_full = self.is_full();
        while is_full && started.elapsed() < LONGEST_WAIT_FOR_ROOM {
            thread::sleep(PAUSE);
            is_full = self.is_full();
        }
        let thread = self.thread.take();
        if is_full {
            // The guard of a full queue writes to standard output when it is dropped, and may wait there for ever.
            mem::forget(thread);
        }
    }
}
