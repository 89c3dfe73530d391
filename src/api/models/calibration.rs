//! What a client may know of how a model was calibrated: its measures, its policies with what they promise and what the promise
//! rests on, and how unlike images are told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::vocabulary::{MeasureName, MethodName, PromiseName};
use bundle::{Calibration, Method};
use engine::LoadedModel;
use uncertainty::{Policy, risk_control::Certificate, stopping::StoppingRule};

/// What was measured of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MethodCalibration {
    /// The method.
    pub method: MethodName,
    /// Logits are divided by this.
    pub temperature: f64,
    /// Cells measured.
    #[schema(format = Int64, minimum = 0)]
    pub cells: usize,
    /// Images that those cells come from.
    #[schema(format = Int64, minimum = 0)]
    pub images: usize,
    /// The smallest and the largest value of each measure; the normalised scores lie between them.
    pub ranges: Vec<RangeOfMeasure>,
    /// The bundle's rule for when further views would not change the decision; null when it has none for this method.
    #[schema(required)]
    pub stopping: Option<EarlyStopping>,
}

/// When further views would not change the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EarlyStopping {
    /// Views before the first look.
    #[schema(format = Int64, minimum = 2)]
    pub start: usize,
    /// Views between looks.
    #[schema(format = Int64, minimum = 1)]
    pub step: usize,
    /// Standard errors by which a decision has to be away from changing; null when no number is enough, which takes all views.
    #[schema(required, minimum = 0)]
    pub lambda: Option<f64>,
}

/// The values that a measure took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RangeOfMeasure {
    /// The measure.
    pub measure: MeasureName,
    /// The smallest value.
    pub minimum: f64,
    /// The largest value.
    pub maximum: f64,
}

/// How images unlike those of training are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutOfDistributionRule {
    /// The layer of the network whose statistics are compared.
    pub layer: String,
    /// An image whose p-value is below this is referred, whatever the method and the policy say.
    pub refer_below: f64,
    /// Cells, unseen in training, that an image is compared with; no p-value is below 1 / (this + 1).
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
    /// The method that it judges.
    pub method: MethodName,
    /// Its name.
    pub name: String,
    /// The number that it looks at.
    pub measure: MeasureName,
    /// The largest value that is accepted; null where nothing can be promised, so that every cell is referred.
    #[schema(required)]
    pub threshold: Option<f64>,
    /// The share of mistakes that is promised not to be exceeded; `kind` says which mistakes.
    pub alpha: f64,
    /// The probability that the promise does not hold.
    pub delta: f64,
    /// The promise in words.
    pub promise: String,
    /// The promise by its name; null where the publisher of the model chose the threshold.
    #[schema(required)]
    pub kind: Option<PromiseName>,
    /// Whether it decides where a request names no policy.
    pub default: bool,
    /// What a reader of the promise has to know besides it; null when there is nothing.
    #[schema(required)]
    pub caveat: Option<String>,
    /// What the promise rests on; null where the publisher of the model chose the threshold.
    #[schema(required)]
    pub certificate: Option<PolicyCertificate>,
}

/// What a promise rests on: calibration cells that the training has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyCertificate {
    /// Images of the calibration cells.
    #[schema(format = Int64, minimum = 0)]
    pub images: u64,
    /// Calibration cells.
    #[schema(format = Int64, minimum = 0)]
    pub cells: u64,
    /// Share of the calibration cells that the threshold accepts; 0 where nothing is promised.
    #[schema(minimum = 0, maximum = 1)]
    pub coverage: f64,
    /// Cells that the promise speaks of, at the threshold, or at the first one tested where nothing is promised.
    #[schema(format = Int64, minimum = 0)]
    pub trials: u64,
    /// Mistakes among them.
    #[schema(format = Int64, minimum = 0)]
    pub errors: u64,
    /// The p-value there; null when there were too few cells to test any threshold.
    #[schema(required, minimum = 0, maximum = 1)]
    pub p_value: Option<f64>,
    /// Where nothing is promised, how many images more like the present ones would promise something; null when something
    /// is promised, and when no number would do.
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
