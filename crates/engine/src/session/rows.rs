//! The outputs of the trunk for a batch, and the runs of heads on them: one image at a time, or all
//! at once if a device keeps the features.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use ort::{
    session::{RunOptions, Session, SessionOutputs},
    value::{DynValue, Tensor, TensorRef},
};

use super::bundle_sessions::{BundleSessions, OutputMemory, RunContext};
use crate::{
    RunError,
    method::{HeadCall, HeadQuestion, extract, to_i64, unexpected},
};
use bundle::{Method, Trunk};
use imaging::InputTensor;

/// One row per image: features `[D]` with a trunk, the image `[3, H, W]` without one. Also
/// statistics `[S]`, if the trunk has them.
pub(crate) struct HeadRows<'images> {
    pub(super) location: RowsLocation<'images>,
    statistics: Vec<f32>,
    statistic_count: usize,
}

/// The memory of the rows.
pub(crate) enum RowsLocation<'images> {
    /// In the process' memory, row-major.
    Here {
        values: Cow<'images, [f32]>,
        /// Shape of one row.
        shape: Vec<i64>,
        /// Number of values in one row.
        length: usize,
    },
    /// In the memory of the device that made them, `[images, D]`.
    OnDevice { value: DynValue, images: usize },
}

impl<'images> HeadRows<'images> {
    /// The images, for heads that read them.
    pub(crate) fn of_images(images: &'images InputTensor, size: i64) -> Self {
        let values = images.as_slice();
        Self {
            location: RowsLocation::Here {
                length: values.len() / images.images().max(1),
                values: Cow::Borrowed(values),
                shape: vec![3, size, size],
            },
            statistics: Vec::new(),
            statistic_count: 0,
        }
    }

    /// The rows of all images, row-major; empty if they are on a device.
    pub(crate) fn values(&self) -> &[f32] {
        match &self.location {
            RowsLocation::Here { values, .. } => values,
            RowsLocation::OnDevice { .. } => &[],
        }
    }

    /// Statistics `[images, S]` of some images, row-major; empty if the trunk has none.
    pub(crate) fn statistics_of(&self, images: Range<usize>) -> Vec<f32> {
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

/// A trunk and its session.
pub(crate) struct TrunkRun<'run> {
    pub(crate) session: &'run mut Session,
    pub(crate) trunk: &'run Trunk,
    pub(crate) options: &'run RunOptions,
}

impl TrunkRun<'_> {
    /// Runs the trunk on images `[N, 3, H, W]` and copies its outputs.
    pub(crate) fn rows(
        self,
        images: &Tensor<f32>,
        count: usize,
    ) -> Result<HeadRows<'static>, RunError> {
        let inputs = ort::inputs![self.trunk.input.as_str() => images];
        let outputs = self.session.run_with_options(inputs, self.options)?;
        let (statistics, statistic_count) = statistics(&outputs, self.trunk, count)?;
        let length = self.trunk.feature_count;
        let shape = [count, length].map(to_i64);
        let features = extract(&outputs, &self.trunk.features, &shape)?;
        Ok(HeadRows {
            location: RowsLocation::Here {
                values: Cow::Owned(features),
                shape: vec![to_i64(length)],
                length,
            },
            statistics,
            statistic_count,
        })
    }

    /// Like [`Self::rows`], but the features stay in `memory`.
    pub(crate) fn rows_in(
        self,
        memory: &OutputMemory,
        images: &Tensor<f32>,
        count: usize,
    ) -> Result<HeadRows<'static>, RunError> {
        let name = self.trunk.features.as_str();
        let mut binding = self.session.create_binding()?;
        binding.bind_input(self.trunk.input.as_str(), images)?;
        binding.bind_output_to_device(name, &memory.features)?;
        if let Some((name, _)) = self.trunk.statistics() {
            binding.bind_output_to_device(name, &memory.statistics)?;
        }
        let mut outputs = self
            .session
            .run_binding_with_options(&binding, self.options)?;
        let (statistics, statistic_count) = statistics(&outputs, self.trunk, count)?;
        let expected = [count, self.trunk.feature_count].map(to_i64);
        let value = outputs.remove(name);
        let value = value.ok_or_else(|| unexpected(name, &[], &expected))?;
        if **value.shape() != expected {
            return Err(unexpected(name, value.shape(), &expected));
        }
        Ok(HeadRows {
            location: RowsLocation::OnDevice {
                value,
                images: count,
            },
            statistics,
            statistic_count,
        })
    }
}

fn statistics(
    outputs: &SessionOutputs<'_>,
    trunk: &Trunk,
    count: usize,
) -> Result<(Vec<f32>, usize), RunError> {
    match trunk.statistics() {
        Some((name, width)) => {
            let expected = [count, width].map(to_i64);
            Ok((extract(outputs, name, &expected)?, width))
        }
        None => Ok((Vec::new(), 0)),
    }
}

/// Some images of a batch, and the calls for each.
pub(crate) struct BatchPart<'job> {
    pub(crate) images: Range<usize>,
    pub(crate) calls: &'job [HeadCall],
}

/// For each call, the class scores `[images × samples, C]`.
pub(crate) type PartScores = Vec<Vec<f32>>;

/// Runs the heads. In process memory, each takes one image at a time, so that an image's result is
/// bit-identical in every batch. On a device, it takes the whole batch.
pub(crate) fn scores_of_parts(
    sessions: &mut BundleSessions,
    parts: &[BatchPart<'_>],
    rows: &HeadRows<'_>,
    context: RunContext<'_>,
) -> Result<Vec<PartScores>, RunError> {
    let (values, shape, length) = match &rows.location {
        RowsLocation::OnDevice { value, images } => {
            return scores_together(sessions, parts, (value, *images), context);
        }
        RowsLocation::Here {
            values,
            shape,
            length,
        } => (values, shape, *length),
    };
    let mut scores = Vec::with_capacity(parts.len());
    for part in parts {
        let mut of_part = Vec::with_capacity(part.calls.len());
        for call in part.calls {
            let rows = values.chunks_exact(length.max(1));
            let rows = rows.skip(part.images.start).take(part.images.len());
            of_part.push(scores_one_by_one(sessions, call, rows, shape, context)?);
        }
        scores.push(of_part);
    }
    Ok(scores)
}

fn scores_one_by_one<'rows>(
    sessions: &mut BundleSessions,
    call: &HeadCall,
    rows: impl Iterator<Item = &'rows [f32]>,
    shape: &[i64],
    context: RunContext<'_>,
) -> Result<Vec<f32>, RunError> {
    let shape: Vec<i64> = std::iter::once(1).chain(shape.iter().copied()).collect();
    let head = sessions.manifest().head_method(call.method);
    let mut scores = Vec::new();
    for row in rows {
        let question = HeadQuestion {
            rows: TensorRef::from_array_view((shape.as_slice(), row))?.into_dyn(),
            images: 1,
            passes: call.passes,
            seeds: &[call.seed],
        };
        scores.extend(sessions.head_scores(head, &question, context)?);
    }
    Ok(scores)
}

/// Runs each head once on the whole batch for every requested number of samples.
fn scores_together(
    sessions: &mut BundleSessions,
    parts: &[BatchPart<'_>],
    (features, images): (&DynValue, usize),
    context: RunContext<'_>,
) -> Result<Vec<PartScores>, RunError> {
    let mut scores = BTreeMap::new();
    for ((method, passes), seeds) in seeds_by_run(parts) {
        let question = HeadQuestion {
            rows: features.view(),
            images,
            passes,
            seeds: &seeds,
        };
        let head = sessions.manifest().head_method(method);
        let of_batch = sessions.head_scores(head, &question, context)?;
        scores.insert((method, passes), of_batch);
    }
    let of_call = |call: &HeadCall, wanted: &Range<usize>| {
        let all = scores.get(&(call.method, call.passes));
        let all = all.map_or(&[][..], Vec::as_slice);
        let of_one = all.len() / images.max(1);
        let of_part = all.iter().skip(wanted.start * of_one);
        of_part.take(wanted.len() * of_one).copied().collect()
    };
    let of_part = |part: &BatchPart<'_>| {
        let calls = part.calls.iter();
        calls.map(|call| of_call(call, &part.images)).collect()
    };
    Ok(parts.iter().map(of_part).collect())
}

/// For each method and number of samples, the seeds of all images.
fn seeds_by_run(parts: &[BatchPart<'_>]) -> BTreeMap<(Method, usize), Vec<u64>> {
    let taken = parts.last().map_or(0, |part| part.images.end);
    let mut seeds = BTreeMap::new();
    for part in parts {
        for call in part.calls {
            let seeds = seeds.entry((call.method, call.passes));
            let seeds = seeds.or_insert_with(|| vec![0; taken]);
            if let Some(seeds) = seeds.get_mut(part.images.clone()) {
                seeds.fill(call.seed);
            }
        }
    }
    seeds
}
