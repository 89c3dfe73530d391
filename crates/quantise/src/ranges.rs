//! Measures the ranges of a trunk's tensors on images.

use std::collections::{BTreeMap, BTreeSet};

use ort::{session::Session, value::TensorRef};
use prost::Message;

use super::{QuantiseError, scale::Scale, trunk::QuantisedTrunk};
use bundle::Trunk;
use engine::{ExecutionProvider, Runtime, SessionOptions, available_cores};
use imaging::InputTensor;

/// Share of the images' extremes that a range covers. Covering the most unusual image would make
/// the steps coarse for all others.
const COVERED: f64 = 0.99;

/// Smallest and largest value of each tensor for each image.
pub(super) struct ActivationRanges {
    session: Session,
    input: String,
    extremes: BTreeMap<String, Extremes>,
}

#[derive(Default)]
struct Extremes {
    low: Vec<f32>,
    high: Vec<f32>,
}

impl ActivationRanges {
    /// Opens the trunk on the processor with `tensors` as additional outputs.
    pub(super) fn open(
        runtime: &Runtime,
        graph: &QuantisedTrunk,
        trunk: &Trunk,
        tensors: BTreeSet<String>,
    ) -> Result<Self, QuantiseError> {
        let options = SessionOptions {
            providers: &[ExecutionProvider::Cpu],
            intra_threads: available_cores(),
            spinning: false,
            keep_dropout: false,
        };
        let model = graph.exposing(&tensors).encode_to_vec();
        let extremes = tensors.into_iter();
        Ok(Self {
            session: runtime.session_from_memory(&model, &trunk.file.name, &options)?,
            input: trunk.input.clone(),
            extremes: extremes
                .map(|tensor| (tensor, Extremes::default()))
                .collect(),
        })
    }

    /// Runs the trunk on one image and records the extremes.
    pub(super) fn measure(&mut self, image: &InputTensor) -> Result<(), QuantiseError> {
        let input = TensorRef::from_array_view((image.shape(), image.as_slice()))?;
        let outputs = self
            .session
            .run(ort::inputs![self.input.as_str() => input])?;
        for (tensor, extremes) in &mut self.extremes {
            let Some(output) = outputs.get(tensor) else {
                continue;
            };
            let (_, values) = output.try_extract_tensor::<f32>()?;
            extremes.low.push(extreme(values, f32::min));
            extremes.high.push(extreme(values, f32::max));
        }
        Ok(())
    }

    /// The scale of each tensor.
    ///
    /// # Errors
    /// A sentence that names a tensor with values that are not finite, or without values.
    pub(super) fn scales(self) -> Result<BTreeMap<String, Scale>, String> {
        let scale = |(tensor, extremes): (String, Extremes)| {
            let low = covered(extremes.low.into_iter().map(|low| -low).collect());
            match (low, covered(extremes.high)) {
                (Some(low), Some(high)) => Ok((tensor, Scale::covering(-low, high))),
                _ => Err(format!(
                    "its tensor `{tensor}` has values that are not finite on these images: exclude its convolution with --keep"
                )),
            }
        };
        self.extremes.into_iter().map(scale).collect()
    }
}

/// The smallest or largest value. NaN if a value is not finite, because `f32::min` would ignore
/// NaN.
fn extreme(values: &[f32], pick: fn(f32, f32) -> f32) -> f32 {
    let finite = values.iter().all(|value| value.is_finite());
    let extreme = values.iter().copied().reduce(pick);
    extreme.filter(|_| finite).unwrap_or(f32::NAN)
}

/// The quantile [`COVERED`] of `values`.
fn covered(mut values: Vec<f32>) -> Option<f32> {
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    values.sort_by(f32::total_cmp);
    // From 1 to the number of values.
    let count = (values.len() as f64 * COVERED).ceil() as usize;
    values.get(count.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::{covered, extreme};

    #[test]
    fn extreme_of_nan_is_nan() {
        assert_eq!(extreme(&[2.0, -1.0], f32::min), -1.0);
        assert!(extreme(&[2.0, f32::NAN, -1.0], f32::min).is_nan());
        assert!(extreme(&[2.0, f32::INFINITY], f32::min).is_nan());
    }

    #[test]
    fn most_unusual_image_is_left_out() {
        let hundred: Vec<f32> = (0..100u8).map(f32::from).collect();
        assert_eq!(covered(hundred.clone()), Some(98.0));
        assert_eq!(covered(vec![3.0, 1.0]), Some(3.0), "few images all count");
        assert_eq!(covered(Vec::new()), None);
        assert_eq!(covered(vec![1.0, f32::NAN]), None);
    }
}
