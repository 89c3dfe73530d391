//! The graphs of a bundle, with one copy of their weights for all sessions on the processor.
//!
//! By default the runtime optimises a graph each time it opens it, and each session has its own
//! weights in the processor's layout. Here a graph is optimised once, written in the runtime's own
//! format, and opened repeatedly on the same bytes. Further sessions then need little memory, and
//! give bit-identical results.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ort::session::Session;
use tracing::info;

use super::{Runtime, SessionOptions};
use crate::{SessionError, config::ExecutionProvider};
use bundle::{Bundle, FileReference, Manifest, Method};

/// The graphs of a bundle, ready to open by every worker.
pub(crate) struct BundleGraphs {
    pub(super) manifest: Manifest,
    trunk: Option<SharedGraph>,
    heads: BTreeMap<Method, SharedGraph>,
}

impl BundleGraphs {
    pub(crate) fn read(
        runtime: &Runtime,
        bundle: &Bundle,
        options: &SessionOptions<'_>,
    ) -> Result<Self, SessionError> {
        let manifest = bundle.manifest();
        let read = |file: &FileReference, keep_dropout| {
            let options = SessionOptions {
                keep_dropout,
                ..options.clone()
            };
            SharedGraph::read(runtime, bundle.path_of(file), &options)
        };
        let trunk = bundle.trunk_file();
        let trunk = trunk.map(|file| read(file, false)).transpose()?;
        let mut heads = BTreeMap::new();
        for method in manifest.methods_with_heads() {
            if let Some(head) = manifest.head(method) {
                let graph = read(&head.file, manifest.has_active_dropout(method))?;
                heads.insert(method, graph);
            }
        }
        Ok(Self {
            manifest: manifest.clone(),
            trunk,
            heads,
        })
    }

    pub(super) fn open_trunk(
        &self,
        runtime: &Runtime,
        options: &SessionOptions<'_>,
    ) -> Result<Option<OpenGraph>, SessionError> {
        let trunk = self.trunk.as_ref();
        trunk.map(|trunk| trunk.open(runtime, options)).transpose()
    }

    pub(super) fn open_heads(
        &self,
        runtime: &Runtime,
        options: &SessionOptions<'_>,
    ) -> Result<BTreeMap<Method, OpenGraph>, SessionError> {
        let heads = self.heads.iter();
        heads
            .map(|(method, head)| Ok((*method, head.open(runtime, options)?)))
            .collect()
    }
}

/// A graph that several sessions share.
struct SharedGraph {
    path: PathBuf,
    keep_dropout: bool,
    /// The optimised graph; `None` if each session reads the file itself.
    optimised: Option<Arc<[u8]>>,
}

/// A session, and the weights that it reads.
pub(crate) struct OpenGraph {
    // The order matters: the session must be dropped before the bytes that it points into.
    pub(super) session: Session,
    _weights: Option<Arc<[u8]>>,
}

impl SharedGraph {
    /// Optimises a graph for sessions on the processor. On other devices, or without a temporary
    /// directory, each session reads the file.
    fn read(
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
    fn open(
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
            info!(%error, "cannot write temporary files: each worker keeps its own copy of the weights; set TMPDIR to a writable directory to save memory");
            return Ok(None);
        }
    };
    runtime.write_optimised(path, &file, options)?;
    Ok(fs::read(&file).ok().map(Arc::from))
}
