//! From a folder of fields to a bundle: crops, split, features, heads, export, calibration, evaluation.
//!
//! Enters: files of a data set, the settings of a run and everything that `imaging`, `uncertainty`, `evaluation`,
//! `bundle` and the runtime offer. Does not enter: HTTP and the serving engine's queue. Every step leaves its result in
//! a work folder, so that it can be looked at, repeated alone and resumed; every random choice comes from one seed.
//!
//! ```text
//! fields ─ crops ─▶ crops.csv ─ split ─▶ split.csv ─ features ─▶ [cells, D] per view ─ fit ─▶ heads ─ export ─▶ bundle
//! ```

mod augmented;
mod calibration;
mod cli;
mod commands;
mod dataset;
mod error;
mod evaluation;
mod export;
mod features;
pub mod finetune;
mod heads;
pub mod lite0;
mod models;
mod parallel;
mod progress;
mod random;
mod statistics;
mod study;
mod trunks;
mod workspace;

pub use augmented::{
    join::{Incomplete, TensorFormat, join_views},
    tensors::{npy, safetensors},
    views::{CellViews, Written, write_views},
};
pub use cli::{Cli, Command};
pub use commands::run;
pub use dataset::cells::{CellRecord, Dataset, Layout};
pub use dataset::crop_table::{CropRow, CropSettings, CropTable, LeftOut};
pub use dataset::crops::{CropOptions, CropOutcome, crop_dataset};
pub use dataset::labels::{Grouping, LabelEntry, LabelSet};
pub use dataset::part::Part;
pub use dataset::split::{Split, SplitOptions, SplitRow, split, split_again};
pub use error::TrainingError;
pub use features::cache::{FeatureMatrix, FeatureRequest, FeatureSet, features};
pub use features::graph::Graph;
pub use features::trunk::TrunkFile;
pub use features::views::ViewPlan;
pub use heads::bank::HeadBank;
pub use heads::cells::TrainingCells;
pub use heads::choice::{Preset, RecipeArgs};
pub use heads::fit::fit;
pub use heads::graphs::{FEATURES, LOGITS, baseline_graph, ensemble_graph, mc_dropout_graph};
pub use heads::losses::{EPSILON, LossError, LossOptions, MultiHeadLoss, Targets, one_hot};
pub use heads::recipe::{AnswerDropout, Copies, FEATURE_MASK, Recipe, Schedule};
pub use heads::scores::{CellScores, dropout_scores, member_scores, view_scores};
pub use heads::weights::{HeadShape, HeadWeights, LayerWeights, Standardisation};
pub use statistics::{STATISTICS, residual_additions, with_statistics};
pub use study::{Study, StudyOptions};
pub use trunks::description::{TrunkDescription, TrunkSource};
pub use trunks::import::{ImportOptions, Imported, import_trunk};
pub use workspace::Workspace;
