//! JPEG-compressed strips and tiles, as slide software writes them. Each is a JPEG whose tables may
//! be shared.

use super::super::super::ImageError;
use super::super::jpeg::{Jpeg, OutputColours};
use super::super::jpeg_structure::Structure;
use super::chunks::samples_together;
use super::layout::TiffLayout;
use super::readable::YCBCR;

/// The samples of a strip or tile, interleaved, 8 bits each.
pub(super) fn samples(
    stored: &[u8],
    layout: &TiffLayout,
    rows: usize,
) -> Result<Vec<u8>, ImageError> {
    let stream = with_tables(stored, &layout.jpeg_tables);
    let jpeg = Jpeg::new(&stream, &Structure::read(&stream))?;
    let (width, height) = (u32::from(jpeg.frame.width), u32::from(jpeg.frame.height));
    let is_as_declared = width == layout.chunk.width
        && height <= layout.chunk.height
        && height as usize >= rows
        && jpeg.frame.components.len() == samples_together(layout);
    if !is_as_declared {
        return Err(ImageError::undecodable(
            "one of its JPEG-compressed strips or tiles differs in size or colours from its tags",
        ));
    }
    let colours = if layout.photometric == YCBCR {
        OutputColours::RgbOfYcbcr
    } else {
        OutputColours::AsStored
    };
    Ok(jpeg.decode(colours)?.values)
}

/// The tables are between a start and an end marker. Both are dropped, and the start marker of the
/// stored data, too.
fn with_tables(stored: &[u8], tables: &[u8]) -> Vec<u8> {
    match (tables.split_last_chunk::<2>(), stored.get(2..)) {
        (Some((tables, _)), Some(rest)) if !tables.is_empty() => [tables, rest].concat(),
        _ => stored.to_vec(),
    }
}
