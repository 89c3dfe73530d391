//! How much one upload may ask of this machine.

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

/// Section `[limits]`: checked before memory is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Largest encoded image in bytes; more is answered 413.
    pub max_image_bytes: usize,
    /// Largest width × height that an image may declare; more is answered 413.
    pub max_pixels: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_image_bytes: 20_000_000,
            max_pixels: 50_000_000,
        }
    }
}
