//! The structure of a JPEG file, read from its markers (ITU-T T.81, annex B): its frame, its scans
//! and its end. Coded data is skipped, so this is cheap compared with decoding.

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Images have at most four components; frames of more are refused.
const MAX_COMPONENTS: usize = 4;

/// The segments of the first image in a file, up to the first broken one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Structure {
    /// The frame header.
    pub(super) frame: Option<JpegFrame>,
    /// Number of frame headers; a valid image has one.
    pub(super) frames: usize,
    /// Number of scans.
    pub(super) scans: usize,
    /// The ids of the components in the first scan, in its order.
    pub(super) first_scan: Vec<u8>,
    /// Which bits of the components no scan contains.
    pub(super) details: Details,
    /// Offset of bytes between two segments that belong to neither.
    pub(super) stray_bytes_at: Option<usize>,
    /// Offset of the end-of-image marker; `None` if the file stops before it or its segments are
    /// broken.
    pub(super) end: Option<usize>,
}

/// For each component in frame order: how many low bits of each coefficient no scan has given yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Details([[u8; 64]; MAX_COMPONENTS]);

impl Default for Details {
    fn default() -> Self {
        Self([[u8::MAX; 64]; MAX_COMPONENTS])
    }
}

impl Details {
    /// Whether the scans contain all bits of all coefficients of the first `components` components.
    pub(super) fn are_complete(&self, components: usize) -> bool {
        let missing = self.0.iter().take(components).flatten();
        missing.copied().all(|bits| bits == 0)
    }

    /// Notes a scan with the coefficients from `first` to `last`, except for their lowest `missing`
    /// bits.
    fn note(&mut self, component: usize, first: u8, last: u8, missing: u8) {
        let Some(coefficients) = self.0.get_mut(component) else {
            return;
        };
        let length = usize::from(last) + 1;
        for coefficient in coefficients.iter_mut().take(length).skip(first.into()) {
            *coefficient = missing;
        }
    }
}

/// A frame header (B.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JpegFrame {
    /// Code of its marker, 0xc0 to 0xcf, which tells the coding.
    pub(super) code: u8,
    /// Bits per sample.
    pub(super) precision: u8,
    /// Width in pixels.
    pub(super) width: u16,
    /// Height in pixels.
    pub(super) height: u16,
    /// The components in their order.
    pub(super) components: Vec<JpegComponent>,
}

/// A colour component of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JpegComponent {
    /// Its identifier in scan headers.
    pub(super) id: u8,
    /// Horizontal sampling factor.
    pub(super) horizontal: u8,
    /// Vertical sampling factor.
    pub(super) vertical: u8,
}

impl Structure {
    /// Reads from marker to marker up to the end of the image, or to the first broken segment.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut structure = Self::default();
        // The first marker is the start of the image.
        let mut position = Some(2);
        while let Some(at) = position {
            position = structure.take_segment(bytes, at);
        }
        structure
    }

    /// Notes the segment at `position` and returns the position of the next; `None` at the end.
    fn take_segment(&mut self, bytes: &[u8], position: usize) -> Option<usize> {
        let (marker_at, code) = self.marker(bytes, position)?;
        if code == END_OF_IMAGE {
            self.end = Some(marker_at);
            return None;
        }
        let next = end_of_segment(bytes, marker_at)?;
        // Without the marker and the length.
        let content = bytes.get(marker_at + 4..next)?;
        if is_start_of_frame(code) {
            self.frames += 1;
            self.frame = JpegFrame::read(code, content);
        }
        if code != START_OF_SCAN {
            return Some(next);
        }
        self.note_scan(content)?;
        end_of_scan(bytes, next)
    }

    /// Notes a scan header (B.2.3): a count, two bytes per component, the range of coefficients,
    /// and the number of low bits that are left to later scans.
    fn note_scan(&mut self, content: &[u8]) -> Option<()> {
        let (&count, rest) = content.split_first()?;
        let (selectors, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let &[first, last, bits] = rest.first_chunk::<3>()?;
        let ids: Vec<u8> = selectors.iter().step_by(2).copied().collect();
        let components = self.frame.as_ref()?.components.iter();
        for (place, component) in components.enumerate() {
            if ids.contains(&component.id) {
                self.details.note(place, first, last, bits & 0x0f);
            }
        }
        self.scans += 1;
        if self.scans == 1 {
            self.first_scan = ids;
        }
        Some(())
    }

    /// Offset of the 0xff byte and code of the marker at `position`, after fill bytes.
    fn marker(&mut self, bytes: &[u8], position: usize) -> Option<(usize, u8)> {
        let rest = bytes.get(position..)?;
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        let code = *rest.get(fill)?;
        if fill == 0 || stands_alone(code) {
            self.stray_bytes_at = Some(position);
            return None;
        }
        Some((position + fill - 1, code))
    }
}

impl JpegFrame {
    fn read(code: u8, content: &[u8]) -> Option<Self> {
        let [precision, high, low, wide, narrow, count, components @ ..] = content else {
            return None;
        };
        let (components, rest) = components.as_chunks::<3>();
        if components.len() != usize::from(*count) || !rest.is_empty() {
            return None;
        }
        let components = components.iter().map(|[id, factors, _]| JpegComponent {
            id: *id,
            horizontal: factors >> 4,
            vertical: factors & 0x0f,
        });
        Some(Self {
            code,
            precision: *precision,
            width: u16::from_be_bytes([*wide, *narrow]),
            height: u16::from_be_bytes([*high, *low]),
            components: components.collect(),
        })
    }
}

/// All codes from 0xc0 to 0xcf except those of Huffman tables, extensions and arithmetic
/// conditioning.
fn is_start_of_frame(code: u8) -> bool {
    matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc)
}

/// Codes without a segment, which must not occur between segments: stuffing, TEM, restarts, another
/// start of image.
fn stands_alone(code: u8) -> bool {
    matches!(code, 0x00 | 0x01 | 0xd0..=0xd7 | START_OF_IMAGE)
}

/// The length of a segment includes its own two bytes but not the marker.
fn end_of_segment(bytes: &[u8], marker_at: usize) -> Option<usize> {
    let &[high, low] = bytes.get(marker_at + 2..marker_at + 4)? else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    (length >= 2).then_some(marker_at + 2 + length)
}

/// Coded data ends at a marker that is not a stuffed zero, a fill byte or a restart.
fn end_of_scan(bytes: &[u8], start: usize) -> Option<usize> {
    let pairs = bytes.get(start..)?.windows(2);
    let length = pairs
        .into_iter()
        .position(|pair| matches!(pair, [0xff, code] if ends_scan(*code)))?;
    Some(start + length)
}

fn ends_scan(code: u8) -> bool {
    !matches!(code, 0x00 | 0xff | 0xd0..=0xd7)
}
