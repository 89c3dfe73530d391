//! Measures the durations of both trunks.

use std::{path::Path, time::Instant};

use ort::{session::Session, value::TensorRef};

use super::{
    QuantiseError,
    report::{EnginePair, Speed},
};
use engine::{ExecutionProvider, Runtime, SessionOptions, has_vnni};
use imaging::InputTensor;

/// Number of measured rounds. One more round before them warms caches and clocks.
const ROUNDS: usize = 25;
/// Number of images per round.
const RUNS: usize = 5;

/// Times both trunks on one thread in turns, so that changes of the machine's speed affect both.
pub(super) fn measure(
    runtime: &Runtime,
    providers: &[ExecutionProvider],
    trunks: EnginePair<&Path>,
    (input, image): (&str, &InputTensor),
) -> Result<Speed, QuantiseError> {
    let options = SessionOptions {
        providers,
        intra_threads: 1,
        spinning: false,
        keep_dropout: false,
    };
    let mut float32 = runtime.session(trunks.float32, &options)?;
    let mut quantised = runtime.session(trunks.quantised, &options)?;
    let mut ratios = Vec::with_capacity(ROUNDS);
    for round in 0..=ROUNDS {
        let ratio = seconds(&mut float32, input, image)? / seconds(&mut quantised, input, image)?;
        if round > 0 {
            ratios.push(ratio);
        }
    }
    ratios.sort_by(f64::total_cmp);
    Ok(Speed {
        times_faster: ratios.get(ROUNDS / 2).copied().unwrap_or(1.0),
        rounds: ROUNDS,
        vnni: has_vnni(),
    })
}

fn seconds(session: &mut Session, input: &str, image: &InputTensor) -> Result<f64, QuantiseError> {
    let started = Instant::now();
    for _ in 0..RUNS {
        let tensor = TensorRef::from_array_view((image.shape(), image.as_slice()))?;
        session.run(ort::inputs![input => tensor])?;
    }
    Ok(started.elapsed().as_secs_f64())
}
