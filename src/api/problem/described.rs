//! What the description of the interface says of problems.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses,
    openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use super::CONTENT_TYPE;

/// Any operation may answer a problem; one entry says it for all statuses.
pub(in crate::api) struct Problems;

/// The problems of an upload, status by status.
pub(in crate::api) struct UploadProblems;

const UPLOAD_PROBLEMS: [(&str, &str); 9] = [
    ("400", "No image was sent, or the request is malformed"),
    ("404", "No such model is loaded"),
    ("406", "The answer has none of the media types in `Accept`"),
    ("413", "Too many bytes or pixels"),
    ("415", "No image of a format that is read here"),
    (
        "422",
        "The image cannot be decoded, or a parameter is impossible",
    ),
    ("500", "The server made a mistake"),
    (
        "503",
        "Too much work is waiting, or the server is shutting down; `Retry-After` says when to come back",
    ),
    ("504", "The deadline passed"),
];

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let response = problem_response("The request was not answered; `type` says why");
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
