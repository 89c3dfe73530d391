//! Test-time augmentation: makes the views, requests them in rounds, and stops when they are
//! enough. Workers make a few views at a time, so that not all are in memory together.

use std::{ops::Range, sync::Arc};

use super::samples_of;
use crate::RunError;
use bundle::{Input, Manifest, Method, Tta};
use imaging::{CellImage, ImageError, InputTensor, augment, resize};
use uncertainty::{
    Policy,
    stopping::{Boundary, StoppingRule, settled},
};

/// An image larger than this many input sizes is shrunk before views are made. Otherwise a field of
/// 50 megapixels would be jittered at full size for every view.
const LARGEST_SOURCE: u32 = 4;

/// The views of one cell, requested in rounds until the bundle's stopping rule is satisfied or all
/// views are there.
pub(crate) struct ViewRounds<'request> {
    manifest: &'request Manifest,
    /// `None` if all views are required.
    rule: Option<StoppingRule>,
    boundary: Boundary<'request>,
    /// Largest number of views.
    total: usize,
    /// Number of views that can run at the same time. Fewer would leave workers idle.
    at_once: usize,
    /// Number of requested views, and their number before the last round.
    asked: usize,
    asked_before: usize,
    is_settled: bool,
}

impl<'request> ViewRounds<'request> {
    /// `policy` decides on the cell, `abnormal` has one flag per class. `exact` takes every view,
    /// regardless of the stopping rule.
    pub(crate) fn new(
        manifest: &'request Manifest,
        (total, at_once): (usize, usize),
        policy: Option<&'request Policy>,
        abnormal: &'request [bool],
        exact: bool,
    ) -> Self {
        let calibration = manifest.calibration.get(&Method::Tta);
        let rule = calibration.and_then(|calibration| calibration.stopping);
        Self {
            manifest,
            rule: rule.filter(|_| !exact),
            boundary: Boundary::of(policy, abnormal),
            total,
            at_once,
            asked: 0,
            asked_before: 0,
            is_settled: false,
        }
    }

    /// The next views to request; `None` if the decision is settled or all views are there.
    pub(crate) fn next_round(&mut self) -> Option<Range<usize>> {
        if self.is_settled || self.asked >= self.total {
            return None;
        }
        self.asked_before = self.asked;
        self.asked = self.end_of_round();
        Some(self.asked_before..self.asked)
    }

    fn end_of_round(&self) -> usize {
        let Some(rule) = &self.rule else {
            return self.total;
        };
        let least = (self.asked + self.at_once).min(self.total);
        let mut looks = rule.looks(self.total);
        let next = looks.find(|look| *look > self.asked && *look >= least);
        next.unwrap_or(self.total)
    }

    /// Looks at the scores of all views so far, `[views][C]`, after a round. Keeps those up to the
    /// first look at which the decision was settled, so that the result does not depend on how many
    /// views run at the same time.
    pub(crate) fn look_at(&mut self, scores: &mut Vec<Vec<f32>>) -> Result<(), RunError> {
        let Some(rule) = &self.rule else {
            return Ok(());
        };
        let new = self.asked_before + 1..=self.asked;
        for look in rule.looks(self.total).filter(|look| new.contains(look)) {
            let seen = scores.get(..look).unwrap_or(scores).concat();
            let samples = samples_of(self.manifest, Method::Tta, &seen)?;
            if settled(&samples, self.total, &self.boundary, rule) {
                scores.truncate(look);
                self.is_settled = true;
                break;
            }
        }
        Ok(())
    }

    /// The share of views that the cell took, in (0, 1]; `None` if no stopping rule applies.
    pub(crate) fn share_asked(&self) -> Option<f64> {
        self.rule?;
        Some(self.asked as f64 / self.total as f64)
    }
}

/// Splits a round into consecutive ranges of at most `largest` views, with at least one for each of
/// `workers` if there are enough.
pub(crate) fn chunks(views: Range<usize>, largest: usize, workers: usize) -> Vec<Range<usize>> {
    let size = views
        .len()
        .div_ceil(workers.max(1))
        .clamp(1, largest.max(1));
    let end = views.end;
    views
        .step_by(size)
        .map(|start| start..(start + size).min(end))
        .collect()
}

/// View number `index` of the image, in the bundle's input size. It depends only on the seed and
/// `index`.
fn view(
    image: &CellImage,
    tta: &Tta,
    input: &Input,
    seed: u64,
    index: usize,
) -> Result<CellImage, ImageError> {
    // The number of passes is limited, so the cast keeps the value.
    let index = index as u64;
    augment::view(image, &tta.policy, seed, index, input.size, input.resize)
}

/// The first `count` views as PNG files, before normalisation.
pub(crate) fn pictures(
    image: &CellImage,
    tta: &Tta,
    input: &Input,
    seed: u64,
    count: usize,
) -> Result<Vec<Vec<u8>>, ImageError> {
    (0..count)
        .map(|index| view(image, tta, input, seed, index)?.to_png())
        .collect()
}

/// Appends views number `range` of the image to the tensor.
pub(crate) fn push_views(
    tensor: &mut InputTensor,
    image: &CellImage,
    tta: &Tta,
    input: &Input,
    seed: u64,
    range: Range<usize>,
) -> Result<(), ImageError> {
    for index in range {
        let view = view(image, tta, input, seed, index)?;
        tensor.push(&view, &input.normalisation)?;
    }
    Ok(())
}

/// The image, or a smaller copy with the same aspect ratio if it is much larger than its views.
pub(crate) fn source(image: &Arc<CellImage>, input: &Input) -> Result<Arc<CellImage>, ImageError> {
    let most = input.size.saturating_mul(LARGEST_SOURCE);
    let longest = image.width().max(image.height());
    if longest <= most {
        return Ok(Arc::clone(image));
    }
    let shrunk = |side: u32| {
        let scaled = u64::from(side) * u64::from(most) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(most).max(1)
    };
    let (width, height) = (shrunk(image.width()), shrunk(image.height()));
    resize(image, width, height, input.resize).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_cover_every_view_once() {
        assert_eq!(chunks(0..10, 4, 2), [0..4, 4..8, 8..10]);
        assert_eq!(chunks(4..8, 8, 4), [4..5, 5..6, 6..7, 7..8]);
        assert!(chunks(3..3, 8, 4).is_empty());
    }
}
