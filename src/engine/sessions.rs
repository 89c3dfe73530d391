//! The sessions of one bundle on one worker thread, and how a job runs through them.

use std::{collections::BTreeMap, ops::Deref};

use ort::{
    session::{RunOptions, Session},
    value::{Outlet, Tensor, TensorRef},
};

use super::{
    RunError, Runtime, SessionError, SessionOptions,
    rows::{Memory, Rows, TrunkGraph},
    shared_graph::{OpenGraph, SharedGraph},
};
use crate::{
    bundle::{Bundle, FileReference, Manifest, Method, Sampling},
    imaging::InputTensor,
};

/// What a head is asked for, once per image.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadCall {
    /// Whose head; `Tta` may have none of its own.
    pub(super) method: Method,
    /// Number of samples wanted of each image.
    pub(super) passes: usize,
    /// Seed of the masks.
    pub(super) seed: u64,
}

/// How a batch goes through the runtime.
#[derive(Clone, Copy)]
pub(super) struct Passage<'run> {
    /// By which the run can be ended from outside.
    pub(super) options: &'run RunOptions,
    /// Whether all cores are free for it.
    pub(super) alone: bool,
}

/// The graphs of a bundle, ready to be opened by every worker.
pub(super) struct BundleGraphs {
    manifest: Manifest,
    trunk: Option<SharedGraph>,
    heads: BTreeMap<Method, SharedGraph>,
}

impl BundleGraphs {
    pub(super) fn read(
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

    fn open_trunk(
        &self,
        runtime: &Runtime,
        options: &SessionOptions<'_>,
    ) -> Result<Option<OpenGraph>, SessionError> {
        let trunk = self.trunk.as_ref();
        trunk.map(|trunk| trunk.open(runtime, options)).transpose()
    }

    fn open_heads(
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

/// The open graphs of a bundle.
pub(super) struct Sessions {
    pub(super) manifest: Manifest,
    pub(super) graphs: Graphs,
    /// The graphs that read images, with a thread for every core.
    pub(super) on_all_cores: Option<Graphs>,
    /// Where features stay for the heads; `None` where they are copied, and heads run on an image at a time.
    memory: Option<Memory>,
}

#[derive(Default)]
pub(super) struct Graphs {
    trunk: Option<OpenGraph>,
    pub(super) heads: BTreeMap<Method, OpenGraph>,
}

impl Sessions {
    pub(super) fn open(
        runtime: &Runtime,
        graphs: &BundleGraphs,
        options: &SessionOptions<'_>,
    ) -> Result<Self, SessionError> {
        let mut sessions = Self {
            manifest: graphs.manifest.clone(),
            graphs: Graphs {
                trunk: graphs.open_trunk(runtime, options)?,
                heads: graphs.open_heads(runtime, options)?,
            },
            on_all_cores: None,
            memory: None,
        };
        if let Some(memory) = Memory::of(options.providers).map_err(SessionError::Memory)? {
            sessions.keep_features_in(memory);
        }
        Ok(sessions)
    }

    /// From now on features stay in `memory`, and a head takes all images of a batch at once; nothing changes where the
    /// bundle's heads cannot.
    pub(super) fn keep_features_in(&mut self, memory: Memory) {
        let takes_batches = self.graphs.trunk.is_some()
            && self.graphs.heads.iter().all(|(method, head)| {
                let copies_rows = self.manifest.copies_rows(*method);
                !copies_rows && head.inputs().iter().all(has_open_batch_axis)
            });
        self.memory = Some(memory).filter(|_| takes_batches);
    }

    /// Opens what reads images once more, for batches that have all cores to themselves: the trunk, or every head where
    /// there is none.
    pub(super) fn open_on_all_cores(
        &mut self,
        runtime: &Runtime,
        graphs: &BundleGraphs,
        options: &SessionOptions<'_>,
    ) -> Result<(), SessionError> {
        let mut wide = Graphs {
            trunk: graphs.open_trunk(runtime, options)?,
            heads: BTreeMap::new(),
        };
        if wide.trunk.is_none() {
            wide.heads = graphs.open_heads(runtime, options)?;
        }
        self.on_all_cores = Some(wide);
        Ok(())
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(super) fn has_sessions_on_all_cores(&self) -> bool {
        self.on_all_cores.is_some()
    }

    pub(super) fn trunk(&self) -> Option<&Session> {
        self.graphs.trunk.as_deref()
    }

    pub(super) fn head(&self, method: Method) -> Option<&Session> {
        self.graphs.heads.get(&method).map(Deref::deref)
    }

    /// Runs the trunk once over all images, which are of the manifest's input size.
    pub(super) fn rows<'images>(
        &mut self,
        images: &'images InputTensor,
        passage: Passage<'_>,
    ) -> Result<Rows<'images>, RunError> {
        let size = i64::from(self.manifest.input.size);
        let wide = self.on_all_cores.as_mut().filter(|_| passage.alone);
        let wide = wide.and_then(|graphs| graphs.trunk.as_mut());
        let session = wide.or(self.graphs.trunk.as_mut());
        let (Some(session), Some(trunk)) = (session, &self.manifest.trunk) else {
            return Ok(Rows::of_images(images, size));
        };
        let graph = TrunkGraph {
            session,
            trunk,
            passage,
        };
        let count = images.images();
        let shape = [to_i64(count), 3, size, size];
        match &self.memory {
            Some(memory) => {
                // `ort` copies a tensor that is only lent, by a session of its own which waits for itself (2.0.0-rc.15).
                let owned = images.as_slice().to_vec();
                graph.rows_in(memory, &Tensor::from_array((shape, owned))?, count)
            }
            None => {
                let lent = TensorRef::from_array_view((shape, images.as_slice()))?;
                graph.rows(&lent, count)
            }
        }
    }
}

fn has_open_batch_axis(input: &Outlet) -> bool {
    let shape = input.dtype().tensor_shape();
    shape.is_some_and(|shape| shape.first() == Some(&-1))
}

/// Sizes come from verified manifests and never reach the limit.
pub(super) fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

impl Manifest {
    /// T when the request does not say: 1 for the baseline, K for the ensemble.
    pub(super) fn default_passes(&self, method: Method) -> usize {
        let methods = &self.methods;
        match method {
            Method::Baseline => 1,
            Method::McDropout => methods
                .mc_dropout
                .as_ref()
                .map_or(1, |mc_dropout| mc_dropout.passes),
            Method::Ensemble => methods
                .ensemble
                .as_ref()
                .map_or(1, |ensemble| ensemble.members),
            Method::Tta => methods.tta.as_ref().map_or(1, |tta| tta.passes),
        }
    }

    /// The largest T that a request may ask for; `limit` is the server's own.
    pub(super) fn most_passes(&self, method: Method, limit: usize) -> usize {
        let mc_dropout = self.methods.mc_dropout.as_ref();
        let fixed = mc_dropout
            .is_some_and(|mc_dropout| matches!(mc_dropout.sampling, Sampling::InGraph {}));
        match method {
            Method::McDropout if fixed => self.default_passes(method),
            Method::McDropout | Method::Tta => limit.max(self.default_passes(method)),
            Method::Baseline | Method::Ensemble => self.default_passes(method),
        }
    }

    /// How samples of a method are drawn, where that is dropout.
    fn sampling(&self, method: Method) -> Option<&Sampling> {
        let mc_dropout = self.methods.mc_dropout.as_ref();
        let mc_dropout = mc_dropout.filter(|_| method == Method::McDropout)?;
        Some(&mc_dropout.sampling)
    }

    /// Whether a head gives as many samples as it is asked for, instead of a number of its own.
    pub(super) fn draws_any_number(&self, method: Method) -> bool {
        let sampling = self.sampling(method);
        matches!(
            sampling,
            Some(Sampling::Masks { .. } | Sampling::ActiveDropout {})
        )
    }

    /// Whether samples are drawn by running copies of an image's row.
    fn copies_rows(&self, method: Method) -> bool {
        matches!(self.sampling(method), Some(Sampling::ActiveDropout {}))
    }

    pub(super) fn has_active_dropout(&self, method: Method) -> bool {
        matches!(
            self.sampling(method),
            Some(Sampling::ActiveDropout {} | Sampling::InGraph {})
        )
    }
}
