//! What is asked of the engine, before it is held against a bundle.

use std::time::Instant;

use crate::Priority;
use bundle::Method;

/// What is wanted of each subject of a request.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// Name of the bundle; the first one when absent.
    pub model: Option<String>,
    /// The method that makes the answer; the bundle's first when absent.
    pub method: Option<Method>,
    /// Further methods, answered from the same trunk pass.
    pub compare: Vec<Method>,
    /// T, for the methods that draw samples; the bundle's own when absent.
    pub passes: Option<u32>,
    /// Seed of every random choice; derived from the image when absent.
    pub seed: Option<u64>,
    /// Name of the referral policy; the method's default when absent.
    pub policy: Option<String>,
    /// Take every augmented view, even when fewer settle the decision.
    pub exact: bool,
    /// Make pictures of the augmented views, too.
    pub pictures: bool,
    /// Whether somebody looks at the screen or a program works through many cells.
    pub priority: Priority,
    /// When the client stops waiting, if it says so: work that would come too late is refused or dropped.
    pub deadline: Option<Instant>,
}
