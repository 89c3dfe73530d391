//! In which numbers a trunk calculates, and how well one of other numbers agrees with the original.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{FileReference, Method};

/// In which numbers a trunk calculates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats: the trunk that was trained and calibrated.
    Float32,
    /// 8-bit integers, apart from what the statistics depend on.
    Int8,
    /// 16-bit floats, apart from what the statistics depend on.
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

/// The trunk once more, in other numbers, with the same inputs and outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkVariant {
    /// The ONNX file.
    pub file: FileReference,
    /// How its answers compare with those of the 32-bit trunk, for each method that was compared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agreement: BTreeMap<Method, Agreement>,
}

/// How often two trunks lead to the same answer by one method.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Images compared.
    pub images: usize,
    /// Share of them with the same label, in [0, 1].
    pub equal_labels: f64,
    /// Share of them accepted by both or referred by both under the method's default policy, in [0, 1].
    pub equal_decisions: f64,
}

impl TrunkVariant {
    /// Whether every one of `methods` was compared on enough images and decides alike for all but one in 200 of them.
    pub fn decides_alike(&self, methods: &[Method]) -> bool {
        let alike = |method| {
            let agreement: Option<&Agreement> = self.agreement.get(method);
            agreement.is_some_and(Agreement::is_close)
        };
        methods.iter().all(alike)
    }
}

impl Agreement {
    /// Fewer images say nothing of one in 200.
    pub const ENOUGH_IMAGES: usize = 200;
    /// The share of equal decisions from which on a trunk may stand for the other.
    pub const ALIKE: f64 = 0.995;

    fn is_close(&self) -> bool {
        self.images >= Self::ENOUGH_IMAGES && self.equal_decisions >= Self::ALIKE
    }
}
