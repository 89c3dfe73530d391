//! Every kind of problem, with its status, its stable name and the kind in words.

use axum::http::StatusCode;

macro_rules! problem_kinds {
    ($($(#[$attribute:meta])* $kind:ident = $status:ident, $name:literal, $title:literal;)+) => {
        /// A kind of problem. Names and statuses are part of the interface: add, never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemKind {
            $($(#[$attribute])* $kind,)+
            /// A status that the framework chose and that has no name of ours.
            Other(StatusCode),
        }

        impl ProblemKind {
            /// The HTTP status.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Self::$kind => StatusCode::$status,)+
                    Self::Other(status) => status,
                }
            }

            /// The kind in words.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$kind => $title,)+
                    Self::Other(status) => {
                        status.canonical_reason().unwrap_or("The request was not answered")
                    }
                }
            }

            /// The stable name: a URN, since nothing is served at it.
            pub fn uri(self) -> &'static str {
                match self {
                    $(Self::$kind => concat!("urn:secondlook:problem:", $name),)+
                    // RFC 9457, section 4.2.1: the status says it all.
                    Self::Other(_) => "about:blank",
                }
            }
        }
    };
}

problem_kinds! {
    /// The request is not what its headers say, or a header is malformed.
    RequestMalformed = BAD_REQUEST, "request-malformed", "The request is malformed";
    /// No image was sent.
    ImageMissing = BAD_REQUEST, "image-missing", "No image was sent";
    /// No API key came along, or none that is known.
    Unauthorized = UNAUTHORIZED, "unauthorized", "An API key is needed";
    /// The API key does not open this.
    Forbidden = FORBIDDEN, "forbidden", "The API key does not open this";
    /// There is no such resource.
    NotFound = NOT_FOUND, "not-found", "There is nothing here";
    /// No loaded model has this name.
    ModelUnknown = NOT_FOUND, "model-unknown", "No such model is loaded";
    /// The resource does not know this HTTP method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "This resource does not know this method";
    /// The client accepts none of the media types that there are.
    NotAcceptable = NOT_ACCEPTABLE, "not-acceptable", "The answer has no media type that is accepted";
    /// The body or the image has too many bytes.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body-too-large", "The upload has too many bytes";
    /// There are too many cells in one request.
    TooManyCells = PAYLOAD_TOO_LARGE, "too-many-cells", "There are too many cells in one request";
    /// The image declares too many pixels.
    ImageTooManyPixels = PAYLOAD_TOO_LARGE, "image-too-many-pixels", "The image has too many pixels";
    /// The body is no image of a format that is read.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "This is no image of a format that is read here";
    /// The image is damaged or uses a variant of its format that is not read.
    ImageUndecodable = UNPROCESSABLE_ENTITY, "image-undecodable", "The image cannot be decoded";
    /// A nucleus does not lie on its field.
    NucleusOutside = UNPROCESSABLE_ENTITY, "nucleus-outside", "The nucleus does not lie on the field";
    /// A parameter is unknown or its value impossible.
    ParameterInvalid = UNPROCESSABLE_ENTITY, "parameter-invalid", "A parameter is impossible";
    /// The answer could have too many bytes.
    AnswerTooLarge = UNPROCESSABLE_ENTITY, "answer-too-large", "The answer would be too large";
    /// This client has asked too often.
    RateLimited = TOO_MANY_REQUESTS, "rate-limited", "Too many requests";
    /// Our mistake.
    Internal = INTERNAL_SERVER_ERROR, "internal", "The server made a mistake";
    /// Too much work is waiting.
    Busy = SERVICE_UNAVAILABLE, "busy", "Too much work is waiting";
    /// The server is shutting down.
    Draining = SERVICE_UNAVAILABLE, "draining", "The server is shutting down";
    /// The request's deadline passed.
    DeadlinePassed = GATEWAY_TIMEOUT, "deadline-passed", "The deadline passed";
}

impl ProblemKind {
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
