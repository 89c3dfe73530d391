//! A cell's place in its image, and one affine warp from there to the trunk's input.
//!
//! If there is a field, pixels come from the whole field, so that a turned or shifted view shows
//! what is beside the crop and not a mirror image. Turning, scaling and shifting in one warp blurs
//! only once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    CropRow, CropSettings, TrainingError,
    data::crop_table::{decode_image, load_crop},
    error::impossible,
    parallel,
    workspace::read_bytes,
};
use imaging::{CellImage, Padding, window};

/// The place of a crop in an image.
#[derive(Clone, Debug)]
pub struct CellSource {
    /// The field, shared by its cells, or the crop itself.
    pub image: Arc<CellImage>,
    /// The crop's centre, (x, y) in pixels of the image; (0, 0) is the outer corner of its first
    /// pixel.
    pub centre: [f32; 2],
    /// Width and height of the crop in pixels of the image.
    pub extent: [f32; 2],
    /// What fills pixels beyond the image.
    pub padding: Padding,
}

/// The cells of a table of crops as places in their fields, or as images of their own if the data
/// set has no fields. Each image is read once and shared by its cells.
///
/// # Errors
/// If an image is missing or unreadable, or a crop is not the one of the table.
pub fn sources(
    crops: &Path,
    cells: &[CropRow],
    settings: &CropSettings,
) -> Result<Vec<CellSource>, TrainingError> {
    let files: BTreeMap<PathBuf, &CropRow> = cells
        .iter()
        .map(|cell| (file_of(crops, cell), cell))
        .collect();
    let files: Vec<(PathBuf, &CropRow)> = files.into_iter().collect();
    let images = parallel::map(&files, |(path, cell)| {
        let image = match is_in_a_field(cell) {
            true => decode_image(path, &read_bytes(path)?),
            false => load_crop(crops, cell).map(|(image, _)| image),
        };
        image.map(Arc::new)
    })?;
    let paths = files.iter().map(|(path, _)| path.as_path());
    let images: BTreeMap<&Path, Arc<CellImage>> = paths.zip(images).collect();
    let source = |cell: &CropRow| {
        let image = images.get(file_of(crops, cell).as_path()).map(Arc::clone);
        let missing = || impossible!("the image of cell {} was not read", cell.cell_id);
        Ok(place(image.ok_or_else(missing)?, cell, settings))
    };
    cells.iter().map(source).collect()
}

/// The file with a cell's pixels: its field, or its crop.
fn file_of(crops: &Path, cell: &CropRow) -> PathBuf {
    match is_in_a_field(cell) {
        true => cell.source.clone(),
        false => crops.join(&cell.file),
    }
}

fn is_in_a_field(cell: &CropRow) -> bool {
    cell.nucleus_x.is_some() && cell.nucleus_y.is_some()
}

/// The crop that `imaging::crop_at_nucleus` cuts: pixel (edge / 2, edge / 2), rounded down, is the
/// nucleus. Without a nucleus the whole image is the crop.
fn place(image: Arc<CellImage>, cell: &CropRow, settings: &CropSettings) -> CellSource {
    let padding = settings.padding;
    let Some((x, y)) = cell.nucleus_x.zip(cell.nucleus_y) else {
        let extent = [image.width() as f32, image.height() as f32];
        return CellSource {
            image,
            centre: extent.map(|side| side / 2.0),
            extent,
            padding,
        };
    };
    let edge = settings.edge as f32;
    let to_centre = edge / 2.0 - (settings.edge / 2) as f32;
    CellSource {
        image,
        centre: [x as f32 + to_centre, y as f32 + to_centre],
        extent: [edge; 2],
        padding,
    }
}

/// Source pixels per output pixel above which the mean of 2 × 2 bilinear samples is closer than a
/// single sample to the triangle of the server's resize, widened by the same step (by its variance,
/// s² / 6). The same step applies to 3 × 3 and more.
const STEP_PER_SAMPLE: f32 = 1.11;

/// Largest number of samples per output pixel and axis.
const MOST_SAMPLES: usize = 8;

/// A warp: output pixel (u, v) shows the point `origin` + u · `across` + v · `down` of the image,
/// for u and v from 0 to the output's size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    /// The outer corner of the first pixel.
    pub origin: [f32; 2],
    /// A step of one output pixel to the right.
    pub across: [f32; 2],
    /// A step of one output pixel downwards.
    pub down: [f32; 2],
}

/// Fills `planes`, f32 `[3, size, size]` in 0 to 255, with the warped image.
pub(super) fn warp(source: &CellSource, affine: &Affine, size: usize, planes: &mut [f32]) {
    let patch = Patch::cut(source, affine, size);
    let samples = samples_per_axis(affine);
    let area = size * size;
    let (red, rest) = planes.split_at_mut(area);
    let (green, blue) = rest.split_at_mut(area);
    let pixels = red.iter_mut().zip(green).zip(blue);
    for (index, ((red, green), blue)) in pixels.enumerate() {
        let (u, v) = ((index % size) as f32, (index / size) as f32);
        [*red, *green, *blue, _] = patch.mean(affine, u, v, samples);
    }
}

fn samples_per_axis(affine: &Affine) -> usize {
    let length = |step: [f32; 2]| step[0].hypot(step[1]);
    let longest = length(affine.across).max(length(affine.down));
    let samples = (longest / STEP_PER_SAMPLE).ceil() as usize;
    samples.clamp(1, MOST_SAMPLES)
}

/// Red, green, blue and an unused value, so that one instruction mixes four values.
type Pixel = [f32; 4];

/// The part of an image that a warp shows, padded beyond the border, so that samples need no check.
struct Patch {
    pixels: Vec<Pixel>,
    width: usize,
    height: usize,
    /// The outer corner of the first pixel in the image.
    corner: [f32; 2],
}

/// Pixels around the shown part, for the neighbours of its outermost samples.
const MARGIN: f32 = 2.0;

/// Widest patch; a warp that shows more is clamped at its border.
const WIDEST: f32 = 8192.0;

impl Patch {
    fn cut(source: &CellSource, affine: &Affine, size: usize) -> Self {
        let size = size as f32;
        let bounds = |axis: usize| {
            let (across, down) = (affine.across[axis] * size, affine.down[axis] * size);
            let low = affine.origin[axis] + across.min(0.0) + down.min(0.0);
            let length = across.abs() + down.abs();
            let first = (low - MARGIN).floor();
            (first, (length + 2.0 * MARGIN + 1.0).ceil().min(WIDEST))
        };
        let ((left, width), (top, height)) = (bounds(0), bounds(1));
        let patch = window(
            &source.image,
            left as i64,
            top as i64,
            width as u32,
            height as u32,
            source.padding,
        );
        let pixels = patch.as_rgb().pixels();
        let pixels = pixels.map(|pixel| {
            let [red, green, blue] = pixel.0.map(f32::from);
            [red, green, blue, 0.0]
        });
        Self {
            pixels: pixels.collect(),
            width: width as usize,
            height: height as usize,
            corner: [left, top],
        }
    }

    /// The mean of a square of samples inside an output pixel.
    fn mean(&self, affine: &Affine, u: f32, v: f32, samples: usize) -> Pixel {
        let mut sum = Pixel::default();
        let step = 1.0 / samples as f32;
        let [left, top] = [0, 1].map(|axis| affine.origin[axis] - self.corner[axis] - 0.5);
        for row in 0..samples {
            let v = v + (row as f32 + 0.5) * step;
            for column in 0..samples {
                let u = u + (column as f32 + 0.5) * step;
                let x = left + u * affine.across[0] + v * affine.down[0];
                let y = top + u * affine.across[1] + v * affine.down[1];
                sum = mixed(sum, self.bilinear(x, y), |sum, value| sum + value);
            }
        }
        sum.map(|sum| sum * step * step)
    }

    /// Bilinear interpolation; the centre of the patch's first pixel is (0, 0).
    fn bilinear(&self, x: f32, y: f32) -> Pixel {
        // Neither is negative, so the conversion rounds down.
        let column = (x as usize).min(self.width.saturating_sub(2));
        let row = (y as usize).min(self.height.saturating_sub(2));
        let (to_right, to_bottom) = (x - column as f32, y - row as f32);
        let pair = |row: usize| {
            let start = row * self.width + column;
            match self.pixels.get(start..start + 2) {
                Some([left, right]) => mixed(*left, *right, |left, right| {
                    left + (right - left) * to_right
                }),
                _ => Pixel::default(),
            }
        };
        mixed(pair(row), pair(row + 1), |upper, lower| {
            upper + (lower - upper) * to_bottom
        })
    }
}

fn mixed(one: Pixel, other: Pixel, mix: impl Fn(f32, f32) -> f32) -> Pixel {
    [
        mix(one[0], other[0]),
        mix(one[1], other[1]),
        mix(one[2], other[2]),
        mix(one[3], other[3]),
    ]
}
