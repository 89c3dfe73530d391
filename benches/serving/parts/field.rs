//! A field and its nuclei in one request, against an engine in this process on the same crops of
//! the decoded field.

use std::{fs, path::Path, sync::Arc, time::Instant};

use bundle::Method;
use bytes::Bytes;
use engine::{DecodedField, Engine, EngineConfig, FieldCrop, Priority, RequestOptions, Subject};
use futures_util::StreamExt;
use imaging::{Limits, decode};
use reqwest::{
    RequestBuilder, Response,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use crate::{
    BenchResult,
    bare::Decoding,
    cells::files_in,
    client::drive,
    figures::{PartFigures, RequiredValue::AtMost},
    process::cpu_seconds_of_threads,
    server::RunningServer,
    setting::Setting,
};

/// Nuclei along each side of a grid over the field.
const ROWS: u32 = 10;
const CELLS: f64 = (ROWS * ROWS) as f64;

/// An encoded field and its nuclei.
struct BenchField {
    encoded: Bytes,
    decoded: Arc<DecodedField>,
    places: Vec<(u32, u32)>,
    decode_ms: f64,
}

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let folder = options.data.join("fields");
    if !folder.exists() {
        let title = "A field: not measured, the data set is absent";
        return Ok(PartFigures::new(title));
    }
    let field = BenchField::first_of(&folder)?;
    let mut figures = PartFigures::new(format!(
        "A field with {CELLS} nuclei in one request (baseline)"
    ));
    let mut bare = setting.bare_loop()?;
    let engine = setting.engine(&EngineConfig::default())?;
    let edge = setting.bundle.manifest().input.crop_edge_px;
    let server = RunningServer::start()?;
    let clients = reqwest::Client::new();
    let ask = || field.ask(&clients, &server);
    drive(whole(ask()))??;
    for _ in 0..options.rounds_of_one_request() {
        let pass_ms = bare.pass_ms(options.seconds / 2.0)?;
        let reached = bare.parallel(Method::Baseline, Decoding::Within, options.seconds)?;
        let engine_ms = drive(crops(&engine, &field, edge))??;
        let before = cpu_seconds_of_threads(server.id())?;
        let took_ms = drive(whole(ask()))??;
        let cpu_ms = 1e3 * (cpu_seconds_of_threads(server.id())? - before);
        let first_ms = drive(first_line(ask()))??;
        let mut noted = figures.of("field");
        noted.note("ms", took_ms);
        noted.note("the engine's ms for its crops", engine_ms);
        noted.note_asked("field / engine", AtMost(1.05), took_ms / engine_ms);
        let loop_cpu_ms = CELLS * reached.cpu_ms;
        noted.note("CPU: field / loop over crops", cpu_ms / loop_cpu_ms);
        noted.note("decoding it, ms", field.decode_ms);
        noted.note("ms until the first line", first_ms);
        let batches = (first_ms - field.decode_ms) / pass_ms;
        noted.note_asked("the same after decoding, in batches", AtMost(2.0), batches);
    }
    Ok(figures)
}

impl BenchField {
    fn first_of(folder: &Path) -> BenchResult<Self> {
        let files = files_in(folder)?;
        let encoded = fs::read(files.first().ok_or("there is no field in the data set")?)?;
        let started = Instant::now();
        let image = decode(&encoded, &Limits::default())?;
        let decode_ms = 1e3 * started.elapsed().as_secs_f64();
        let place = |index: u32, size: u32| (2 * index + 1) * size / (2 * ROWS);
        let (width, height) = (image.width(), image.height());
        let cells = 0..ROWS * ROWS;
        let places = cells.map(|cell| (place(cell % ROWS, width), place(cell / ROWS, height)));
        Ok(Self {
            encoded: encoded.into(),
            places: places.collect(),
            decoded: Arc::new(DecodedField {
                pixels: image,
                sha256: String::new(),
                seed: 0,
            }),
            decode_ms,
        })
    }

    fn ask(&self, clients: &reqwest::Client, server: &RunningServer) -> RequestBuilder {
        let image = Part::stream(self.encoded.clone()).file_name("field");
        let nuclei = self.places.iter().map(|(x, y)| json!({"x": x, "y": y}));
        let nuclei = Value::from_iter(nuclei).to_string();
        let form = Form::new().part("image", image).text("nuclei", nuclei);
        let url = format!("http://{}/v1/fields?method=baseline", server.address);
        clients.post(url).multipart(form)
    }
}

/// Milliseconds of the engine for the field's cells.
async fn crops(engine: &Engine, field: &BenchField, edge: u32) -> BenchResult<f64> {
    let plan = engine.plan(RequestOptions {
        method: Some(Method::Baseline),
        priority: Priority::Bulk,
        ..RequestOptions::default()
    })?;
    let crop = |&(x, y): &(u32, u32)| FieldCrop::at(&field.decoded, x.into(), y.into(), edge);
    let started = Instant::now();
    let crops: Vec<_> = field.places.iter().map(crop).map(Subject::Crop).collect();
    let mut answers = std::pin::pin!(engine.predict_all(&plan, crops));
    while let Some((_, answer)) = answers.next().await {
        answer?;
    }
    Ok(1e3 * started.elapsed().as_secs_f64())
}

/// Milliseconds until the whole answer has arrived.
async fn whole(request: RequestBuilder) -> BenchResult<f64> {
    let started = Instant::now();
    let answer: Value = answered(request).await?.json().await?;
    let took = 1e3 * started.elapsed().as_secs_f64();
    let is_answered = |cell: &&Value| cell["prediction"].is_object();
    let cells = answer["cells"].as_array().map(Vec::as_slice);
    match cells.unwrap_or_default().iter().filter(is_answered).count() as f64 {
        CELLS => Ok(took),
        others => Err(format!("{others} cells were answered").into()),
    }
}

/// Milliseconds until the first line has arrived. The other lines are read as well.
async fn first_line(request: RequestBuilder) -> BenchResult<f64> {
    let started = Instant::now();
    let mut response = answered(request.header("Accept", "application/x-ndjson")).await?;
    let first = response.chunk().await?;
    let took = 1e3 * started.elapsed().as_secs_f64();
    if !first.is_some_and(|bytes| bytes.contains(&b'\n')) {
        return Err("the first piece of the answer is no line".into());
    }
    while response.chunk().await?.is_some() {}
    Ok(took)
}

async fn answered(request: RequestBuilder) -> BenchResult<Response> {
    Ok(request.send().await?.error_for_status()?)
}
