//! Measuring trained heads and printing the figures.

pub mod evaluate;
pub mod figures;
pub mod tables;
