//! From class scores to what is said of a cell, and of many cells together. What may enter: types of answers and how they are made
//! of scores. What may not: running anything, and JSON.

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

/// Sides that differ by more than this share from those of training do not fit, where the bundle knows its scale.
const TOLERANCE: f64 = 0.1;
/// The same where crops of training had no common scale: a factor of two.
const TOLERANCE_WITHOUT_SCALE: f64 = 1.0;

/// The engine's answer for one subject of a request.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The bundle that answered.
    pub model: Arc<LoadedModel>,
    /// What it is about.
    pub image: ImageIdentity,
    /// The seed that was used.
    pub seed: u64,
    /// The answer by the method asked for.
    pub answer: MethodAnswer,
    /// The answers by the methods of `compare`, in that order.
    pub comparisons: Vec<MethodAnswer>,
    /// The augmented views as PNG files, one for each sample of test-time augmentation and in that order; empty unless pictures
    /// were asked for.
    pub pictures: Vec<Vec<u8>>,
    /// How unlike the training's images this one is, the same for every method; absent where the bundle cannot tell.
    pub ood: Option<OodScore>,
    /// What the answer is to be taken with.
    pub warnings: Vec<Warning>,
    /// How long the parts took.
    pub timing: Timing,
}

/// Which image a question is about: its encoded bytes and, of a field, what was cut out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageIdentity {
    /// SHA-256 of the encoded image in hexadecimal; of a tensor that of its values, little-endian.
    pub sha256: String,
    /// Column, row and edge in pixels of the field.
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

/// What one method says of the image.
#[derive(Clone, Debug)]
pub struct MethodAnswer {
    /// The method.
    pub method: Method,
    /// T as asked for. There are fewer samples where test-time augmentation stopped early.
    pub requested: usize,
    /// Class probabilities `[T, C]`.
    pub samples: Samples,
    /// Mean, spread and every uncertainty of `samples`.
    pub summary: Summary,
    /// The paper's scores by the calibration's range, in [0, 1]; absent where the bundle has no range.
    pub normalised: NormalisedPaperScores,
    /// Accept, or refer for a second look, and why.
    pub decision: Decision,
    /// How soon a person should look.
    pub triage: Triage,
}

impl MethodAnswer {
    /// Mean probability of all abnormal classes together, in [0, 1]: of none of them 0.
    pub fn abnormal_probability(&self) -> f64 {
        let summary = &self.summary;
        match (summary.abnormal, summary.called_abnormal) {
            (Some(in_two_classes), _) => in_two_classes.probability,
            // Every class is an abnormal one.
            (None, Some(_)) => summary.mean.iter().sum(),
            (None, None) => 0.0,
        }
    }
}

/// The paper's three scores after min–max normalisation over the calibration cells, clipped to [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NormalisedPaperScores {
    /// Of `paper.variance`.
    pub variance: Option<f64>,
    /// Of `paper.entropy`.
    pub entropy: Option<f64>,
    /// Of `paper.sample_mean`.
    pub sample_mean: Option<f64>,
}

/// Turns class scores `[T, C]` into the method's answer. `ood` is what [`unlikeness`] says of the image.
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

/// How unlike the training's images an image with these statistics is; `None` where the bundle does not say what those look like.
pub(crate) fn unlikeness(
    model: &LoadedModel,
    statistics: &[f32],
) -> Result<Option<OodScore>, RunError> {
    let known = model.out_of_distribution();
    let score = known.map(|known| known.judge(statistics)).transpose();
    Ok(score?)
}

/// Whether the image's p-value is below the bundle's limit. Such an image is referred, even if a policy accepts it: no promise
/// covers an image of another kind than those it was made for.
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
        // The publication's entropy is a sum over the samples, and its range is of sums over as many as the bundle takes.
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

/// Something about what was asked that makes its answer worth less. Its text says what, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The crop does not have the size of those that the bundle was trained on.
    #[error(
        "the image has {width} × {height} px and the model was trained on crops of {trained_on} × {trained_on} px around the nucleus: cut the cell that way, or send the field and its nuclei to /v1/fields"
    )]
    CropSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Edge in pixels of the squares of training.
        trained_on: u32,
    },
    /// A policy decides on another number of samples than it was calibrated with.
    #[error(
        "`{method}` was asked for {passes} samples and its policy was calibrated with {calibrated}: what the policy promises does not hold for this answer; leave `passes` out"
    )]
    Passes {
        /// The method.
        method: Method,
        /// Samples that were asked for.
        passes: usize,
        /// Samples that the bundle takes.
        calibrated: usize,
    },
    /// Nobody gave the scale of a field, and its width is not that of the bundle's fields.
    #[error(
        "the field is {width} px wide and those of training were {trained_on} px: if its pixels have another size, say so with `source_width_px`"
    )]
    ScaleAssumed {
        /// Width in pixels.
        width: u32,
        /// Width in pixels of the fields of training.
        trained_on: u32,
    },
}

impl Warning {
    /// What is to be said of policies that decide on more or fewer samples than those whose risk was measured.
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

    /// What is to be said of an upload of this size.
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

    /// What is to be said of a field of this width in pixels whose scale nobody gave, unless it is that of the bundle's fields.
    pub fn of_field(model: &LoadedModel, width: u32, scale: FieldScale) -> Option<Warning> {
        let trained_on = model.manifest().input.source_width_px?;
        let fits = width == trained_on || scale != FieldScale::Assumed;
        (!fits).then_some(Warning::ScaleAssumed { width, trained_on })
    }
}
