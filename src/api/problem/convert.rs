//! From the engine's errors to problems.

use std::time::Duration;

use tracing::error;

use super::{Problem, ProblemKind};
use engine::{EngineError, RunError};
use imaging::ImageError;

const FORMATS: &str = "send JPEG, PNG, TIFF, BMP or WebP";

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::Image(error) => error.into(),
            EngineError::UnknownModel { .. } => Self::new(ProblemKind::ModelUnknown, detail)
                .field("model")
                .hint("GET /v1/models lists the loaded models"),
            EngineError::UnsupportedMethod { .. } => Self::parameter("method", detail)
                .hint("GET /v1/models/{name} lists the methods of the model"),
            EngineError::InvalidPasses { .. } => Self::parameter("passes", detail)
                .hint("/docs lists the parameters and their values"),
            EngineError::UnknownPolicy { .. } => Self::parameter("policy", detail)
                .hint("GET /v1/models/{name} lists the policies of the model"),
            EngineError::NoViewsOfTensor => Self::parameter("method", detail),
            EngineError::Tensor { .. } => Self::parameter("image", detail),
            EngineError::Scale { field, .. } => Self::parameter(field, detail),
            EngineError::QueueFull { retry_after } => Self::busy(detail, retry_after),
            EngineError::NotInTime { retry_after } => Self::new(ProblemKind::Busy, detail)
                .retry_after(retry_after)
                .hint("allow more time, or wait for the seconds in Retry-After"),
            EngineError::DeadlineTooShort { .. } => Self::new(ProblemKind::DeadlinePassed, detail)
                .hint("allow more time, or request fewer passes"),
            EngineError::DeadlinePassed => Self::new(ProblemKind::DeadlinePassed, detail)
                .hint("allow more time, upload faster, or request fewer passes"),
            EngineError::Draining => Self::draining(),
            EngineError::Runtime(error) => Self::internal(&error),
        }
    }
}

impl From<ImageError> for Problem {
    fn from(error: ImageError) -> Self {
        let is_of_another_kind = matches!(error, ImageError::NotRead { .. });
        let kind = match error {
            ImageError::Empty => ProblemKind::ImageMissing,
            ImageError::TooLarge { .. } => ProblemKind::BodyTooLarge,
            ImageError::TooManyPixels { .. } => ProblemKind::ImageTooManyPixels,
            ImageError::NucleusOutside { .. } => ProblemKind::NucleusOutside,
            ImageError::UnsupportedFormat => ProblemKind::UnsupportedMediaType,
            _ => ProblemKind::ImageUndecodable,
        };
        let problem = Self::new(kind, error.to_string()).field("image");
        match kind {
            ProblemKind::NucleusOutside => problem.field("nuclei").hint(
                "send positions in pixels of the uploaded image, counted from its upper left corner",
            ),
            ProblemKind::ImageTooManyPixels => {
                problem.hint("crop the cell from the field and send the crop")
            }
            ProblemKind::ImageUndecodable if is_of_another_kind => problem.hint(
                "save the image as the detail says, then send it; the same file will be refused again",
            ),
            ProblemKind::ImageUndecodable => {
                problem.hint(format!("check that the upload is complete, or {FORMATS}"))
            }
            _ => problem.hint(FORMATS),
        }
    }
}

impl Problem {
    /// A parameter with an impossible value.
    pub(in crate::api) fn parameter(field: &str, detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::ParameterInvalid, detail).field(field)
    }

    /// The server is busy; `wait` says when to try again.
    pub(in crate::api) fn busy(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(ProblemKind::Busy, detail)
            .retry_after(wait)
            .hint("wait for the seconds in Retry-After, then send the same request again")
    }

    /// The server is shutting down.
    pub(in crate::api) fn draining() -> Self {
        Self::new(
            ProblemKind::Draining,
            "the server is shutting down and accepts no new work",
        )
        .hint("send the request to another instance, or again in a few seconds")
        .retry_after(Duration::from_secs(5))
    }

    /// A bug: the cause goes to the log only.
    fn internal(cause: &RunError) -> Self {
        error!(error = %cause, "the engine failed");
        Self::internal_error()
    }

    /// The problem for a bug whose cause is logged.
    pub(in crate::api) fn internal_error() -> Self {
        Self::new(
            ProblemKind::Internal,
            "the request failed because of an error in the server",
        )
        .hint("report the request_id to the operator of this server: the log has the cause")
    }
}
