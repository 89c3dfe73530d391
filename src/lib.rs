//! Which cells need a second look? `secondlook` classifies cervical-cell images and says how far each answer can be
//! trusted.

pub mod config;
pub mod imaging;
pub mod uncertainty;
