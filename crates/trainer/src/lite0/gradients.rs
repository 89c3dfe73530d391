//! One step's gradients on several threads, with the same bits on any number of them.

use std::ops::Range;

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Tensor},
};

use crate::{TrainingError, parallel};

/// Into how many parts a batch is cut: fixed, because the order of sums decides the last bits of a gradient.
pub const SHARDS: usize = 4;

/// Cuts a batch of `images` into at most [`SHARDS`] runs of nearly equal length, none of them empty.
pub fn shards(images: usize) -> Vec<Range<usize>> {
    let cut = |shard| images * shard / SHARDS;
    (0..SHARDS)
        .map(|shard| cut(shard)..cut(shard + 1))
        .filter(|range| !range.is_empty())
        .collect()
}

/// The loss of a batch and the gradients of a module's parameters.
pub struct BatchGradients {
    /// Sum over the shards.
    pub loss: f32,
    /// For an optimiser's step on the same module.
    pub gradients: GradientsParams,
}

/// Runs `loss` forward and backward on every shard, each on its own thread, and adds up in the order of the shards.
///
/// `loss` gets a copy of the module whose parameters share values and identity with the original but not its
/// computation graph (burn would run graphs that share a node one after the other), and returns the shard's part of the
/// batch's loss: the parts are added, so a mean has to be divided by the size of the batch, not of the shard.
///
/// # Errors
/// The first error of `loss`.
pub fn gradients<M: Module + Sync, S: Sync>(
    module: &M,
    shards: &[S],
    threads: usize,
    loss: impl Fn(&M, &S) -> Result<Tensor<1>, TrainingError> + Sync,
) -> Result<BatchGradients, TrainingError> {
    let device = module.devices().into_iter().next();
    let device = device.unwrap_or_else(|| Device::flex().autodiff());
    let parts = parallel::map(threads, shards, |shard| {
        let module = module.clone().fork(&device);
        let loss = loss(&module, shard)?;
        let value = loss.clone().inner().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &module);
        Ok((value, gradients))
    })?;
    let mut sum = GradientsAccumulator::new();
    let mut loss = 0.0;
    for (value, gradients) in parts {
        loss += value;
        sum.accumulate(module, gradients);
    }
    Ok(BatchGradients {
        loss,
        gradients: sum.grads(),
    })
}
