//! A bar for work that takes a while.

use indicatif::{ProgressBar, ProgressStyle};

/// From this many images on a bar is shown, where standard error is a terminal.
const LONG: usize = 8;

pub(super) fn progress_bar(images: usize) -> ProgressBar {
    if images < LONG {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(images as u64);
    // The template is a constant of ours; were it wrong, the library's own would do.
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} images, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
