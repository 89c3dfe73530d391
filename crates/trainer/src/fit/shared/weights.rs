//! The numbers of trained heads, independent of any framework, as they are kept on disk and written
//! to ONNX.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    FeatureMatrix, TrainingError,
    workspace::{float_bytes, floats, read_bytes, write_bytes},
};

/// The sizes of K multilayer perceptrons on the same features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadShape {
    /// K, the number of heads.
    pub members: usize,
    /// D, the number of features.
    pub features: usize,
    /// Width of each hidden layer; empty for one linear layer D → C.
    pub hidden: Vec<usize>,
    /// C, the number of classes.
    pub classes: usize,
}

impl HeadShape {
    /// Rows and columns of each layer's matrix in one head.
    pub fn layers(&self) -> Vec<(usize, usize)> {
        let widths = [&[self.features], self.hidden.as_slice(), &[self.classes]].concat();
        let pairs = widths.windows(2);
        pairs.map(|pair| (pair[0], pair[1])).collect()
    }

    /// Length of [`HeadWeights::to_bytes`].
    fn bytes(&self) -> usize {
        let values = |(rows, columns)| (rows + 1) * columns;
        let values: usize = self.layers().into_iter().map(values).sum();
        self.members * values * size_of::<f32>()
    }
}

/// One layer of all heads.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// f32 `[K, rows, columns]`, row-major.
    pub weight: Vec<f32>,
    /// f32 `[K, columns]`, row-major.
    pub bias: Vec<f32>,
}

/// K heads: hidden layers with ReLU, if any, then logits.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadWeights {
    /// The sizes.
    pub shape: HeadShape,
    /// As many layers as `shape.layers()`.
    pub layers: Vec<LayerWeights>,
}

impl HeadWeights {
    /// Heads before the first step. Biases are zero, except `class_bias` in the last layer. `draw`
    /// gives a number of weights for a layer with a number of rows, and is told whether it is the
    /// last layer.
    pub(crate) fn initial(
        shape: HeadShape,
        class_bias: &[f32],
        mut draw: impl FnMut(usize, usize, bool) -> Vec<f32>,
    ) -> Self {
        let members = shape.members;
        let layer = |(index, (rows, columns)): (usize, (usize, usize))| {
            let is_last = index == shape.hidden.len();
            let bias = match is_last {
                true => class_bias.to_vec(),
                false => vec![0.0; columns],
            };
            LayerWeights {
                weight: draw(members * rows * columns, rows, is_last),
                bias: bias.repeat(members),
            }
        };
        let layers = shape.layers().into_iter().enumerate().map(layer).collect();
        Self { shape, layers }
    }

    /// The same heads for features that are not standardised.
    pub fn absorb(mut self, standardisation: &Standardisation) -> Self {
        let Some((rows, columns)) = self.shape.layers().first().copied() else {
            return self;
        };
        let Some(layer) = self.layers.first_mut() else {
            return self;
        };
        let members = layer
            .weight
            .chunks_mut(rows * columns)
            .zip(layer.bias.chunks_mut(columns));
        for (weight, bias) in members {
            for (row, (mean, scale)) in weight.chunks_mut(columns).zip(standardisation.columns()) {
                for (value, bias) in row.iter_mut().zip(bias.iter_mut()) {
                    *value *= scale;
                    *bias -= mean * *value;
                }
            }
        }
        self
    }

    /// Little-endian f32, layer by layer, weights before biases.
    pub fn to_bytes(&self) -> Vec<u8> {
        let layers = self.layers.iter();
        float_bytes(layers.flat_map(|layer| layer.weight.iter().chain(&layer.bias)))
    }

    /// Writes [`Self::to_bytes`] to a file.
    pub fn write(&self, path: &Path) -> Result<(), TrainingError> {
        write_bytes(path, &self.to_bytes())
    }

    /// Reads heads of a known shape.
    ///
    /// # Errors
    /// [`TrainingError::Malformed`] if the file's length does not fit the shape.
    pub fn read(path: &Path, shape: HeadShape) -> Result<Self, TrainingError> {
        let bytes = read_bytes(path)?;
        if bytes.len() != shape.bytes() {
            let wrong = "the length of the file does not fit these heads: train again";
            return Err(TrainingError::malformed(path)(wrong));
        }
        let mut values = floats(&bytes).into_iter();
        let mut take = |count: usize| values.by_ref().take(count).collect();
        let layer = |(rows, columns)| LayerWeights {
            weight: take(shape.members * rows * columns),
            bias: take(shape.members * columns),
        };
        let layers = shape.layers().into_iter().map(layer).collect();
        Ok(Self { shape, layers })
    }

    /// Joins heads of one kind; `shape` is that of all of them.
    pub(crate) fn side_by_side(shape: HeadShape, parts: &[Self]) -> Self {
        let layers = |index: usize| parts.iter().filter_map(move |part| part.layers.get(index));
        let layer = |index: usize| {
            let weights = layers(index).flat_map(|layer| &layer.weight);
            let biases = layers(index).flat_map(|layer| &layer.bias);
            LayerWeights {
                weight: weights.copied().collect(),
                bias: biases.copied().collect(),
            }
        };
        let layers = (0..shape.layers().len()).map(layer).collect();
        Self { shape, layers }
    }
}

/// Mean and inverse standard deviation of every feature over the training cells. Heads train faster
/// on standardised features.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardisation {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

/// Below this deviation a feature counts as constant and is left as it is.
const SMALLEST_DEVIATION: f64 = 1e-6;

impl Standardisation {
    /// Measures some cells, in every view.
    pub fn measure(views: &[FeatureMatrix], cells: &[usize]) -> Self {
        let dimension = views.first().map_or(0, |view| view.dimension);
        let count = (views.len() * cells.len()).max(1) as f64;
        let (mut sum, mut squares) = (vec![0.0; dimension], vec![0.0; dimension]);
        for row in views
            .iter()
            .flat_map(|view| cells.iter().map(|cell| view.row(*cell)))
        {
            for ((value, sum), squares) in row.iter().zip(&mut sum).zip(&mut squares) {
                *sum += f64::from(*value);
                *squares += f64::from(*value) * f64::from(*value);
            }
        }
        let scale = |(sum, squares): (&f64, &f64)| {
            let deviation = (squares / count - (sum / count).powi(2)).max(0.0).sqrt();
            if deviation < SMALLEST_DEVIATION {
                1.0
            } else {
                (1.0 / deviation) as f32
            }
        };
        Self {
            mean: sum.iter().map(|sum| (sum / count) as f32).collect(),
            scale: sum.iter().zip(&squares).map(scale).collect(),
        }
    }

    /// Appends a row of features, standardised.
    pub fn append(&self, row: &[f32], values: &mut Vec<f32>) {
        let standardised = row.iter().zip(self.columns());
        values.extend(standardised.map(|(value, (mean, scale))| (value - mean) * scale));
    }

    fn columns(&self) -> impl Iterator<Item = (f32, f32)> + '_ {
        self.mean.iter().copied().zip(self.scale.iter().copied())
    }
}
