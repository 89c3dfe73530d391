//! JPEG in strict mode: by default a truncated scan is filled with grey and called a success.

use super::super::{ImageError, Limits};
use super::jpeg_end::{ImageEnd, find_end};
use super::{rgb_image, upright};
use image::RgbImage;
use std::borrow::Cow;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// As far as the decoder reads ahead of the sample that it is decoding.
const READ_AHEAD_BYTES: usize = 8;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    let end = find_end(bytes);
    let stream = end.map_or(Cow::Borrowed(bytes), |end| stream_that_runs_dry(bytes, end));
    let mut decoder =
        JpegDecoder::new_with_options(ZCursor::new(stream.as_ref()), strict_options());

    decoder.decode_headers().map_err(ImageError::undecodable)?;
    let (width, height) = declared_size(&decoder)?;
    limits.check_pixels(u64::from(width), u64::from(height))?;
    if end.is_none() {
        return Err(ImageError::undecodable(
            "it stops before its end-of-image marker",
        ));
    }

    let pixels = decoder.decode().map_err(ImageError::undecodable)?;
    let pixels = rgb_image(width, height, pixels)?;
    Ok(upright(pixels, decoder.exif().map(Vec::as_slice)))
}

fn strict_options() -> DecoderOptions {
    DecoderOptions::default()
        .set_strict_mode(true)
        // the number of pixels is checked by us, whatever their shape
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB)
}

fn declared_size(decoder: &JpegDecoder<ZCursor<&[u8]>>) -> Result<(u32, u32), ImageError> {
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let width = u32::try_from(width).map_err(ImageError::undecodable)?;
    let height = u32::try_from(height).map_err(ImageError::undecodable)?;
    Ok((width, height))
}

/// The file up to its end-of-image marker, without it where the image is sequential.
///
/// After that marker the decoder makes up zeros for as many rows as the header declares, even in strict mode; at the end of
/// the data it does not. So the marker is left out and the decoder runs dry where rows are missing. The padding lets it
/// read ahead in the last row of a whole image. A progressive image keeps its marker: strict mode needs it and suffices.
fn stream_that_runs_dry(bytes: &[u8], end: ImageEnd) -> Cow<'_, [u8]> {
    let (image, _) = bytes.split_at(end.marker_at);
    if end.is_progressive {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned([image, &[0; READ_AHEAD_BYTES]].concat())
}
