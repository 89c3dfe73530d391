//! Tests of the real binary with the real runtime and the default bundle, over a socket or a shell.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of a test are no interface")]

mod access;
mod answer_limit;
mod answer_size;
mod batches;
mod cli;
mod docs;
mod doctor;
mod examples;
mod fhir;
mod fhir_bundles;
mod field_lines;
mod field_refusals;
mod fields;
mod hostile;
mod install;
mod lifecycle;
mod limits;
mod logs;
mod monitoring;
mod page;
mod policies;
mod predictions;
mod problems;
mod quantise;
mod quantise_refusals;
mod reading;
mod readme;
mod repeatability;
mod same_question;
mod screening;
mod server;
mod snapshot;
mod unlike;
mod v2;
mod v2_refusals;
