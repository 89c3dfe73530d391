//! The sessions of one bundle on one worker thread, and how a job runs through them.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    ops::{Deref, Range},
};

use ort::{
    session::{RunOptions, Session, SessionInputValue},
    value::TensorRef,
};

use super::{
    RunError, Runtime, SessionError, SessionOptions, methods,
    shared_graph::{OpenGraph, SharedGraph},
};
use crate::{
    bundle::{Bundle, FileReference, Head, Manifest, Method, Sampling},
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

/// One row per image: features `[D]` with a trunk, the image `[3, H, W]` without one. With a trunk that has them, also
/// statistics `[S]`.
pub(super) struct Rows<'images> {
    values: Cow<'images, [f32]>,
    /// Shape of one row.
    shape: Vec<i64>,
    /// Number of values of one row.
    length: usize,
    statistics: Vec<f32>,
    statistic_count: usize,
}

impl Rows<'_> {
    /// The rows of some images, row-major.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Statistics `[images, S]` of some images, row-major; empty where the trunk has none.
    pub(super) fn statistics_of(&self, images: Range<usize>) -> Vec<f32> {
        let values = self
            .statistics
            .iter()
            .skip(images.start * self.statistic_count);
        values
            .take(images.len() * self.statistic_count)
            .copied()
            .collect()
    }
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
    manifest: Manifest,
    graphs: Graphs,
    /// The graphs that read images, with a thread for every core.
    on_all_cores: Option<Graphs>,
}

#[derive(Default)]
struct Graphs {
    trunk: Option<OpenGraph>,
    heads: BTreeMap<Method, OpenGraph>,
}

impl Sessions {
    pub(super) fn open(
        runtime: &Runtime,
        graphs: &BundleGraphs,
        options: &SessionOptions<'_>,
    ) -> Result<Self, SessionError> {
        Ok(Self {
            manifest: graphs.manifest.clone(),
            graphs: Graphs {
                trunk: graphs.open_trunk(runtime, options)?,
                heads: graphs.open_heads(runtime, options)?,
            },
            on_all_cores: None,
        })
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
        let count = images.images();
        let values = images.as_slice();
        let size = i64::from(self.manifest.input.size);
        let wide = self.on_all_cores.as_mut().filter(|_| passage.alone);
        let wide = wide.and_then(|graphs| graphs.trunk.as_mut());
        let session = wide.or(self.graphs.trunk.as_mut());
        let (Some(session), Some(trunk)) = (session, &self.manifest.trunk) else {
            return Ok(Rows {
                length: values.len() / count.max(1),
                values: Cow::Borrowed(values),
                shape: vec![3, size, size],
                statistics: Vec::new(),
                statistic_count: 0,
            });
        };
        let width = trunk.feature_count;
        let input = TensorRef::from_array_view(([to_i64(count), 3, size, size], values))?;
        let inputs = ort::inputs![trunk.input.as_str() => input];
        let outputs = session.run_with_options(inputs, passage.options)?;
        let extract =
            |name: &str, width| methods::extract(&outputs, name, &[to_i64(count), to_i64(width)]);
        let (statistics, statistic_count) = match trunk.statistics() {
            Some((name, width)) => (extract(name, width)?, width),
            None => (Vec::new(), 0),
        };
        Ok(Rows {
            statistics,
            statistic_count,
            values: Cow::Owned(extract(&trunk.features, width)?),
            shape: vec![to_i64(width)],
            length: width,
        })
    }

    /// Runs a head on each image by itself, so that an image's answer is the same to the last bit whatever it was
    /// batched with. The scores of the images `images` are `[images × samples, C]`.
    pub(super) fn scores(
        &mut self,
        call: &HeadCall,
        rows: &Rows<'_>,
        images: Range<usize>,
        passage: Passage<'_>,
    ) -> Result<Vec<f32>, RunError> {
        let mut scores = Vec::new();
        for row in rows
            .values
            .chunks_exact(rows.length.max(1))
            .skip(images.start)
            .take(images.len())
        {
            scores.extend(self.scores_of_one(call, row, &rows.shape, passage)?);
        }
        Ok(scores)
    }

    fn scores_of_one(
        &mut self,
        call: &HeadCall,
        row: &[f32],
        shape: &[i64],
        passage: Passage<'_>,
    ) -> Result<Vec<f32>, RunError> {
        let classes = self.manifest.labels.len();
        let methods = &self.manifest.methods;
        let method = self.manifest.head_method(call.method);
        let wide = self.on_all_cores.as_mut().filter(|_| passage.alone);
        let wide = wide.and_then(|graphs| graphs.heads.get_mut(&method));
        let session = wide.or(self.graphs.heads.get_mut(&method));
        let (Some(session), Some(head)) = (session, self.manifest.head(method)) else {
            return Err(RunError::NoHead { method });
        };
        let graph = methods::Graph {
            session,
            head,
            classes,
            options: passage.options,
        };
        match (method, &methods.mc_dropout, &methods.ensemble) {
            (Method::McDropout, Some(mc_dropout), _) => {
                methods::mc_dropout(graph, mc_dropout, call, row, shape)
            }
            (Method::Ensemble, _, Some(ensemble)) => {
                methods::ensemble(graph, ensemble, call, row, shape)
            }
            _ => methods::baseline(graph, row, shape),
        }
    }
}

/// A named input tensor with a leading axis of one image.
pub(super) fn one_image<'row>(
    head: &Head,
    row: &'row [f32],
    shape: &[i64],
) -> Result<(String, SessionInputValue<'row>), RunError> {
    let shape: Vec<i64> = std::iter::once(1).chain(shape.iter().copied()).collect();
    Ok((
        head.input.clone(),
        TensorRef::from_array_view((shape, row))?.into(),
    ))
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

    fn has_active_dropout(&self, method: Method) -> bool {
        let sampling = self
            .methods
            .mc_dropout
            .as_ref()
            .map(|mc_dropout| &mc_dropout.sampling);
        method == Method::McDropout
            && matches!(
                sampling,
                Some(Sampling::ActiveDropout {} | Sampling::InGraph {})
            )
    }
}
