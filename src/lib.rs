//! Which cells need a second look? `secondlook` classifies cervical-cell images and says how far each answer can be
//! trusted.

pub mod api;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod engine;
pub mod evaluation;
pub mod imaging;
pub mod telemetry;
pub mod uncertainty;
