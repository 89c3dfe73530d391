//! The supported layouts: those that `crates/imaging/tests/oracles/decoding.rs` compares with
//! Pillow. All others are refused by name.

use super::super::super::ImageError;
use super::compression::{DEFLATE, JPEG, LZW, NONE, OLD_DEFLATE, PACK_BITS};
use super::layout::TiffLayout;

pub(super) const AS_RGB: &str = "save the image as 8-bit RGB TIFF, or as PNG";
const UNCOMPRESSED: &str = "save the image as TIFF with LZW compression or none, or as PNG";

/// Photometric interpretations (TIFF 6.0, tag 262).
pub(super) const WHITE_IS_ZERO: u16 = 0;
const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
pub(super) const PALETTE: u16 = 3;
const INKS: u16 = 5;
pub(super) const YCBCR: u16 = 6;

/// The meaning of a pixel's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    /// Grey; zero is black or white.
    Grey,
    /// Red, green and blue.
    Rgb,
    /// Red, green and blue, each multiplied by the following alpha.
    RgbTimesAlpha,
    /// Index of a palette colour.
    Palette,
    /// Cyan, magenta, yellow and black.
    Inks,
}

impl Colours {
    /// Number of samples of a pixel that are needed; further samples are ignored.
    pub(super) fn needed_samples(self) -> u16 {
        match self {
            Self::Grey | Self::Palette => 1,
            Self::Rgb => 3,
            Self::RgbTimesAlpha | Self::Inks => 4,
        }
    }
}

/// The meaning of the samples in a supported layout.
///
/// # Errors
/// [`ImageError::NotRead`] for unsupported layouts, [`ImageError::Undecodable`] for contradictory
/// tags.
pub(super) fn colours(layout: &TiffLayout) -> Result<Colours, ImageError> {
    let colours = colours_of_samples(layout)?;
    check_samples(layout, colours)?;
    check_depth(layout, colours)?;
    check_compression(layout)?;
    check_predictor(layout)?;
    Ok(colours)
}

fn colours_of_samples(layout: &TiffLayout) -> Result<Colours, ImageError> {
    let is_multiplied = layout.extra_samples.first() == Some(&1);
    match layout.photometric {
        WHITE_IS_ZERO | BLACK_IS_ZERO if !is_multiplied => Ok(Colours::Grey),
        RGB if is_multiplied => Ok(Colours::RgbTimesAlpha),
        RGB => Ok(Colours::Rgb),
        PALETTE => Ok(Colours::Palette),
        INKS if layout.ink_set == 1 && !is_multiplied => Ok(Colours::Inks),
        // The JPEG decoder converts these to RGB.
        YCBCR if layout.compression == JPEG => Ok(Colours::Rgb),
        other => Err(refused(name_of_colours(other, is_multiplied), AS_RGB)),
    }
}

fn name_of_colours(photometric: u16, is_multiplied: bool) -> &'static str {
    match photometric {
        WHITE_IS_ZERO | BLACK_IS_ZERO | INKS if is_multiplied => {
            "grey or inks multiplied by an alpha channel"
        }
        4 => "a transparency mask instead of an image",
        INKS => "inks other than cyan, magenta, yellow and black",
        YCBCR => "YCbCr colours that are not JPEG-compressed",
        8..=10 => "L*a*b* colours",
        _ => "unusual colours",
    }
}

fn check_samples(layout: &TiffLayout, colours: Colours) -> Result<(), ImageError> {
    let needed = colours.needed_samples();
    if layout.samples < needed {
        return Err(ImageError::undecodable(format!(
            "its pixels have {} samples, but its colours need {needed}",
            layout.samples
        )));
    }
    if colours == Colours::Palette && layout.samples > 1 {
        return Err(refused("a palette and further samples", AS_RGB));
    }
    Ok(())
}

fn check_depth(layout: &TiffLayout, colours: Colours) -> Result<(), ImageError> {
    if layout.sample_format != 1 {
        return Err(refused("signed or floating-point samples", AS_RGB));
    }
    let is_read = match (layout.bits, colours) {
        (8, _) => true,
        (16, colours) => colours != Colours::Palette,
        (1 | 2 | 4, Colours::Grey | Colours::Palette) => layout.samples == 1,
        _ => false,
    };
    if is_read {
        return Ok(());
    }
    let what = format!("{} bits per sample and these colours", layout.bits);
    Err(refused(&what, AS_RGB))
}

fn check_compression(layout: &TiffLayout) -> Result<(), ImageError> {
    let name = match layout.compression {
        NONE | LZW | DEFLATE | OLD_DEFLATE | PACK_BITS => return check_fill_order(layout),
        JPEG => return check_jpeg(layout),
        2..=4 => "fax compression (CCITT)",
        6 => "old-style JPEG compression",
        33_003 | 33_005 | 34_712 => "JPEG 2000 compression",
        34_887 => "LERC compression",
        34_925 => "LZMA compression",
        50_000 => "Zstandard compression",
        50_001 => "WebP compression",
        50_002 => "JPEG XL compression",
        other => {
            return Err(refused(
                &format!("compression method {other}"),
                UNCOMPRESSED,
            ));
        }
    };
    Err(refused(name, UNCOMPRESSED))
}

fn check_fill_order(layout: &TiffLayout) -> Result<(), ImageError> {
    if layout.fill_order == 1 || (layout.bits == 1 && layout.compression == NONE) {
        return Ok(());
    }
    Err(refused("reversed bit order", UNCOMPRESSED))
}

/// JPEG data is supported for grey, RGB and YCbCr, with one plane per colour or all together.
fn check_jpeg(layout: &TiffLayout) -> Result<(), ImageError> {
    let samples_of_chunk = if layout.is_planar { 1 } else { layout.samples };
    let is_read = match layout.photometric {
        WHITE_IS_ZERO | BLACK_IS_ZERO => samples_of_chunk == 1,
        RGB => layout.extra_samples.is_empty() && layout.samples == 3,
        YCBCR => layout.samples == 3 && !layout.is_planar,
        _ => false,
    };
    if is_read && layout.bits == 8 && layout.fill_order == 1 {
        return Ok(());
    }
    Err(refused(
        "JPEG compression of this kind of samples",
        UNCOMPRESSED,
    ))
}

/// Differences are supported with LZW and deflate and whole bytes. Programs disagree about the
/// tag's meaning in other cases.
fn check_predictor(layout: &TiffLayout) -> Result<(), ImageError> {
    let is_usual = matches!(layout.compression, LZW | DEFLATE | OLD_DEFLATE)
        && layout.bits >= 8
        && layout.predictor == 2;
    if layout.predictor == 1 || is_usual {
        return Ok(());
    }
    Err(refused(
        &format!("predictor {}", layout.predictor),
        UNCOMPRESSED,
    ))
}

fn refused(what: &str, instead: &'static str) -> ImageError {
    ImageError::not_read(format!("a TIFF with {what}"), instead)
}
