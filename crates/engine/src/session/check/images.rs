//! The images of a bundle's trial run.

use image::{Rgb, RgbImage};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::answers::unsound;
use crate::StartError;
use bundle::Bundle;
use imaging::{CellImage, ImageError, InputTensor};

const BACKGROUND: Rgb<u8> = Rgb([236, 228, 232]);
const CYTOPLASM: Rgb<u8> = Rgb([150, 190, 200]);
const NUCLEUS: Rgb<u8> = Rgb([70, 50, 110]);

/// An image of a trial run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TrialImage {
    /// Random bytes with a fixed seed. Flat colours may set every unit to zero, and then dropout
    /// has no effect.
    Noise,
    /// All bytes 0.
    Black,
    Grey,
    /// All bytes 255.
    White,
    /// A dark disc inside a paler one on a bright background.
    Cell,
}

impl TrialImage {
    /// All except [`Self::Noise`].
    pub(crate) const FURTHER: [Self; 4] = [Self::Black, Self::Grey, Self::White, Self::Cell];

    /// The name in errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Noise => "an image of noise",
            Self::Black => "a black image",
            Self::Grey => "a grey image",
            Self::White => "a white image",
            Self::Cell => "an image of a drawn cell",
        }
    }

    /// The image as the bundle's input.
    pub(crate) fn tensor(self, bundle: &Bundle) -> Result<InputTensor, StartError> {
        let size = bundle.manifest().input.size;
        let flat = |value| RgbImage::from_pixel(size, size, Rgb([value; 3]));
        let pixels = match self {
            Self::Noise => return noise(bundle, 1),
            Self::Black => flat(0),
            Self::Grey => flat(128),
            Self::White => flat(255),
            Self::Cell => drawn_cell(size),
        };
        let mut tensor = empty_tensor(bundle, 1)?;
        push(bundle, &mut tensor, pixels)?;
        Ok(tensor)
    }
}

/// A cell with 2/3 of the image's width around a nucleus with 1/4 of it.
fn drawn_cell(size: u32) -> RgbImage {
    // No input is larger than 4096 px, so nothing overflows.
    RgbImage::from_fn(size, size, |x, y| {
        // Twice the distance to the centre, which is a whole number.
        let twice = |at: u32| (2 * at + 1).abs_diff(size);
        let squared = twice(x).pow(2) + twice(y).pow(2);
        if 16 * squared <= size.pow(2) {
            NUCLEUS
        } else if 9 * squared <= 4 * size.pow(2) {
            CYTOPLASM
        } else {
            BACKGROUND
        }
    })
}

/// Images of noise.
pub(crate) fn noise(bundle: &Bundle, images: usize) -> Result<InputTensor, StartError> {
    let size = bundle.manifest().input.size;
    let mut tensor = empty_tensor(bundle, images)?;
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for _ in 0..images {
        let mut pixels = RgbImage::new(size, size);
        random.fill_bytes(&mut pixels);
        push(bundle, &mut tensor, pixels)?;
    }
    Ok(tensor)
}

/// An empty tensor of the bundle's input size.
pub(crate) fn empty_tensor(bundle: &Bundle, images: usize) -> Result<InputTensor, StartError> {
    let size = bundle.manifest().input.size;
    InputTensor::with_capacity(size, size, images).map_err(unusable_input(bundle))
}

fn push(bundle: &Bundle, tensor: &mut InputTensor, pixels: RgbImage) -> Result<(), StartError> {
    let normalisation = &bundle.manifest().input.normalisation;
    let pushed = tensor.push(&CellImage::new(pixels), normalisation);
    pushed.map_err(unusable_input(bundle))
}

fn unusable_input(bundle: &Bundle) -> impl Fn(ImageError) -> StartError {
    |error| unsound(bundle, "bundle.toml", error.to_string())
}
