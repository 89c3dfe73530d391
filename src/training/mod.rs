//! From a folder of fields to a bundle: crops, split, features, heads, export, calibration, evaluation.
//!
//! Enters: files of a data set, the settings of a run and everything that `imaging`, `uncertainty`, `evaluation`,
//! `bundle` and the runtime offer. Does not enter: HTTP and the serving engine's queue. Every step leaves its result in
//! a work folder, so that it can be looked at, repeated alone and resumed; every random choice comes from one seed.
//!
//! ```text
//! fields ─ crops ─▶ crops.csv ─ split ─▶ split.csv ─ features ─▶ [cells, D] per view ─ fit ─▶ heads ─ export ─▶ bundle
//! ```

mod calibrate;
mod card;
mod cli;
mod commands;
mod crop_table;
mod crops;
mod dataset;
mod error;
mod evaluate;
mod export;
mod features;
mod figures;
mod fit;
mod graph;
mod head_graphs;
mod head_weights;
mod heads;
mod held_out;
mod labels;
pub mod lite0;
mod losses;
mod parallel;
mod part;
mod progress;
mod random;
mod recipe;
mod scores;
mod split;
mod study;
mod tables;
mod trunk;
mod verify;
mod views;
mod workspace;

pub use cli::{Cli, Command};
pub use commands::run;
pub use crop_table::{CropRow, CropSettings, CropTable, LeftOut};
pub use crops::{CropOutcome, crop_dataset};
pub use dataset::Dataset;
pub use error::TrainingError;
pub use evaluate::Evaluation;
pub use features::{FeatureMatrix, FeatureRequest, FeatureSet, features};
pub use fit::{TrainingCells, fit};
pub use graph::Graph;
pub use head_graphs::{FEATURES, LOGITS, baseline_graph, ensemble_graph, mc_dropout_graph};
pub use head_weights::{HeadShape, HeadWeights, LayerWeights, Standardisation};
pub use heads::HeadBank;
pub use labels::{Bethesda, Grouping};
pub use part::Part;
pub use recipe::Recipe;
pub use scores::{CellScores, dropout_scores, member_scores, view_scores};
pub use split::{Split, SplitOptions, SplitRow, split};
pub use study::{Study, StudyOptions};
pub use trunk::TrunkFile;
pub use views::ViewPlan;
pub use workspace::Workspace;
