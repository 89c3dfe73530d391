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

/// How many bytes of the body are JSON; the rest are tensors. Without this header all are.
pub(super) const HEADER_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");

/// Longest id of a request in bytes. The answer repeats it.
const ID_BYTES: usize = 256;
/// Largest number of axes of a tensor: twice as many as are used here.
const MOST_AXES: usize = 8;

/// An inference request. Unknown members are ignored, as the protocol requires; unknown parameters
/// are refused.
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

/// The parameters of the request. They hold for every image.
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

/// A requested output.
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
    /// Whether to send it behind the JSON. Default: `binary_data_output` of the request.
    pub(super) binary_data: Option<bool>,
}

/// Splits a body into its JSON and the tensors behind it.
pub(super) fn split(headers: &HeaderMap, body: Bytes) -> Result<(InferRequest, Bytes), Problem> {
    let length = match headers.get(HEADER_LENGTH) {
        None => body.len(),
        Some(value) => {
            let length = value.to_str().ok().and_then(|text| text.parse().ok());
            let length = length.filter(|length: &usize| *length <= body.len());
            length.ok_or_else(|| {
                malformed(format!(
                    "Inference-Header-Content-Length: expected a number of bytes from 0 to the length of the body, {}",
                    body.len()
                ))
            })?
        }
    };
    let (json, tensors) = (body.slice(..length), body.slice(length..));
    let mut json = serde_json::Deserializer::from_slice(&json);
    let read = serde_path_to_error::deserialize(&mut json);
    let request = read.map_err(|error| malformed(unreadable(&error)))?;
    json.end()
        .map_err(|_| malformed("the JSON of the request is complete, but more bytes follow it"))?;
    Ok((request, tensors))
}

/// Marks what this module says of a request, so that it is told apart from the JSON reader's text.
const OWN: char = '\u{2}';

/// An error of the JSON reader with a text for the client.
pub(super) fn refused<E: Error>(detail: impl fmt::Display) -> E {
    E::custom(format!("{OWN}{detail}{OWN}"))
}

/// What is wrong with the JSON, from the path of the error, such as `inputs[0].shape`.
fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let inner = error.inner();
    if !inner.is_data() {
        let (line, column) = (inner.line(), inner.column());
        return format!("line {line}, column {column}: this is not valid JSON");
    }
    let path = error.path().to_string();
    let said = inner.to_string();
    if let Some(own) = said.split(OWN).nth(1) {
        return own.to_owned();
    }
    let parameters = [
        "method",
        "passes",
        "seed",
        "policy",
        "exact",
        "binary_data_output",
    ];
    let name = path.strip_prefix("parameters.").unwrap_or_default();
    if !name.is_empty() && !parameters.contains(&name) {
        return format!("`{path}` is not known, expected {}", parameters.join(", "));
    }
    let last = path.rsplit('.').next().unwrap_or_default();
    let expected = match last.split('[').next().unwrap_or_default() {
        "" => "an object with `inputs`",
        "inputs" if last == "inputs" => "a list with one input",
        "inputs" => "an object with `name`, `shape` and `datatype`",
        "outputs" if last == "outputs" => "a list of outputs",
        "outputs" => "an object with `name`",
        "shape" => "a list of whole numbers, such as [1]",
        "data" => "a list of numbers or of texts",
        "parameters" => "an object with parameters",
        "id" | "name" | "datatype" | "policy" => "a text",
        "method" => "one of baseline, mc_dropout, ensemble, tta",
        "passes" => "a whole number, such as 50",
        "seed" => "a whole number, such as 7",
        "exact" | "binary_data" | "binary_data_output" => "true or false",
        "binary_data_size" => "a number of bytes",
        _ => return format!("`{path}` is not known"),
    };
    let found = found(&said);
    match path.as_str() {
        "." => format!("the JSON: expected {expected}, found {found}"),
        path => format!("`{path}`: expected {expected}, found {found}"),
    }
}

/// The value that the JSON reader names, such as `guess` in "unknown variant `guess`, expected …".
fn found(said: &str) -> String {
    let after = |start: &str, end: char| {
        let value = said.strip_prefix(start)?.split(end).next()?;
        Some(format!("`{value}`"))
    };
    after("unknown variant `", '`')
        .or_else(|| after("invalid type: string \"", '"'))
        .or_else(|| after("invalid type: integer `", '`'))
        .or_else(|| after("invalid value: integer `", '`'))
        .or_else(|| after("invalid type: floating point `", '`'))
        .or_else(|| after("invalid type: boolean `", '`'))
        .unwrap_or_else(|| "something else".to_owned())
}

pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::RequestMalformed, detail)
}

// Lists are refused while they are read, so that a small upload does not become large in memory.

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
                return Err(refused(format!(
                    "a list has more than {MOST} entries, at most {MOST} are accepted"
                )));
            }
            read.push(entry);
        }
        Ok(read)
    }
}

/// The requested outputs, each once.
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

    /// A list without repetitions is as short as the list of outputs.
    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read: Vec<RequestOutput> = Vec::new();
        while let Some(entry) = entries.next_element::<RequestOutput>()? {
            if read.iter().any(|earlier| earlier.output == entry.output) {
                let name = entry.output.name();
                return Err(refused(format!("the output `{name}` is requested twice")));
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
        Some(id) if id.len() > ID_BYTES => {
            Err(refused(format!("`id` has more than {ID_BYTES} bytes")))
        }
        id => Ok(id),
    }
}
