//! The state of a training between two epochs, on disk. Random streams are named after their place in the run, so that
//! the weights, Adam's memory and the averages are all there is to keep.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    TrainingError,
    finetune::optimiser::Learner,
    workspace::{read_bytes, write_bytes},
};

/// What stands before the numbers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// Of everything that the training depends on.
    digest: String,
    epochs_done: usize,
    step: usize,
}

/// Reads a checkpoint into a learner and returns the number of epochs that are done; 0 without a checkpoint.
///
/// # Errors
/// [`TrainingError::Malformed`] for a file that is cut short or belongs to another training.
pub(super) fn read(
    path: &Path,
    digest: &str,
    learner: &mut Learner,
) -> Result<usize, TrainingError> {
    if !path.is_file() {
        return Ok(0);
    }
    let bytes = read_bytes(path)?;
    let malformed = |reason: &str| TrainingError::malformed(path)(reason);
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, numbers) = bytes
        .split_at_checked(end.unwrap_or(bytes.len()))
        .unwrap_or_default();
    let header: Header = serde_json::from_slice(line).map_err(TrainingError::malformed(path))?;
    if header.digest != digest {
        return Err(malformed(
            "it is the checkpoint of another training: remove it to start anew",
        ));
    }
    let (words, rest) = numbers.get(1..).unwrap_or_default().as_chunks::<4>();
    let places = tensors(learner).map(Vec::len).sum::<usize>();
    if words.len() != places || !rest.is_empty() {
        return Err(malformed("its length is wrong: remove it to start anew"));
    }
    let mut values = words.iter().map(|word| f32::from_le_bytes(*word));
    let fill = |tensor: &mut Vec<f32>| {
        for (place, value) in tensor.iter_mut().zip(&mut values) {
            *place = value;
        }
    };
    let Learner {
        values: weights,
        first,
        second,
        averages,
        ..
    } = learner;
    let all = weights
        .iter_mut()
        .chain(first)
        .chain(second)
        .chain(averages);
    all.for_each(fill);
    learner.step = header.step;
    Ok(header.epochs_done)
}

/// Writes a checkpoint; an interruption leaves the one before.
///
/// # Errors
/// [`TrainingError::Write`].
pub(super) fn write(
    path: &Path,
    digest: &str,
    learner: &Learner,
    epochs_done: usize,
) -> Result<(), TrainingError> {
    let header = Header {
        digest: digest.to_owned(),
        epochs_done,
        step: learner.step,
    };
    let mut bytes = serde_json::to_vec(&header).map_err(TrainingError::malformed(path))?;
    bytes.push(b'\n');
    for tensor in tensors(learner) {
        bytes.extend(tensor.iter().flat_map(|value| value.to_le_bytes()));
    }
    write_bytes(path, &bytes)
}

fn tensors(learner: &Learner) -> impl Iterator<Item = &Vec<f32>> {
    let all = [
        &learner.values,
        &learner.first,
        &learner.second,
        &learner.averages,
    ];
    all.into_iter().flatten()
}
