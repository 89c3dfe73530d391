//! How unlike the training's images an image is, and what follows from it.

use super::{MethodAnswer, Model, RunError};
use bundle::Manifest;
use uncertainty::{Reason, ood::OodScore};

/// Judges the statistics of one image; `None` where the bundle does not say what images of training look like.
pub(super) fn judge_statistics(
    model: &Model,
    statistics: &[f32],
) -> Result<Option<OodScore>, RunError> {
    let known = model.out_of_distribution();
    let judged = known.map(|known| known.judge(statistics)).transpose();
    Ok(judged?)
}

/// Refers what a policy may have accepted when the image's p-value is below the bundle's limit: no promise covers an
/// image of another kind than those it was made for.
pub(super) fn refer_unlike(
    manifest: &Manifest,
    score: Option<OodScore>,
    answer: &mut MethodAnswer,
) {
    let (Some(score), Some(limit)) = (score, &manifest.out_of_distribution) else {
        return;
    };
    if score.p_value < limit.refer_below {
        answer
            .decision
            .refer(Reason::OutOfDistribution, &answer.summary);
    }
}
