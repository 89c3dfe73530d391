//! Forward and backward through the trained blocks, in shards that are fixed by the batch alone: the order of sums
//! decides the last bits of a gradient, and so must not depend on how many threads there are.

use std::ops::Range;

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};

use crate::{
    TrainingError,
    finetune::batches::Batch,
    lite0::{FEATURES, Lite0Tail, shards},
    parallel,
};

/// A shard that went forward: its images, a trunk with a computation graph of its own, and the features `[n, 1280]`.
struct Shard {
    images: Range<usize>,
    tail: Lite0Tail,
    features: Tensor<2>,
}

/// A batch that went forward and waits for what the heads say of its features.
pub(super) struct TrunkPass {
    shards: Vec<Shard>,
    threads: usize,
}

impl TrunkPass {
    /// Runs the blocks on a batch. `kept` holds a multiplier per image for each residual block.
    ///
    /// # Errors
    /// None of its own.
    pub(super) fn forward(
        tail: &Lite0Tail,
        batch: &Batch,
        kept: &[Vec<f32>],
        threads: usize,
    ) -> Result<Self, TrainingError> {
        let device = Device::flex().autodiff();
        let [images, channels, height, width] = batch.shape;
        let per_image = channels * height * width;
        let run = |range: &Range<usize>| {
            let tail = tail.clone().fork(&device);
            let count = range.len();
            let maps = batch.maps[range.start * per_image..range.end * per_image].to_vec();
            let maps = TensorData::new(maps, [count, channels, height, width]);
            let multipliers = |of: &Vec<f32>| {
                let of = TensorData::new(of[range.clone()].to_vec(), [count, 1, 1, 1]);
                Tensor::from_data(of, &device)
            };
            let kept: Vec<Tensor<4>> = kept.iter().map(multipliers).collect();
            let features = tail.forward(Tensor::from_data(maps, &device), &kept);
            Ok(Shard {
                images: range.clone(),
                tail,
                features,
            })
        };
        let shards = parallel::map(threads, &shards(images), run)?;
        Ok(Self { shards, threads })
    }

    /// `[N, 1280]`, row-major.
    pub(super) fn features(&self) -> Vec<f32> {
        let of = |shard: &Shard| {
            let data = shard.features.clone().inner().into_data();
            data.iter::<f32>().collect::<Vec<f32>>()
        };
        self.shards.iter().flat_map(of).collect()
    }

    /// From the gradient by the features, `[N, 1280]`, to the gradient by each parameter of the trunk.
    ///
    /// # Errors
    /// None of its own.
    pub(super) fn backward(self, by_features: &[f32]) -> Result<Vec<Vec<f32>>, TrainingError> {
        let device = Device::flex().autodiff();
        let run = |shard: &Shard| {
            let range = shard.images.start * FEATURES..shard.images.end * FEATURES;
            let upstream =
                TensorData::new(by_features[range].to_vec(), [shard.images.len(), FEATURES]);
            let upstream = Tensor::<2>::from_data(upstream, &device);
            let gradients = (shard.features.clone() * upstream).sum().backward();
            let gradients = GradientsParams::from_grads(gradients, &shard.tail);
            Ok(shard.tail.gradient_values(&gradients))
        };
        let parts = parallel::map(self.threads, &self.shards, run)?;
        Ok(parts.into_iter().reduce(added).unwrap_or_default())
    }
}

fn added(mut sum: Vec<Vec<f32>>, part: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    for (sum, part) in sum.iter_mut().zip(&part) {
        for (sum, value) in sum.iter_mut().zip(part) {
            *sum += value;
        }
    }
    sum
}
