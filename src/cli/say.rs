//! Output of commands: answers on standard output, everything else on standard error. `println!`
//! and `eprintln!` are not used because they panic if they cannot write.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar is shown from this many images on, if standard error is a terminal.
const LONG: usize = 8;

/// Writes a text to standard output. A reader that has closed its end, such as `| head`, is no
/// error.
///
/// # Errors
/// Any other reason why it cannot be written, such as a full disk.
pub(super) fn tell(text: impl Display) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        told => told.map_err(unwritten),
    }
}

/// For `map_err`: says that the error is about standard output.
pub(super) fn unwritten(error: io::Error) -> io::Error {
    let text = format!("cannot write to standard output: {error}");
    io::Error::new(error.kind(), text)
}

/// Writes a line to standard error. It is lost if it cannot be written.
pub(super) fn complain(text: impl Display) {
    drop(writeln!(io::stderr(), "secondlook: {text}"));
}

/// A progress bar over images.
pub(super) fn progress_bar(images: usize) -> ProgressBar {
    if images < LONG {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(images as u64);
    // The template is a constant, so the fallback is never used.
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} images, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
