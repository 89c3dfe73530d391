//! From answers to a response and its tensors.

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::request::{HEADER_LENGTH, InferRequest, refused};
use crate::api::{
    head::{NUMBER_BYTES, bytes_of_text},
    vocabulary::{ActionName, word},
};
use bundle::Label;
use engine::{LoadedModel, Prediction};
use uncertainty::Measure;

/// A tensor of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputTensor {
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

/// Bytes of an answer beside its tensors, rounded up: id, model and the tensors' names.
const ENVELOPE_BYTES: usize = 4096;

/// The elements of a tensor.
enum Elements {
    Floats(Vec<f32>),
    Texts(Vec<String>),
}

impl OutputTensor {
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

    /// Largest number of bytes of the tensor, behind the JSON or in it.
    pub(super) fn most_bytes(
        self,
        (images, samples): (usize, usize),
        labels: &[Label],
        is_binary: bool,
    ) -> usize {
        let number = if is_binary { FLOAT_BYTES } else { NUMBER_BYTES };
        let names = labels.iter().map(|label| bytes_of_text(&label.name));
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

    /// The shape, with −1 for axes that depend on the request.
    pub(super) fn shape(self, classes: usize) -> Value {
        match self {
            Self::Probabilities => json!([-1, classes]),
            Self::Uncertainty => json!([-1, MEASURES.len()]),
            Self::Samples => json!([-1, -1, classes]),
            Self::Label | Self::Decision => json!([-1]),
        }
    }

    /// The names of the last axis.
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
    fn of(self, predictions: &[Prediction]) -> (Vec<usize>, Elements) {
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
                let values = answers().flat_map(|answer| measures(&answer.summary));
                Elements::Floats(values.collect())
            }
            Self::Samples => {
                let passes = answers().next().map_or(0, |answer| answer.samples.passes());
                shape.push(passes);
                let values = answers().flat_map(|answer| answer.samples.values().iter());
                Elements::Floats(values.map(|value| *value as f32).collect())
            }
            Self::Label => Elements::Texts(predictions.iter().map(label).collect()),
            Self::Decision => {
                let actions = answers().map(|answer| ActionName::from(answer.decision.action));
                Elements::Texts(actions.map(|action| word(&action)).collect())
            }
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

impl<'de> Deserialize<'de> for OutputTensor {
    /// By its name.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Self::ALL.into_iter().find(|output| output.name() == name);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            refused(format!(
                "there is no output `{name}`, expected one of {known}"
            ))
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

    /// Appends the elements in the form of the binary extension: numbers little-endian, each text
    /// after its length. Returns their size.
    pub(super) fn put(&self, bytes: &mut BytesMut) -> usize {
        let before = bytes.len();
        match self {
            Self::Floats(values) => values.iter().for_each(|value| bytes.put_f32_le(*value)),
            Self::Texts(texts) => {
                for text in texts {
                    // Names of classes and actions are far below four gigabytes.
                    bytes.put_u32_le(u32::try_from(text.len()).unwrap_or_default());
                    bytes.put_slice(text.as_bytes());
                }
            }
        }
        bytes.len() - before
    }
}

/// The outputs, each with whether it goes behind the JSON.
pub(super) struct WantedOutputs {
    outputs: Vec<(OutputTensor, bool)>,
}

impl WantedOutputs {
    /// The requested outputs; all of them if none is requested.
    pub(super) fn of(request: &InferRequest) -> Self {
        let binary = request.parameters.binary_data_output;
        let asked = request.outputs.0.iter().map(|asked| {
            let binary = asked.parameters.binary_data.unwrap_or(binary);
            (asked.output, binary)
        });
        let mut outputs: Vec<_> = asked.collect();
        if outputs.is_empty() {
            outputs.extend(OutputTensor::ALL.map(|output| (output, binary)));
        }
        Self { outputs }
    }

    /// Whether the samples are among them.
    pub(super) fn has_samples(&self) -> bool {
        let mut outputs = self.outputs.iter();
        outputs.any(|(output, _)| *output == OutputTensor::Samples)
    }

    /// Largest number of bytes of the answer, for `extent` images and samples of each.
    pub(super) fn most_bytes(&self, extent: (usize, usize), labels: &[Label]) -> usize {
        let outputs = self.outputs.iter();
        outputs
            .map(|(output, binary)| output.most_bytes(extent, labels, *binary))
            .fold(ENVELOPE_BYTES, usize::saturating_add)
    }

    pub(super) fn response(
        &self,
        model: &LoadedModel,
        id: Option<String>,
        predictions: &[Prediction],
    ) -> Response {
        let mut tensors = BytesMut::new();
        let outputs: Vec<Value> = self
            .outputs
            .iter()
            .map(|(output, binary)| {
                let (shape, elements) = output.of(predictions);
                let (key, values) = if *binary {
                    let size = elements.put(&mut tensors);
                    ("parameters", json!({ "binary_data_size": size }))
                } else {
                    ("data", elements.into_json())
                };
                json!({
                    "name": output.name(),
                    "datatype": output.datatype(),
                    "shape": shape,
                    key: values,
                })
            })
            .collect();
        let mut answer = json!({
            "model_name": model.name(),
            "model_version": model.manifest().version,
            "outputs": outputs,
        });
        if let (Some(id), Some(fields)) = (id, answer.as_object_mut()) {
            fields.insert("id".to_owned(), json!(id));
        }
        if !self.outputs.iter().any(|(_, binary)| *binary) {
            return Json(answer).into_response();
        }
        let json = answer.to_string();
        let headers = [
            (HEADER_LENGTH, json.len().to_string()),
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        ];
        (headers, [json.as_bytes(), &tensors].concat()).into_response()
    }
}
