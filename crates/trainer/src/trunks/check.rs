//! Compares a trunk with the model that it was cut from, in ONNX Runtime.

use super::{
    cut::TrunkCut,
    part::PartEnd,
    source::{ImageInput, SourceModel},
};
use crate::{OnnxGraph, TrainingError, error::ensure, random};
use bundle::onnx::{Axis, RawModel};
use engine::Runtime;
use imaging::{self, CellImage, InputTensor, Limits, Normalisation, ResizeFilter};

/// A cell, so that the comparison covers more than noise.
const CELL: &[u8] = include_bytes!("../../../../examples/cells/hsil.png");

/// Pictures of noise, compared in addition to the cell.
const NOISE: usize = 2;

/// Largest difference that counts as rounding, relative to the largest absolute value (at least 1).
const TOLERANCE: f32 = 1e-4;

/// Pictures for the comparison, f32 `[NOISE + 1, 3, size, size]`: noise and a cell.
///
/// # Errors
/// [`TrainingError::Impossible`] for a size or a normalisation that `imaging` refuses.
pub(crate) fn pictures(
    size: u32,
    normalisation: &Normalisation,
) -> Result<InputTensor, TrainingError> {
    let impossible = |error: imaging::ImageError| TrainingError::Impossible(error.to_string());
    let mut tensor = InputTensor::with_capacity(size, size, NOISE + 1).map_err(impossible)?;
    let mut stream = random::stream(0, "pictures to compare a trunk with");
    for _ in 0..NOISE {
        let pixels = image::RgbImage::from_fn(size, size, |_, _| {
            image::Rgb([(); 3].map(|()| (random::unit(&mut stream) * 256.0) as u8))
        });
        tensor
            .push(&CellImage::new(pixels), normalisation)
            .map_err(impossible)?;
    }
    let cell = imaging::decode(CELL, &Limits::default()).map_err(impossible)?;
    let cell = imaging::resize(&cell, size, size, ResizeFilter::Bilinear).map_err(impossible)?;
    tensor.push(&cell, normalisation).map_err(impossible)?;
    Ok(tensor)
}

/// The values of a tensor of the original model, picture by picture: the shape for one picture, and
/// all values.
///
/// # Errors
/// [`TrainingError::Runtime`] if ONNX Runtime refuses the model or the pictures.
pub(crate) fn values_at(
    runtime: &Runtime,
    model: &SourceModel,
    input: &ImageInput,
    tensor: &str,
    pictures: &InputTensor,
) -> Result<(Vec<i64>, Vec<f32>), TrainingError> {
    let mut graph = OnnxGraph::of_model(runtime, &model.with_output(tensor), tensor)?;
    let (mut shape, mut values) = (Vec::new(), Vec::new());
    for picture in 0..pictures.images() {
        let Some(picture) = pictures.slice(picture..picture + 1) else {
            break;
        };
        let given = (
            input.name.as_str(),
            picture.shape().to_vec(),
            picture.as_slice(),
        );
        let (of_one, more) = graph.run_with_shape(&[given])?;
        shape = of_one;
        values.extend(more);
    }
    Ok((shape, values))
}

/// The trunk's output for all pictures in one batch.
///
/// # Errors
/// [`TrainingError::Runtime`] if ONNX Runtime refuses the trunk or the batch.
pub(crate) fn features_of(
    runtime: &Runtime,
    trunk: &RawModel,
    [input, features]: &[String; 2],
    pictures: &InputTensor,
) -> Result<Vec<f32>, TrainingError> {
    let mut graph = OnnxGraph::of_model(runtime, trunk, features)?;
    graph.run(&[(input, pictures.shape().to_vec(), pictures.as_slice())])
}

/// The class scores that the removed layer gives for features, image by image. `shape` is the shape
/// of one image's features.
///
/// # Errors
/// If the layer has other inputs than the features.
pub(crate) fn scores_of(
    runtime: &Runtime,
    model: &SourceModel,
    (cut, scores): (&TrunkCut, &str),
    shape: &[i64],
    features: &[f32],
) -> Result<Vec<f32>, TrainingError> {
    let axes: Vec<Axis> = shape.iter().map(|size| Axis::Fixed(*size)).collect();
    let end = |tensor| PartEnd {
        tensor,
        name: tensor,
        axes: &axes,
        flattened: false,
    };
    let to = PartEnd {
        axes: &[Axis::Free("N"), Axis::Free("C")],
        ..end(scores)
    };
    let layer = model
        .part(&end(&cut.tensor), &to, &[])
        .map_err(TrainingError::Impossible)?;
    let mut graph = OnnxGraph::of_model(runtime, &layer, scores)?;
    let length = usize::try_from(shape.iter().product::<i64>()).unwrap_or(0);
    let mut values = Vec::new();
    for row in features.chunks_exact(length.max(1)) {
        values.extend(graph.run(&[(&cut.tensor, shape.to_vec(), row)])?);
    }
    Ok(values)
}

/// The largest difference, relative to the largest value.
///
/// # Errors
/// [`TrainingError::Impossible`] if the difference is more than rounding, or a value is not finite.
pub(crate) fn compare(what: &str, expected: &[f32], found: &[f32]) -> Result<f32, TrainingError> {
    let (of_cut, of_uncut) = (found.len(), expected.len());
    ensure!(
        of_cut == of_uncut,
        "the cut gives {of_cut} {what} and the original model {of_uncut}: name another tensor with \
         --cut"
    );
    ensure!(
        expected.iter().chain(found).all(|value| value.is_finite()),
        "the {what} contain NaN or infinite values: check --mean, --std and --scale"
    );
    let largest = expected
        .iter()
        .fold(1.0_f32, |largest, value| largest.max(value.abs()));
    let pairs = expected.iter().zip(found);
    let difference = pairs.fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest;
    ensure!(
        difference <= TOLERANCE,
        "the {what} differ from those of the original model by {difference:.1e}: the graph \
         contains a fixed batch size; export it again with a free batch axis"
    );
    Ok(difference)
}
