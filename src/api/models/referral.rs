//! What a client may know of a policy: when it accepts, what it promises, and what the promise rests on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::vocabulary::{MeasureName, MethodName, PromiseName};
use bundle::Method;
use uncertainty::{Policy, risk_control::Certificate};

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
