//! The frozen part of the work: trunk features of every view, computed once and kept on disk.

pub mod cache;
pub mod graph;
pub mod trunk;
pub mod views;
