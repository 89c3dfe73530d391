//! The cells: reading a data set, cutting crops, labels and their grouping, and dividing into parts.

pub(crate) mod cells;
mod cric;
pub(crate) mod crop_table;
pub(crate) mod crops;
mod folders;
pub(crate) mod labels;
pub(crate) mod part;
pub(crate) mod pictures;
pub(crate) mod split;
mod table;
