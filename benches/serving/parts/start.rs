//! Time from the start of the process to its first answer, and its memory, idle and under load.

use std::{
    thread,
    time::{Duration, Instant},
};

use bundle::Method;

use crate::{
    BenchResult,
    client::{answers, predictions},
    closed_loop::measure as load,
    figures::{PartFigures, RequiredValue::AtMost},
    process::memory,
    server::RunningServer,
    setting::Setting,
};

const CLIENTS: usize = 32;

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let mut figures = PartFigures::new("Start and memory, with the bundles of models/ loaded");
    let first = predictions("method=baseline", "", &setting.images[..1]);
    // The first start reads the files from the disk; the limit is for a warm one.
    drop(RunningServer::start()?);
    for _ in 0..options.rounds {
        let started = Instant::now();
        let server = RunningServer::start()?;
        let resident = || memory(server.id());
        let mut noted = figures.of("start");
        noted.note("s to ready", started.elapsed().as_secs_f64());
        answers(server.address, &first, 1)?;
        let answered = started.elapsed().as_secs_f64();
        noted.note_asked("s to the first answer", AtMost(1.0), answered);
        thread::sleep(Duration::from_millis(300));
        let idle_mb = resident()?.now_mb;
        let mut noted = figures.of("idle");
        noted.note_asked("resident MB", AtMost(150.0), idle_mb);
        for method in Method::ALL {
            let requests = predictions(&format!("method={method}"), "", &setting.images);
            load(&server, &requests, CLIENTS, options.seconds)?;
            let (subject, busy_mb) = (format!("{CLIENTS} clients of {method}"), resident()?.now_mb);
            let mut noted = figures.of(&subject);
            noted.note_asked("resident MB", AtMost(300.0), busy_mb);
        }
        let mut noted = figures.of("all methods");
        noted.note_asked("resident MB, most", AtMost(300.0), resident()?.most_mb);
    }
    Ok(figures)
}
