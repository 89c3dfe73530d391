//! Finds where the first image of a JPEG file ends, by walking its markers (ITU-T T.81, annex B).

const START_OF_FRAME_PROGRESSIVE: u8 = 0xc2;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Where a JPEG image ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImageEnd {
    /// Offset of the end-of-image marker.
    pub(super) marker_at: usize,
    /// Whether the image is coded in progressive scans.
    pub(super) is_progressive: bool,
}

/// The end of the first image in `bytes`; `None` when the file stops before it or its segments are broken.
pub(super) fn find_end(bytes: &[u8]) -> Option<ImageEnd> {
    let mut is_progressive = false;
    let mut position = 2;
    loop {
        let (marker_at, code) = marker(bytes, position)?;
        position = match code {
            END_OF_IMAGE => {
                return Some(ImageEnd {
                    marker_at,
                    is_progressive,
                });
            }
            START_OF_SCAN => end_of_scan(bytes, end_of_segment(bytes, marker_at)?)?,
            _ => end_of_segment(bytes, marker_at)?,
        };
        is_progressive |= code == START_OF_FRAME_PROGRESSIVE;
    }
}

/// Offset (of the byte 0xff that its code follows) and code of the marker at `position`, past legal fill bytes.
fn marker(bytes: &[u8], position: usize) -> Option<(usize, u8)> {
    let fill = bytes
        .get(position..)?
        .iter()
        .take_while(|&&byte| byte == 0xff)
        .count();
    let marker_at = (position + fill).checked_sub(1).filter(|_| fill > 0)?;
    Some((marker_at, *bytes.get(marker_at + 1)?))
}

/// The length of a segment counts its own two bytes and not the marker.
fn end_of_segment(bytes: &[u8], marker_at: usize) -> Option<usize> {
    let length = bytes.get(marker_at + 2..marker_at + 4)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    (length >= 2).then_some(marker_at + 2 + length)
}

/// Coded data goes on up to a marker that is neither a stuffed zero, a fill byte nor a restart.
fn end_of_scan(bytes: &[u8], start: usize) -> Option<usize> {
    let pairs = bytes.get(start..)?.windows(2);
    let length = pairs
        .into_iter()
        .position(|pair| pair[0] == 0xff && ends_scan(pair[1]))?;
    Some(start + length)
}

fn ends_scan(code: u8) -> bool {
    !matches!(code, 0x00 | 0xff | 0xd0..=0xd7)
}
