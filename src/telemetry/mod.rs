//! What the operator sees: lines in a log and figures to scrape. What may enter: names, numbers and ids. What may not:
//! images, accessions, or anything else about a person.

pub mod log;
pub mod metrics;
