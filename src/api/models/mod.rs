//! `GET /v1/models`: the loaded models.

mod calibration;
mod handler;
mod response;

pub use calibration::{
    EarlyStopping, MethodCalibration, OutOfDistributionRule, PolicyCertificate, RangeOfMeasure,
    ReferralPolicy,
};
pub(super) use handler::{__path_get_model, __path_list_models, get_model, list_models};
pub use response::{
    BundleFile, ClassLabel, ModelDetails, ModelInput, ModelList, ModelSummary, ModelTraining,
    NormalisationStep,
};
