//! Test-time augmentation that stops as soon as its decision is settled, on cells of a tenth of the data set's images.

use std::{cell::RefCell, net::SocketAddr, rc::Rc};

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use super::fairness::LARGE_QUERY;
use crate::{
    BenchResult, cells,
    client::{KeptConnection, drive, predictions},
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

/// Answers, and what they cost.
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
    // The rounds are slices of the cells, each asked in three ways in turn.
    for slice in images.chunks(images.len().div_ceil(options.rounds).max(1)) {
        let baseline = ask(&server, "method=baseline&priority=bulk", slice)?;
        let stopping = ask(&server, "method=tta&priority=bulk", slice)?;
        let all = ask(&server, LARGE_QUERY, slice)?;
        figures.note_asked(
            SUBJECT,
            "CPU: tta / baseline",
            AtMost(10.0),
            stopping.cpu_ms / baseline.cpu_ms,
        );
        figures.note(
            SUBJECT,
            "CPU: all views / baseline",
            all.cpu_ms / baseline.cpu_ms,
        );
        used.extend(
            stopping
                .answers
                .iter()
                .filter_map(|answer| answer["samples"]["used"].as_f64()),
        );
        let pairs = stopping.answers.iter().zip(&all.answers);
        alike += pairs
            .filter(|(one, other)| decision(one) == decision(other))
            .count();
    }
    figures.note_asked(
        SUBJECT,
        "decisions as with all views",
        AtLeast(0.995),
        alike as f64 / used.len() as f64,
    );
    figures.note(
        SUBJECT,
        "views, mean",
        used.iter().sum::<f64>() / used.len() as f64,
    );
    figures.note(SUBJECT, "views, median", quantile(&mut used, 0.5));
    Ok(figures)
}

/// What the rule has to settle: accept or refer, the class of what is accepted, and whether what is referred is called abnormal.
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

/// Each image once, several at a time; answers in the order of the images.
fn ask(server: &RunningServer, query: &str, images: &[Bytes]) -> BenchResult<TtaAnswers> {
    let requests = predictions(query, "", images);
    let before = cpu_seconds(server.id())?;
    let answers = drive(each(server.address, requests))??;
    let cpu_ms = 1e3 * (cpu_seconds(server.id())? - before) / images.len() as f64;
    Ok(TtaAnswers { answers, cpu_ms })
}

async fn each(address: SocketAddr, requests: Vec<Bytes>) -> BenchResult<Vec<Value>> {
    let answers = Rc::new(RefCell::new(vec![Value::Null; requests.len()]));
    let waiting = Rc::new(RefCell::new(requests.into_iter().enumerate()));
    let mut running = JoinSet::new();
    for _ in 0..CLIENTS {
        let (answers, waiting) = (Rc::clone(&answers), Rc::clone(&waiting));
        running.spawn_local(async move {
            let mut client = KeptConnection::connect(address).await?;
            loop {
                let Some((index, request)) = waiting.borrow_mut().next() else {
                    return Ok::<_, std::io::Error>(());
                };
                let reply = client.ask(&request).await?;
                let answer = serde_json::from_slice(client.body(&reply))?;
                if let Some(place) = answers
                    .borrow_mut()
                    .get_mut(index)
                    .filter(|_| reply.status == 200)
                {
                    *place = answer;
                }
            }
        });
    }
    while let Some(client) = running.join_next().await {
        client??;
    }
    let answers = answers.take();
    match answers.iter().filter(|answer| answer.is_null()).count() {
        0 => Ok(answers),
        missing => Err(format!("{missing} cells were not answered").into()),
    }
}
