//! The cells: reading a data set, cutting crops, labels and their grouping, and dividing into parts.

pub mod cells;
mod cric;
pub mod crop_table;
pub mod crops;
mod folders;
pub mod labels;
pub mod part;
pub mod pictures;
pub mod split;
mod table;
