//! Which format a file is in, by its first bytes: names and declared content types are not trusted.

/// An image format that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG, progressive, or sequential with all colours in one scan.
    Jpeg,
    /// PNG; of an animated one, the default image.
    Png,
    /// TIFF, classic or big, of grey, RGB, a palette or CMYK, or JPEG-compressed; of several pages,
    /// the first.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// WebP, lossy or lossless.
    Webp,
}

impl Format {
    /// The format of a file that starts with `bytes`; `None` when it is none of ours.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if is_tiff(bytes) {
            return Some(Self::Tiff);
        }
        if is_bmp(bytes) {
            return Some(Self::Bmp);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Some(Self::Webp);
        }
        None
    }
}

/// Byte order, then 42 (classic) or 43 (BigTIFF).
fn is_tiff(bytes: &[u8]) -> bool {
    const MAGICS: [&[u8]; 4] = [b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b"];
    MAGICS.iter().any(|magic| bytes.starts_with(magic))
}

/// "BM" alone starts too many texts, so the four reserved bytes must be zero too.
fn is_bmp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BM") && bytes.get(6..10) == Some(&[0; 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let cases: [(&[u8], Option<Format>); 10] = [
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1a\n", Some(Format::Png)),
            (b"II\x2a\0", Some(Format::Tiff)),
            (b"MM\0\x2b", Some(Format::Tiff)),
            (b"BM\x40\0\0\0\0\0\0\0", Some(Format::Bmp)),
            (b"RIFF\x10\0\0\0WEBPVP8L", Some(Format::Webp)),
            (b"BMW is no bitmap", None),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"GIF89a", None),
            (b"", None),
        ];
        for (bytes, format) in cases {
            assert_eq!(Format::sniff(bytes), format, "{bytes:?}");
        }
    }
}
