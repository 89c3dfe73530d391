//! The windows that the stem's kernel sees, so that the stem too is a matrix product.

use super::plan::ConvolutionPlan;

/// `[N, H, W, inputs]` → one row per output pixel, `[N · H' · W', inputs · K · K]` in the order of an ONNX kernel.
pub(super) fn patches(
    input: &[f32],
    [images, height, width, channels]: [usize; 4],
    plan: &ConvolutionPlan,
) -> Vec<f32> {
    let (before, _) = plan.padding();
    let output = plan.output_size([height, width]);
    let taps = plan.kernel * plan.kernel;
    let mut patches = vec![0.0; images * output[0] * output[1] * channels * taps];
    let pixels = patches.chunks_exact_mut((channels * taps).max(1));
    for (index, patch) in pixels.enumerate() {
        let (row, column) = (index / output[1] % output[0], index % output[1]);
        let image = index / output[1] / output[0];
        for tap in 0..taps {
            let row = (row * plan.stride + tap / plan.kernel).checked_sub(before);
            let column = (column * plan.stride + tap % plan.kernel).checked_sub(before);
            let (Some(row), Some(column)) = (row, column) else {
                continue;
            };
            if row < height && column < width {
                let from = ((image * height + row) * width + column) * channels;
                for (channel, value) in input[from..from + channels].iter().enumerate() {
                    patch[channel * taps + tap] = *value;
                }
            }
        }
    }
    patches
}
