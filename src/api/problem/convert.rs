//! What the other rooms say went wrong, in the words of HTTP.

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
                .hint("leave `passes` out for the usual number of the method"),
            EngineError::UnknownPolicy { .. } => Self::parameter("policy", detail)
                .hint("GET /v1/models/{name} lists the policies of the model"),
            EngineError::NoViewsOfTensor => Self::parameter("method", detail),
            EngineError::Tensor { .. } => Self::parameter("image", detail),
            EngineError::Scale { field, .. } => Self::parameter(field, detail),
            EngineError::QueueFull { retry_after } => Self::busy(detail, retry_after),
            EngineError::NotInTime { retry_after } => Self::new(ProblemKind::Busy, detail)
                .retry_after(retry_after)
                .hint("allow more time, or wait as long as Retry-After says"),
            EngineError::DeadlineTooShort { .. } => Self::new(ProblemKind::DeadlinePassed, detail)
                .hint("allow more time, or ask for fewer passes"),
            EngineError::DeadlinePassed => Self::new(ProblemKind::DeadlinePassed, detail)
                .hint("allow more time, upload faster, or ask for fewer passes"),
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
                "positions are pixels of the image that was sent, counted from its upper left corner",
            ),
            ProblemKind::ImageTooManyPixels => {
                problem.hint("cut the cell out of the field and send the crop")
            }
            ProblemKind::ImageUndecodable if is_of_another_kind => problem.hint(
                "the same file will be refused again: save the image as the detail says, and send that",
            ),
            ProblemKind::ImageUndecodable => {
                problem.hint(format!("check that the upload is complete, or {FORMATS}"))
            }
            _ => problem.hint(FORMATS),
        }
    }
}

impl Problem {
    /// A query parameter is impossible.
    pub(in crate::api) fn parameter(field: &str, detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::ParameterInvalid, detail).field(field)
    }

    /// There is no room now; `wait` is when there may be some.
    pub(in crate::api) fn busy(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(ProblemKind::Busy, detail)
            .retry_after(wait)
            .hint("wait as long as Retry-After says, then send the same request again")
    }

    /// The server is shutting down.
    pub(in crate::api) fn draining() -> Self {
        Self::new(
            ProblemKind::Draining,
            "the server is shutting down and takes no new work",
        )
        .hint("send the request to another instance, or again in a few seconds")
        .retry_after(Duration::from_secs(5))
    }

    /// Our mistake: the cause goes to the log, the client hears only that there was one.
    fn internal(cause: &RunError) -> Self {
        error!(error = %cause, "the engine failed");
        Self::mistake_of_ours()
    }

    /// What a client hears of a mistake whose cause was logged.
    pub(in crate::api) fn mistake_of_ours() -> Self {
        Self::new(
            ProblemKind::Internal,
            "the request could not be answered, and the cause was logged",
        )
        .hint("report the request_id to whoever runs this server")
    }
}
