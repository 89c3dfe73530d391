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
    /// Most bytes of single images that are being read or wait for their turn, all together; more is answered 503.
    pub max_waiting_bytes: usize,
    /// Most crops in a batch, nuclei in a field or images in one inference request; more is answered 413.
    pub max_cells: usize,
    /// Largest batch in bytes, all images together; more is answered 413.
    pub max_batch_bytes: usize,
    /// Largest answer in bytes, as cells × passes × classes allow it; a request whose answer could be larger is refused with
    /// 422 before anything is run.
    pub max_answer_bytes: usize,
    /// Batches and fields that are worked on at a time; further ones wait for their turn. As many times `max_batch_bytes` is
    /// what the uploads of all of them may hold together; more is answered 503.
    pub batches_at_once: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_image_bytes: 20_000_000,
            max_pixels: 50_000_000,
            max_waiting_bytes: 200_000_000,
            max_cells: 1000,
            max_batch_bytes: 100_000_000,
            max_answer_bytes: 64_000_000,
            batches_at_once: 4,
        }
    }
}
