//! Progress bars on stderr; they hide themselves where stderr is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with a title, what is done and what is left, whose length is set by the step that moves it.
pub(crate) fn bar(title: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(title);
    let style = ProgressStyle::with_template(
        "{msg:<28} {wide_bar} {pos}/{len} {elapsed_precise} left {eta_precise}",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}
