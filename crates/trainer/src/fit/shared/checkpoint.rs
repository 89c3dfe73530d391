//! Checkpoints, from which an interrupted fit continues.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::optimiser::Learner;
use crate::{
    TrainingError,
    workspace::{float_bytes, floats, no_form, read_bytes, write_bytes},
};
use bundle::sha256_hex;

/// Characters of a SHA-256 in hexadecimal.
const DIGEST: usize = 64;

/// The state of a fit between two epochs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FitProgress {
    /// Digest of everything that the fit depends on.
    pub fit: String,
    /// Epochs done.
    pub epoch: usize,
    /// Positions of the random streams that span epochs.
    pub streams: [u128; 2],
    /// The lowest loss on the cells that decide when to stop.
    pub best_loss: Option<f64>,
    /// Epochs since then.
    pub since_best: usize,
    /// Whether the weights are final.
    pub finished: bool,
}

impl FitProgress {
    /// The state before the first epoch.
    pub(crate) fn new(fit: String) -> Self {
        Self {
            fit,
            ..Self::default()
        }
    }
}

/// The state of a fit, and its best weights if there are any.
pub(crate) type Interrupted = (FitProgress, Vec<Vec<f32>>);

/// The header before the numbers.
#[derive(Serialize, Deserialize)]
struct Header {
    progress: FitProgress,
    /// Steps taken.
    step: usize,
    /// Length of each list of numbers.
    lengths: Vec<usize>,
}

/// Writes a digest of the rest, a line of JSON, and the numbers as little-endian f32: those of the
/// learner, then the best weights if there are any. An interruption leaves the previous checkpoint.
///
/// # Errors
/// [`TrainingError::Write`].
pub(crate) fn write(
    path: &Path,
    progress: &FitProgress,
    learner: &Learner,
    best: &[Vec<f32>],
) -> Result<(), TrainingError> {
    let lists = || learner.lists().into_iter().flatten().chain(best);
    let header = Header {
        progress: progress.clone(),
        step: learner.step,
        lengths: lists().map(Vec::len).collect(),
    };
    let mut bytes = vec![0; DIGEST];
    serde_json::to_writer(&mut bytes, &header).map_err(|_| no_form(path, "JSON"))?;
    bytes.push(b'\n');
    bytes.extend(float_bytes(lists().flatten()));
    let (digest, rest) = bytes.split_at_mut(DIGEST);
    digest.copy_from_slice(sha256_hex(rest).as_bytes());
    write_bytes(path, &bytes)
}

/// Reads a checkpoint of the same fit into a learner of its shape, and returns the state and the
/// best weights. Returns `None` if the file is missing, damaged or of another fit; the fit then
/// starts anew.
///
/// # Errors
/// [`TrainingError::Read`].
pub(crate) fn read(
    path: &Path,
    fit: &str,
    learner: &mut Learner,
) -> Result<Option<Interrupted>, TrainingError> {
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = read_bytes(path)?;
    let found = parse(&bytes).filter(|(header, _)| header.progress.fit == fit);
    let own: Vec<usize> = learner
        .lists()
        .into_iter()
        .flatten()
        .map(Vec::len)
        .collect();
    let Some((header, lists)) = found.filter(|(header, _)| header.lengths.starts_with(&own)) else {
        return Ok(None);
    };
    let mut lists = lists.into_iter();
    for (to, list) in learner.lists_mut().into_iter().flatten().zip(&mut lists) {
        *to = list;
    }
    learner.step = header.step;
    Ok(Some((header.progress, lists.collect())))
}

fn parse(bytes: &[u8]) -> Option<(Header, Vec<Vec<f32>>)> {
    let (digest, rest) = bytes.split_at_checked(DIGEST)?;
    if sha256_hex(rest).as_bytes() != digest {
        return None;
    }
    let line = rest.iter().position(|byte| *byte == b'\n')?;
    let (header, numbers) = rest.split_at_checked(line)?;
    let header: Header = serde_json::from_slice(header).ok()?;
    let mut values = floats(numbers.get(1..)?).into_iter();
    let lists = header.lengths.iter();
    let lists = lists.map(|length| values.by_ref().take(*length).collect());
    let lists = lists.collect();
    Some((header, lists))
}
