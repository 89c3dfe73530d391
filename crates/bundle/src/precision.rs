//! Precisions of a trunk, and how well two of them agree.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{FileReference, Method};

/// The number format of a trunk's weights and arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats, as trained and calibrated.
    Float32,
    /// 8-bit integers, except for the nodes that the statistics depend on.
    Int8,
    /// 16-bit floats, except for the nodes that the statistics depend on.
    Float16,
}

impl Precision {
    /// The name in configuration, manifests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Int8 => "int8",
            Self::Float16 => "float16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The trunk in another precision, with the same inputs and outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkVariant {
    /// The ONNX file.
    pub file: FileReference,
    /// Agreement with the answers of the `float32` trunk, for each method that was compared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agreement: BTreeMap<Method, Agreement>,
}

/// How often two trunks give the same answer by one method.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Number of images compared.
    pub images: usize,
    /// Share of the images with the same label, in [0, 1].
    pub equal_labels: f64,
    /// Share of the images that both accept or both refer under the method's default policy, in [0,
    /// 1].
    pub equal_decisions: f64,
}

impl TrunkVariant {
    /// Whether each of `methods` was compared on at least [`Agreement::ENOUGH_IMAGES`] images with
    /// a share of equal decisions of at least [`Agreement::ALIKE`].
    pub fn decides_alike(&self, methods: &[Method]) -> bool {
        let alike = |method| {
            let agreement: Option<&Agreement> = self.agreement.get(method);
            agreement.is_some_and(Agreement::is_close)
        };
        methods.iter().all(alike)
    }
}

impl Agreement {
    /// Fewer images cannot show a disagreement of one in 200.
    pub const ENOUGH_IMAGES: usize = 200;
    /// The share of equal decisions from which a trunk may replace the other.
    pub const ALIKE: f64 = 0.995;

    fn is_close(&self) -> bool {
        self.images >= Self::ENOUGH_IMAGES && self.equal_decisions >= Self::ALIKE
    }
}
