//! `GET /v1/models`: what is loaded.

mod details;
mod get;
mod referral;
mod summary;

pub use details::{
    BundleFile, ClassLabel, EarlyStopping, MethodCalibration, ModelDetails, ModelInput,
    ModelTraining, NormalisationStep, OutOfDistributionRule, RangeOfMeasure,
};
pub(super) use get::{__path_get_model, __path_list_models, get_model, list_models};
pub use referral::{PolicyCertificate, ReferralPolicy};
pub use summary::{ModelList, ModelSummary};
