//! The JPEG variants that the decoder reads correctly (`crates/imaging/tests/oracles/decoding.rs`).
//! All others are refused by their headers.

use super::super::ImageError;
use super::jpeg_structure::{JpegComponent, JpegFrame, Structure};

/// Baseline and extended sequential: Huffman codes, all bits of a sample at once.
const SEQUENTIAL: [u8; 2] = [0xc0, 0xc1];
/// Progressive with Huffman codes.
const PROGRESSIVE: u8 = 0xc2;

const SAVE_AGAIN: &str = "save the image again as JPEG with all colours in one scan, or as PNG";
const USUAL_JPEG: &str = "save the image as baseline or progressive JPEG of 8 bits, or as PNG";

/// The frame of an image that the decoder reads correctly.
///
/// # Errors
/// [`ImageError::NotRead`] for another variant, [`ImageError::Undecodable`] for a damaged file.
pub(super) fn readable_frame(structure: &Structure) -> Result<&JpegFrame, ImageError> {
    let frame = frame(structure)?;
    if structure.frames > 1 {
        return Err(ImageError::undecodable("it has more than one frame header"));
    }
    check_coding(frame)?;
    check_components(&frame.components)?;
    if frame.is_sequential() {
        check_scans(frame, structure)?;
    }
    check_no_stray_bytes(structure)?;
    // A file that stops early gets the error about its missing end.
    if structure.end.is_some() && !frame.is_sequential() {
        check_details(frame, structure)?;
    }
    Ok(frame)
}

/// The frame header, of any variant.
pub(super) fn frame(structure: &Structure) -> Result<&JpegFrame, ImageError> {
    if let Some(frame) = &structure.frame {
        return Ok(frame);
    }
    check_no_stray_bytes(structure)?;
    Err(ImageError::undecodable(
        "its frame header is missing or damaged",
    ))
}

fn check_no_stray_bytes(structure: &Structure) -> Result<(), ImageError> {
    let Some(at) = structure.stray_bytes_at else {
        return Ok(());
    };
    let found = format!("a JPEG with unknown bytes between its segments (at byte {at})");
    Err(ImageError::not_read(found, SAVE_AGAIN))
}

impl JpegFrame {
    pub(super) fn is_sequential(&self) -> bool {
        SEQUENTIAL.contains(&self.code)
    }
}

fn check_coding(frame: &JpegFrame) -> Result<(), ImageError> {
    let coding = match frame.code {
        PROGRESSIVE => "progressive",
        code if SEQUENTIAL.contains(&code) => "sequential",
        0xc9 | 0xca => {
            return Err(ImageError::not_read(
                "a JPEG with arithmetic coding",
                USUAL_JPEG,
            ));
        }
        0xc3 | 0xcb => return Err(ImageError::not_read("a lossless JPEG", USUAL_JPEG)),
        _ => return Err(ImageError::not_read("a hierarchical JPEG", USUAL_JPEG)),
    };
    if frame.precision != 8 {
        let found = format!("a {coding} JPEG of {} bits per sample", frame.precision);
        return Err(ImageError::not_read(found, USUAL_JPEG));
    }
    Ok(())
}

/// Allows grey, three colours or four inks. None may be sampled more finely than the first, because
/// the decoder takes the first for the size of the image.
fn check_components(components: &[JpegComponent]) -> Result<(), ImageError> {
    if !matches!(components.len(), 1 | 3 | 4) {
        let found = format!("a JPEG of {} colour components", components.len());
        return Err(ImageError::not_read(found, USUAL_JPEG));
    }
    let Some(first) = components.first() else {
        return Ok(());
    };
    let is_usual = |component: &JpegComponent| {
        is_usual_factor(component.horizontal, first.horizontal)
            && is_usual_factor(component.vertical, first.vertical)
            // The decoder does not double these rows.
            && (first.vertical != 4 || component.vertical != 2)
    };
    if components.iter().all(is_usual) {
        return Ok(());
    }
    Err(ImageError::not_read(
        "a JPEG with unusual colour subsampling",
        "save the image as JPEG with 4:4:4, 4:2:2 or 4:2:0 sampling, or as PNG",
    ))
}

fn is_usual_factor(factor: u8, of_first: u8) -> bool {
    matches!(factor, 1 | 2 | 4) && of_first.is_multiple_of(factor)
}

/// The decoder mixes up components in separate scans (zune-image #419, #422, #448, #449).
fn check_scans(frame: &JpegFrame, structure: &Structure) -> Result<(), ImageError> {
    if structure.scans == 0 {
        return Ok(());
    }
    let ids = frame.components.iter().map(|component| component.id);
    if structure.scans > 1 || !ids.eq(structure.first_scan.iter().copied()) {
        let found = "a sequential JPEG with its colours in several scans";
        return Err(ImageError::not_read(found, SAVE_AGAIN));
    }
    Ok(())
}

/// Without the finer scans, decoders guess the detail of the image.
fn check_details(frame: &JpegFrame, structure: &Structure) -> Result<(), ImageError> {
    if structure.details.are_complete(frame.components.len()) {
        return Ok(());
    }
    let found = "a progressive JPEG without all of its scans";
    Err(ImageError::not_read(found, SAVE_AGAIN))
}
