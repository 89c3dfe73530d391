//! The heads as a burn module: K perceptrons in parallel on one batch of features.

use burn::{
    module::{Module, Param},
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData, activation::relu},
};

use super::weights::{HeadShape, HeadWeights, LayerWeights};

/// K heads with the same input. The first layer of all heads is one product `[N, D] × [D, K·H]`;
/// the later ones are batched over the heads. Heads without hidden layers have only the first
/// layer, and H = C.
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
        Self::of_parameters(&weights.shape, parameters(weights), device)
    }

    /// Heads from their parameters in the layout of [`parameters`]: each layer's weight and bias,
    /// those of the first layer concatenated.
    pub(crate) fn of_parameters(
        shape: &HeadShape,
        parameters: Vec<Vec<f32>>,
        device: &Device,
    ) -> Self {
        let members = shape.members;
        let layers = shape.layers();
        let first_width = layers.first().map_or(0, |(_, columns)| *columns);
        let mut parameters = parameters.into_iter();
        let mut next = || parameters.next().unwrap_or_default();
        let first_weight = parameter(next(), [shape.features, members * first_width], device);
        let first_bias = parameter(next(), [1, members * first_width], device);
        let (mut later_weights, mut later_biases) = (Vec::new(), Vec::new());
        for (rows, columns) in layers.into_iter().skip(1) {
            later_weights.push(parameter(next(), [members, rows, columns], device));
            later_biases.push(parameter(next(), [members, 1, columns], device));
        }
        Self {
            members,
            first_weight,
            first_bias,
            later_weights,
            later_biases,
        }
    }

    /// All heads on the same cells: features `[N, D]` → logits `[K, N, C]`.
    ///
    /// `masks` multiply the hidden layers, first to last, `[K, N, width]` each; without masks no
    /// unit is dropped.
    pub fn logits(&self, features: Tensor<2>, masks: &[Tensor<3>]) -> Tensor<3> {
        self.after_first_layer(self.first_layer(features), masks)
    }

    /// One head (K = 1) on P different copies of the same cells, such as views or cells with
    /// features dropped: `[P, N, D]` → logits `[P, N, C]`. `masks` are `[P, N, width]` each.
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

    /// The first layer of every head, with its ReLU if it is a hidden layer: `[N, D]` →
    /// `[K, N, H]`.
    pub(crate) fn first_layer(&self, features: Tensor<2>) -> Tensor<3> {
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

    /// The other layers of every head: `[K, N, H]` → logits `[K, N, C]`; masks as in
    /// [`Self::logits`].
    pub(crate) fn after_first_layer(&self, hidden: Tensor<3>, masks: &[Tensor<3>]) -> Tensor<3> {
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

    /// The gradients, in the order and layout of [`Self::of_parameters`]; zeros for a parameter
    /// that the loss does not depend on.
    pub(crate) fn gradients(&self, gradients: &GradientsParams) -> Vec<Vec<f32>> {
        let mut all = vec![
            gradient(&self.first_weight, gradients),
            gradient(&self.first_bias, gradients),
        ];
        for (weight, bias) in self.later_weights.iter().zip(&self.later_biases) {
            all.push(gradient(weight, gradients));
            all.push(gradient(bias, gradients));
        }
        all
    }
}

/// The numbers of some heads in the layout of [`HeadBank::of_parameters`].
pub(crate) fn parameters(weights: &HeadWeights) -> Vec<Vec<f32>> {
    let (members, layers) = (weights.shape.members, weights.shape.layers());
    let mut parameters = Vec::new();
    for (index, (layer, (rows, columns))) in weights.layers.iter().zip(layers).enumerate() {
        parameters.push(match index {
            0 => fuse(&layer.weight, members, rows, columns),
            _ => layer.weight.clone(),
        });
        parameters.push(layer.bias.clone());
    }
    parameters
}

/// The inverse of [`parameters`].
pub(crate) fn of_parameters(shape: &HeadShape, parameters: Vec<Vec<f32>>) -> HeadWeights {
    let (pairs, _) = parameters.as_chunks::<2>();
    let layers = pairs.iter().zip(shape.layers()).enumerate();
    let layer = |(index, ([weight, bias], (rows, columns))): (usize, (&[Vec<f32>; 2], _))| {
        let weight = match index {
            0 => unfuse(weight, shape.members, rows, columns),
            _ => weight.clone(),
        };
        LayerWeights {
            weight,
            bias: bias.clone(),
        }
    };
    HeadWeights {
        shape: shape.clone(),
        layers: layers.map(layer).collect(),
    }
}

fn parameter<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// Zeros for a parameter that the loss does not depend on.
pub(crate) fn gradient<const D: usize>(
    parameter: &Param<Tensor<D>>,
    gradients: &GradientsParams,
) -> Vec<f32> {
    match gradients.get::<D>(parameter.id) {
        Some(gradient) => gradient.into_data().iter::<f32>().collect(),
        None => vec![0.0; parameter.val().shape().num_elements()],
    }
}

/// `[K, rows, columns]` → `[rows, K·columns]`
pub(crate) fn fuse(weight: &[f32], members: usize, rows: usize, columns: usize) -> Vec<f32> {
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
