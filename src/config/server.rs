//! How long the server waits, for whom.

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

use super::Seconds;

/// Section `[server]`: times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Longest time for a whole request, upload included; then 504. `X-Request-Timeout` may ask for less, not for more.
    pub request_timeout_seconds: Seconds,
    /// Longest time in which a connection must send its first byte, and then a whole request head.
    pub header_read_timeout_seconds: Seconds,
    /// How long after SIGTERM requests are still taken while `/health/ready` already says 503, for load balancers to notice.
    pub drain_delay_seconds: Seconds,
    /// How long requests in flight may then take to finish before they are cut off.
    pub drain_timeout_seconds: Seconds,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            request_timeout_seconds: Seconds::whole(30),
            header_read_timeout_seconds: Seconds::whole(10),
            drain_delay_seconds: Seconds::whole(0),
            drain_timeout_seconds: Seconds::whole(25),
        }
    }
}
