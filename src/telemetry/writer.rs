//! What the log's thread writes to: a line that cannot be written is counted and forgotten.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Takes each line and never fails, so that a full disk or a pipe without a reader ends nothing.
pub(super) struct LossyWriter<Target> {
    target: Target,
    lost: Arc<AtomicU64>,
    /// Whether the last line was written in part only: the next one then begins on a line of its own.
    cut: bool,
}

impl<Target: Write> LossyWriter<Target> {
    /// Writes to `target` and counts in `lost` the lines that could not be written.
    pub(super) fn new(target: Target, lost: Arc<AtomicU64>) -> Self {
        Self {
            target,
            lost,
            cut: false,
        }
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        if self.cut {
            self.target.write_all(b"\n")?;
            self.cut = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match self.target.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.cut = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<Target: Write> Write for LossyWriter<Target> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.put(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs::File, io::Read, thread};

    use super::*;

    #[test]
    fn each_line_that_cannot_be_written_is_counted_and_none_fails() {
        let lost = Arc::new(AtomicU64::new(0));
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut writer = LossyWriter::new(full, Arc::clone(&lost));
        writer.write_all(b"one\n").unwrap();
        writer.write_all(b"two\n").unwrap();
        writer.flush().unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 2);

        let (reader, pipe) = io::pipe().unwrap();
        drop(reader);
        let mut writer = LossyWriter::new(pipe, Arc::clone(&lost));
        writer.write_all(b"three\n").unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_line_after_one_that_was_cut_begins_anew() {
        // A reader that takes so much and then goes is the same as a disk that fills up within a line.
        let lost = Arc::new(AtomicU64::new(0));
        let (mut reader, pipe) = io::pipe().unwrap();
        let taking = thread::spawn(move || reader.read_exact(&mut [0; 10]).unwrap());
        let mut writer = LossyWriter::new(pipe, Arc::clone(&lost));
        writer.write_all(&[b'x'; 1 << 20]).unwrap();
        taking.join().unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 1);
        assert!(writer.cut);

        let kept = tempfile::NamedTempFile::new().unwrap();
        let mut writer = LossyWriter {
            target: kept.reopen().unwrap(),
            lost,
            cut: writer.cut,
        };
        writer.write_all(b"next\n").unwrap();
        writer.write_all(b"last\n").unwrap();
        assert_eq!(std::fs::read(kept.path()).unwrap(), b"\nnext\nlast\n");
    }
}
