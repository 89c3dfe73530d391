//! The description of the interface, generated from the code: OpenAPI 3.1.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::Json;
use serde::Deserialize;
use utoipa::{
    IntoResponses, OpenApi, ToSchema,
    openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use super::{
    middleware,
    problem::{self, ProblemBody},
    router::documented_routes,
};

/// What is written by hand; paths and schemas are collected from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "secondlook",
        description = "Classifies cervical-cell images and says how far each answer can be trusted. Every answer is a suggestion, never a diagnosis.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "predictions", description = "Classify cells"),
        (name = "models", description = "What is loaded"),
        (name = "operations", description = "For those who run it"),
    ),
    components(schemas(ProblemBody, super::vocabulary::MethodName, super::vocabulary::PriorityName, super::predictions::Include)),
)]
struct Document;

/// The encoded bytes of an image.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
#[allow(dead_code, reason = "only its description is used")]
pub(super) struct ImageBytes(Vec<u8>);

/// Any operation may answer a problem; one entry says it for all statuses.
pub(super) struct Problems;

/// The problems of an upload, status by status.
pub(super) struct UploadProblems;

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

pub(super) fn problem_response(description: &str) -> RefOr<openapi::Response> {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content(problem::CONTENT_TYPE, content)
        .build()
        .into()
}

/// The whole document.
pub fn document() -> openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(documented_routes().into_openapi());
    middleware::describe(&mut document);
    document
}

/// The document as it lies in the repository as `openapi.yaml`.
///
/// # Errors
/// When the document cannot be written as YAML, which is a mistake of ours.
pub fn yaml() -> Result<String, impl std::error::Error + Send + Sync + 'static> {
    document().to_yaml()
}

/// `GET /openapi.json`.
pub(super) async fn json() -> Json<&'static openapi::OpenApi> {
    static DOCUMENT: LazyLock<openapi::OpenApi> = LazyLock::new(document);
    Json(&DOCUMENT)
}
