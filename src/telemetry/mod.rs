//! Telemetry for the operator: lines in a log and metrics to scrape. Both may hold names, numbers
//! and ids, and never images, accessions or anything else about a person.

pub mod log;
pub mod metrics;
