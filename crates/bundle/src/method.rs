//! The four ways of asking a model how sure it is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

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
