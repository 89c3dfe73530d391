//! What commands say: answers on standard output, the rest on standard error. `println!` and `eprintln!` panic where that
//! cannot be written.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use indicatif::{ProgressBar, ProgressStyle};

/// From this many images on a bar is shown, where standard error is a terminal.
const LONG: usize = 8;

/// An answer, as it is, on standard output. A reader that has seen enough and is gone, such as `| head`, is no error.
///
/// # Errors
/// Whatever else prevents that it is written, such as a full disk.
pub(super) fn tell(text: impl Display) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        told => told,
    }
}

/// A line on standard error; lost when it cannot be written.
pub(super) fn complain(text: impl Display) {
    drop(writeln!(io::stderr(), "secondlook: {text}"));
}

/// A bar for work that takes a while.
pub(super) fn progress_bar(images: usize) -> ProgressBar {
    if images < LONG {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(images as u64);
    // The template is a constant of ours; were it wrong, the library's own would do.
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} images, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
