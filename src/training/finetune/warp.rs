//! One affine warp from a picture straight to the trunk's input: turning, scaling and shifting blur only once.

use crate::{
    imaging::{Padding, source_index},
    training::finetune::sources::CellSource,
};

/// Source pixels per output pixel above which one bilinear sample would skip pixels, and several are averaged.
const STEP_PER_SAMPLE: f32 = 1.25;

/// Samples per output pixel and axis at most.
const MOST_SAMPLES: usize = 8;

/// Where the output lies in the picture: the pixel (u, v) shows what is at `origin` + u · `across` + v · `down`, for u
/// and v from 0 to the output's size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// The outer corner of the first pixel.
    pub origin: [f32; 2],
    /// A step of one output pixel to the right.
    pub across: [f32; 2],
    /// A step of one output pixel downwards.
    pub down: [f32; 2],
}

/// Fills `planes`, f32 `[3, size, size]` in 0 to 255, with what a warp shows of a picture.
pub fn warp(source: &CellSource, affine: &Affine, size: usize, planes: &mut [f32]) {
    let samples = samples_per_axis(affine);
    let picture = Picture::of(source);
    let area = size * size;
    let (red, rest) = planes.split_at_mut(area);
    let (green, blue) = rest.split_at_mut(area);
    let pixels = red.iter_mut().zip(green).zip(blue);
    for (index, ((red, green), blue)) in pixels.enumerate() {
        let (u, v) = ((index % size) as f32, (index / size) as f32);
        [*red, *green, *blue] = picture.mean(affine, u, v, samples);
    }
}

fn samples_per_axis(affine: &Affine) -> usize {
    let length = |step: [f32; 2]| step[0].hypot(step[1]);
    let longest = length(affine.across).max(length(affine.down));
    let samples = (longest / STEP_PER_SAMPLE).ceil() as usize;
    samples.clamp(1, MOST_SAMPLES)
}

/// The pixels of a picture, with what is beyond them.
struct Picture<'a> {
    pixels: &'a [u8],
    width: u32,
    height: u32,
    padding: Padding,
}

/// Bytes of a pixel.
const CHANNELS: usize = 3;

impl<'a> Picture<'a> {
    fn of(source: &'a CellSource) -> Self {
        Self {
            pixels: source.image.as_rgb().as_raw(),
            width: source.image.width(),
            height: source.image.height(),
            padding: source.padding,
        }
    }

    /// The mean of a square of samples inside an output pixel.
    fn mean(&self, affine: &Affine, u: f32, v: f32, samples: usize) -> [f32; CHANNELS] {
        let mut sum = [0.0; CHANNELS];
        let step = 1.0 / samples as f32;
        for row in 0..samples {
            let v = v + (row as f32 + 0.5) * step;
            for column in 0..samples {
                let u = u + (column as f32 + 0.5) * step;
                let x = affine.origin[0] + u * affine.across[0] + v * affine.down[0];
                let y = affine.origin[1] + u * affine.across[1] + v * affine.down[1];
                let colour = self.bilinear(x - 0.5, y - 0.5);
                for (sum, value) in sum.iter_mut().zip(colour) {
                    *sum += value;
                }
            }
        }
        sum.map(|sum| sum * step * step)
    }

    /// Bilinear interpolation; the centre of the first pixel is (0, 0).
    fn bilinear(&self, x: f32, y: f32) -> [f32; CHANNELS] {
        let (left, top) = (floor(x), floor(y));
        let (to_right, to_bottom) = (x - left as f32, y - top as f32);
        let [upper, lower] = self.corners(left, top).map(|[left, right]| {
            let mix = |channel: usize| {
                let (left, right) = (f32::from(left[channel]), f32::from(right[channel]));
                left + (right - left) * to_right
            };
            [mix(0), mix(1), mix(2)]
        });
        let mix = |channel: usize| upper[channel] + (lower[channel] - upper[channel]) * to_bottom;
        [mix(0), mix(1), mix(2)]
    }

    /// Two rows of two neighbouring pixels.
    fn corners(&self, left: i32, top: i32) -> [[[u8; CHANNELS]; 2]; 2] {
        self.inner_corners(left, top)
            .unwrap_or_else(|| [top, top + 1].map(|y| [left, left + 1].map(|x| self.padded(x, y))))
    }

    /// The usual case, in which all four lie inside.
    fn inner_corners(&self, left: i32, top: i32) -> Option<[[[u8; CHANNELS]; 2]; 2]> {
        let (left, top) = (u32::try_from(left).ok()?, u32::try_from(top).ok()?);
        if left + 1 >= self.width || top + 1 >= self.height {
            return None;
        }
        let row_bytes = self.width as usize * CHANNELS;
        let start = top as usize * row_bytes + left as usize * CHANNELS;
        let pair = |start: usize| {
            let pair = self.pixels.get(start..start + 2 * CHANNELS)?;
            Some([[pair[0], pair[1], pair[2]], [pair[3], pair[4], pair[5]]])
        };
        Some([pair(start)?, pair(start + row_bytes)?])
    }

    fn padded(&self, x: i32, y: i32) -> [u8; CHANNELS] {
        let column = source_index(i64::from(x), self.width, self.padding);
        let row = source_index(i64::from(y), self.height, self.padding);
        let (Some(column), Some(row)) = (column, row) else {
            return [0; CHANNELS];
        };
        let start = (row * self.width as usize + column) * CHANNELS;
        match self.pixels.get(start..start + CHANNELS) {
            Some(pixel) => [pixel[0], pixel[1], pixel[2]],
            None => [0; CHANNELS],
        }
    }
}

/// `f32::floor` is a function call on processors without SSE 4.1, which is what we compile for.
fn floor(value: f32) -> i32 {
    let truncated = value as i32;
    truncated - i32::from((truncated as f32) > value)
}
