//! Depthwise convolution and its gradients on maps with adjacent channels, `[N, H, W, C]`.
//!
//! Sixteen channels of one image at a time are copied to a plane with a border of zeros. They stay
//! in the nearest cache while all taps of the kernel pass over them, and the inner loops need no
//! border checks. Those loops are separate functions that are never inlined: only then does the
//! compiler know that their inputs and outputs do not overlap, which doubles their speed.

use super::ConvolutionPlan;

/// Channels processed together. Every channel count of Lite0's depthwise convolutions is a multiple
/// of it.
pub(super) const LANES: usize = 16;

type Lane = [f32; LANES];

/// Sizes of one depthwise convolution on one batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    images: usize,
    /// Groups of sixteen channels.
    groups: usize,
    input: [usize; 2],
    output: [usize; 2],
    stride: usize,
    /// Zeros before each row and column.
    before: usize,
    /// Height and width of the input with its zeros.
    padded: [usize; 2],
}

impl Geometry {
    /// For a map `[images, height, width, channels]`.
    pub(super) fn new(
        plan: &ConvolutionPlan,
        [images, height, width, channels]: [usize; 4],
    ) -> Self {
        let (before, _) = plan.padding();
        Self {
            images,
            groups: channels / LANES,
            input: [height, width],
            output: plan.output_size([height, width]),
            stride: plan.stride,
            before,
            padded: plan.padded_size([height, width]),
        }
    }

    /// Offset in a plane of row `row` of an output pixel's window.
    fn window(&self, [output_row, output_column]: [usize; 2], row: usize) -> usize {
        (output_row * self.stride + row) * self.padded[1] + output_column * self.stride
    }

    fn output_rows(&self) -> usize {
        self.images * self.output[0]
    }

    fn plane(&self) -> Vec<Lane> {
        vec![[0.0; LANES]; self.padded[0] * self.padded[1]]
    }
}

/// The convolution without its bias; `weight` is `[C, 1, K, K]`.
pub(super) fn forward<const K: usize>(at: &Geometry, input: &[f32], weight: &[f32]) -> Vec<f32> {
    let (input, _) = input.as_chunks();
    let mut output = vec![[0.0; LANES]; at.output_rows() * at.output[1] * at.groups];
    let mut plane = at.plane();
    for group in 0..at.groups {
        let taps = taps::<K>(weight, group);
        for image in 0..at.images {
            load(at, input, [image, group], &mut plane);
            slide(at, &plane, &taps, [image, group], &mut output);
        }
    }
    output.into_flattened()
}

/// Gradients of the kernel and, if wanted, of the input, given that of the output.
pub(super) fn backward<const K: usize>(
    at: &Geometry,
    input: &[f32],
    weight: &[f32],
    slope: &[f32],
    of_input: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let ((input, _), (slope, _)) = (input.as_chunks(), slope.as_chunks());
    let mut weight_slope = vec![0.0; weight.len()];
    let mut input_slope = of_input.then(|| vec![[0.0; LANES]; input.len()]);
    let (mut plane, mut slope_plane) = (at.plane(), at.plane());
    for group in 0..at.groups {
        let taps = taps::<K>(weight, group);
        let mut tap_slopes = [[[0.0; LANES]; K]; K];
        for image in 0..at.images {
            load(at, input, [image, group], &mut plane);
            gather(at, &plane, slope, [image, group], &mut tap_slopes);
            if let Some(input_slope) = &mut input_slope {
                slope_plane.fill([0.0; LANES]);
                scatter(at, slope, &taps, [image, group], &mut slope_plane);
                store(at, &slope_plane, [image, group], input_slope);
            }
        }
        store_taps(&tap_slopes, group, &mut weight_slope);
    }
    (weight_slope, input_slope.map(Vec::into_flattened))
}

/// The kernels of sixteen channels, tap by tap.
fn taps<const K: usize>(weight: &[f32], group: usize) -> [[Lane; K]; K] {
    let mut taps = [[[0.0; LANES]; K]; K];
    let kernels = weight.chunks_exact(K * K).skip(group * LANES);
    for (lane, kernel) in kernels.take(LANES).enumerate() {
        for (tap, value) in taps.as_flattened_mut().iter_mut().zip(kernel) {
            tap[lane] = *value;
        }
    }
    taps
}

/// The inverse of [`taps`].
fn store_taps<const K: usize>(taps: &[[Lane; K]; K], group: usize, weight: &mut [f32]) {
    let kernels = weight.chunks_exact_mut(K * K).skip(group * LANES);
    for (lane, kernel) in kernels.take(LANES).enumerate() {
        for (tap, value) in taps.as_flattened().iter().zip(kernel) {
            *value = tap[lane];
        }
    }
}

/// Copies sixteen channels of an image into a plane. The zeros around it are never overwritten.
fn load(at: &Geometry, map: &[Lane], [image, group]: [usize; 2], plane: &mut [Lane]) {
    let [height, width] = at.input;
    for row in 0..height {
        let to = (row + at.before) * at.padded[1] + at.before;
        let from = (image * height + row) * width * at.groups + group;
        let pixels = map[from..].iter().step_by(at.groups);
        for (lane, pixel) in plane[to..to + width].iter_mut().zip(pixels) {
            *lane = *pixel;
        }
    }
}

/// The inverse of [`load`].
fn store(at: &Geometry, plane: &[Lane], [image, group]: [usize; 2], map: &mut [Lane]) {
    let [height, width] = at.input;
    for row in 0..height {
        let from = (row + at.before) * at.padded[1] + at.before;
        let to = (image * height + row) * width * at.groups + group;
        let pixels = map[to..].iter_mut().step_by(at.groups);
        for (lane, pixel) in plane[from..from + width].iter().zip(pixels) {
            *pixel = *lane;
        }
    }
}

/// Offset of sixteen channels of an output row in the output map.
fn row_start(at: &Geometry, [image, group]: [usize; 2], row: usize) -> usize {
    (image * at.output[0] + row) * at.output[1] * at.groups + group
}

/// Every output pixel of an image: the sum over its window.
#[inline(never)]
fn slide<const K: usize>(
    at: &Geometry,
    plane: &[Lane],
    taps: &[[Lane; K]; K],
    of: [usize; 2],
    output: &mut [Lane],
) {
    for row in 0..at.output[0] {
        let pixels = output[row_start(at, of, row)..].iter_mut();
        let pixels = pixels.step_by(at.groups).take(at.output[1]);
        for (column, pixel) in pixels.enumerate() {
            let mut sum = [0.0; LANES];
            for (tap_row, taps) in taps.iter().enumerate() {
                let start = at.window([row, column], tap_row);
                for (seen, tap) in plane[start..start + K].iter().zip(taps) {
                    for lane in 0..LANES {
                        sum[lane] += seen[lane] * tap[lane];
                    }
                }
            }
            *pixel = sum;
        }
    }
}

/// Adds an image's share of the kernels' gradients.
#[inline(never)]
fn gather<const K: usize>(
    at: &Geometry,
    plane: &[Lane],
    slope: &[Lane],
    of: [usize; 2],
    tap_slopes: &mut [[Lane; K]; K],
) {
    for row in 0..at.output[0] {
        for (tap_row, tap_slopes) in tap_slopes.iter_mut().enumerate() {
            let slopes = slope[row_start(at, of, row)..].iter();
            let slopes = slopes.step_by(at.groups).take(at.output[1]);
            for (column, slope) in slopes.enumerate() {
                let start = at.window([row, column], tap_row);
                let seen = plane[start..start + K].iter();
                for (seen, tap_slope) in seen.zip(tap_slopes.iter_mut()) {
                    for lane in 0..LANES {
                        tap_slope[lane] += seen[lane] * slope[lane];
                    }
                }
            }
        }
    }
}

/// Adds an image's gradients to the pixels that each output pixel saw.
#[inline(never)]
fn scatter<const K: usize>(
    at: &Geometry,
    slope: &[Lane],
    taps: &[[Lane; K]; K],
    of: [usize; 2],
    plane: &mut [Lane],
) {
    for row in 0..at.output[0] {
        let slopes = slope[row_start(at, of, row)..].iter();
        let slopes = slopes.step_by(at.groups).take(at.output[1]);
        for (column, slope) in slopes.enumerate() {
            for (tap_row, taps) in taps.iter().enumerate() {
                let start = at.window([row, column], tap_row);
                for (seen, tap) in plane[start..start + K].iter_mut().zip(taps) {
                    for lane in 0..LANES {
                        seen[lane] += tap[lane] * slope[lane];
                    }
                }
            }
        }
    }
}
