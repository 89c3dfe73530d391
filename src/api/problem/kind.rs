//! Every kind of problem, with its status, its stable name and its title.

use axum::http::StatusCode;

macro_rules! problem_kinds {
    ($($(#[$attribute:meta])* $kind:ident = $status:ident, $name:literal, $title:literal;)+) => {
        /// A kind of problem. Names and statuses are part of the interface: new ones may be added,
        /// existing ones do not change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemKind {
            $($(#[$attribute])* $kind,)+
            /// A status of the framework without a name of ours.
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

            /// The title, the same for every problem of the kind.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$kind => $title,)+
                    Self::Other(status) => {
                        status.canonical_reason().unwrap_or("The request failed")
                    }
                }
            }

            /// The stable name. It is a URN, because no page describes it.
            pub fn uri(self) -> &'static str {
                match self {
                    $(Self::$kind => concat!("urn:secondlook:problem:", $name),)+
                    // RFC 9457, section 4.2.1: the problem has no meaning beyond its status.
                    Self::Other(_) => "about:blank",
                }
            }
        }
    };
}

problem_kinds! {
    /// The request does not match its headers, or a header is malformed.
    RequestMalformed = BAD_REQUEST, "request-malformed", "The request is malformed";
    /// No image was sent.
    ImageMissing = BAD_REQUEST, "image-missing", "No image was sent";
    /// The API key is missing or unknown.
    Unauthorized = UNAUTHORIZED, "unauthorized", "The API key is missing or unknown";
    /// The API key lacks the scope.
    Forbidden = FORBIDDEN, "forbidden", "The API key lacks the scope";
    /// There is no such resource.
    NotFound = NOT_FOUND, "not-found", "There is no such route";
    /// No loaded model has this name.
    ModelUnknown = NOT_FOUND, "model-unknown", "No model of this name is loaded";
    /// The route does not accept this HTTP method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The route does not accept this method";
    /// The client accepts none of the route's media types.
    NotAcceptable = NOT_ACCEPTABLE, "not-acceptable", "Accept names no media type of this route";
    /// The body or the image has too many bytes.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body-too-large", "The upload has too many bytes";
    /// One request has too many cells.
    TooManyCells = PAYLOAD_TOO_LARGE, "too-many-cells", "The request has too many cells";
    /// The image declares too many pixels.
    ImageTooManyPixels = PAYLOAD_TOO_LARGE, "image-too-many-pixels", "The image has too many pixels";
    /// The body is not an image of a supported format.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The upload is not an image of a supported format";
    /// The image is damaged or uses an unsupported variant of its format.
    ImageUndecodable = UNPROCESSABLE_ENTITY, "image-undecodable", "The image cannot be decoded";
    /// A nucleus is outside its field.
    NucleusOutside = UNPROCESSABLE_ENTITY, "nucleus-outside", "The nucleus is outside the field";
    /// A parameter is unknown or has an impossible value.
    ParameterInvalid = UNPROCESSABLE_ENTITY, "parameter-invalid", "A parameter is unknown or has an impossible value";
    /// The answer could have too many bytes.
    AnswerTooLarge = UNPROCESSABLE_ENTITY, "answer-too-large", "The answer would be too large";
    /// The API key is over its rate limit.
    RateLimited = TOO_MANY_REQUESTS, "rate-limited", "Too many requests";
    /// A bug in the server.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Internal error of the server";
    /// Too much work is waiting.
    Busy = SERVICE_UNAVAILABLE, "busy", "Too much work is waiting";
    /// The server is shutting down.
    Draining = SERVICE_UNAVAILABLE, "draining", "The server is shutting down";
    /// The request's deadline passed.
    DeadlinePassed = GATEWAY_TIMEOUT, "deadline-passed", "The deadline passed";
}

impl ProblemKind {
    /// The kind for a bare response of the framework.
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
