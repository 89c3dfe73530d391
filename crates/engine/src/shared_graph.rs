//! One copy of a graph's weights for all sessions on the processor.
//!
//! The runtime optimises a graph each time that it opens it, and each session keeps weights of its own, laid out for the
//! processor. So a graph is optimised once, written in the runtime's own format, and opened again and again over the same
//! bytes: further sessions cost hardly any memory, and give the same bits.

use std::{
    fs,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::Arc,
};

use ort::session::Session;
use tracing::info;

use super::{Runtime, SessionError, SessionOptions};
use crate::config::ExecutionProvider;

/// A graph that sessions are opened on.
pub(super) struct SharedGraph {
    path: PathBuf,
    keep_dropout: bool,
    /// The optimised graph; `None` where each session reads the file for itself.
    optimised: Option<Arc<[u8]>>,
}

/// A session, and the weights that it reads.
pub(super) struct OpenGraph {
    // The order matters: the session goes before the bytes that it points into.
    session: Session,
    _weights: Option<Arc<[u8]>>,
}

impl SharedGraph {
    /// Optimises a graph for sessions on the processor. On other devices, and where no temporary file can be written, each
    /// session will read the file.
    pub(super) fn read(
        runtime: &Runtime,
        path: PathBuf,
        options: &SessionOptions<'_>,
    ) -> Result<Self, SessionError> {
        let on_processor = matches!(options.providers, [ExecutionProvider::Cpu]);
        let optimised = match on_processor {
            true => optimise(runtime, &path, options)?,
            false => None,
        };
        Ok(Self {
            path,
            keep_dropout: options.keep_dropout,
            optimised,
        })
    }

    /// Opens a session.
    pub(super) fn open(
        &self,
        runtime: &Runtime,
        options: &SessionOptions<'_>,
    ) -> Result<OpenGraph, SessionError> {
        let options = SessionOptions {
            keep_dropout: self.keep_dropout,
            ..options.clone()
        };
        let session = match &self.optimised {
            Some(bytes) => runtime.session_over(bytes, &self.path, &options)?,
            None => runtime.session(&self.path, &options)?,
        };
        Ok(OpenGraph {
            session,
            _weights: self.optimised.clone(),
        })
    }
}

fn optimise(
    runtime: &Runtime,
    path: &Path,
    options: &SessionOptions<'_>,
) -> Result<Option<Arc<[u8]>>, SessionError> {
    let written = || {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("optimised.ort");
        fs::write(&file, [])?;
        Ok::<_, std::io::Error>((folder, file))
    };
    let (_folder, file) = match written() {
        Ok(written) => written,
        Err(error) => {
            info!(%error, "no temporary file can be written: each worker keeps weights of its own");
            return Ok(None);
        }
    };
    runtime.write_optimised(path, &file, options)?;
    Ok(fs::read(&file).ok().map(Arc::from))
}

impl Deref for OpenGraph {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for OpenGraph {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
