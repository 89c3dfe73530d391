//! The four methods, their sections under `[methods]` in `bundle.toml`, and their numbers of
//! passes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{FileReference, Manifest};
use imaging::augment::AugmentPolicy;

/// A method that draws samples of class probabilities for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// One deterministic pass: T = 1.
    Baseline,
    /// T passes of one head with units dropped at random (Gal & Ghahramani, 2016).
    McDropout,
    /// K heads on the same features, trained independently of each other.
    Ensemble,
    /// T augmented views of the image, each through one head (test-time augmentation).
    Tta,
}

impl Method {
    /// Every method, in the order of answers and listings.
    pub const ALL: [Self; 4] = [Self::Baseline, Self::McDropout, Self::Ensemble, Self::Tta];

    /// The name in JSON, in manifests and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::McDropout => "mc_dropout",
            Self::Ensemble => "ensemble",
            Self::Tta => "tta",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The name is not one of the four methods.
#[derive(Debug, thiserror::Error)]
#[error("unknown method `{0}`: choose baseline, mc_dropout, ensemble or tta")]
pub struct UnknownMethod(pub String);

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|method| method.name() == name);
        known.ok_or_else(|| UnknownMethod(name.to_owned()))
    }
}

/// The methods that a bundle offers, at least one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Methods {
    /// One deterministic answer `[N, C]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// T answers `[N, T, C]` under dropout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mc_dropout: Option<McDropout>,
    /// K answers `[N, K, C]` of K heads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<Ensemble>,
    /// One head on augmented views: its own or, if absent, the baseline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tta: Option<Tta>,
}

/// A graph from features `[N, D]` (or, without a trunk, images `[N, 3, H, W]`) to class scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The ONNX file.
    pub file: FileReference,
    /// Name of the input with the features or the image.
    pub input: String,
    /// Name of the output with the class scores.
    pub output: String,
    /// Whether the scores are logits or probabilities.
    pub scores: Scores,
}

/// The kind of a head's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Logits. The server applies the temperature and the softmax.
    Logits,
    /// Probabilities from 0 to 1 that sum to 1. A temperature other than 1 is applied to their
    /// logarithms.
    Probabilities,
}

/// The deterministic method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// features → `[N, C]`.
    pub head: Head,
}

/// Monte Carlo dropout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McDropout {
    /// features (and masks) → `[N, T, C]`, or `[N, C]` for active dropout.
    pub head: Head,
    /// T if the request does not set `passes`, 1 to 10,000.
    pub passes: usize,
    /// How the samples are drawn.
    pub sampling: Sampling,
}

/// How the samples of Monte Carlo dropout are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Sampling {
    /// The graph has mask inputs, f32 `[N, T, width]` of zeros and ones, drawn from the request's
    /// seed.
    Masks {
        /// The generator of the masks.
        generator: Generator,
        /// One entry per mask input.
        masks: Vec<Mask>,
    },
    /// The graph contains active Dropout nodes. The server runs T copies of the input. Answers
    /// cannot be repeated, because ONNX Runtime's generator cannot be seeded per request.
    ActiveDropout {},
    /// The graph returns `[N, T, C]` with a T of its own.
    InGraph {},
}

/// A named, portable random generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generator {
    /// ChaCha with 8 rounds (Bernstein, 2008). The key is the seed, the stream is the mask's
    /// number.
    Chacha8,
}

/// One mask input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// Name of the graph's input.
    pub input: String,
    /// Number of units that the mask covers.
    pub width: usize,
    /// Probability in [0, 1) of a zero. The graph's weights hold the factor 1/(1 − p).
    pub drop_probability: f64,
}

/// An ensemble: K heads in one graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    /// features → `[N, K, C]`.
    pub head: Head,
    /// K, the number of heads, 2 to 10,000.
    pub members: usize,
}

/// Test-time augmentation: one head on each view of the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tta {
    /// T if the request does not set `passes`, 1 to 10,000.
    pub passes: usize,
    /// features → `[N, C]` for each view; the baseline's head if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// How views are made from the image.
    pub policy: AugmentPolicy,
}

impl Manifest {
    /// T if the request does not set `passes`: 1 for the baseline, K for the ensemble.
    pub fn default_passes(&self, method: Method) -> usize {
        let methods = &self.methods;
        match method {
            Method::Baseline => 1,
            Method::McDropout => methods.mc_dropout.as_ref().map_or(1, |of| of.passes),
            Method::Ensemble => methods.ensemble.as_ref().map_or(1, |of| of.members),
            Method::Tta => methods.tta.as_ref().map_or(1, |of| of.passes),
        }
    }

    /// The largest T that a request may set; `limit` is the server's `max_passes`.
    pub fn most_passes(&self, method: Method, limit: usize) -> usize {
        let usual = self.default_passes(method);
        match method == Method::Tta || self.draws_any_number(method) {
            true => limit.max(usual),
            false => usual,
        }
    }

    /// How Monte Carlo dropout draws its samples; `None` for other methods.
    pub fn sampling(&self, method: Method) -> Option<&Sampling> {
        let mc_dropout = self.methods.mc_dropout.as_ref();
        let mc_dropout = mc_dropout.filter(|_| method == Method::McDropout)?;
        Some(&mc_dropout.sampling)
    }

    /// Whether the head returns any requested number of samples, rather than a fixed number.
    pub fn draws_any_number(&self, method: Method) -> bool {
        let sampling = self.sampling(method);
        matches!(
            sampling,
            Some(Sampling::Masks { .. } | Sampling::ActiveDropout {})
        )
    }

    /// Whether samples are drawn by running T copies of the input.
    pub fn copies_rows(&self, method: Method) -> bool {
        matches!(self.sampling(method), Some(Sampling::ActiveDropout {}))
    }

    /// Whether the graph draws random numbers itself.
    pub fn has_active_dropout(&self, method: Method) -> bool {
        matches!(
            self.sampling(method),
            Some(Sampling::ActiveDropout {} | Sampling::InGraph {})
        )
    }
}
