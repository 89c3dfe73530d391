//! Trunk and heads as one list of parameters, and the gradient of a batch.

use std::collections::BTreeMap;

use crate::{
    HeadShape, HeadWeights, LayerWeights, TrainingError,
    finetune::{
        batches::Batch,
        heads::{HeadBatch, feature_masks, head_gradients},
        loss::Objective,
        optimiser::{Group, OptimiserSettings},
        recipe::FineTuneRecipe,
        trunk_pass::TrunkPass,
    },
    lite0::{BLOCKS, Lite0Tail, ParameterKind},
    random,
};
use bundle::Method;

/// The shape of what is trained. The numbers are kept apart, as a list of parameters: the trunk's first, then each
/// method's layers, weights before biases.
pub(super) struct Model<'a> {
    /// The trained blocks, with the weights that they started from.
    pub tail: Lite0Tail,
    /// The shapes of the heads.
    pub heads: BTreeMap<Method, HeadShape>,
    /// What is minimised.
    pub objective: Objective,
    /// The class of every cell.
    pub classes: &'a [usize],
    /// How often each cell counts for each head of the ensemble, `[K][cells]`; empty without bootstrap.
    pub counts: Vec<Vec<f32>>,
    /// The settings.
    pub recipe: &'a FineTuneRecipe,
    /// Seed of everything random.
    pub seed: u64,
    /// What the random streams are named after.
    pub purpose: &'a str,
    /// Threads that run the trained blocks.
    pub threads: usize,
}

impl Model<'_> {
    /// The parameters before the first step.
    pub(super) fn first_values(&self, heads: &BTreeMap<Method, HeadWeights>) -> Vec<Vec<f32>> {
        let trunk = self.tail.values().into_iter().map(|of| of.values);
        let heads = heads.values().flat_map(parameters).map(<[f32]>::to_vec);
        trunk.chain(heads).collect()
    }

    /// How each parameter learns, in the order of the parameters.
    pub(super) fn groups(&self, settings: &OptimiserSettings) -> Vec<Group> {
        let group = |rate, is_matrix| Group {
            rate,
            weight_decay: if is_matrix {
                settings.weight_decay
            } else {
                0.0
            },
        };
        let trunk = self.tail.values().into_iter();
        let trunk = trunk.map(|of| group(settings.trunk_rate, of.kind == ParameterKind::Kernel));
        let layers = self.heads.values().flat_map(HeadShape::layers);
        let heads = layers.flat_map(|_| [true, false].map(|is| group(settings.head_rate, is)));
        trunk.chain(heads).collect()
    }

    /// The trained blocks and the heads with some values of the parameters.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] when the values are not as many as the parameters.
    pub(super) fn with_values(
        &self,
        values: &[Vec<f32>],
    ) -> Result<(Lite0Tail, BTreeMap<Method, HeadWeights>), TrainingError> {
        let of_trunk = self.tail.values().len().min(values.len());
        let (trunk, mut rest) = values.split_at(of_trunk);
        let mut heads = BTreeMap::new();
        for (method, shape) in &self.heads {
            let count = (2 * shape.layers().len()).min(rest.len());
            let (own, others) = rest.split_at(count);
            heads.insert(*method, head_weights(shape, own));
            rest = others;
        }
        Ok((self.tail.clone().with_values(trunk.to_vec())?, heads))
    }

    /// The loss of a batch and its gradient by each parameter.
    ///
    /// # Errors
    /// As [`Self::with_values`].
    pub(super) fn gradient(
        &self,
        values: &[Vec<f32>],
        batch: &Batch,
    ) -> Result<(f32, Vec<Vec<f32>>), TrainingError> {
        let (tail, heads) = self.with_values(values)?;
        let pass = TrunkPass::forward(&tail, batch, &self.kept(batch), self.threads)?;
        let classes: Vec<usize> = batch.cells.iter().map(|cell| self.classes[*cell]).collect();
        let head_batch = HeadBatch {
            features: pass.features(),
            classes: &classes,
            counts: self.counts(&batch.cells),
            masks: feature_masks(
                &self.recipe.heads,
                &self.heads,
                classes.len(),
                self.seed,
                &self.name(batch, "dropout"),
            ),
        };
        let of_heads = head_gradients(&self.recipe.heads, &heads, &self.objective, head_batch)?;
        let of_trunk = pass.backward(&of_heads.features)?;
        let heads = of_heads.heads.values().flat_map(parameters);
        let heads = heads.map(<[f32]>::to_vec);
        Ok((of_heads.loss, of_trunk.into_iter().chain(heads).collect()))
    }

    /// Stochastic depth: a multiplier per cell for each block that adds its input.
    fn kept(&self, batch: &Batch) -> Vec<Vec<f32>> {
        let mut stream = random::stream(self.seed, &self.name(batch, "depth"));
        let multipliers = |block: usize| {
            let skipped = self.recipe.stochastic_depth * block as f64 / BLOCKS as f64;
            let kept = (1.0 / (1.0 - skipped)) as f32;
            random::dropout_mask(&mut stream, batch.cells.len(), skipped as f32, kept)
        };
        let blocks = self.tail.residual_blocks();
        blocks.into_iter().map(multipliers).collect()
    }

    /// `[K, N]`
    fn counts(&self, cells: &[usize]) -> Vec<f32> {
        if self.counts.is_empty() {
            return vec![1.0; self.recipe.heads.members * cells.len()];
        }
        let of_head =
            |counts: &'_ Vec<f32>| -> Vec<f32> { cells.iter().map(|cell| counts[*cell]).collect() };
        self.counts.iter().flat_map(of_head).collect()
    }

    fn name(&self, batch: &Batch, what: &str) -> String {
        format!("{}/{what}/{}/{}", self.purpose, batch.epoch, batch.index)
    }
}

fn parameters(weights: &HeadWeights) -> impl Iterator<Item = &[f32]> {
    let layers = weights.layers.iter();
    layers.flat_map(|layer| [layer.weight.as_slice(), layer.bias.as_slice()])
}

fn head_weights(shape: &HeadShape, values: &[Vec<f32>]) -> HeadWeights {
    let layer = |pair: &[Vec<f32>; 2]| LayerWeights {
        weight: pair[0].clone(),
        bias: pair[1].clone(),
    };
    HeadWeights {
        shape: shape.clone(),
        layers: values.as_chunks::<2>().0.iter().map(layer).collect(),
    }
}
