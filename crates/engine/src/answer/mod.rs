//! Turns class scores into answers for cells, and into an overview of many cells. This module does
//! not run models or write JSON.

mod overview;

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::{
    LoadedModel, RunError,
    admission::{FieldScale, MethodPlan, RequestPlan},
    method::samples_of,
};
use bundle::{Calibration, Input, Manifest, Method};
use uncertainty::{
    Decision, Measure, Reason, Samples, Summary, Triage, decide, ood::OodScore, summarise,
};

pub use overview::{CellFinding, ClassCount, Overview, overview};

/// Largest relative difference between a crop's sides and those of training, if the bundle states
/// its scale.
const TOLERANCE: f64 = 0.1;
/// The same if the training crops had no common scale: a factor of two.
const TOLERANCE_WITHOUT_SCALE: f64 = 1.0;

/// The engine's answer for one subject of a request.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The bundle that answered.
    pub model: Arc<LoadedModel>,
    /// The image.
    pub image: ImageIdentity,
    /// The seed that was used.
    pub seed: u64,
    /// The answer by the requested method.
    pub answer: MethodAnswer,
    /// The answers by the methods of `compare`, in that order.
    pub comparisons: Vec<MethodAnswer>,
    /// The augmented views as PNG files, in the order of the samples of test-time augmentation;
    /// empty unless requested.
    pub pictures: Vec<Vec<u8>>,
    /// The out-of-distribution score, the same for every method; `None` if the bundle has no model
    /// for it.
    pub ood: Option<OodScore>,
    /// Warnings about the answer.
    pub warnings: Vec<Warning>,
    /// How long the parts took.
    pub timing: Timing,
}

/// The identity of an image: its digest and, for a crop of a field, its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageIdentity {
    /// SHA-256 of the encoded image in hexadecimal; for a tensor, of its little-endian values.
    pub sha256: String,
    /// Column and row of the nucleus, and edge of the crop, in pixels of the field.
    pub crop: Option<(i64, i64, u32)>,
}

/// How long the parts of an answer took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    /// Waiting for a free worker.
    pub queue: Duration,
    /// From encoded bytes to input tensor.
    pub decode: Duration,
    /// Inside the runtime.
    pub inference: Duration,
    /// From the engine's call to its answer.
    pub total: Duration,
}

/// The answer of one method.
#[derive(Clone, Debug)]
pub struct MethodAnswer {
    /// The method.
    pub method: Method,
    /// The requested T. There are fewer samples if test-time augmentation stopped early.
    pub requested: usize,
    /// Class probabilities `[T, C]`.
    pub samples: Samples,
    /// Mean, spread and uncertainties of `samples`.
    pub summary: Summary,
    /// The paper's scores, normalised to [0, 1] by the calibration's ranges; `None` without a
    /// range.
    pub normalised: NormalisedPaperScores,
    /// Accepted, or referred to a person, and why.
    pub decision: Decision,
    /// How soon a person should look.
    pub triage: Triage,
}

impl MethodAnswer {
    /// Summed mean probability of the abnormal classes, in [0, 1]; 0 if there are none.
    pub fn abnormal_probability(&self) -> f64 {
        let summary = &self.summary;
        match (summary.abnormal, summary.called_abnormal) {
            (Some(in_two_classes), _) => in_two_classes.probability,
            // Every class is abnormal.
            (None, Some(_)) => summary.mean.iter().sum(),
            (None, None) => 0.0,
        }
    }
}

/// The paper's three scores after min–max normalisation over the calibration cells, clipped to [0,
/// 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NormalisedPaperScores {
    /// Of `paper.variance`.
    pub variance: Option<f64>,
    /// Of `paper.entropy`.
    pub entropy: Option<f64>,
    /// Of `paper.sample_mean`.
    pub sample_mean: Option<f64>,
}

/// Turns class scores `[T, C]` into the method's answer. `ood` is the score from [`unlikeness`].
pub(crate) fn method_answer(
    model: &LoadedModel,
    plan: &MethodPlan,
    scores: &[f32],
    ood: Option<OodScore>,
) -> Result<MethodAnswer, RunError> {
    let manifest = model.manifest();
    let calibration = manifest.calibration.get(&plan.method);
    let samples = samples_of(manifest, plan.method, scores)?;
    let summary = summarise(&samples)
        .with_abnormal(&manifest.abnormal_flags())
        .with_high_grade(&manifest.high_grade_flags());
    let share = samples.passes() as f64 / manifest.default_passes(plan.method).max(1) as f64;
    let mut decision = decide(&summary, plan.policy.as_ref());
    if is_unlike(manifest, ood) {
        decision.refer(Reason::OutOfDistribution, &summary);
    }
    Ok(MethodAnswer {
        method: plan.method,
        requested: plan.passes,
        normalised: normalise(&summary, calibration, share),
        triage: Triage::of(&summary, &decision),
        decision,
        samples,
        summary,
    })
}

/// The out-of-distribution score of an image with these statistics; `None` if the bundle has no
/// model for it.
pub(crate) fn unlikeness(
    model: &LoadedModel,
    statistics: &[f32],
) -> Result<Option<OodScore>, RunError> {
    let known = model.out_of_distribution();
    let score = known.map(|known| known.judge(statistics)).transpose();
    Ok(score?)
}

/// Whether the image's p-value is below the bundle's limit. Such an image is referred even if a
/// policy accepts it, because promises cover only images like those of the calibration.
fn is_unlike(manifest: &Manifest, score: Option<OodScore>) -> bool {
    let limit = manifest.out_of_distribution.as_ref();
    score
        .zip(limit)
        .is_some_and(|(score, limit)| score.p_value < limit.refer_below)
}

fn normalise(
    summary: &Summary,
    calibration: Option<&Calibration>,
    share: f64,
) -> NormalisedPaperScores {
    let of = |measure: Measure| {
        let range = calibration?.ranges.get(&measure)?;
        let value = measure.of(summary)?;
        // The paper's entropy is a sum over the samples, and its range is for the bundle's number
        // of samples.
        match measure {
            Measure::PaperEntropy => Some(range.normalise(value / share)),
            _ => Some(range.normalise(value)),
        }
    };
    NormalisedPaperScores {
        variance: of(Measure::PaperVariance),
        entropy: of(Measure::PaperEntropy),
        sample_mean: of(Measure::PaperSampleMean),
    }
}

/// A reason why an answer may be less reliable. Its text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The crop's size differs from the bundle's training crops.
    #[error(
        "the image has {width} × {height} px and the model was trained on crops of {trained_on} × {trained_on} px around the nucleus: cut the cell that way, or send the field and its nuclei to /v1/fields"
    )]
    CropSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Edge of the training crops in pixels.
        trained_on: u32,
    },
    /// The policy was calibrated with another number of samples.
    #[error(
        "`{method}` uses {passes} samples, and its policy was calibrated with {calibrated}: the policy's promise does not cover this answer; omit `passes`"
    )]
    Passes {
        /// The method.
        method: Method,
        /// Requested number of samples.
        passes: usize,
        /// The bundle's number of samples.
        calibrated: usize,
    },
    /// The request states no scale for the field, and its width is not that of the training fields.
    #[error(
        "the field is {width} px wide, and the training fields were {trained_on} px wide: if its pixels have another size, set `source_width_px`"
    )]
    ScaleAssumed {
        /// Width in pixels.
        width: u32,
        /// Width of the training fields in pixels.
        trained_on: u32,
    },
}

impl Warning {
    /// Warnings about policies that decide on another number of samples than they were calibrated
    /// with.
    pub(crate) fn of_passes(plan: &RequestPlan) -> impl Iterator<Item = Warning> {
        let manifest = plan.model().manifest();
        let with_policy = plan.methods.iter().filter(|plan| plan.policy.is_some());
        with_policy.filter_map(|plan| {
            let calibrated = manifest.default_passes(plan.method);
            (plan.passes != calibrated).then_some(Warning::Passes {
                method: plan.method,
                passes: plan.passes,
                calibrated,
            })
        })
    }

    /// The warning about an upload of this size, if any.
    pub(crate) fn of_upload(input: &Input, (width, height): (u32, u32)) -> Option<Warning> {
        let has_scale = input.source_width_px.is_some() || input.micrometres_per_pixel.is_some();
        let tolerance = match has_scale {
            true => TOLERANCE,
            false => TOLERANCE_WITHOUT_SCALE,
        };
        let trained_on = f64::from(input.crop_edge_px);
        let fits = |side: u32| {
            let ratio = f64::from(side) / trained_on;
            ratio.max(1.0 / ratio) <= 1.0 + tolerance
        };
        (!fits(width) || !fits(height)).then_some(Warning::CropSize {
            width,
            height,
            trained_on: input.crop_edge_px,
        })
    }

    /// The warning about a field of this width in pixels without a scale, unless the width is that
    /// of the training fields.
    pub fn of_field(model: &LoadedModel, width: u32, scale: FieldScale) -> Option<Warning> {
        let trained_on = model.manifest().input.source_width_px?;
        let fits = width == trained_on || scale != FieldScale::Assumed;
        (!fits).then_some(Warning::ScaleAssumed { width, trained_on })
    }
}
