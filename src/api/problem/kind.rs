//! Every kind of problem, with its stable name and its status.

use axum::http::StatusCode;

/// A kind of problem. Names and statuses are part of the interface: add, never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The request is not what its headers say, or a header is malformed.
    RequestMalformed,
    /// No image was sent.
    ImageMissing,
    /// No API key came along, or none that is known.
    Unauthorized,
    /// The API key does not open this.
    Forbidden,
    /// There is no such resource.
    NotFound,
    /// No loaded model has this name.
    ModelUnknown,
    /// The resource does not know this HTTP method.
    MethodNotAllowed,
    /// The client accepts none of the media types that there are.
    NotAcceptable,
    /// The body or the image has too many bytes.
    BodyTooLarge,
    /// There are too many cells in one request.
    TooManyCells,
    /// The image declares too many pixels.
    ImageTooManyPixels,
    /// The body is no image of a format that is read.
    UnsupportedMediaType,
    /// The image is damaged or uses a variant of its format that is not read.
    ImageUndecodable,
    /// A nucleus does not lie on its field.
    NucleusOutside,
    /// A parameter is unknown or its value impossible.
    ParameterInvalid,
    /// The answer could have too many bytes.
    AnswerTooLarge,
    /// This client has asked too often.
    RateLimited,
    /// Our mistake.
    Internal,
    /// Too much work is waiting.
    Busy,
    /// The server is shutting down.
    Draining,
    /// The request's deadline passed.
    DeadlinePassed,
    /// A status that the framework chose and that has no name of ours.
    Other(StatusCode),
}

impl ProblemKind {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::RequestMalformed | Self::ImageMissing => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound | Self::ModelUnknown => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::BodyTooLarge | Self::TooManyCells | Self::ImageTooManyPixels => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ImageUndecodable
            | Self::NucleusOutside
            | Self::ParameterInvalid
            | Self::AnswerTooLarge => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::DeadlinePassed => StatusCode::GATEWAY_TIMEOUT,
            Self::Other(status) => status,
        }
    }

    /// The kind in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::RequestMalformed => "The request is malformed",
            Self::ImageMissing => "No image was sent",
            Self::Unauthorized => "An API key is needed",
            Self::Forbidden => "The API key does not open this",
            Self::NotFound => "There is nothing here",
            Self::ModelUnknown => "No such model is loaded",
            Self::MethodNotAllowed => "This resource does not know this method",
            Self::NotAcceptable => "The answer has no media type that is accepted",
            Self::TooManyCells => "There are too many cells in one request",
            Self::BodyTooLarge => "The upload has too many bytes",
            Self::ImageTooManyPixels => "The image has too many pixels",
            Self::UnsupportedMediaType => "This is no image of a format that is read here",
            Self::ImageUndecodable => "The image cannot be decoded",
            Self::NucleusOutside => "The nucleus does not lie on the field",
            Self::ParameterInvalid => "A parameter is impossible",
            Self::AnswerTooLarge => "The answer would be too large",
            Self::RateLimited => "Too many requests",
            Self::Internal => "The server made a mistake",
            Self::Busy => "Too much work is waiting",
            Self::Draining => "The server is shutting down",
            Self::DeadlinePassed => "The deadline passed",
            Self::Other(status) => status
                .canonical_reason()
                .unwrap_or("The request was not answered"),
        }
    }

    /// The stable name: a URN, since nothing is served at it.
    pub fn uri(self) -> String {
        let name = match self {
            Self::RequestMalformed => "request-malformed",
            Self::ImageMissing => "image-missing",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::ModelUnknown => "model-unknown",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotAcceptable => "not-acceptable",
            Self::TooManyCells => "too-many-cells",
            Self::BodyTooLarge => "body-too-large",
            Self::ImageTooManyPixels => "image-too-many-pixels",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::ImageUndecodable => "image-undecodable",
            Self::NucleusOutside => "nucleus-outside",
            Self::ParameterInvalid => "parameter-invalid",
            Self::AnswerTooLarge => "answer-too-large",
            Self::RateLimited => "rate-limited",
            Self::Internal => "internal",
            Self::Busy => "busy",
            Self::Draining => "draining",
            Self::DeadlinePassed => "deadline-passed",
            // RFC 9457, section 4.2.1: the status says it all.
            Self::Other(_) => return "about:blank".to_owned(),
        };
        format!("urn:secondlook:problem:{name}")
    }

    /// The kind that a bare response of the framework stands for.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::RequestMalformed,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            other => Self::Other(other),
        }
    }
}
