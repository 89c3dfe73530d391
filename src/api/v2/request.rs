//! The JSON of an inference request, and the tensors behind it.

use std::{fmt, marker::PhantomData};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use super::{inputs::Data, response::OutputTensor};
use crate::api::{
    problem::{Problem, ProblemKind},
    vocabulary::MethodName,
};

/// How many bytes of the body are JSON; the rest are tensors. Without it, all are.
pub(super) const HEADER_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");

/// Longest id of a request in bytes: the answer repeats it.
const ID_BYTES: usize = 256;
/// Most axes of a tensor: twice as many as any that has a meaning here.
const MOST_AXES: usize = 8;

/// An inference request. Members that are not known here are passed over, as the protocol wants; parameters are refused.
#[derive(Deserialize)]
pub(super) struct InferRequest {
    #[serde(default, deserialize_with = "short_id")]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) parameters: InferParameters,
    pub(super) inputs: Few<RequestInput, 1>,
    #[serde(default)]
    pub(super) outputs: Outputs,
}

/// What is wanted of every image.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InferParameters {
    pub(super) method: Option<MethodName>,
    pub(super) seed: Option<u64>,
    pub(super) passes: Option<u32>,
    pub(super) policy: Option<String>,
    #[serde(default)]
    pub(super) exact: bool,
    #[serde(default)]
    pub(super) binary_data_output: bool,
}

/// A tensor of the request.
#[derive(Deserialize)]
pub(super) struct RequestInput {
    pub(super) name: String,
    pub(super) shape: Few<usize, MOST_AXES>,
    pub(super) datatype: String,
    #[serde(default)]
    pub(super) parameters: InputParameters,
    pub(super) data: Option<Data>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputParameters {
    /// Bytes of this tensor behind the JSON.
    pub(super) binary_data_size: Option<usize>,
}

/// An output that is wanted.
#[derive(Deserialize)]
pub(super) struct RequestOutput {
    #[serde(rename = "name")]
    pub(super) output: OutputTensor,
    #[serde(default)]
    pub(super) parameters: OutputParameters,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputParameters {
    /// Whether it is wanted behind the JSON; as the whole request says when absent.
    pub(super) binary_data: Option<bool>,
}

/// Cuts a body into its JSON and the tensors behind it.
pub(super) fn split(headers: &HeaderMap, body: Bytes) -> Result<(InferRequest, Bytes), Problem> {
    let length = match headers.get(HEADER_LENGTH) {
        None => body.len(),
        Some(value) => {
            let length = value.to_str().ok().and_then(|text| text.parse().ok());
            let length = length.filter(|length: &usize| *length <= body.len());
            length.ok_or_else(|| {
                malformed("Inference-Header-Content-Length is no number of bytes within the body")
            })?
        }
    };
    let (json, tensors) = (body.slice(..length), body.slice(length..));
    let mut json = serde_json::Deserializer::from_slice(&json);
    let read = serde_path_to_error::deserialize(&mut json);
    let request = read.map_err(|error| malformed(format!("the JSON cannot be read: {error}")))?;
    json.end()
        .map_err(|_| malformed("something follows the JSON of the request"))?;
    Ok((request, tensors))
}

pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::RequestMalformed, detail)
}

// Lists are refused while they are read: a small upload must not become a large one in memory.

/// A list of at most `MOST` entries.
#[derive(Default)]
pub(super) struct Few<Entry, const MOST: usize>(pub(super) Vec<Entry>);

impl<'de, Entry: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Few<Entry, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_seq(FewVisitor::<Entry, MOST>(PhantomData))
            .map(Self)
    }
}

struct FewVisitor<Entry, const MOST: usize>(PhantomData<Entry>);

impl<'de, Entry: Deserialize<'de>, const MOST: usize> Visitor<'de> for FewVisitor<Entry, MOST> {
    type Value = Vec<Entry>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {MOST}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if read.len() == MOST {
                return Err(Error::custom(format!("the list has more than {MOST}")));
            }
            read.push(entry);
        }
        Ok(read)
    }
}

/// The outputs that are asked for, each once.
#[derive(Default)]
pub(super) struct Outputs(pub(super) Vec<RequestOutput>);

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OutputsVisitor).map(Self)
    }
}

struct OutputsVisitor;

impl<'de> Visitor<'de> for OutputsVisitor {
    type Value = Vec<RequestOutput>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of outputs")
    }

    /// There are as many outputs as names, so that a list without repetitions is short.
    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read: Vec<RequestOutput> = Vec::new();
        while let Some(entry) = entries.next_element::<RequestOutput>()? {
            if read.iter().any(|earlier| earlier.output == entry.output) {
                let name = entry.output.name();
                return Err(Error::custom(format!(
                    "the output `{name}` is asked for twice"
                )));
            }
            read.push(entry);
        }
        Ok(read)
    }
}

/// An id that is short enough to be repeated.
fn short_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let id = Option::<String>::deserialize(deserializer)?;
    match id {
        Some(id) if id.len() > ID_BYTES => Err(Error::custom(format!(
            "the id has more than {ID_BYTES} bytes"
        ))),
        id => Ok(id),
    }
}
