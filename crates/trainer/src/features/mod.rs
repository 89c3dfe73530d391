//! The frozen part of the work: trunk features of every view, computed once and kept on disk.

pub(crate) mod cache;
pub(crate) mod graph;
pub(crate) mod trunk;
pub(crate) mod views;
