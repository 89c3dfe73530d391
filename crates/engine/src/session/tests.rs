#![allow(clippy::unwrap_used)]
//! Heads give the same results for features in process memory and on a device.

use ort::{memory::AllocationDevice, session::RunOptions};

use super::{
    BundleGraphs, RunContext, SessionOptions,
    bundle_sessions::{BundleSessions, OutputMemory},
    check::noise,
    rows::{BatchPart, PartScores, RowsLocation, scores_of_parts},
    runtime::tests::runtime,
};
use crate::{config::ExecutionProvider, method::HeadCall};
use bundle::Bundle;

const IMAGES: usize = 4;

/// Answers of all methods of the default bundle: for the first image, then for the two after it
/// with another seed and fewer samples. The fourth image is padding.
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

/// Uses the processor's memory in place of a GPU's; the code path is the same.
#[test]
fn heads_agree_on_features_kept_on_device() {
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
