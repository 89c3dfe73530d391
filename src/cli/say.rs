//! What commands say: answers on standard output, the rest on standard error. `println!` and `eprintln!` panic where that
//! cannot be written.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

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
