//! Scores cells with a model that was trained without them: class scores per cell and pass, as the
//! server gets them from the exported graphs.
//!
//! Input: a model and features. Output: logits of every method. This module uses no temperatures,
//! policies or reports.

mod held_out;

use burn::tensor::{Device, Tensor, TensorData};

use crate::{
    TrainingError,
    fit::{
        FoldModel,
        shared::{FEATURE_MASK, bank::HeadBank, weights::HeadWeights},
    },
    study::Study,
    trunks::features::FeatureMatrix,
};
use bundle::{Mask, Method};
use engine::draw_mask;
use imaging::augment::AugmentPolicy;
use uncertainty::{Samples, SamplesError};

pub(crate) use held_out::HeldOut;

/// T of Monte Carlo dropout and of test-time augmentation, as in the paper.
pub(crate) const PASSES: usize = 50;

/// The views of test-time augmentation.
#[derive(Clone, Debug)]
pub(crate) struct ServedViews {
    /// How a view is made.
    pub policy: AugmentPolicy,
    /// How many views of each cell.
    pub count: usize,
}

/// Cells whose passes are computed together; limits the memory of Monte Carlo dropout.
const CELLS_TOGETHER: usize = 64;

/// Logits of some cells, f32 `[cells, T, C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CellScores {
    /// T, the passes (heads, views) of each cell.
    pub passes: usize,
    /// C, the number of classes.
    pub classes: usize,
    /// The logits, row-major.
    pub values: Vec<f32>,
}

impl CellScores {
    /// The logits of each cell, `[T, C]`.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.passes * self.classes)
    }

    /// The samples of each cell at a temperature.
    ///
    /// # Errors
    /// [`SamplesError`] if a logit is infinite or NaN.
    pub fn samples(&self, temperature: f64) -> Result<Vec<Samples>, SamplesError> {
        let scaled = |cell: &[f32]| {
            cell.iter()
                .map(|logit| f64::from(*logit) / temperature)
                .collect::<Vec<f64>>()
        };
        self.cells()
            .map(|cell| Samples::from_logits(&scaled(cell), self.classes))
            .collect()
    }
}

/// Scores of a method with heads of its own, for the cells `rows` with features `plain`.
///
/// # Errors
/// [`TrainingError::Missing`] if the method was not trained.
pub(crate) fn head_scores(
    study: &Study,
    model: &FoldModel,
    method: Method,
    plain: &FeatureMatrix,
    rows: &[usize],
) -> Result<CellScores, TrainingError> {
    let head = model.head(method)?;
    let cells: Vec<usize> = (0..rows.len()).collect();
    if method != Method::McDropout {
        return Ok(member_scores(head, plain, &cells));
    }
    let seeds: Vec<u64> = rows.iter().map(|row| study.cell_seeds[*row]).collect();
    Ok(dropout_scores(
        head,
        &model.masks,
        PASSES,
        plain,
        &cells,
        &seeds,
    ))
}

/// A mask with its number, which selects its random stream.
pub(crate) type NumberedMask<'a> = (u64, &'a Mask);

/// The mask of the features, if any, and those of the hidden layers.
pub(crate) fn by_place(masks: &[Mask]) -> (Option<NumberedMask<'_>>, Vec<NumberedMask<'_>>) {
    let (of_features, of_layers): (Vec<_>, Vec<_>) = (0..)
        .zip(masks)
        .partition(|(_, mask): &NumberedMask<'_>| mask.input == FEATURE_MASK);
    (of_features.first().copied(), of_layers)
}

/// The answers of every head for every cell: T = K.
pub fn member_scores(
    weights: &HeadWeights,
    features: &FeatureMatrix,
    cells: &[usize],
) -> CellScores {
    let device = Device::flex();
    let heads = HeadBank::new(weights, &device);
    let logits = heads.logits(tensor(features, cells, &device), &[]);
    CellScores {
        passes: weights.shape.members,
        classes: weights.shape.classes,
        values: values(logits.swap_dims(0, 1)),
    }
}

/// One head under dropout: T passes, with the masks that the server draws from each cell's seed.
/// The masks drop units as in [`crate::mc_dropout_graph`].
pub fn dropout_scores(
    weights: &HeadWeights,
    masks: &[Mask],
    passes: usize,
    features: &FeatureMatrix,
    cells: &[usize],
    seeds: &[u64],
) -> CellScores {
    let device = Device::flex();
    let heads = HeadBank::new(weights, &device);
    let mut logits = Vec::new();
    let (of_features, of_layers) = by_place(masks);
    for (cells, seeds) in cells
        .chunks(CELLS_TOGETHER)
        .zip(seeds.chunks(CELLS_TOGETHER))
    {
        let drawn =
            |(stream, mask): NumberedMask<'_>| scaled_mask(mask, stream, passes, seeds, &device);
        let features = tensor(features, cells, &device);
        let hidden = match of_features {
            Some(mask) => {
                let copies = per_pass(features.unsqueeze_dim(0), passes) * drawn(mask);
                heads.first_layer(copies.squeeze_dim(0))
            }
            None => per_pass(heads.first_layer(features), passes),
        };
        let of_layers: Vec<Tensor<3>> = of_layers.iter().copied().map(drawn).collect();
        logits.extend(values(heads.after_first_layer(hidden, &of_layers)));
    }
    CellScores {
        passes,
        classes: weights.shape.classes,
        values: logits,
    }
}

/// One head's answers for every view: T = the number of views.
pub fn view_scores(weights: &HeadWeights, views: &[FeatureMatrix], cells: &[usize]) -> CellScores {
    let classes = weights.shape.classes;
    let of_views: Vec<CellScores> = views
        .iter()
        .map(|view| member_scores(weights, view, cells))
        .collect();
    let row = |cell: usize| {
        of_views
            .iter()
            .flat_map(move |view| &view.values[cell * classes..(cell + 1) * classes])
    };
    CellScores {
        passes: views.len(),
        classes,
        values: (0..cells.len()).flat_map(row).copied().collect(),
    }
}

/// Every row T times: `[1, N, width]` → `[1, N · T, width]`.
fn per_pass(rows: Tensor<3>, passes: usize) -> Tensor<3> {
    let [_, count, width] = rows.dims();
    rows.reshape([count, 1, width])
        .repeat_dim(1, passes)
        .reshape([1, count * passes, width])
}

fn scaled_mask(
    mask: &Mask,
    stream: u64,
    passes: usize,
    seeds: &[u64],
    device: &Device,
) -> Tensor<3> {
    let drawn: Vec<f32> = seeds
        .iter()
        .flat_map(|seed| draw_mask(mask, passes, *seed, stream))
        .collect();
    let shape = [1, seeds.len() * passes, mask.width];
    Tensor::from_data(TensorData::new(drawn, shape), device) / (1.0 - mask.drop_probability)
}

fn tensor(features: &FeatureMatrix, cells: &[usize], device: &Device) -> Tensor<2> {
    let rows: Vec<f32> = cells
        .iter()
        .flat_map(|cell| features.row(*cell))
        .copied()
        .collect();
    Tensor::from_data(
        TensorData::new(rows, [cells.len(), features.dimension]),
        device,
    )
}

fn values(tensor: Tensor<3>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
