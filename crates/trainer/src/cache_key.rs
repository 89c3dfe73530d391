//! Names of results in a work folder: digests of everything that a result depends on, so that no
//! stale result is used. The code of each step enters the digest as a number.

use serde::Serialize;

use crate::{TrainingError, error::impossible};
use bundle::sha256_hex;

/// A step whose results are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptStep {
    /// The pixels of a crop's views.
    Views,
    /// The output of a trunk for views.
    Features,
    /// Heads trained on features.
    Heads,
    /// Trunk and heads trained together.
    FineTuning,
}

impl KeptStep {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::Views, Self::Features, Self::Heads, Self::FineTuning];

    /// The step's name in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Features => "features",
            Self::Heads => "heads",
            Self::FineTuning => "fine_tuning",
        }
    }

    /// The version of the step's code. Raise it when the step gives another result for the same
    /// input, for any reason: a formula, the order of random numbers, the file's layout, a
    /// dependency. A test compares the steps' results with `tests/fixtures/kept_results.toml` and
    /// fails if a result changed and the number did not.
    pub fn schema(self) -> u32 {
        match self {
            Self::Views => 1,
            Self::Features => 1,
            Self::Heads => 2,
            Self::FineTuning => 1,
        }
    }
}

/// Builds a digest: the steps that make the result, then each input by name.
pub(crate) struct CacheKey {
    text: Vec<u8>,
    failure: Option<serde_json::Error>,
}

impl CacheKey {
    /// Starts the digest of a result of some steps.
    pub(crate) fn of(steps: &[KeptStep]) -> Self {
        let key = Self {
            text: Vec::new(),
            failure: None,
        };
        steps
            .iter()
            .fold(key, |key, step| key.with(step.name(), &step.schema()))
    }

    /// Adds one input: a line with its name and its value as JSON. Structures are written in the
    /// order of their fields; a map must be ordered.
    pub(crate) fn with<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        self.text.extend(name.as_bytes());
        self.text.push(b'=');
        if let Err(failure) = serde_json::to_writer(&mut self.text, value) {
            self.failure = Some(failure);
        }
        self.text.push(b'\n');
        self
    }

    /// SHA-256 in hexadecimal.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] if JSON cannot hold a value. The trainer has no such input.
    pub(crate) fn digest(self) -> Result<String, TrainingError> {
        match self.failure {
            None => Ok(sha256_hex(&self.text)),
            Some(_) => Err(impossible!(
                "cannot name a kept result: one of its inputs has no JSON form"
            )),
        }
    }

    /// The first 16 characters of [`Self::digest`], for file names.
    ///
    /// # Errors
    /// As [`Self::digest`].
    pub(crate) fn short(self) -> Result<String, TrainingError> {
        let mut digest = self.digest()?;
        digest.truncate(16);
        Ok(digest)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(name: &str, value: &[u32]) -> String {
        CacheKey::of(&[KeptStep::Heads])
            .with(name, value)
            .digest()
            .unwrap()
    }

    #[test]
    fn key_covers_steps_names_and_values() {
        assert_eq!(key("rows", &[1, 2]), key("rows", &[1, 2]));
        assert_ne!(key("rows", &[1, 2]), key("rows", &[12]));
        assert_ne!(key("rows", &[1, 2]), key("labels", &[1, 2]));
        let views = CacheKey::of(&[KeptStep::Views]).with("rows", &[1, 2]);
        assert_ne!(views.digest().unwrap(), key("rows", &[1, 2]));
    }
}
