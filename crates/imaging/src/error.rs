//! Errors of decoding, cropping, resizing and augmenting images.

/// Why an image was refused. Messages may be shown to clients.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ImageError {
    /// The upload is empty.
    #[error("the image is empty: send the bytes of an image file")]
    Empty,
    /// The file is larger than [`Limits::max_bytes`](super::Limits::max_bytes).
    #[error("the image has {bytes} bytes and at most {max_bytes} are accepted")]
    TooLarge {
        /// Size of the file in bytes.
        bytes: usize,
        /// Largest accepted size in bytes.
        max_bytes: usize,
    },
    /// The first bytes do not match an accepted format.
    #[error("the file is not in a supported image format: send JPEG, PNG, TIFF, BMP or WebP")]
    UnsupportedFormat,
    /// The header declares more pixels than [`Limits::max_pixels`](super::Limits::max_pixels).
    #[error("the image declares {width} x {height} pixels and at most {max_pixels} are accepted")]
    TooManyPixels {
        /// Declared width in pixels.
        width: u64,
        /// Declared height in pixels.
        height: u64,
        /// Largest accepted number of pixels.
        max_pixels: u64,
    },
    /// The file is damaged or incomplete.
    #[error("the image cannot be decoded: {reason}")]
    Undecodable {
        /// What is wrong with the file.
        reason: String,
    },
    /// The file uses a variant of its format that is not supported.
    #[error("{found} is not supported: {instead}")]
    NotRead {
        /// The variant, with its article.
        found: String,
        /// What to send instead.
        instead: &'static str,
    },
    /// The pixels cannot be written as a file.
    #[error("the image cannot be written as a PNG: {reason}")]
    Unencodable {
        /// Why not.
        reason: String,
    },
    /// The nucleus is outside the field.
    #[error("the nucleus ({x}, {y}) lies outside the field of {width} x {height} pixels")]
    NucleusOutside {
        /// Column of the nucleus in pixels.
        x: i64,
        /// Row of the nucleus in pixels.
        y: i64,
        /// Width of the field in pixels.
        width: u32,
        /// Height of the field in pixels.
        height: u32,
    },
    /// The edge of a crop is 0 or above [`MAX_OUTPUT_EDGE`](super::MAX_OUTPUT_EDGE).
    #[error("a crop of {edge} pixels cannot be cut: choose an edge from 1 to {max_edge}")]
    CropTooLarge {
        /// Requested edge in pixels.
        edge: u32,
        /// Largest edge in pixels.
        max_edge: u32,
    },
    /// A side of the output is 0 or above [`MAX_OUTPUT_EDGE`](super::MAX_OUTPUT_EDGE), or the input
    /// has no pixels.
    #[error(
        "an image of {width} x {height} pixels cannot be made: choose sides from 1 to {max_edge}"
    )]
    InvalidSize {
        /// Requested width in pixels.
        width: u32,
        /// Requested height in pixels.
        height: u32,
        /// Largest side in pixels.
        max_edge: u32,
    },
    /// A rectangle is empty or not inside the image.
    #[error(
        "the rectangle of {rectangle_width} x {rectangle_height} pixels at ({left}, {top}) is not inside the image of {width} x {height} pixels"
    )]
    RectangleOutside {
        /// First column of the rectangle.
        left: u32,
        /// First row of the rectangle.
        top: u32,
        /// Width of the rectangle in pixels.
        rectangle_width: u32,
        /// Height of the rectangle in pixels.
        rectangle_height: u32,
        /// Width of the image in pixels.
        width: u32,
        /// Height of the image in pixels.
        height: u32,
    },
    /// A setting of an augmentation or of the normalisation is outside its range.
    #[error("{setting} is {value}, it must be {allowed}")]
    SettingOutOfRange {
        /// Name of the setting.
        setting: &'static str,
        /// The value given.
        value: f64,
        /// The allowed range, for the message.
        allowed: &'static str,
    },
    /// The number of pushed values is not that of one image.
    #[error("the image has {values} values, expected {expected}")]
    ValueCount {
        /// The number of values.
        values: usize,
        /// The number of values of one image.
        expected: usize,
    },
    /// The pushed image does not have the tensor's size.
    #[error(
        "the image has {width} x {height} pixels, expected {tensor_width} x {tensor_height}: resize it first"
    )]
    SizeMismatch {
        /// Width of the image in pixels.
        width: u32,
        /// Height of the image in pixels.
        height: u32,
        /// Width of the tensor's images in pixels.
        tensor_width: u32,
        /// Height of the tensor's images in pixels.
        tensor_height: u32,
    },
}

impl ImageError {
    /// An [`ImageError::Undecodable`] for this reason.
    pub(super) fn undecodable(reason: impl ToString) -> Self {
        Self::Undecodable {
            reason: reason.to_string(),
        }
    }

    /// An [`ImageError::NotRead`].
    pub(super) fn not_read(found: impl Into<String>, instead: &'static str) -> Self {
        Self::NotRead {
            found: found.into(),
            instead,
        }
    }

    /// An [`ImageError::SettingOutOfRange`].
    pub(super) fn setting(setting: &'static str, value: f64, allowed: &'static str) -> Self {
        Self::SettingOutOfRange {
            setting,
            value,
            allowed,
        }
    }
}
