//! The heads of a batch: one image at a time, or all at once where a device keeps the features.

use std::{collections::BTreeMap, ops::Range};

use ort::value::{DynValue, TensorRef};

use super::{
    bundle_sessions::{BundleSessions, RunContext},
    rows::{HeadRows, RowsLocation},
};
use crate::{
    RunError,
    method::{HeadCall, HeadQuestion},
};
use bundle::Method;

/// Some images of a batch, and what is asked of each.
pub(crate) struct BatchPart<'job> {
    pub(crate) images: Range<usize>,
    pub(crate) calls: &'job [HeadCall],
}

/// For each call the class scores `[images × samples, C]`.
pub(crate) type PartScores = Vec<Vec<f32>>;

/// Runs the heads. In this process' memory each takes one image at a time, so that an image's answer is the same to the
/// last bit whatever it was batched with; on a device it takes the whole batch.
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

/// Each head runs once over the whole batch for every number of samples that is asked of it.
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

/// For each method and number of samples that is asked for the seeds of all images.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ort::{memory::AllocationDevice, session::RunOptions};

    use super::{BatchPart, PartScores, scores_of_parts};
    use crate::{
        config::ExecutionProvider,
        method::HeadCall,
        session::{
            BundleGraphs, RunContext, SessionOptions,
            bundle_sessions::BundleSessions,
            check::noise,
            rows::{OutputMemory, RowsLocation},
            runtime::tests::runtime,
        },
    };
    use bundle::Bundle;

    const IMAGES: usize = 4;

    /// Answers for all methods of the default bundle: of the first image, then of the two after it with another seed and
    /// fewer samples; the fourth fills the batch up.
    fn answers(
        sessions: &mut BundleSessions,
        bundle: &Bundle,
        stay: bool,
    ) -> (Vec<PartScores>, Vec<f32>) {
        let options = RunOptions::new().unwrap();
        let context = RunContext {
            options: &options,
            alone: false,
        };
        let images = noise(bundle, IMAGES).unwrap();
        let rows = sessions.rows(&images, context).unwrap();
        assert_eq!(matches!(rows.location, RowsLocation::OnDevice { .. }), stay);
        let manifest = bundle.manifest();
        let calls = |seed, fewer: usize| -> Vec<HeadCall> {
            let call = |method| HeadCall {
                method,
                passes: manifest.default_passes(method).saturating_sub(fewer).max(1),
                seed,
            };
            manifest.offered_methods().into_iter().map(call).collect()
        };
        let (first, second) = (calls(7, 0), calls(8, 3));
        let asks = [(0..1, &first), (1..3, &second)];
        let asks = asks.map(|(images, calls)| BatchPart { images, calls });
        let answers = scores_of_parts(sessions, &asks, &rows, context).unwrap();
        (answers, rows.statistics_of(1..3))
    }

    /// The processor's memory stands for a GPU's: the way through it is the same.
    #[test]
    fn heads_say_the_same_of_features_that_stay_where_they_are() {
        let runtime = runtime();
        let bundle = Bundle::open(&testkit::path("models/cric-lite0")).unwrap();
        let options = SessionOptions {
            providers: &[ExecutionProvider::Cpu],
            intra_threads: 1,
            spinning: false,
            keep_dropout: false,
        };
        let graphs = BundleGraphs::read(runtime, &bundle, &options).unwrap();
        let mut sessions = BundleSessions::open(runtime, &graphs, &options).unwrap();
        let (copied, statistics) = answers(&mut sessions, &bundle, false);
        sessions.keep_features_in(OutputMemory::on(AllocationDevice::CPU, 0).unwrap());
        let (kept, statistics_beside) = answers(&mut sessions, &bundle, true);

        assert_eq!(statistics, statistics_beside);
        assert!(!statistics.is_empty());
        let (copied, kept) = (copied.concat(), kept.concat());
        assert_eq!(copied.len(), kept.len());
        for (copied, kept) in copied.iter().zip(&kept) {
            assert!(!copied.is_empty());
            assert_eq!(copied.len(), kept.len());
            let apart = copied
                .iter()
                .zip(kept)
                .map(|(one, other)| (one - other).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-4);
        }
    }
}
