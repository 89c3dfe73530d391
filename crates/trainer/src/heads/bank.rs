//! The heads as a burn module: K perceptrons side by side on one batch of features.

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData, activation::relu},
};

use crate::heads::weights::{HeadShape, HeadWeights, LayerWeights};

/// K heads that share their input. The first layer of all heads is one product `[N, D] × [D, K·H]`; the later ones are
/// batched over the heads. Heads without hidden layers have the first layer only, and H = C.
#[derive(Module, Debug)]
pub struct HeadBank {
    /// K
    members: usize,
    /// `[D, K·H]`
    first_weight: Param<Tensor<2>>,
    /// `[1, K·H]`
    first_bias: Param<Tensor<2>>,
    /// `[K, rows, columns]` each
    later_weights: Vec<Param<Tensor<3>>>,
    /// `[K, 1, columns]` each
    later_biases: Vec<Param<Tensor<3>>>,
}

impl HeadBank {
    /// Builds the module on a device.
    pub fn new(weights: &HeadWeights, device: &Device) -> Self {
        let HeadShape {
            members, features, ..
        } = weights.shape;
        let layers = weights.shape.layers();
        let first_width = layers.first().map_or(0, |(_, columns)| *columns);
        let mut stored = weights.layers.iter().zip(&layers);
        let (first_weight, first_bias) =
            stored
                .next()
                .map_or((Vec::new(), Vec::new()), |(layer, (rows, columns))| {
                    (
                        fuse(&layer.weight, members, *rows, *columns),
                        layer.bias.clone(),
                    )
                });
        let (mut later_weights, mut later_biases) = (Vec::new(), Vec::new());
        for (layer, (rows, columns)) in stored {
            later_weights.push(parameter(
                layer.weight.clone(),
                [members, *rows, *columns],
                device,
            ));
            later_biases.push(parameter(
                layer.bias.clone(),
                [members, 1, *columns],
                device,
            ));
        }
        Self {
            members,
            first_weight: parameter(first_weight, [features, members * first_width], device),
            first_bias: parameter(first_bias, [1, members * first_width], device),
            later_weights,
            later_biases,
        }
    }

    /// The same heads with parameters named by number, so that what an optimiser kept of them fits in another process.
    pub(super) fn numbered(self) -> Self {
        self.map(&mut Numbering(0))
    }

    /// All heads on the same cells: features `[N, D]` → logits `[K, N, C]`.
    ///
    /// `masks` multiply the hidden layers, first to last, `[K, N, width]` each; without masks nothing is dropped.
    pub fn logits(&self, features: Tensor<2>, masks: &[Tensor<3>]) -> Tensor<3> {
        self.after_first_layer(self.first_layer(features), masks)
    }

    /// One head (K = 1) on P copies of the same cells that differ, such as views or cells with features dropped:
    /// `[P, N, D]` → logits `[P, N, C]`. `masks` are `[P, N, width]` each.
    pub fn logits_of_copies(&self, copies: Tensor<3>, masks: &[Tensor<3>]) -> Tensor<3> {
        let [passes, cells, dimension] = copies.dims();
        let rows = passes * cells;
        let side_by_side = |mask: &Tensor<3>| {
            let width = mask.dims()[2];
            mask.clone().reshape([1, rows, width])
        };
        let masks: Vec<Tensor<3>> = masks.iter().map(side_by_side).collect();
        let logits = self.logits(copies.reshape([rows, dimension]), &masks);
        let classes = logits.dims()[2];
        logits.reshape([passes, cells, classes])
    }

    /// The first layer of every head, with its ReLU where it is a hidden one: `[N, D]` → `[K, N, H]`.
    pub(super) fn first_layer(&self, features: Tensor<2>) -> Tensor<3> {
        let sums = features.matmul(self.first_weight.val()) + self.first_bias.val();
        let values = if self.later_weights.is_empty() {
            sums
        } else {
            relu(sums)
        };
        let [cells, width] = values.dims();
        values
            .reshape([cells, self.members, width / self.members.max(1)])
            .swap_dims(0, 1)
    }

    /// The rest of every head: `[K, N, H]` → logits `[K, N, C]`; masks as in [`Self::logits`].
    pub(super) fn after_first_layer(&self, hidden: Tensor<3>, masks: &[Tensor<3>]) -> Tensor<3> {
        let last = self.later_weights.len().saturating_sub(1);
        let layers = self.later_weights.iter().zip(&self.later_biases);
        let mut values = hidden;
        for (index, (weight, bias)) in layers.enumerate() {
            if let Some(mask) = masks.get(index) {
                values = values * mask.clone();
            }
            values = values.matmul(weight.val()) + bias.val();
            if index < last {
                values = relu(values);
            }
        }
        values
    }

    /// Copies the parameters out.
    pub fn weights(&self, shape: &HeadShape) -> HeadWeights {
        let later = self.later_weights.iter().zip(&self.later_biases);
        let later = later.map(|(weight, bias)| LayerWeights {
            weight: values(weight),
            bias: values(bias),
        });
        let first = (values(&self.first_weight), values(&self.first_bias));
        arranged(shape, first, later)
    }

    /// The gradients, laid out as [`Self::weights`] lays out the parameters.
    pub fn gradients(&self, shape: &HeadShape, gradients: &GradientsParams) -> HeadWeights {
        let later = self.later_weights.iter().zip(&self.later_biases);
        let later = later.map(|(weight, bias)| LayerWeights {
            weight: gradient(weight, gradients),
            bias: gradient(bias, gradients),
        });
        let first = (
            gradient(&self.first_weight, gradients),
            gradient(&self.first_bias, gradients),
        );
        arranged(shape, first, later)
    }
}

fn arranged(
    shape: &HeadShape,
    (first_weight, first_bias): (Vec<f32>, Vec<f32>),
    later: impl Iterator<Item = LayerWeights>,
) -> HeadWeights {
    let (rows, columns) = shape.layers().first().copied().unwrap_or_default();
    let first = LayerWeights {
        weight: unfuse(&first_weight, shape.members, rows, columns),
        bias: first_bias,
    };
    HeadWeights {
        shape: shape.clone(),
        layers: std::iter::once(first).chain(later).collect(),
    }
}

/// Gives parameters the numbers 1, 2, 3… for names, in the order of the module.
struct Numbering(u64);

impl ModuleMapper for Numbering {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (_, value, mapper) = parameter.consume();
        self.0 += 1;
        Param::from_mapped_value(ParamId::from(self.0), value, mapper)
    }
}

fn parameter<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

fn values<const D: usize>(parameter: &Param<Tensor<D>>) -> Vec<f32> {
    let data = parameter.val().inner().into_data();
    data.iter::<f32>().collect()
}

/// Zeros where a parameter had no part in the loss.
fn gradient<const D: usize>(parameter: &Param<Tensor<D>>, gradients: &GradientsParams) -> Vec<f32> {
    match gradients.get::<D>(parameter.id) {
        Some(gradient) => gradient.into_data().iter::<f32>().collect(),
        None => vec![0.0; parameter.val().shape().num_elements()],
    }
}

/// `[K, rows, columns]` → `[rows, K·columns]`
pub(super) fn fuse(weight: &[f32], members: usize, rows: usize, columns: usize) -> Vec<f32> {
    let row_of = |row: usize| {
        weight
            .chunks(rows * columns)
            .map(move |member| &member[row * columns..(row + 1) * columns])
    };
    let fused: Vec<f32> = (0..rows).flat_map(row_of).flatten().copied().collect();
    debug_assert_eq!(fused.len(), members * rows * columns);
    fused
}

/// `[rows, K·columns]` → `[K, rows, columns]`
fn unfuse(weight: &[f32], members: usize, rows: usize, columns: usize) -> Vec<f32> {
    let part = |member: usize| {
        let rows = weight.chunks(members * columns).take(rows);
        rows.flat_map(move |row| &row[member * columns..(member + 1) * columns])
    };
    (0..members).flat_map(part).copied().collect()
}
