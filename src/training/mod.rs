//! From a folder of fields to a bundle: crops, split, features, heads, export, calibration, evaluation.
//!
//! Enters: files of a data set, the settings of a run and everything that `imaging`, `uncertainty`, `evaluation`,
//! `bundle` and the runtime offer. Does not enter: HTTP and the serving engine's queue. Every step leaves its result in
//! a work folder, so that it can be looked at, repeated alone and resumed; every random choice comes from one seed.
//!
//! ```text
//! fields ─ crops ─▶ crops.csv ─ split ─▶ split.csv ─ features ─▶ [cells, D] per view ─ fit ─▶ heads ─ export ─▶ bundle
//! ```

mod crop_table;
mod crops;
mod dataset;
mod error;
mod features;
mod fit;
mod graph;
mod head_weights;
mod heads;
mod labels;
mod losses;
mod parallel;
mod random;
mod recipe;
mod split;
mod views;
mod workspace;

pub use crop_table::{CropRow, CropSettings, CropTable, LeftOut};
pub use crops::{CropOutcome, crop_dataset};
pub use dataset::Dataset;
pub use error::TrainingError;
pub use features::{FeatureMatrix, FeatureRequest, TrunkFile, features};
pub use fit::{TrainingCells, fit};
pub use graph::Graph;
pub use head_weights::{HeadShape, HeadWeights, Standardisation};
pub use heads::HeadBank;
pub use labels::{Bethesda, Grouping};
pub use recipe::Recipe;
pub use split::{Part, Split, SplitOptions, SplitRow, split};
pub use views::ViewPlan;
pub use workspace::Workspace;
