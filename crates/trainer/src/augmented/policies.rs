//! Policies of test-time augmentation, by name or from a file.

use std::path::Path;

use crate::{TrainingError, workspace::read_bytes};
use imaging::augment::{AugmentPolicy, Augmentation};

/// The policy of a name, or of a TOML file as in a bundle's `methods.tta.policy`.
///
/// `paper` is the paper's; `dihedral` turns and mirrors only, since a cell has no up or down; `cells` adds a mild change of
/// colour, as between two slides of one laboratory.
///
/// # Errors
/// When there is neither such a name nor such a file, or the file holds no policy.
pub(crate) fn policy_named(name: &str) -> Result<AugmentPolicy, TrainingError> {
    let of_steps = |steps| AugmentPolicy {
        name: name.to_owned(),
        steps,
        ..AugmentPolicy::paper()
    };
    match name {
        "paper" => Ok(AugmentPolicy::paper()),
        "dihedral" => Ok(of_steps(vec![Augmentation::Dihedral {}])),
        "cells" => Ok(of_steps(vec![Augmentation::Dihedral {}, mild_jitter()])),
        file => read_policy(Path::new(file)),
    }
}

fn mild_jitter() -> Augmentation {
    Augmentation::ColourJitter {
        brightness: 0.08,
        contrast: 0.1,
        saturation: 0.15,
        hue: 0.0,
    }
}

fn read_policy(path: &Path) -> Result<AugmentPolicy, TrainingError> {
    let bytes = read_bytes(path).map_err(|error| {
        TrainingError::Impossible(format!(
            "{error}; policies that need no file: paper, cells, dihedral"
        ))
    })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let policy: AugmentPolicy = toml::from_str(&text).map_err(|error| {
        TrainingError::malformed(path)(error.to_string().trim_end().replace('\n', " "))
    })?;
    policy.check().map_err(TrainingError::malformed(path))?;
    Ok(policy)
}
