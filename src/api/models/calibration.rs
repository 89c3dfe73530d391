//! The calibration of a model: its measures, its policies with their promises and certificates, and
//! its rule for unlike images.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::vocabulary::{MeasureName, MethodName, PromiseName};
use bundle::{Calibration, Method};
use engine::LoadedModel;
use uncertainty::{Policy, risk_control::Certificate, stopping::StoppingRule};

/// Calibration of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MethodCalibration {
    /// The method.
    pub method: MethodName,
    /// Temperature: logits are divided by it.
    pub temperature: f64,
    /// Number of calibration cells.
    #[schema(format = Int64, minimum = 0)]
    pub cells: usize,
    /// Number of images that those cells come from.
    #[schema(format = Int64, minimum = 0)]
    pub images: usize,
    /// The smallest and the largest value of each measure. Normalised scores are relative to them.
    pub ranges: Vec<RangeOfMeasure>,
    /// The bundle's rule for stopping early; null if it has none for this method.
    #[schema(required)]
    pub stopping: Option<EarlyStopping>,
}

/// The rule for stopping when further views would not change the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EarlyStopping {
    /// Number of views before the first check.
    #[schema(format = Int64, minimum = 2)]
    pub start: usize,
    /// Number of views between checks.
    #[schema(format = Int64, minimum = 1)]
    pub step: usize,
    /// Number of standard errors between the current value and one that would change the decision.
    /// Null if no number is enough; then all views run.
    #[schema(required, minimum = 0)]
    pub lambda: Option<f64>,
}

/// The range of a measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RangeOfMeasure {
    /// The measure.
    pub measure: MeasureName,
    /// The smallest value.
    pub minimum: f64,
    /// The largest value.
    pub maximum: f64,
}

/// The rule for images that are unlike the training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutOfDistributionRule {
    /// The layer of the network whose statistics are compared.
    pub layer: String,
    /// An image with a p-value below this is referred, whatever the method and the policy decide.
    pub refer_below: f64,
    /// Number of calibration cells, unseen in training, that an image is compared with. The
    /// smallest possible p-value is 1 / (this + 1).
    #[schema(format = Int64, minimum = 1)]
    pub calibration_cells: usize,
}

impl MethodCalibration {
    pub(super) fn of(method: Method, measured: &Calibration) -> Self {
        let ranges = measured.ranges.iter();
        let range_of =
            |(measure, range): (&uncertainty::Measure, &uncertainty::Range)| RangeOfMeasure {
                measure: (*measure).into(),
                minimum: range.minimum,
                maximum: range.maximum,
            };
        Self {
            method: method.into(),
            temperature: measured.temperature,
            cells: measured.cells,
            images: measured.images,
            ranges: ranges.map(range_of).collect(),
            stopping: measured.stopping.as_ref().map(EarlyStopping::of),
        }
    }
}

impl EarlyStopping {
    fn of(rule: &StoppingRule) -> Self {
        Self {
            start: rule.start,
            step: rule.step,
            // JSON has no infinity.
            lambda: Some(rule.lambda).filter(|lambda| lambda.is_finite()),
        }
    }
}

impl OutOfDistributionRule {
    pub(super) fn of(model: &LoadedModel) -> Option<Self> {
        let rule = model.manifest().out_of_distribution.as_ref()?;
        let calibration = &model.out_of_distribution()?.calibration_scores;
        Some(Self {
            layer: rule.layer.clone(),
            refer_below: rule.refer_below,
            calibration_cells: calibration.len(),
        })
    }
}

/// A rule for accepting answers, and its promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReferralPolicy {
    /// The method whose answers it judges.
    pub method: MethodName,
    /// Its name.
    pub name: String,
    /// The measure that it compares with `threshold`.
    pub measure: MeasureName,
    /// The largest value that is accepted. Null if nothing can be promised; then every cell is
    /// referred.
    #[schema(required)]
    pub threshold: Option<f64>,
    /// α, the largest share of mistakes that is promised. `kind` says which mistakes.
    pub alpha: f64,
    /// δ, the probability that the promise does not hold.
    pub delta: f64,
    /// The promise as a sentence.
    pub promise: String,
    /// The kind of the promise; null if the publisher of the model chose the threshold.
    #[schema(required)]
    pub kind: Option<PromiseName>,
    /// Whether it decides if a request names no policy.
    pub default: bool,
    /// A limitation of the promise; null if there is none.
    #[schema(required)]
    pub caveat: Option<String>,
    /// The evidence for the promise; null if the publisher of the model chose the threshold.
    #[schema(required)]
    pub certificate: Option<PolicyCertificate>,
}

/// The evidence for a promise: calibration cells that were not used in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyCertificate {
    /// Number of images of the calibration cells.
    #[schema(format = Int64, minimum = 0)]
    pub images: u64,
    /// Number of calibration cells.
    #[schema(format = Int64, minimum = 0)]
    pub cells: u64,
    /// Share of the calibration cells that the threshold accepts; 0 if nothing is promised.
    #[schema(minimum = 0, maximum = 1)]
    pub coverage: f64,
    /// Number of cells that the promise is about, at the threshold; if nothing is promised, at the
    /// first threshold that was tested.
    #[schema(format = Int64, minimum = 0)]
    pub trials: u64,
    /// Number of mistakes among them.
    #[schema(format = Int64, minimum = 0)]
    pub errors: u64,
    /// The p-value at that threshold; null if there were too few cells to test any threshold.
    #[schema(required, minimum = 0, maximum = 1)]
    pub p_value: Option<f64>,
    /// If nothing is promised: how many more images like the present ones would be enough. Null if
    /// something is promised, and if no number would be enough.
    #[schema(required, format = Int64, minimum = 0)]
    pub further_images: Option<u64>,
}

impl ReferralPolicy {
    pub(super) fn of(method: Method, policy: &Policy, default: bool) -> Self {
        Self {
            method: method.into(),
            name: policy.name.clone(),
            measure: policy.measure.into(),
            threshold: policy.threshold,
            alpha: policy.alpha,
            delta: policy.delta,
            promise: policy.promise.clone(),
            kind: policy.kind.map(PromiseName::from),
            default,
            caveat: policy.caveat().map(str::to_owned),
            certificate: policy.certificate.as_ref().map(PolicyCertificate::of),
        }
    }
}

impl PolicyCertificate {
    fn of(certificate: &Certificate) -> Self {
        Self {
            images: certificate.images,
            cells: certificate.cells,
            coverage: certificate.coverage,
            trials: certificate.trials,
            errors: certificate.errors,
            p_value: certificate.p_value,
            further_images: certificate.further_images,
        }
    }
}
