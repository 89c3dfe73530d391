//! From answers to the tensors of a response.

use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};

use crate::api::{
    answer_size::{NUMBER_BYTES, text},
    vocabulary::ActionName,
};
use bundle::Label;
use engine::Prediction;
use uncertainty::{Action, Measure};

/// A tensor of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Mean probability of each class, [n, C].
    Probabilities,
    /// [n, 4]: see [`MEASURES`].
    Uncertainty,
    /// Class probabilities of each sample, [n, T, C].
    Samples,
    /// The most probable class, [n].
    Label,
    /// `accept` or `refer`, [n].
    Decision,
}

/// The columns of `uncertainty`: the measures that every answer has.
const MEASURES: [Measure; 4] = [
    Measure::PredictiveEntropy,
    Measure::ExpectedEntropy,
    Measure::MutualInformation,
    Measure::VariationRatio,
];

/// Bytes of an FP32.
const FLOAT_BYTES: usize = 4;
/// Bytes of `accept` or `refer` with their length, or with quotes and comma.
const DECISION_BYTES: usize = 10;

/// The elements of a tensor.
pub(super) enum Elements {
    Floats(Vec<f32>),
    Texts(Vec<String>),
}

impl Output {
    pub(super) const ALL: [Self; 5] = [
        Self::Probabilities,
        Self::Uncertainty,
        Self::Samples,
        Self::Label,
        Self::Decision,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Probabilities => "probabilities",
            Self::Uncertainty => "uncertainty",
            Self::Samples => "samples",
            Self::Label => "label",
            Self::Decision => "decision",
        }
    }

    /// Bytes that the tensor over so many images has at most, behind the JSON or in it.
    pub(super) fn most_bytes(
        self,
        (images, samples): (usize, usize),
        labels: &[Label],
        is_binary: bool,
    ) -> usize {
        let number = if is_binary { FLOAT_BYTES } else { NUMBER_BYTES };
        let names = labels.iter().map(|label| text(&label.name));
        let of_image = match self {
            Self::Probabilities => labels.len().saturating_mul(number),
            Self::Uncertainty => MEASURES.len().saturating_mul(number),
            Self::Samples => labels.len().saturating_mul(number).saturating_mul(samples),
            Self::Label => names.max().unwrap_or_default(),
            Self::Decision => DECISION_BYTES,
        };
        of_image.saturating_mul(images)
    }

    pub(super) fn datatype(self) -> &'static str {
        match self {
            Self::Label | Self::Decision => "BYTES",
            _ => "FP32",
        }
    }

    /// With −1 for what depends on the request.
    pub(super) fn shape(self, classes: usize) -> Value {
        match self {
            Self::Probabilities => json!([-1, classes]),
            Self::Uncertainty => json!([-1, MEASURES.len()]),
            Self::Samples => json!([-1, -1, classes]),
            Self::Label | Self::Decision => json!([-1]),
        }
    }

    /// What the last axis is about.
    pub(super) fn columns(self, labels: &[Label]) -> Option<Vec<String>> {
        match self {
            Self::Probabilities | Self::Samples => {
                Some(labels.iter().map(|label| label.name.clone()).collect())
            }
            Self::Uncertainty => Some(MEASURES.map(|measure| measure.name().to_owned()).to_vec()),
            Self::Label | Self::Decision => None,
        }
    }

    /// The tensor over all answers, and its shape.
    pub(super) fn of(self, predictions: &[Prediction]) -> (Vec<usize>, Elements) {
        let answers = || predictions.iter().map(|prediction| &prediction.answer);
        let mut shape = vec![predictions.len()];
        let elements = match self {
            Self::Probabilities => {
                let values = answers().flat_map(|answer| answer.summary.mean.iter());
                Elements::Floats(values.map(|value| *value as f32).collect())
            }
            Self::Uncertainty => {
                let measures =
                    |answer| MEASURES.map(|measure| measure.of(answer).unwrap_or(f64::NAN) as f32);
                Elements::Floats(
                    answers()
                        .flat_map(|answer| measures(&answer.summary))
                        .collect(),
                )
            }
            Self::Samples => {
                let passes = answers().next().map_or(0, |answer| answer.samples.passes());
                shape.push(passes);
                let values = answers().flat_map(|answer| answer.samples.values().iter());
                Elements::Floats(values.map(|value| *value as f32).collect())
            }
            Self::Label => Elements::Texts(predictions.iter().map(label).collect()),
            Self::Decision => Elements::Texts(
                answers()
                    .map(|answer| action(answer.decision.action))
                    .collect(),
            ),
        };
        if let Elements::Floats(values) = &elements {
            let rows: usize = shape.iter().product();
            shape.push(values.len() / rows.max(1));
        }
        (shape, elements)
    }
}

fn label(prediction: &Prediction) -> String {
    let labels = &prediction.model.manifest().labels;
    let label = labels.get(prediction.answer.summary.predicted);
    label.map(|label| label.name.clone()).unwrap_or_default()
}

fn action(action: Action) -> String {
    match ActionName::from(action) {
        ActionName::Accept => "accept".to_owned(),
        ActionName::Refer => "refer".to_owned(),
    }
}

impl<'de> Deserialize<'de> for Output {
    /// By its name.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Self::ALL.into_iter().find(|output| output.name() == name);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            D::Error::custom(format!("there is no output `{name}`, only {known}"))
        })
    }
}

impl Elements {
    /// As a list in JSON.
    pub(super) fn into_json(self) -> Value {
        match self {
            Self::Floats(values) => json!(values),
            Self::Texts(texts) => json!(texts),
        }
    }

    /// As the binary extension has them: numbers little-endian, each text after its length. Returns their size.
    pub(super) fn put(&self, bytes: &mut BytesMut) -> usize {
        let before = bytes.len();
        match self {
            Self::Floats(values) => values.iter().for_each(|value| bytes.put_f32_le(*value)),
            Self::Texts(texts) => {
                for text in texts {
                    // Names of classes and actions: far below four gigabytes.
                    bytes.put_u32_le(u32::try_from(text.len()).unwrap_or_default());
                    bytes.put_slice(text.as_bytes());
                }
            }
        }
        bytes.len() - before
    }
}
