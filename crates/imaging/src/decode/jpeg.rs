//! JPEG decoding in strict mode. By default the decoder fills a truncated scan with grey and
//! reports success.

use super::super::{ImageError, Limits};
use super::jpeg_structure::{JpegFrame, Structure};
use super::jpeg_variant::{frame, readable_frame};
use super::{rgb_image, upright};
use image::RgbImage;
use std::borrow::Cow;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// How far the decoder reads ahead of the sample that it decodes.
const READ_AHEAD_BYTES: usize = 8;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    let structure = Structure::read(bytes);
    let frame = frame(&structure)?;
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    limits.check_pixels(u64::from(width), u64::from(height))?;

    let jpeg = Jpeg::new(bytes, &structure)?;
    let decoded = jpeg.decode(OutputColours::Rgb)?;
    let pixels = rgb_image(width, height, decoded.values)?;
    Ok(upright(pixels, decoded.exif.as_deref()))
}

/// A JPEG of a variant that the decoder reads correctly.
pub(super) struct Jpeg<'bytes> {
    /// Its frame header.
    pub(super) frame: JpegFrame,
    stream: Cow<'bytes, [u8]>,
}

/// The samples to decode to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputColours {
    /// Red, green and blue, converted if necessary.
    Rgb,
    /// Red, green and blue from YCbCr components; other files are refused.
    RgbOfYcbcr,
    /// The stored components.
    AsStored,
}

/// The contents of a JPEG.
pub(super) struct DecodedJpeg {
    /// Samples row by row, interleaved.
    pub(super) values: Vec<u8>,
    /// The content of its EXIF segment.
    pub(super) exif: Option<Vec<u8>>,
}

impl<'bytes> Jpeg<'bytes> {
    /// Checks the headers. `structure` is that of `bytes`.
    pub(super) fn new(bytes: &'bytes [u8], structure: &Structure) -> Result<Self, ImageError> {
        let frame = readable_frame(structure)?.clone();
        let end = structure
            .end
            .ok_or_else(|| ImageError::undecodable("it stops before its end-of-image marker"))?;
        let stream = stream_that_runs_dry(bytes, &frame, end);
        Ok(Self { frame, stream })
    }

    pub(super) fn decode(&self, colours: OutputColours) -> Result<DecodedJpeg, ImageError> {
        let options = strict_options();
        let mut decoder =
            JpegDecoder::new_with_options(ZCursor::new(self.stream.as_ref()), options);
        decoder.decode_headers().map_err(|_| damaged())?;
        let stored = decoder.input_colorspace().ok_or_else(damaged)?;
        let wanted = match colours {
            OutputColours::AsStored => stored,
            OutputColours::RgbOfYcbcr if stored != ColorSpace::YCbCr => return Err(damaged()),
            OutputColours::Rgb | OutputColours::RgbOfYcbcr => ColorSpace::RGB,
        };
        decoder.set_options(options.jpeg_set_out_colorspace(wanted));
        Ok(DecodedJpeg {
            values: decoder.decode().map_err(|_| damaged())?,
            exif: decoder.exif().cloned(),
        })
    }
}

/// The error for every failure of the decoder, whose own messages describe its internals.
fn damaged() -> ImageError {
    ImageError::undecodable("its tables or its coded pixels are damaged or incomplete")
}

fn strict_options() -> DecoderOptions {
    DecoderOptions::default()
        .set_strict_mode(true)
        // `Limits` bounds the number of pixels, so the sides need no bound.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
}

/// The file up to its end-of-image marker. The marker itself is left out if the image is
/// sequential.
///
/// After the marker, the decoder fills all missing rows with zeros, even in strict mode. At the end
/// of the data it reports an error. So the marker is left out, and missing rows are detected. The
/// padding allows the decoder to read ahead in the last row of a complete image; fewer missing
/// bytes than that are not detected.
///
/// A progressive image keeps its marker, because strict mode requires it. A truncated one is
/// refused. One whose header declares more rows than its scans contain is mostly refused; some (in
/// trials one in seven) decode with made-up rows.
fn stream_that_runs_dry<'bytes>(
    bytes: &'bytes [u8],
    frame: &JpegFrame,
    end: usize,
) -> Cow<'bytes, [u8]> {
    if !frame.is_sequential() {
        return Cow::Borrowed(bytes);
    }
    let (image, _) = bytes.split_at(end);
    Cow::Owned([image, &[0; READ_AHEAD_BYTES]].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use image::codecs::jpeg::JpegEncoder;

    fn encoded(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
        let image = RgbImage::from_fn(width, height, |x, y| image::Rgb(pixel(x, y)));
        let mut bytes = Vec::new();
        JpegEncoder::new(&mut bytes).encode_image(&image).unwrap();
        bytes
    }

    /// Changes the height in the frame header.
    fn declaring_height(mut bytes: Vec<u8>, height: u16) -> Vec<u8> {
        let frame = bytes
            .windows(2)
            .position(|pair| pair == [0xff, 0xc0])
            .unwrap();
        bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        bytes
    }

    fn is_undecodable(bytes: &[u8]) -> bool {
        matches!(
            decode(bytes, &Limits::default()),
            Err(ImageError::Undecodable { .. })
        )
    }

    #[test]
    fn missing_rows_are_refused() {
        let coloured = encoded(64, 64, |x, y| [x as u8 * 3, y as u8 * 2, 77]);
        assert!(!is_undecodable(&coloured));
        for height in [80, 128, 4000] {
            assert!(
                is_undecodable(&declaring_height(coloured.clone(), height)),
                "{height}"
            );
        }
    }

    /// The last rows of a flat, narrow image have fewer bits than the decoder reads ahead.
    #[test]
    fn images_with_few_bits_per_row_decode() {
        for (width, height) in [(1, 1), (1, 3000), (3000, 1), (8, 8), (7, 900), (17, 33)] {
            let flat = encoded(width, height, |_, _| [12, 200, 30]);
            let image = decode(&flat, &Limits::default()).unwrap();
            assert_eq!(image.dimensions(), (width, height));
        }
    }

    #[test]
    fn trailing_bytes_are_ignored_missing_end_is_refused() {
        let mut bytes = encoded(20, 20, |x, _| [x as u8; 3]);
        let whole = decode(&bytes, &Limits::default()).unwrap();
        assert!(is_undecodable(&bytes[..bytes.len() - 2]));
        bytes.extend(b"the rest of a phone's file, \xff\xd8\xff\xd9");
        assert_eq!(decode(&bytes, &Limits::default()).unwrap(), whole);
    }
}
