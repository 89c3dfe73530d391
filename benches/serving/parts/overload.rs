//! Three times as many requests as the server can answer, sent at a fixed rate.

use std::{sync::mpsc, thread, time::Duration};

use bytes::Bytes;

use crate::{
    BenchResult,
    client::{drive, predictions},
    closed_loop::measure as load,
    figures::{
        PartFigures,
        RequiredValue::{AtLeast, AtMost},
    },
    machine::cores,
    open_loop::open_loop,
    process::{cpu_seconds, memory},
    server::RunningServer,
    setting::Setting,
};

const TIMES: f64 = 3.0;
const CLIENTS: usize = 32;
const SHORT_SECONDS: f64 = 5.0;

/// The client's deadline: the name of the case, and its header.
const KINDS: [(&str, &str); 2] = [
    ("no deadline", ""),
    ("a deadline of 1 s", "X-Request-Timeout: 1\r\n"),
];

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let mut figures = PartFigures::new(format!(
        "{TIMES} × capacity: baseline, requests at a fixed rate"
    ));
    let server = RunningServer::start()?;
    for _ in 0..options.rounds {
        for (kind, header) in KINDS {
            let requests = predictions("method=baseline", header, &setting.images);
            flood(&server, &requests, (kind, SHORT_SECONDS), &mut figures)?;
        }
    }
    let requests = predictions("method=baseline", "", &setting.images);
    let subject = format!("no deadline, {} s", options.overload_seconds);
    let of = (subject.as_str(), options.overload_seconds);
    let growth = watched(server.id(), || flood(&server, &requests, of, &mut figures))?;
    let mut noted = figures.of(&subject);
    noted.note_asked("memory: end / after a tenth", AtMost(1.05), growth);
    Ok(figures)
}

fn flood(
    server: &RunningServer,
    requests: &[Bytes],
    (subject, seconds): (&str, f64),
    figures: &mut PartFigures,
) -> BenchResult {
    let (before, left_before) = capacity_of(server, requests)?;
    let used = cpu_seconds(std::process::id())?;
    let mut flood = drive(open_loop(server.address, requests, TIMES * before, seconds))?;
    let left = cores() as f64 - (cpu_seconds(std::process::id())? - used) / seconds;
    let (after, left_after) = capacity_of(server, requests)?;
    // A shared machine may be slower for half a minute than in the two seconds before.
    let capacity = 0.5 * (before + after);
    let left_otherwise = 0.5 * (left_before + left_after);
    let goodput = flood.goodput();
    let mut noted = figures.of(subject);
    noted.note("capacity/s", capacity);
    noted.note_asked("goodput / capacity", AtLeast(0.95), goodput / capacity);
    let per_core = goodput / left / (capacity / left_otherwise);
    noted.note("the same per core that the generator left", per_core);
    let with_the_rest = flood.goodput_with_the_rest() / capacity;
    noted.note("with answers after the end", with_the_rest);
    let prompt = flood.prompt_refusals();
    noted.note_asked("refusals within 50 ms", AtLeast(1.0), prompt);
    noted.note("refusals' p99 ms", flood.refusal_ms(0.99));
    noted.note("refusals' latest ms", flood.refusal_ms(1.0));
    noted.note("answers' p50 ms", flood.answer_ms(0.5));
    noted.note("answers' p99 ms", flood.answer_ms(0.99));
    let failed = flood.failed as f64;
    noted.note_asked("other statuses, or none", AtMost(0.0), failed);
    noted.note("generator late ms", 1e3 * flood.lateness);
    noted.note("resident MB", memory(server.id())?.now_mb);
    noted.note("capacity afterwards / before", after / before);
    Ok(())
}

/// Answers per second to [`CLIENTS`] in a closed loop, and how many cores the generator left to the
/// server.
fn capacity_of(server: &RunningServer, requests: &[Bytes]) -> BenchResult<(f64, f64)> {
    let measured = load(server, requests, CLIENTS, 2.0)?;
    let rate = measured.load.rate();
    let generator = rate * measured.generator_cpu_ms / 1e3;
    Ok((rate, cores() as f64 - generator))
}

/// Reads the memory of a process ten times a second while `work` runs. Returns its memory at the
/// end divided by its memory after a tenth of the time.
fn watched(id: u32, work: impl FnOnce() -> BenchResult) -> BenchResult<f64> {
    let (stop, stopped) = mpsc::channel::<()>();
    let watcher = thread::spawn(move || {
        let mut seen = Vec::new();
        while let Err(mpsc::RecvTimeoutError::Timeout) =
            stopped.recv_timeout(Duration::from_millis(100))
        {
            seen.extend(memory(id).map(|memory| memory.now_mb).ok());
        }
        seen
    });
    let done = work();
    drop(stop);
    let seen = watcher.join().map_err(|_| "the watcher panicked")?;
    done?;
    let early = seen.get(seen.len() / 10).copied().unwrap_or(f64::NAN);
    Ok(seen.last().copied().unwrap_or(f64::NAN) / early)
}
