//! What `bundle.toml` says under `[methods]`: by which graphs a model answers.

use serde::{Deserialize, Serialize};

use super::FileReference;
use imaging::augment::AugmentPolicy;

/// The methods that a bundle offers; at least one.
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
    /// One head on augmented views: its own, or the baseline's, which is needed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tta: Option<Tta>,
}

/// A graph that turns features (or, without a trunk, images) into class scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The ONNX file.
    pub file: FileReference,
    /// Name of the input with the features or the image.
    pub input: String,
    /// Name of the output with the class scores.
    pub output: String,
    /// What the scores are.
    pub scores: Scores,
}

/// What a head's outputs mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Unnormalised; the server applies the temperature and the softmax.
    Logits,
    /// Probabilities; a temperature other than 1 acts on their logarithms.
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
    /// features (and masks) → `[N, T, C]`, or `[N, C]` where dropout is active inside the graph.
    pub head: Head,
    /// T when the request does not say.
    pub passes: usize,
    /// Where the randomness comes from.
    pub sampling: Sampling,
}

/// Where the randomness of Monte Carlo dropout comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Sampling {
    /// Masks are inputs of the graph, f32 `[N, T, width]` of zeros and ones, drawn from the request's seed.
    Masks {
        /// The generator of the masks.
        generator: Generator,
        /// One entry per mask input.
        masks: Vec<Mask>,
    },
    /// The graph's Dropout nodes draw for themselves. The server runs T copies of the input; such an answer cannot be
    /// repeated, since ONNX Runtime's generator cannot be seeded per request.
    ActiveDropout {},
    /// The graph itself answers `[N, T, C]` with its own T.
    InGraph {},
}

/// A named, portable random generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generator {
    /// ChaCha with 8 rounds (Bernstein, 2008); the key is the seed, the stream the mask's number.
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

/// An ensemble of heads in one graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    /// features → `[N, K, C]`.
    pub head: Head,
    /// K, the number of heads.
    pub members: usize,
}

/// Test-time augmentation: one head on each view of the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tta {
    /// T when the request does not say.
    pub passes: usize,
    /// features → `[N, C]` for each view; the baseline's when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// How a view is made of the image.
    pub policy: AugmentPolicy,
}
