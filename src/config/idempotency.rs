//! How long answers are kept for clients that send a request again.

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

use super::Seconds;

/// Section `[idempotency]`: answers to requests with an `Idempotency-Key`, in memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct IdempotencyConfig {
    /// How long an answer is kept for the same request with the same `Idempotency-Key`.
    pub keep_seconds: Seconds,
    /// Largest number of answers that are kept; the oldest go first.
    pub max_entries: usize,
    /// Largest number of bytes that they may take together. One that is larger by itself is not kept.
    pub max_bytes: usize,
}

impl Default for IdempotencyConfig {
    fn default() -> Self {
        Self {
            keep_seconds: Seconds::hours(24),
            max_entries: 10_000,
            max_bytes: 64_000_000,
        }
    }
}
