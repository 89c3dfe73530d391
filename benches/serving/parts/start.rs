//! From the start of the process to its first answer, and the memory that it takes idle and under load.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    BenchResult,
    client::predictions,
    closed_loop::measure as load,
    figures::{PartFigures, RequiredValue::AtMost},
    process::memory,
    server::RunningServer,
    setting::Setting,
};

const CLIENTS: usize = 32;
const METHODS: [&str; 4] = ["baseline", "mc_dropout", "ensemble", "tta"];

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let mut figures = PartFigures::new("Start and memory, both bundles of models/ loaded");
    let first = predictions(
        "method=baseline",
        "",
        setting.images.get(..1).unwrap_or_default(),
    )
    .concat();
    // The first start reads the files from the disk; the limit is for a warm one.
    drop(RunningServer::start()?);
    for _ in 0..options.rounds {
        let started = Instant::now();
        let server = RunningServer::start()?;
        figures.note("start", "s to ready", started.elapsed().as_secs_f64());
        server
            .answer(&first)?
            .ok_or("the first request was refused")?;
        figures.note_asked(
            "start",
            "s to the first answer",
            AtMost(1.0),
            started.elapsed().as_secs_f64(),
        );
        thread::sleep(Duration::from_millis(300));
        figures.note_asked(
            "idle",
            "resident MB",
            AtMost(150.0),
            memory(server.id())?.now_mb,
        );
        for method in METHODS {
            let requests = predictions(&format!("method={method}"), "", &setting.images);
            load(&server, &requests, CLIENTS, options.seconds)?;
            let subject = format!("{CLIENTS} clients of {method}");
            figures.note_asked(
                &subject,
                "resident MB",
                AtMost(300.0),
                memory(server.id())?.now_mb,
            );
        }
        figures.note_asked(
            "all methods",
            "resident MB, most",
            AtMost(300.0),
            memory(server.id())?.most_mb,
        );
    }
    Ok(figures)
}
