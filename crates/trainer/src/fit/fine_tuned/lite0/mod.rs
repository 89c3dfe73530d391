//! EfficientNet-Lite0 for fine-tuning: reads the ONNX trunk's weights into a burn module, trains
//! them and writes them back.
//!
//! Input: the trunk's graph, and its frozen part's output for images, which ONNX Runtime computes.
//! Output: features for the heads, gradients, and the graph with other weights. Batch normalisation
//! stays folded into the convolutions. A batch is cut into a fixed number of shards that run in
//! parallel; nothing else here uses threads.

mod convolution;
mod depthwise;
mod graph;
mod operation;
mod tail;

pub use graph::{MAP, frozen_part, put_back, trained_part};
pub use tail::Lite0Tail;

use std::ops::Range;

/// Number of shards of a batch. Fixed, because the order of sums affects the last bits of a
/// gradient.
pub const SHARDS: usize = 4;

/// Divides a batch of `images` into at most [`SHARDS`] ranges of nearly equal length, none empty.
pub fn shards(images: usize) -> Vec<Range<usize>> {
    let cut = |shard| images * shard / SHARDS;
    (0..SHARDS)
        .map(|shard| cut(shard)..cut(shard + 1))
        .filter(|range| !range.is_empty())
        .collect()
}

/// The seven stages (Tan and Le, "EfficientNet", 2019, table 1; the Lite variant has no
/// squeeze-and-excitation). Each is a run of blocks: side of the depthwise kernel; stride of the
/// first block's depthwise convolution, the others have stride 1; hidden channels per input
/// channel; output channels; number of blocks.
const STAGES: [[usize; 5]; 7] = [
    [3, 1, 1, 16, 1],
    [3, 2, 6, 24, 2],
    [5, 2, 6, 40, 2],
    [3, 2, 6, 80, 3],
    [5, 1, 6, 112, 3],
    [5, 2, 6, 192, 4],
    [3, 1, 6, 320, 1],
];
/// Number of blocks in all stages.
pub const BLOCKS: usize = 16;
/// Output channels of the stem, a 3 × 3 convolution of stride 2 on the image.
const STEM: usize = 32;
/// D, the number of features: output channels of the head, a 1 × 1 convolution before pooling.
pub const FEATURES: usize = 1280;

/// The frozen part of the trunk: nothing, or the stem and the first blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    blocks: usize,
}

impl Frozen {
    /// Everything is trained, including the stem.
    pub const fn nothing() -> Self {
        Self { blocks: 0 }
    }

    /// Freezes the stem and the first `blocks` of the 16 blocks; `None` above 16. 0 means
    /// [`Self::nothing`].
    pub fn blocks(blocks: usize) -> Option<Self> {
        (blocks <= BLOCKS).then_some(Self { blocks })
    }

    /// Index of the first trained block, 0..=16; from 1 on the stem is frozen as well.
    pub const fn first_trained(self) -> usize {
        self.blocks
    }

    /// Number of frozen convolutions.
    pub(super) fn convolutions(self) -> usize {
        convolutions()
            .iter()
            .filter(|plan| !plan.is_trained(self))
            .count()
    }
}

/// Position of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockPlace {
    /// The first one, on the image.
    Stem,
    /// In the block of this index, 0..16.
    Block(usize),
    /// The last one, before pooling.
    Head,
}

/// A convolution's sizes and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConvolutionPlan {
    /// Its position.
    pub place: BlockPlace,
    /// Its role, for error messages and names: `stem`, `expand`, `depthwise`, `project` or `head`.
    pub role: &'static str,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Whether every channel has a kernel of its own.
    pub depthwise: bool,
    /// Whether ReLU6 follows.
    pub clipped: bool,
}

impl ConvolutionPlan {
    /// Shape of the kernel in ONNX layout: output channels, input channels per group, height,
    /// width.
    pub(super) fn weight_shape(&self) -> [usize; 4] {
        let inputs = if self.depthwise { 1 } else { self.inputs };
        [self.outputs, inputs, self.kernel, self.kernel]
    }

    /// Zeros before and after each row and column. With stride 2 the odd one comes last, as in
    /// TensorFlow.
    pub(super) fn padding(&self) -> (usize, usize) {
        let total = self.kernel.saturating_sub(self.stride);
        (total / 2, total - total / 2)
    }

    /// Height and width including the zeros.
    pub(super) fn padded_size(&self, input: [usize; 2]) -> [usize; 2] {
        let (before, after) = self.padding();
        input.map(|side| side + before + after)
    }

    /// Height and width of the output.
    pub(super) fn output_size(&self, input: [usize; 2]) -> [usize; 2] {
        let padded = self.padded_size(input);
        padded.map(|side| side.saturating_sub(self.kernel) / self.stride + 1)
    }

    /// A name such as `block 7 depthwise`.
    pub(super) fn name(&self) -> String {
        match self.place {
            BlockPlace::Block(index) => format!("block {index} {}", self.role),
            BlockPlace::Stem | BlockPlace::Head => self.role.to_owned(),
        }
    }

    pub(super) fn is_trained(&self, frozen: Frozen) -> bool {
        match self.place {
            BlockPlace::Stem => frozen.first_trained() == 0,
            BlockPlace::Block(index) => index >= frozen.first_trained(),
            BlockPlace::Head => true,
        }
    }
}

/// The 49 convolutions in execution order. A block has three: expand (unless the expansion is 1),
/// depthwise, project.
pub(super) fn convolutions() -> Vec<ConvolutionPlan> {
    let mut plans = vec![ConvolutionPlan {
        kernel: 3,
        stride: 2,
        ..pointwise(BlockPlace::Stem, "stem", 3, STEM, true)
    }];
    let (mut index, mut inputs) = (0, STEM);
    for [kernel, stride, expansion, channels, repeats] in STAGES {
        for repeat in 0..repeats {
            let place = BlockPlace::Block(index);
            let hidden = inputs * expansion;
            if expansion > 1 {
                plans.push(pointwise(place, "expand", inputs, hidden, true));
            }
            plans.push(ConvolutionPlan {
                kernel,
                stride: if repeat == 0 { stride } else { 1 },
                depthwise: true,
                ..pointwise(place, "depthwise", hidden, hidden, true)
            });
            plans.push(pointwise(place, "project", hidden, channels, false));
            (index, inputs) = (index + 1, channels);
        }
    }
    plans.push(pointwise(BlockPlace::Head, "head", inputs, FEATURES, true));
    plans
}

fn pointwise(
    place: BlockPlace,
    role: &'static str,
    inputs: usize,
    outputs: usize,
    clipped: bool,
) -> ConvolutionPlan {
    ConvolutionPlan {
        place,
        role,
        inputs,
        outputs,
        kernel: 1,
        stride: 1,
        depthwise: false,
        clipped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lite0::depthwise::LANES;

    #[test]
    fn depthwise_loops_cover_all_channels() {
        let plans = convolutions();
        assert!(
            plans
                .iter()
                .all(|plan| !plan.depthwise || plan.inputs.is_multiple_of(LANES))
        );
    }
}
