//! Metrics for Prometheus: their names, and where they change.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use engine::{MethodAnswer, Prediction};
use uncertainty::Action;

const REQUESTS: &str = "secondlook_http_requests_total";
const REQUEST_SECONDS: &str = "secondlook_http_request_duration_seconds";
const STAGE_SECONDS: &str = "secondlook_stage_duration_seconds";
const QUEUE_DEPTH: &str = "secondlook_queue_depth";
const UPLOAD_BYTES: &str = "secondlook_upload_bytes";
const DECISIONS: &str = "secondlook_decisions_total";
const LOG_LINES_LOST: &str = "secondlook_log_lines_lost_total";

/// Upper bounds of the histograms' buckets in seconds, from the fastest stage to the request
/// timeout.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// Starts the metrics of the whole process.
///
/// # Errors
/// If the process has metrics already.
pub fn start() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .install_recorder()?;
    describe_counter!(
        REQUESTS,
        "Answered requests, by route, HTTP method and status (499: the client disconnected)"
    );
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time from the head of a request to its answer"
    );
    describe_histogram!(
        STAGE_SECONDS,
        Unit::Seconds,
        "Time of a prediction by stage: queue, decode, inference"
    );
    describe_gauge!(
        QUEUE_DEPTH,
        "Work in the queue, in images times trunk passes"
    );
    describe_gauge!(
        UPLOAD_BYTES,
        Unit::Bytes,
        "Memory held by uploads that arrive, wait or are processed, of single images and of batches"
    );
    describe_counter!(
        DECISIONS,
        "Decisions, by model, method and action (accept or refer)"
    );
    describe_counter!(
        LOG_LINES_LOST,
        "Log lines that were lost because they could not be written, or not fast enough"
    );
    Ok(handle)
}

/// Condenses recorded values every few seconds. Without it histograms would grow until the next
/// scrape.
pub async fn keep_condensed(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

/// Counts a request that ended.
pub fn request_answered(route: &str, http_method: &'static str, status: u16, elapsed: Duration) {
    let labels = [
        ("route", route.to_owned()),
        ("method", http_method.to_owned()),
        ("status", status.to_string()),
    ];
    counter!(REQUESTS, &labels).increment(1);
    histogram!(REQUEST_SECONDS, &labels).record(elapsed);
}

/// Counts an answered cell.
pub fn prediction_answered(prediction: &Prediction) {
    let timing = &prediction.timing;
    for (stage, elapsed) in [
        ("queue", timing.queue),
        ("decode", timing.decode),
        ("inference", timing.inference),
    ] {
        histogram!(STAGE_SECONDS, "stage" => stage).record(elapsed);
    }
    let model = prediction.model.name();
    count_decision(model, &prediction.answer);
    prediction
        .comparisons
        .iter()
        .for_each(|answer| count_decision(model, answer));
}

/// Sets the gauge. Called just before a scrape.
pub fn set_queue_depth(depth: usize) {
    // Exact up to 2^53.
    gauge!(QUEUE_DEPTH).set(depth as f64);
}

/// Sets the gauge. Called just before a scrape.
pub fn set_upload_bytes(images: usize, batches: usize) {
    gauge!(UPLOAD_BYTES, "of" => "images").set(images as f64);
    gauge!(UPLOAD_BYTES, "of" => "batches").set(batches as f64);
}

/// Sets the counter. Called just before a scrape.
pub fn set_log_lines_lost(lines: u64) {
    counter!(LOG_LINES_LOST).absolute(lines);
}

fn count_decision(model: &str, answer: &MethodAnswer) {
    let action = match answer.decision.action {
        Action::Accept => "accept",
        Action::Refer => "refer",
    };
    counter!(DECISIONS, "model" => model.to_owned(), "method" => answer.method.name(), "action" => action).increment(1);
}
