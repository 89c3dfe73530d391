//! The log, on standard error: standard output belongs to the program's answers.
//!
//! A queue passes lines to a thread that writes them. If the reader is gone or too slow, or the
//! disk is full, lines are dropped and counted. A request never waits for the log.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal, Write, stderr},
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

use crate::config::{LogConfig, LogFormat};

/// Lines in the queue: a few seconds of the busiest server, some megabytes.
const WAITING_LINES: usize = 8192;
/// How long the end of the process waits for room in a full queue.
const LONGEST_WAIT_FOR_ROOM: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// The lost lines of this process' log.
static LOST: OnceLock<LostLines> = OnceLock::new();

/// The log cannot be written as configured.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be parsed.
    #[error(
        "`log.filter`: expected a level (error, warn, info, debug or trace), or levels per part such as info,ort=warn, found `{filter}`"
    )]
    Filter {
        /// The filter as configured.
        filter: String,
    },
    /// The log was started before.
    #[error("the log was started twice")]
    StartedTwice(#[from] TryInitError),
}

/// The log of the process. Dropping it writes the lines that wait, within about two seconds; keep
/// it until the process ends.
#[must_use = "lines that wait are lost if the process ends without dropping the log"]
pub struct Log {
    queue: NonBlocking,
    thread: Option<WorkerGuard>,
}

struct LostLines {
    /// Lines that did not fit into the queue.
    crowded_out: ErrorCounter,
    /// Lines that could not be written.
    unwritten: Arc<AtomicU64>,
}

/// Checks that the log can be written as configured.
pub fn check(config: &LogConfig) -> Result<(), LogError> {
    filter(config).map(drop)
}

fn filter(config: &LogConfig) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(&config.filter).map_err(|_| LogError::Filter {
        filter: config.filter.clone(),
    })
}

/// Starts the log for the whole process. From then on panics are logged, too.
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

/// Number of lost lines of this process' log; 0 before it is started.
pub fn lost_lines() -> u64 {
    let Some(lost) = LOST.get() else {
        return 0;
    };
    let crowded_out = u64::try_from(lost.crowded_out.dropped_lines()).unwrap_or(u64::MAX);
    crowded_out.saturating_add(lost.unwritten.load(Ordering::Relaxed))
}

/// Logs panics. The standard library would write them to standard error itself, and would block if
/// nothing reads it.
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
            panic.payload_as_str().unwrap_or("no message"),
        );
    }));
}

impl Log {
    /// Whether a line would be lost now, tested with an empty one.
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
            // When the guard of a full queue is dropped, it writes to standard output and may
            // block.
            mem::forget(thread);
        }
    }
}

/// A writer that accepts every line and never fails, so that a full disk or a closed pipe does not
/// end the program.
struct LossyWriter<Target> {
    target: Target,
    lost: Arc<AtomicU64>,
    /// Whether the last line was written in part only. The next one then starts on a line of its
    /// own.
    cut: bool,
}

impl<Target: Write> LossyWriter<Target> {
    /// Writes to `target`, and counts in `lost` the lines that could not be written.
    fn new(target: Target, lost: Arc<AtomicU64>) -> Self {
        Self {
            target,
            lost,
            cut: false,
        }
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        if self.cut {
            self.target.write_all(b"\n")?;
            self.cut = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match self.target.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.cut = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<Target: Write> Write for LossyWriter<Target> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.put(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs::File, io::Read};

    use super::*;

    #[test]
    fn unwritten_lines_are_counted() {
        let lost = Arc::new(AtomicU64::new(0));
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut writer = LossyWriter::new(full, Arc::clone(&lost));
        writer.write_all(b"one\n").unwrap();
        writer.write_all(b"two\n").unwrap();
        writer.flush().unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 2);

        let (reader, pipe) = io::pipe().unwrap();
        drop(reader);
        let mut writer = LossyWriter::new(pipe, Arc::clone(&lost));
        writer.write_all(b"three\n").unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn line_after_a_cut_one_starts_anew() {
        // A reader that takes a part and then closes acts like a disk that fills up within a line.
        let lost = Arc::new(AtomicU64::new(0));
        let (mut reader, pipe) = io::pipe().unwrap();
        let taking = thread::spawn(move || reader.read_exact(&mut [0; 10]).unwrap());
        let mut writer = LossyWriter::new(pipe, Arc::clone(&lost));
        writer.write_all(&[b'x'; 1 << 20]).unwrap();
        taking.join().unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 1);
        assert!(writer.cut);

        let kept = tempfile::NamedTempFile::new().unwrap();
        let mut writer = LossyWriter {
            target: kept.reopen().unwrap(),
            lost,
            cut: writer.cut,
        };
        writer.write_all(b"next\n").unwrap();
        writer.write_all(b"last\n").unwrap();
        assert_eq!(std::fs::read(kept.path()).unwrap(), b"\nnext\nlast\n");
    }
}
