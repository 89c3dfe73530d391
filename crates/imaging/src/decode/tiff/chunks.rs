//! Assembles strips and tiles: the needed samples of all pixels, 8 bits each, row by row.

use super::super::super::ImageError;
use super::super::decoding_allowance;
use super::compression::{JPEG, MAX_EXPANSION, NONE, unpacked};
use super::jpeg_chunk;
use super::layout::TiffLayout;
use super::readable::Colours;
use super::samples::eight_bit_samples;

/// A strip or tile of a plane: its rectangle in the image, and its place in the file's list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    /// Its place in the list of offsets.
    pub(super) index: usize,
    /// Index of the first sample that it contains.
    plane: usize,
    /// Its first column.
    left: usize,
    /// Its first row.
    top: usize,
    /// Number of rows. The last strip ends with the image; the last tiles can extend beyond it.
    pub(super) rows: usize,
}

/// The needed samples of every pixel, interleaved.
pub(super) fn read_values(
    bytes: &[u8],
    layout: &TiffLayout,
    colours: Colours,
) -> Result<Vec<u8>, ImageError> {
    check_chunk_size(layout)?;
    let kept = usize::from(colours.needed_samples());
    let mut image = TiffValues {
        width: layout.width as usize,
        height: layout.height as usize,
        kept,
        values: vec![0; layout.width as usize * layout.height as usize * kept],
    };
    for chunk in chunks(layout, kept) {
        let stored = stored_bytes(bytes, layout, chunk)?;
        let samples = decoded(stored, layout, chunk)?;
        image.place(&samples, layout, chunk);
    }
    Ok(image.values)
}

/// Refuses tiles that take more memory than the image may.
fn check_chunk_size(layout: &TiffLayout) -> Result<(), ImageError> {
    let chunk = layout.chunk;
    let pixels = u64::from(chunk.width).saturating_mul(u64::from(chunk.height));
    if pixels == 0 {
        return Err(ImageError::undecodable(
            "its strips or tiles have no pixels",
        ));
    }
    let bytes =
        pixels.saturating_mul(u64::from(layout.samples) * u64::from(layout.bits).div_ceil(8));
    if bytes > decoding_allowance(layout.width, layout.height) {
        return Err(ImageError::undecodable(
            "its strips or tiles are far larger than the image",
        ));
    }
    Ok(())
}

/// The chunks of the needed planes, in file order.
fn chunks(layout: &TiffLayout, kept: usize) -> impl Iterator<Item = Chunk> {
    let (width, height) = (layout.chunk.width as usize, layout.chunk.height as usize);
    let columns = (layout.width as usize).div_ceil(width);
    let rows = (layout.height as usize).div_ceil(height);
    let planes = if layout.is_planar { kept } else { 1 };
    (0..planes * rows * columns).map(move |index| {
        let top = index / columns % rows * height;
        let rows_left = layout.height as usize - top;
        Chunk {
            index,
            plane: index / (columns * rows),
            left: index % columns * width,
            top,
            rows: if layout.chunk.is_tile {
                height
            } else {
                height.min(rows_left)
            },
        }
    })
}

fn stored_bytes<'bytes>(
    bytes: &'bytes [u8],
    layout: &TiffLayout,
    chunk: Chunk,
) -> Result<&'bytes [u8], ImageError> {
    let offset = layout.offsets.get(chunk.index).copied();
    let count = layout.byte_counts.get(chunk.index).copied();
    let range = offset.zip(count).and_then(|(offset, count)| {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(count).ok()?)?;
        bytes.get(start..end)
    });
    range.ok_or_else(|| named(layout, chunk, "is outside the file"))
}

/// The samples of a chunk, 8 bits each, including extra samples.
fn decoded(stored: &[u8], layout: &TiffLayout, chunk: Chunk) -> Result<Vec<u8>, ImageError> {
    if layout.compression == JPEG {
        return jpeg_chunk::samples(stored, layout, chunk.rows);
    }
    let damaged = || named(layout, chunk, "is damaged or incomplete");
    let length = bytes_of_row(layout) * chunk.rows;
    if length as u64 > (stored.len() as u64).saturating_mul(MAX_EXPANSION) {
        return Err(damaged());
    }
    let reversed;
    let mut stored = stored;
    if layout.fill_order == 2 && layout.compression == NONE {
        reversed = stored
            .iter()
            .map(|byte| byte.reverse_bits())
            .collect::<Vec<_>>();
        stored = &reversed;
    }
    let unpacked = unpacked(stored, layout.compression, length).ok_or_else(damaged)?;
    Ok(eight_bit_samples(unpacked, layout))
}

/// Number of samples of a pixel that are stored together.
pub(super) fn samples_together(layout: &TiffLayout) -> usize {
    if layout.is_planar {
        1
    } else {
        usize::from(layout.samples)
    }
}

/// Number of bytes of a chunk's row. Rows start at a byte boundary.
pub(super) fn bytes_of_row(layout: &TiffLayout) -> usize {
    let samples = layout.chunk.width as usize * samples_together(layout);
    (samples * usize::from(layout.bits)).div_ceil(8)
}

fn named(layout: &TiffLayout, chunk: Chunk, what: &str) -> ImageError {
    let kind = if layout.chunk.is_tile {
        "tile"
    } else {
        "strip"
    };
    let number = chunk.index + 1;
    let count = layout.offsets.len();
    ImageError::undecodable(format!("{kind} {number} of {count} {what}"))
}

/// The image during assembly.
struct TiffValues {
    width: usize,
    height: usize,
    kept: usize,
    values: Vec<u8>,
}

impl TiffValues {
    /// Copies the part of a chunk that is inside the image.
    fn place(&mut self, samples: &[u8], layout: &TiffLayout, chunk: Chunk) {
        let together = samples_together(layout);
        let row_of_chunk = layout.chunk.width as usize * together;
        let columns = (layout.chunk.width as usize).min(self.width - chunk.left);
        let rows = chunk.rows.min(self.height - chunk.top);
        let row_of_image = self.width * self.kept;
        let into = self
            .values
            .chunks_exact_mut(row_of_image)
            .skip(chunk.top)
            .take(rows);
        for (row, from) in into.zip(samples.chunks_exact(row_of_chunk)) {
            let pixels = row
                .chunks_exact_mut(self.kept)
                .skip(chunk.left)
                .take(columns);
            for (pixel, sample) in pixels.zip(from.chunks_exact(together)) {
                copy_samples(pixel, sample, chunk.plane);
            }
        }
    }
}

/// A plane fills one sample of the pixel; interleaved samples fill all from the first on.
fn copy_samples(pixel: &mut [u8], samples: &[u8], plane: usize) {
    for (into, &sample) in pixel.iter_mut().skip(plane).zip(samples) {
        *into = sample;
    }
}
