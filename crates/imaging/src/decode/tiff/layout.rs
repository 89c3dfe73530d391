//! The layout of a TIFF page, read from its tags (TIFF 6.0, sections 2 to 16).

use super::super::super::ImageError;
use super::super::without_panic;
use std::io::Cursor;
use tiff::TiffError;
use tiff::decoder::Decoder;
use tiff::tags::{ByteOrder, Tag};

/// Tags without a name in the `tiff` crate.
const FILL_ORDER: Tag = Tag::Unknown(266);
const INK_SET: Tag = Tag::Unknown(332);

const DAMAGED: &str = "its tags are damaged, incomplete or contradict each other";

/// The tags of the first page that describe its pixels.
#[derive(Debug)]
pub(super) struct TiffLayout {
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// Bits of every sample.
    pub(super) bits: u16,
    /// 1 unsigned, 2 signed, 3 floating-point.
    pub(super) sample_format: u16,
    /// Samples per pixel, including extra samples.
    pub(super) samples: u16,
    /// Meanings of the extra samples: 0 unspecified, 1 alpha that multiplies the colours, 2 other
    /// alpha.
    pub(super) extra_samples: Vec<u16>,
    /// What the samples mean: 0 and 1 grey, 2 RGB, 3 palette, 5 inks, 6 YCbCr.
    pub(super) photometric: u16,
    /// 1 for cyan, magenta, yellow and black.
    pub(super) ink_set: u16,
    /// Number of the compression method.
    pub(super) compression: u16,
    /// 1 none, 2 horizontal differences, 3 floating-point differences.
    pub(super) predictor: u16,
    /// 2 if the first pixel of a byte is in its lowest bit.
    pub(super) fill_order: u16,
    /// Whether each sample has its own strips or tiles.
    pub(super) is_planar: bool,
    /// Whether the low byte of a sample comes first.
    pub(super) is_little_endian: bool,
    /// Orientation as in EXIF, 1 to 8.
    pub(super) orientation: u16,
    /// Size of a strip or tile.
    pub(super) chunk: ChunkSize,
    /// Offset of each strip or tile in the file.
    pub(super) offsets: Vec<u64>,
    /// Number of bytes of each strip or tile in the file.
    pub(super) byte_counts: Vec<u64>,
    /// 16-bit reds, greens and blues of a palette, one list after the other.
    pub(super) colour_map: Vec<u16>,
    /// Shared JPEG tables of all strips and tiles.
    pub(super) jpeg_tables: Vec<u8>,
}

/// The size of a strip or tile in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkSize {
    /// Width; that of the image for strips.
    pub(super) width: u32,
    /// Height. Only the last strip may have fewer rows.
    pub(super) height: u32,
    /// Whether the chunks are tiles.
    pub(super) is_tile: bool,
}

impl TiffLayout {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ImageError> {
        // The crate multiplies numbers from the file without overflow checks.
        without_panic(DAMAGED, || {
            let decoder = Decoder::new(Cursor::new(bytes)).map_err(in_our_words)?;
            Tags { decoder }.layout().map_err(in_our_words)
        })
    }
}

struct Tags<'bytes> {
    decoder: Decoder<Cursor<&'bytes [u8]>>,
}

impl Tags<'_> {
    fn layout(&mut self) -> Result<TiffLayout, TiffError> {
        let (width, height) = self.decoder.dimensions()?;
        let chunk = self.chunk_size(width, height)?;
        let (offsets, byte_counts) = if chunk.is_tile {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        Ok(TiffLayout {
            width,
            height,
            bits: self.number(Tag::BitsPerSample, 1)?,
            sample_format: self.number(Tag::SampleFormat, 1)?,
            samples: self.number(Tag::SamplesPerPixel, 1)?,
            extra_samples: self.numbers(Tag::ExtraSamples)?,
            photometric: self.number(Tag::PhotometricInterpretation, 0)?,
            ink_set: self.number(INK_SET, 1)?,
            compression: self.number(Tag::Compression, 1)?,
            predictor: self.number(Tag::Predictor, 1)?,
            fill_order: self.number(FILL_ORDER, 1)?,
            is_planar: self.number(Tag::PlanarConfiguration, 1)? == 2,
            is_little_endian: self.decoder.byte_order() == ByteOrder::LittleEndian,
            orientation: self.number(Tag::Orientation, 1)?,
            chunk,
            offsets: self.numbers(offsets)?,
            byte_counts: self.numbers(byte_counts)?,
            colour_map: self.numbers(Tag::ColorMap)?,
            jpeg_tables: self.bytes(Tag::JPEGTables)?,
        })
    }

    fn chunk_size(&mut self, width: u32, height: u32) -> Result<ChunkSize, TiffError> {
        if let Some(tile_width) = self.decoder.find_tag_unsigned(Tag::TileWidth)? {
            let tile_height = self.decoder.get_tag_unsigned(Tag::TileLength)?;
            return Ok(ChunkSize {
                width: tile_width,
                height: tile_height,
                is_tile: true,
            });
        }
        let rows: Option<u32> = self.decoder.find_tag_unsigned(Tag::RowsPerStrip)?;
        Ok(ChunkSize {
            width,
            height: rows.unwrap_or(height).min(height),
            is_tile: false,
        })
    }

    /// The first value of a tag.
    fn number(&mut self, tag: Tag, default: u16) -> Result<u16, TiffError> {
        let values = self.numbers(tag)?;
        Ok(values.first().copied().unwrap_or(default))
    }

    /// All values of a tag; empty if the file does not have it.
    fn numbers<T: TryFrom<u64>>(&mut self, tag: Tag) -> Result<Vec<T>, TiffError> {
        let values = self.decoder.find_tag_unsigned_vec(tag)?;
        Ok(values.unwrap_or_default())
    }

    fn bytes(&mut self, tag: Tag) -> Result<Vec<u8>, TiffError> {
        match self.decoder.find_tag(tag)? {
            Some(value) => value.into_u8_vec(),
            None => Ok(Vec::new()),
        }
    }
}

fn in_our_words(error: TiffError) -> ImageError {
    match error {
        TiffError::UnsupportedError(_) => ImageError::not_read(
            "a TIFF with unusual colours, or with samples of several kinds in one pixel,",
            super::readable::AS_RGB,
        ),
        _ => ImageError::undecodable(DAMAGED),
    }
}
