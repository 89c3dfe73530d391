//! Decompresses a strip or tile.

use flate2::read::ZlibDecoder;
use std::io::{ErrorKind, Read};
use weezl::BitOrder;
use weezl::decode::Decoder as LzwDecoder;

pub(super) const NONE: u16 = 1;
pub(super) const LZW: u16 = 5;
pub(super) const JPEG: u16 = 7;
pub(super) const DEFLATE: u16 = 8;
pub(super) const OLD_DEFLATE: u16 = 32_946;
pub(super) const PACK_BITS: u16 = 32_773;

/// Upper bound on the bytes that LZW, deflate and PackBits make from one byte. A chunk that would
/// need more is refused before memory is allocated.
pub(super) const MAX_EXPANSION: u64 = 5_000;

/// The first `length` decompressed bytes of `stored`; `None` if it is damaged or has fewer. Further
/// bytes are ignored, because some programs fill the last strip.
pub(super) fn unpacked(stored: &[u8], method: u16, length: usize) -> Option<Vec<u8>> {
    match method {
        NONE => stored.get(..length).map(<[u8]>::to_vec),
        LZW => from_lzw(stored, length),
        DEFLATE | OLD_DEFLATE => from_deflate(stored, length),
        PACK_BITS => from_pack_bits(stored, length),
        _ => None,
    }
}

/// The end code is not required, because some programs leave it out.
fn from_lzw(stored: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut unpacked = vec![0; length];
    let mut decoder = LzwDecoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let (mut read, mut written) = (0, 0);
    while written < length {
        let step = decoder.decode_bytes(stored.get(read..)?, unpacked.get_mut(written..)?);
        step.status.ok()?;
        if step.consumed_in == 0 && step.consumed_out == 0 {
            return None;
        }
        read += step.consumed_in;
        written += step.consumed_out;
    }
    Some(unpacked)
}

/// Reads one byte beyond `length`, so that the checksum of a stream that ends there is verified.
fn from_deflate(stored: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut unpacked = vec![0; length];
    let mut decoder = ZlibDecoder::new(stored);
    decoder.read_exact(&mut unpacked).ok()?;
    match decoder.read_exact(&mut [0]) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => None,
        _ => Some(unpacked),
    }
}

/// A count below 128 is followed by count + 1 bytes. A count above 128 is followed by one byte that
/// is repeated 257 − count times.
fn from_pack_bits(stored: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut unpacked = Vec::with_capacity(length);
    let mut rest = stored;
    while unpacked.len() < length {
        let (&count, following) = rest.split_first()?;
        rest = match count {
            0..=127 => {
                let (literal, following) = following.split_at_checked(usize::from(count) + 1)?;
                unpacked.extend_from_slice(literal);
                following
            }
            128 => following,
            129..=255 => {
                let (&repeated, following) = following.split_first()?;
                unpacked.resize(unpacked.len() + 257 - usize::from(count), repeated);
                following
            }
        };
    }
    unpacked.truncate(length);
    Some(unpacked)
}
