//! The trained part of the trunk, as a burn module.

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};

use super::{
    BlockPlace, ConvolutionPlan, FEATURES, Frozen,
    convolution::Convolution,
    convolutions,
    graph::{StoredConvolution, read_convolutions},
};
use crate::{TrainingError, error::impossible};
use bundle::onnx::ModelProto;

/// Expand, depthwise, project. The input is added if the output has its shape.
#[derive(Module, Debug)]
pub(super) struct Block {
    convolutions: Vec<Convolution>,
    #[module(skip)]
    index: usize,
}

impl Block {
    /// Maps are `[N, H, W, C]`; `kept`, `[N, 1, 1, 1]`, multiplies the block's result before the
    /// input is added.
    fn forward(&self, input: Tensor<4>, kept: Option<&Tensor<4>>) -> Tensor<4> {
        let mut value = input.clone();
        for convolution in &self.convolutions {
            value = convolution.forward(value);
        }
        if !self.is_residual() {
            return value;
        }
        match kept {
            Some(kept) => input + value * kept.clone(),
            None => input + value,
        }
    }

    fn is_residual(&self) -> bool {
        let plans = || self.convolutions.iter().map(Convolution::plan);
        let inputs = plans().next().map(|plan| plan.inputs);
        let outputs = plans().next_back().map(|plan| plan.outputs);
        inputs == outputs && plans().all(|plan| plan.stride == 1)
    }
}

/// Everything after the frozen part: blocks, the 1 × 1 convolution to 1280 channels, pooling.
///
/// Its parameters are called `….weight` and `….bias`; burn's `ParamGroup::from_predicate("bias")`
/// selects the biases, which have no weight decay.
#[derive(Module, Debug)]
pub struct Lite0Tail {
    stem: Option<Convolution>,
    blocks: Vec<Block>,
    head: Convolution,
}

impl Lite0Tail {
    /// Reads the weights that are not frozen from the trunk's graph.
    ///
    /// With an autodiff device the parameters are trainable.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] if the graph is not EfficientNet-Lite0 with folded batch
    /// normalisation.
    pub fn read(
        model: &ModelProto,
        frozen: Frozen,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let plans = convolutions();
        let stored = read_convolutions(model)?;
        let mut trained = plans
            .iter()
            .zip(stored)
            .filter(|(plan, _)| plan.is_trained(frozen))
            .map(|(plan, stored)| Convolution::new(plan, stored, device))
            .peekable();
        let stem = trained.next_if(|convolution| place(convolution) == BlockPlace::Stem);
        let mut blocks = Vec::new();
        for index in frozen.first_trained()..super::BLOCKS {
            let mut convolutions = Vec::new();
            while let Some(next) = trained.next_if(|next| place(next) == BlockPlace::Block(index)) {
                convolutions.push(next);
            }
            blocks.push(Block {
                convolutions,
                index,
            });
        }
        let no_head = || impossible!("the table of Lite0 has no head convolution");
        let head = trained.next().ok_or_else(no_head)?;
        Ok(Self { stem, blocks, head })
    }

    /// Features `[N, 1280]` of the frozen part's output, `[N, C, h, w]`, or of images
    /// `[N, 3, H, W]` if nothing is frozen.
    ///
    /// `kept` holds one multiplier `[N, 1, 1, 1]` for each of [`Self::residual_blocks`], in their
    /// order: 0 if an image skips the block, otherwise 1 / (1 − p) (stochastic depth; Huang et al.,
    /// 2016). An empty slice skips nothing.
    pub fn forward(&self, input: Tensor<4>, kept: &[Tensor<4>]) -> Tensor<2> {
        let mut kept = kept.iter();
        let mut map = input.permute([0, 2, 3, 1]);
        if let Some(stem) = &self.stem {
            map = stem.forward(map);
        }
        for block in &self.blocks {
            let kept = block.is_residual().then(|| kept.next());
            map = block.forward(map, kept.flatten());
        }
        let map = self.head.forward(map);
        let [images, height, width, _] = map.dims();
        map.reshape([images, height * width, FEATURES])
            .mean_dim(1)
            .reshape([images, FEATURES])
    }

    /// Indices, of 0..16, of the trained blocks that add their input. Stochastic depth may skip
    /// them.
    pub fn residual_blocks(&self) -> Vec<usize> {
        let residual = self.blocks.iter().filter(|block| block.is_residual());
        residual.map(|block| block.index).collect()
    }

    /// All parameters in the order of the graph, kernel before bias, each row-major in ONNX order.
    pub fn values(&self) -> Vec<Vec<f32>> {
        let of = |convolution: &Convolution| {
            let StoredConvolution { weight, bias } = convolution.stored();
            [weight, bias]
        };
        self.convolutions().flat_map(of).collect()
    }

    /// The gradients in the order of [`Self::values`]; zeros for parameters without one.
    pub fn gradient_values(&self, gradients: &GradientsParams) -> Vec<Vec<f32>> {
        let of = |convolution: &Convolution| convolution.gradients(gradients);
        self.convolutions().flat_map(of).collect()
    }

    /// The same module with other parameter values, in the order of [`Self::values`].
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] if the number of values does not fit.
    pub fn with_values(mut self, values: Vec<Vec<f32>>) -> Result<Self, TrainingError> {
        let mut values = values.into_iter();
        let mut next = |plan: &ConvolutionPlan| -> Option<StoredConvolution> {
            let stored = StoredConvolution {
                weight: values.next()?,
                bias: values.next()?,
            };
            stored.fits(plan).then_some(stored)
        };
        let misfit =
            || impossible!("the weights belong to a trunk with another frozen part: train again");
        let mut replace = |convolution: Convolution| -> Result<Convolution, TrainingError> {
            let stored = next(convolution.plan()).ok_or_else(misfit)?;
            Ok(convolution.with_values(stored))
        };
        self.stem = self.stem.map(&mut replace).transpose()?;
        for block in &mut self.blocks {
            let convolutions = std::mem::take(&mut block.convolutions).into_iter();
            let replaced: Result<_, _> = convolutions.map(&mut replace).collect();
            block.convolutions = replaced?;
        }
        self.head = replace(self.head)?;
        if values.next().is_some() {
            return Err(misfit());
        }
        Ok(self)
    }

    pub(super) fn convolutions(&self) -> impl Iterator<Item = &Convolution> {
        let blocks = self.blocks.iter().flat_map(|block| &block.convolutions);
        self.stem.iter().chain(blocks).chain([&self.head])
    }
}

fn place(convolution: &Convolution) -> BlockPlace {
    convolution.plan().place
}
