//! Trains the models of a bundle from a folder of images.
//!
//! Input: the files of a data set and the settings of a run. Output: a bundle that the server can
//! load, and a report. The crate knows nothing of HTTP or of the server's queue.
//!
//! Every step writes its result to a work folder, where you can look at it, repeat the step or
//! resume it. All randomness comes from one seed.
//!
//! Each folder of the source is a step and uses only the steps before it:
//!
//! ```text
//! data ─▶ trunks ─▶ fit {shared, frozen, fine_tuned} ─▶ score ─▶ calibrate ─▶ export ─▶ report
//! ```
//!
//! `commands` runs the steps and `session` holds what they share. `augmented` writes views to files
//! for other programs.

mod augmented;
mod cache_key;
mod calibrate;
mod cli;
mod commands;
mod data;
mod error;
mod export;
mod fit;
mod parallel;
mod plain;
mod random;
mod report;
mod score;
mod session;
mod study;
mod trunks;
mod workspace;

pub use augmented::{
    join::{Incomplete, TensorFormat, join_views},
    tensors::{npy, safetensors},
    views::{CellViews, Written, write_views},
};
pub use cache_key::KeptStep;
pub use cli::{Cli, TrainCommand};
pub use commands::run;
pub use data::crop_table::{CropRow, CropSettings, CropTable, LeftOut};
pub use data::crops::{CropOptions, CropOutcome, crop_dataset};
pub use data::labels::{ClassGrouping, LabelEntry, LabelSet};
pub use data::part::CellPart;
pub use data::split::{Split, SplitOptions, SplitRow, split};
pub use data::views::ViewPlan;
pub use data::{CellRecord, DataLayout, Dataset};
pub use error::TrainingError;
pub use export::graphs::{FEATURES, LOGITS, baseline_graph, ensemble_graph, mc_dropout_graph};
pub use fit::fine_tuned::lite0;
pub use fit::frozen::cells::TrainingCells;
pub use fit::frozen::fit::fit;
pub use fit::frozen::presets::{Preset, RecipeArgs};
pub use fit::frozen::recipe::{AnswerDropout, Copies, Recipe};
pub use fit::shared::bank::HeadBank;
pub use fit::shared::losses::{EPSILON, LossError, LossOptions, MultiHeadLoss, Targets, one_hot};
pub use fit::shared::optimiser::OptimiserSettings;
pub use fit::shared::weights::{HeadShape, HeadWeights, LayerWeights, Standardisation};
pub use fit::shared::{FEATURE_MASK, FitContext, Schedule};
pub use score::{CellScores, dropout_scores, member_scores, view_scores};
pub use trunks::OnnxGraph;
pub use trunks::features::{FeatureMatrix, FeatureRequest, FeatureSet, features};
pub use trunks::file::{TrunkDescription, TrunkFile, TrunkSource};
pub use trunks::import::{ImportOptions, Imported, import_trunk};
pub use trunks::statistics::{STATISTICS, residual_additions, with_statistics};
pub use workspace::Workspace;

/// Fine-tuning: trunk and heads trained together from pixels.
pub mod finetune {
    pub use crate::fit::fine_tuned::{
        augmentation::{TrainingAugmentation, View},
        fit::{FineTuneRequest, FineTuned, fine_tune},
        heads::HeadPlan,
        loss::LossSettings,
        pictures::{CellSource, sources},
        recipe::FineTuneRecipe,
        sampling::{CellLabels, CellSampling, Sampler},
        teachers::{Teacher, Teaching},
    };
}
