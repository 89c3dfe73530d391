//! All tests of the crate in one program, so that the library is compiled once. `oracle_*` compare
//! with reference files from other libraries (`tests/fixtures`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of a test are no interface")]

mod certify;
mod grid;
mod measure;
mod ood_model;
mod oracle_ood;
mod oracle_prediction_sets;
mod oracle_risk_control;
mod oracle_summary;
mod oracle_temperature;
mod promise;
mod properties;
mod random;
mod range;
mod referral;
mod stopping;
mod stopping_fit;
mod stopping_margin;
mod summary;
mod tally;
