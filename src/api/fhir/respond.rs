//! A resource as a response.

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::api::accept::AnswerForm;

/// A resource, under FHIR's media type.
pub(in crate::api) struct FhirJson<Resource>(pub(in crate::api) Resource);

impl<Resource: Serialize> IntoResponse for FhirJson<Resource> {
    fn into_response(self) -> Response {
        let content_type = [(header::CONTENT_TYPE, AnswerForm::Fhir.media_type())];
        (content_type, Json(self.0)).into_response()
    }
}
