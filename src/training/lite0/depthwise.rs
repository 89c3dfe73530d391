//! Depthwise convolution and its gradients on maps whose channels lie side by side, `[N, H, W, C]`.
//!
//! Sixteen channels of one image at a time are copied to a plane with its zeros around it: they stay in the nearest cache
//! while every tap of the kernel passes over them, and the inner loops know no edges.

use super::plan::ConvolutionPlan;

/// Channels worked on together; every channel count of Lite0's depthwise convolutions is a multiple.
const LANES: usize = 16;

type Lane = [f32; LANES];

/// Sizes of one depthwise convolution on one batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    images: usize,
    channels: usize,
    input: [usize; 2],
    output: [usize; 2],
    stride: usize,
    /// Zeros before each row and column.
    before: usize,
    /// Sides of the input with its zeros.
    padded: [usize; 2],
}

impl Geometry {
    /// For a map `[images, height, width, channels]`.
    pub fn new(plan: &ConvolutionPlan, [images, height, width, channels]: [usize; 4]) -> Self {
        let (before, after) = plan.padding();
        let padded = [height, width].map(|side| side + before + after);
        Self {
            images,
            channels,
            input: [height, width],
            output: padded.map(|side| (side - plan.kernel) / plan.stride + 1),
            stride: plan.stride,
            before,
            padded,
        }
    }

    /// `[images, height, width, channels]` of the output.
    pub fn output_shape(&self) -> [usize; 4] {
        let [height, width] = self.output;
        [self.images, height, width, self.channels]
    }

    fn plane(&self) -> Vec<Lane> {
        vec![[0.0; LANES]; self.padded[0] * self.padded[1]]
    }
}

/// The convolution without its bias. `weight` is `[C, 1, K, K]`.
pub(super) fn forward<const K: usize>(at: &Geometry, input: &[f32], weight: &[f32]) -> Vec<f32> {
    let mut output = vec![0.0; at.output_shape().iter().product()];
    let mut plane = at.plane();
    for group in 0..at.channels / LANES {
        let taps = taps::<K>(weight, group);
        for image in 0..at.images {
            load(at, input, image, group, &mut plane);
            for row in 0..at.output[0] {
                for column in 0..at.output[1] {
                    let sum = window_sum(at, &plane, &taps, row, column);
                    let start = output_start(at, image, row, column, group);
                    output[start..start + LANES].copy_from_slice(&sum);
                }
            }
        }
    }
    output
}

/// Gradients of the kernel and, if wanted, of the input.
pub(super) fn backward<const K: usize>(
    at: &Geometry,
    input: &[f32],
    weight: &[f32],
    slope: &[f32],
    of_input: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let mut weight_slope = vec![0.0; weight.len()];
    let mut input_slope = of_input.then(|| vec![0.0; input.len()]);
    let (mut plane, mut slope_plane) = (at.plane(), at.plane());
    for group in 0..at.channels / LANES {
        let taps = taps::<K>(weight, group);
        let mut tap_slopes = [[[0.0; LANES]; K]; K];
        for image in 0..at.images {
            load(at, input, image, group, &mut plane);
            gather_taps(at, &plane, slope, image, group, &mut tap_slopes);
            if let Some(input_slope) = &mut input_slope {
                slope_plane.fill([0.0; LANES]);
                scatter(at, &mut slope_plane, &taps, slope, image, group);
                store(at, &slope_plane, image, group, input_slope);
            }
        }
        store_taps(&tap_slopes, group, &mut weight_slope);
    }
    (weight_slope, input_slope)
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

fn store_taps<const K: usize>(taps: &[[Lane; K]; K], group: usize, weight: &mut [f32]) {
    let kernels = weight.chunks_exact_mut(K * K).skip(group * LANES);
    for (lane, kernel) in kernels.take(LANES).enumerate() {
        for (tap, value) in taps.as_flattened().iter().zip(kernel) {
            *value = tap[lane];
        }
    }
}

/// Copies sixteen channels of an image into a plane; the zeros around it are never written.
fn load(at: &Geometry, input: &[f32], image: usize, group: usize, plane: &mut [Lane]) {
    let [height, width] = at.input;
    for row in 0..height {
        let to = (row + at.before) * at.padded[1] + at.before;
        let from = ((image * height + row) * width) * at.channels;
        let pixels = input[from..from + width * at.channels].chunks_exact(at.channels);
        for (lane, pixel) in plane[to..to + width].iter_mut().zip(pixels) {
            lane.copy_from_slice(&pixel[group * LANES..(group + 1) * LANES]);
        }
    }
}

/// The way back of [`load`].
fn store(at: &Geometry, plane: &[Lane], image: usize, group: usize, output: &mut [f32]) {
    let [height, width] = at.input;
    for row in 0..height {
        let from = (row + at.before) * at.padded[1] + at.before;
        let to = ((image * height + row) * width) * at.channels;
        let pixels = output[to..to + width * at.channels].chunks_exact_mut(at.channels);
        for (lane, pixel) in plane[from..from + width].iter().zip(pixels) {
            pixel[group * LANES..(group + 1) * LANES].copy_from_slice(lane);
        }
    }
}

fn output_start(at: &Geometry, image: usize, row: usize, column: usize, group: usize) -> usize {
    let [height, width] = at.output;
    ((image * height + row) * width + column) * at.channels + group * LANES
}

fn slope_at<'a>(
    at: &Geometry,
    slope: &'a [f32],
    [image, group]: [usize; 2],
    [row, column]: [usize; 2],
) -> &'a [f32] {
    let start = output_start(at, image, row, column, group);
    &slope[start..start + LANES]
}

/// Where the row of the window that an output pixel sees begins in the plane.
fn window_row(at: &Geometry, row: usize, column: usize, tap_row: usize) -> usize {
    (row * at.stride + tap_row) * at.padded[1] + column * at.stride
}

fn window_sum<const K: usize>(
    at: &Geometry,
    plane: &[Lane],
    taps: &[[Lane; K]; K],
    row: usize,
    column: usize,
) -> Lane {
    let mut sum = [0.0; LANES];
    for (tap_row, taps) in taps.iter().enumerate() {
        let start = window_row(at, row, column, tap_row);
        for (pixel, tap) in plane[start..start + K].iter().zip(taps) {
            for lane in 0..LANES {
                sum[lane] += pixel[lane] * tap[lane];
            }
        }
    }
    sum
}

/// Adds an image's part to the gradients of the kernels.
fn gather_taps<const K: usize>(
    at: &Geometry,
    plane: &[Lane],
    slope: &[f32],
    image: usize,
    group: usize,
    tap_slopes: &mut [[Lane; K]; K],
) {
    for row in 0..at.output[0] {
        for (tap_row, tap_slopes) in tap_slopes.iter_mut().enumerate() {
            for column in 0..at.output[1] {
                let slope = slope_at(at, slope, [image, group], [row, column]);
                let start = window_row(at, row, column, tap_row);
                let pixels = plane[start..start + K].iter();
                for (pixel, tap_slope) in pixels.zip(tap_slopes.iter_mut()) {
                    for lane in 0..LANES {
                        tap_slope[lane] += pixel[lane] * slope[lane];
                    }
                }
            }
        }
    }
}

/// Spreads an image's gradients over the pixels that each of them saw.
fn scatter<const K: usize>(
    at: &Geometry,
    slope_plane: &mut [Lane],
    taps: &[[Lane; K]; K],
    slope: &[f32],
    image: usize,
    group: usize,
) {
    for row in 0..at.output[0] {
        for column in 0..at.output[1] {
            let slope = slope_at(at, slope, [image, group], [row, column]);
            for (tap_row, taps) in taps.iter().enumerate() {
                let start = window_row(at, row, column, tap_row);
                for (pixel, tap) in slope_plane[start..start + K].iter_mut().zip(taps) {
                    for lane in 0..LANES {
                        pixel[lane] += tap[lane] * slope[lane];
                    }
                }
            }
        }
    }
}
