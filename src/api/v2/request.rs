//! The JSON of an inference request, and the tensors behind it.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName},
};
use serde::Deserialize;

use super::{
    data::Data,
    lists::{Few, Outputs, short_id},
    outputs::Output,
};
use crate::api::{
    problem::{Problem, ProblemKind},
    vocabulary::MethodName,
};

/// How many bytes of the body are JSON; the rest are tensors. Without it, all are.
pub(in crate::api) const HEADER_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");

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
    pub(super) output: Output,
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
