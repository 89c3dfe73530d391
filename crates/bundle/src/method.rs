//! The four ways of asking a model how sure it is, what `bundle.toml` says of them under `[methods]`, and how many passes they
//! make.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{FileReference, Manifest};
use imaging::augment::AugmentPolicy;

/// A way of drawing samples of class probabilities for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// One deterministic pass: T = 1.
    Baseline,
    /// T passes of one head with units dropped at random (Gal & Ghahramani, 2016).
    McDropout,
    /// K heads, trained apart from each other, on the same features.
    Ensemble,
    /// T augmented views of the image through one head (test-time augmentation).
    Tta,
}

impl Method {
    /// Every method, in the order in which they are listed to people.
    pub const ALL: [Self; 4] = [Self::Baseline, Self::McDropout, Self::Ensemble, Self::Tta];

    /// The name in JSON, manifests and commands.
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

/// The method's name is none of the four.
#[derive(Debug, thiserror::Error)]
#[error("there is no method `{0}`: choose baseline, mc_dropout, ensemble or tta")]
pub struct UnknownMethod(pub String);

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|method| method.name() == name);
        known.ok_or_else(|| UnknownMethod(name.to_owned()))
    }
}

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

impl Manifest {
    /// T when the request does not say: 1 for the baseline, K for the ensemble.
    pub fn default_passes(&self, method: Method) -> usize {
        let methods = &self.methods;
        match method {
            Method::Baseline => 1,
            Method::McDropout => methods.mc_dropout.as_ref().map_or(1, |of| of.passes),
            Method::Ensemble => methods.ensemble.as_ref().map_or(1, |of| of.members),
            Method::Tta => methods.tta.as_ref().map_or(1, |of| of.passes),
        }
    }

    /// The largest T that a request may ask for; `limit` is the server's own.
    pub fn most_passes(&self, method: Method, limit: usize) -> usize {
        let usual = self.default_passes(method);
        match method == Method::Tta || self.draws_any_number(method) {
            true => limit.max(usual),
            false => usual,
        }
    }

    /// How samples of a method are drawn, where that is dropout.
    pub fn sampling(&self, method: Method) -> Option<&Sampling> {
        let mc_dropout = self.methods.mc_dropout.as_ref();
        let mc_dropout = mc_dropout.filter(|_| method == Method::McDropout)?;
        Some(&mc_dropout.sampling)
    }

    /// Whether a head gives as many samples as it is asked for, instead of a number of its own.
    pub fn draws_any_number(&self, method: Method) -> bool {
        let sampling = self.sampling(method);
        matches!(
            sampling,
            Some(Sampling::Masks { .. } | Sampling::ActiveDropout {})
        )
    }

    /// Whether samples are drawn by running copies of an image's row.
    pub fn copies_rows(&self, method: Method) -> bool {
        matches!(self.sampling(method), Some(Sampling::ActiveDropout {}))
    }

    /// Whether the graph itself draws the samples of a method.
    pub fn has_active_dropout(&self, method: Method) -> bool {
        matches!(
            self.sampling(method),
            Some(Sampling::ActiveDropout {} | Sampling::InGraph {})
        )
    }
}
