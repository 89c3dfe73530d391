//! The cells: reading a data set, cutting crops, labels and their grouping, and dividing into parts.

pub mod cric;
pub mod crop_table;
pub mod crops;
pub mod labels;
pub mod part;
pub mod split;
