//! Test-time augmentation with early stopping, on the cells of a tenth of the data set's images.

use bytes::Bytes;
use serde_json::Value;

use super::fairness::LARGE_QUERY;
use crate::{
    BenchResult, cells,
    client::{answers, predictions},
    figures::{
        PartFigures,
        RequiredValue::{AtLeast, AtMost},
    },
    process::cpu_seconds,
    server::RunningServer,
    setting::Setting,
    statistics::quantile,
};

const CLIENTS: usize = 8;
const SUBJECT: &str = "tta";

/// Answers and their cost.
struct TtaAnswers {
    answers: Vec<Value>,
    cpu_ms: f64,
}

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let kept = options.out.join("cells");
    let (images, whose) = match cells::test_cells(&options.data, &kept, setting.bundle.manifest())?
    {
        Some(images) => (images, "cells of a tenth of CRIC's images"),
        None => (
            setting.images.clone(),
            "example cells, since the data set is absent",
        ),
    };
    let mut figures = PartFigures::new(format!(
        "Test-time augmentation with early stopping on {} {whose}",
        images.len()
    ));
    let server = RunningServer::start()?;
    let mut used = Vec::new();
    let mut alike = 0;
    // The rounds are slices of the cells; each slice is sent in three ways in turn.
    for slice in images.chunks(images.len().div_ceil(options.rounds).max(1)) {
        let baseline = ask(&server, "method=baseline&priority=bulk", slice)?;
        let stopping = ask(&server, "method=tta&priority=bulk", slice)?;
        let all = ask(&server, LARGE_QUERY, slice)?;
        let mut noted = figures.of(SUBJECT);
        let cost = stopping.cpu_ms / baseline.cpu_ms;
        noted.note_asked("CPU: tta / baseline", AtMost(10.0), cost);
        noted.note("CPU: all views / baseline", all.cpu_ms / baseline.cpu_ms);
        let views = stopping.answers.iter();
        used.extend(views.filter_map(|answer| answer["samples"]["used"].as_f64()));
        let pairs = stopping.answers.iter().zip(&all.answers);
        let same = pairs.filter(|(one, other)| decision(one) == decision(other));
        alike += same.count();
    }
    let cells = used.len() as f64;
    let mut noted = figures.of(SUBJECT);
    let alike = alike as f64 / cells;
    noted.note_asked("decisions as with all views", AtLeast(0.995), alike);
    noted.note("views, mean", used.iter().sum::<f64>() / cells);
    noted.note("views, median", quantile(&mut used, 0.5));
    Ok(figures)
}

/// What the rule must settle: accept or refer, the class of an accepted cell, and whether a
/// referred cell is called abnormal.
fn decision(answer: &Value) -> (&Value, Option<&Value>, bool) {
    let decision = &answer["decision"];
    let action = &decision["action"];
    let label = &answer["prediction"]["label"];
    let mut reasons = decision["reasons"].as_array().into_iter().flatten();
    let called_abnormal = reasons.any(|reason| reason == "abnormal");
    (
        action,
        (action == "accept").then_some(label),
        called_abnormal,
    )
}

/// Sends each image once, several at a time. Answers are in the order of the images.
fn ask(server: &RunningServer, query: &str, images: &[Bytes]) -> BenchResult<TtaAnswers> {
    let requests = predictions(query, "", images);
    let before = cpu_seconds(server.id())?;
    let answers = answers(server.address, &requests, CLIENTS)?;
    let cpu_ms = 1e3 * (cpu_seconds(server.id())? - before) / images.len() as f64;
    Ok(TtaAnswers { answers, cpu_ms })
}
