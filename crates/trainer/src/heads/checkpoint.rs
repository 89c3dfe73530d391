//! A training that was interrupted: what is written now and then, so that it goes on from there.

use std::path::Path;

use burn::{optim::ModuleOptimizer, tensor::Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    HeadShape, HeadWeights, TrainingError,
    workspace::{read_bytes, write_bytes},
};
use bundle::sha256_hex;

/// Characters of a SHA-256 in hexadecimal.
const DIGEST: usize = 64;

/// Where a training stands between two epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// Digest of everything that the training depends on.
    pub training: String,
    /// Epochs done.
    pub epoch: usize,
    /// How far the random streams were read.
    pub streams: [u128; 2],
    /// The lowest loss on the validation cells.
    pub best_loss: Option<f64>,
    /// Epochs since then.
    pub since_best: usize,
    /// Whether the weights are the final ones.
    pub finished: bool,
}

/// Everything that is kept of an interrupted training.
pub(super) struct Checkpoint {
    /// Where it stands.
    pub progress: Progress,
    /// The weights now.
    pub weights: HeadWeights,
    /// The weights with the lowest validation loss, where there is one.
    pub best: Option<HeadWeights>,
    /// Adam's moments, as burn writes them; empty when finished.
    pub optimizer: Vec<u8>,
}

impl Checkpoint {
    /// Writes a digest of all that follows, the progress as a line of JSON, the weights, the best weights, the moments.
    ///
    /// # Errors
    /// [`TrainingError::Write`].
    pub(super) fn write(&self, path: &Path) -> Result<(), TrainingError> {
        let mut bytes = vec![0; DIGEST];
        serde_json::to_writer(&mut bytes, &self.progress)
            .map_err(TrainingError::malformed(path))?;
        bytes.push(b'\n');
        bytes.extend(self.weights.to_bytes());
        if let Some(best) = &self.best {
            bytes.extend(best.to_bytes());
        }
        bytes.extend(&self.optimizer);
        let (digest, rest) = bytes.split_at_mut(DIGEST);
        digest.copy_from_slice(sha256_hex(rest).as_bytes());
        write_bytes(path, &bytes)
    }

    /// Reads what [`Self::write`] wrote for the same training; `None` where there is no such file, where it is of
    /// another training, or damaged: training from the start is right then.
    ///
    /// # Errors
    /// [`TrainingError::Read`].
    pub(super) fn read(
        path: &Path,
        training: &str,
        shape: &HeadShape,
    ) -> Result<Option<Self>, TrainingError> {
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = read_bytes(path)?;
        Ok(Self::parse(&bytes, shape).filter(|found| found.progress.training == training))
    }

    fn parse(bytes: &[u8], shape: &HeadShape) -> Option<Self> {
        let (digest, rest) = bytes.split_at_checked(DIGEST)?;
        if sha256_hex(rest).as_bytes() != digest {
            return None;
        }
        let line = rest.iter().position(|byte| *byte == b'\n')?;
        let (header, rest) = rest.split_at_checked(line)?;
        let progress: Progress = serde_json::from_slice(header).ok()?;
        let (weights, mut rest) = rest.get(1..)?.split_at_checked(shape.bytes())?;
        let mut best = None;
        if progress.best_loss.is_some() && !progress.finished {
            let (found, after) = rest.split_at_checked(shape.bytes())?;
            best = Some(HeadWeights::from_bytes(found, shape.clone()).ok()?);
            rest = after;
        }
        Some(Self {
            progress,
            weights: HeadWeights::from_bytes(weights, shape.clone()).ok()?,
            best,
            optimizer: rest.to_vec(),
        })
    }
}

/// Adam's moments as bytes.
///
/// # Errors
/// [`TrainingError::Impossible`] when burn cannot write them.
pub(super) fn optimizer_bytes(optimizer: &ModuleOptimizer) -> Result<Vec<u8>, TrainingError> {
    let bytes = optimizer.into_bytes();
    let bytes = bytes.map_err(|error| {
        TrainingError::Impossible(format!("the optimiser's state cannot be kept: {error}"))
    })?;
    Ok(bytes.to_vec())
}

/// An optimiser with the moments that [`optimizer_bytes`] wrote.
///
/// # Errors
/// [`TrainingError::Impossible`] when burn cannot read them.
pub(super) fn with_bytes(
    optimizer: ModuleOptimizer,
    bytes: Vec<u8>,
) -> Result<ModuleOptimizer, TrainingError> {
    let optimizer = optimizer.from_bytes(Bytes::from_bytes_vec(bytes));
    optimizer.map_err(|error| {
        TrainingError::Impossible(format!(
            "the optimiser's state cannot be read: delete the checkpoint ({error})"
        ))
    })
}
