//! Problems in the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses,
    openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use super::CONTENT_TYPE;

/// The default response of every operation.
pub(in crate::api) struct Problems;

/// The responses of routes with an upload, by status.
pub(in crate::api) struct UploadProblems;

const UPLOAD_PROBLEMS: [(&str, &str); 9] = [
    ("400", "No image was sent, or the request is malformed"),
    ("404", "No model of this name is loaded"),
    ("406", "`Accept` names no media type of this route"),
    ("413", "Too many bytes or pixels"),
    ("415", "The upload is not an image of a supported format"),
    (
        "422",
        "The image cannot be decoded, or a parameter has an impossible value",
    ),
    ("500", "Internal error of the server"),
    (
        "503",
        "Too much work is waiting, or the server is shutting down; `Retry-After` says when to try again",
    ),
    ("504", "The deadline passed"),
];

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let response = problem_response("The request failed; `type` says why");
        BTreeMap::from([("default".to_owned(), response)])
    }
}

impl IntoResponses for UploadProblems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let named = UPLOAD_PROBLEMS
            .into_iter()
            .map(|(status, description)| (status.to_owned(), problem_response(description)));
        named.chain(Problems::responses()).collect()
    }
}

pub(in crate::api) fn problem_response(description: &str) -> RefOr<openapi::Response> {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content(CONTENT_TYPE, content)
        .build()
        .into()
}
