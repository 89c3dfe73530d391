//! Names of results that are kept in a work folder: digests of everything that a result depends on, so that nothing stale
//! is taken up. The code that makes a result stands in it as a number for each step.

use serde::Serialize;

use crate::TrainingError;
use bundle::sha256_hex;

/// A step whose results are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptStep {
    /// The pixels of a crop's views.
    Views,
    /// What a trunk says of views.
    Features,
    /// Heads trained on features.
    Heads,
    /// Trunk and heads trained together.
    FineTuning,
}

impl KeptStep {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::Views, Self::Features, Self::Heads, Self::FineTuning];

    /// The name in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Features => "features",
            Self::Heads => "heads",
            Self::FineTuning => "fine_tuning",
        }
    }

    /// The number of the step's code. Raise it when the step gives something else for the same input, whatever the reason:
    /// a formula, an order of random numbers, a layout of its file, a dependency. A test compares what the steps give with
    /// `tests/fixtures/kept_results.toml` and fails when that changed and the number did not.
    pub fn schema(self) -> u32 {
        match self {
            Self::Views => 1,
            Self::Features => 1,
            Self::Heads => 2,
            Self::FineTuning => 1,
        }
    }
}

/// A digest in the making: the steps that make the result, then what they are given, field by field.
pub(crate) struct CacheKey {
    text: Vec<u8>,
    failure: Option<serde_json::Error>,
}

impl CacheKey {
    /// Of a result that some steps make.
    pub(crate) fn of(steps: &[KeptStep]) -> Self {
        let key = Self {
            text: Vec::new(),
            failure: None,
        };
        steps
            .iter()
            .fold(key, |key, step| key.with(step.name(), &step.schema()))
    }

    /// With one thing more that the result depends on: a line with its name and its value as JSON. Structures are written in
    /// the order of their fields; a map must have an order of its own.
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
    /// [`TrainingError::Malformed`] for a value that JSON cannot hold; ours can be held.
    pub(crate) fn digest(self) -> Result<String, TrainingError> {
        match self.failure {
            None => Ok(sha256_hex(&self.text)),
            Some(failure) => Err(TrainingError::malformed("the name of a kept result")(
                failure,
            )),
        }
    }

    /// The first 16 characters of [`Self::digest`], for names of files.
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
    fn a_key_changes_with_its_steps_names_and_values() {
        assert_eq!(key("rows", &[1, 2]), key("rows", &[1, 2]));
        assert_ne!(key("rows", &[1, 2]), key("rows", &[12]));
        assert_ne!(key("rows", &[1, 2]), key("labels", &[1, 2]));
        let views = CacheKey::of(&[KeptStep::Views]).with("rows", &[1, 2]);
        assert_ne!(views.digest().unwrap(), key("rows", &[1, 2]));
    }
}
