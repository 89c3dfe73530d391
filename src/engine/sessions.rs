//! The sessions of one bundle on one worker thread, and how a job runs through them.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use ort::{
    session::{Session, SessionInputValue},
    value::TensorRef,
};

use super::{RunError, Runtime, SessionError, SessionOptions, methods};
use crate::{
    bundle::{Bundle, Head, Manifest, Method, Sampling},
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

/// One row per image: features `[D]` with a trunk, the image `[3, H, W]` without one. With a trunk that has them, also
/// statistics `[S]`.
pub(super) struct Rows {
    pub(super) values: Vec<f32>,
    /// Shape of one row.
    pub(super) shape: Vec<i64>,
    /// Number of values of one row.
    pub(super) length: usize,
    statistics: Vec<f32>,
    statistic_count: usize,
}

impl Rows {
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

/// The loaded graphs of a bundle.
pub(super) struct Sessions {
    manifest: Manifest,
    trunk: Option<Session>,
    heads: BTreeMap<Method, Session>,
}

impl Sessions {
    pub(super) fn open(
        runtime: &Runtime,
        bundle: &Bundle,
        options: &SessionOptions<'_>,
    ) -> Result<Self, SessionError> {
        let manifest = bundle.manifest().clone();
        let open = |head: &Head, keep_dropout: bool| {
            runtime.session(
                &bundle.path_of(&head.file),
                &SessionOptions {
                    keep_dropout,
                    ..options.clone()
                },
            )
        };
        let trunk = match bundle.trunk_file() {
            Some(file) => Some(runtime.session(&bundle.path_of(file), options)?),
            None => None,
        };
        let mut heads = BTreeMap::new();
        for method in manifest.methods_with_heads() {
            if let Some(head) = manifest.head(method) {
                heads.insert(method, open(head, manifest.has_active_dropout(method))?);
            }
        }
        Ok(Self {
            manifest,
            trunk,
            heads,
        })
    }

    pub(super) fn trunk(&self) -> Option<&Session> {
        self.trunk.as_ref()
    }

    pub(super) fn head(&self, method: Method) -> Option<&Session> {
        self.heads.get(&method)
    }

    /// Runs the trunk once over all images of `batch`, which are of the manifest's input size.
    pub(super) fn rows(&mut self, batch: &[&InputTensor]) -> Result<Rows, RunError> {
        let count: usize = batch.iter().map(|images| images.images()).sum();
        let size = i64::from(self.manifest.input.size);
        let values: Cow<'_, [f32]> = match batch {
            [only] => Cow::Borrowed(only.as_slice()),
            several => several
                .iter()
                .flat_map(|images| images.as_slice())
                .copied()
                .collect(),
        };
        let (Some(session), Some(trunk)) = (&mut self.trunk, &self.manifest.trunk) else {
            return Ok(Rows {
                length: values.len() / count.max(1),
                values: values.into_owned(),
                shape: vec![3, size, size],
                statistics: Vec::new(),
                statistic_count: 0,
            });
        };
        let width = trunk.feature_count;
        let input = TensorRef::from_array_view(([to_i64(count), 3, size, size], &*values))?;
        let outputs = session.run(ort::inputs![trunk.input.as_str() => input])?;
        let extract =
            |name: &str, width| methods::extract(&outputs, name, &[to_i64(count), to_i64(width)]);
        let (statistics, statistic_count) = match trunk.statistics() {
            Some((name, width)) => (extract(name, width)?, width),
            None => (Vec::new(), 0),
        };
        Ok(Rows {
            statistics,
            statistic_count,
            values: extract(&trunk.features, width)?,
            shape: vec![to_i64(width)],
            length: width,
        })
    }

    /// Runs a head on each image by itself, so that an image's answer is the same to the last bit whatever it was
    /// batched with. The scores of the images `images` are `[images × samples, C]`.
    pub(super) fn scores(
        &mut self,
        call: &HeadCall,
        rows: &Rows,
        images: Range<usize>,
    ) -> Result<Vec<f32>, RunError> {
        let mut scores = Vec::new();
        for row in rows
            .values
            .chunks_exact(rows.length.max(1))
            .skip(images.start)
            .take(images.len())
        {
            scores.extend(self.scores_of_one(call, row, &rows.shape)?);
        }
        Ok(scores)
    }

    fn scores_of_one(
        &mut self,
        call: &HeadCall,
        row: &[f32],
        shape: &[i64],
    ) -> Result<Vec<f32>, RunError> {
        let classes = self.manifest.labels.len();
        let methods = &self.manifest.methods;
        let method = self.manifest.head_method(call.method);
        let (Some(session), Some(head)) = (self.heads.get_mut(&method), self.manifest.head(method))
        else {
            return Err(RunError::NoHead { method });
        };
        let graph = methods::Graph {
            session,
            head,
            classes,
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
