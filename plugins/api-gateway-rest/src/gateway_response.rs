//! Gateway responses: the API's own answers, and how the configuration changes them.
//!
//! A change applies to one type, or with `DEFAULT_4XX` and `DEFAULT_5XX` to all types with such a status that have none
//! of their own. A body is a template in which `$context.error.message`, `$context.error.messageString` (with quotes),
//! `$context.error.validationErrorString` (without quotes, escaped for a JSON string), `$context.error.responseType`,
//! `$context.requestId` and `$context.stage` are filled in.

use alloc::format;
use alloc::string::String;

use http_event::apigw_id::request_id;
use http_event::contract::{Response, ResponseBody};
use http_event::json::read;
use http_event::json::write::quoted;

use crate::state::{Changed, State, pairs};

/// Why the API answers instead of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayResponse {
    /// No method matches.
    MissingAuthenticationToken,
    /// Not a path of this stage, which AWS refuses before it knows the API.
    Forbidden,
    /// The method requires an API key, and the request has none that is known.
    InvalidApiKey,
    /// The request does not identify its caller, or not with a valid token.
    Unauthorized,
    /// The token has expired.
    ExpiredToken,
    /// The caller may not do this; whether a statement of the authorizer's policy says so explicitly.
    AccessDenied(bool),
    /// The authorizer's function failed.
    AuthorizerFailure,
    /// The authorizer's function cannot be invoked, or its result is not valid.
    AuthorizerConfigurationError,
    /// The ARN that a policy would be compared with is too long.
    ArnTooLong,
    /// A parameter that the method requires is missing.
    BadRequestParameters(String),
    /// The body is not what the method's model requires: what is wrong with it.
    BadRequestBody(String),
    /// The request line is too long.
    UriTooLong,
    /// The headers are too long.
    HeadersTooLarge,
    /// A throttle refuses the request.
    Throttled,
    /// The quota of the API key is used up.
    QuotaExceeded,
    /// The body is not JSON, and a mapping template needs JSON: AWS's message.
    BadRequestJson(String),
    /// The integration has no template for the content type, and does not pass bodies on.
    UnsupportedMediaType,
    /// The integration cannot be used as it is configured, or its function cannot be invoked.
    Internal,
    /// The server behind an HTTP proxy integration cannot be reached.
    IntegrationFailure,
    /// The body, or the event made of the request, is too large.
    RequestTooLarge,
    /// The function did not answer within the integration's timeout.
    IntegrationTimeout,
    /// The function failed, or returned something that is not a response.
    BadGateway,
    /// A result that is to be decoded is not Base64.
    ApiConfigurationError,
}

impl GatewayResponse {
    /// The type, the status code, the error type in the header, and the message. Empty: AWS has none.
    fn defaults(&self) -> (&'static str, u16, &'static str, String) {
        let message = |text: &str| String::from(text);
        match self {
            Self::MissingAuthenticationToken => (
                "MISSING_AUTHENTICATION_TOKEN",
                403,
                "MissingAuthenticationTokenException",
                message("Missing Authentication Token"),
            ),
            Self::Forbidden => ("", 403, "ForbiddenException", message("Forbidden")),
            Self::InvalidApiKey => (
                "INVALID_API_KEY",
                403,
                "ForbiddenException",
                message("Forbidden"),
            ),
            Self::Unauthorized => (
                "UNAUTHORIZED",
                401,
                "UnauthorizedException",
                message("Unauthorized"),
            ),
            Self::ExpiredToken => (
                "EXPIRED_TOKEN",
                401,
                "UnauthorizedException",
                message("The incoming token has expired"),
            ),
            Self::AccessDenied(is_explicit) => (
                "ACCESS_DENIED",
                403,
                "AccessDeniedException",
                message(match is_explicit {
                    false => "User is not authorized to access this resource",
                    true => "User is not authorized to access this resource with an explicit deny",
                }),
            ),
            Self::AuthorizerFailure => (
                "AUTHORIZER_FAILURE",
                500,
                "AuthorizerFailureException",
                String::new(),
            ),
            Self::AuthorizerConfigurationError => (
                "AUTHORIZER_CONFIGURATION_ERROR",
                500,
                "AuthorizerConfigurationException",
                String::new(),
            ),
            Self::ArnTooLong => (
                "",
                414,
                "BadRequestException",
                message("Request URI too long"),
            ),
            Self::BadRequestParameters(names) => (
                "BAD_REQUEST_PARAMETERS",
                400,
                "BadRequestException",
                format!("Missing required request parameters: [{names}]"),
            ),
            Self::BadRequestBody(_) => (
                "BAD_REQUEST_BODY",
                400,
                "BadRequestException",
                message("Invalid request body"),
            ),
            Self::UriTooLong => ("", 414, "BadRequestException", message("URI Too Long")),
            Self::HeadersTooLarge => (
                "",
                431,
                "BadRequestException",
                message("Request Header Fields Too Large"),
            ),
            Self::Throttled => (
                "THROTTLED",
                429,
                "TooManyRequestsException",
                message("Too Many Requests"),
            ),
            Self::QuotaExceeded => (
                "QUOTA_EXCEEDED",
                429,
                "LimitExceededException",
                message("Limit Exceeded"),
            ),
            Self::BadRequestJson(text) => {
                ("BAD_REQUEST_BODY", 400, "BadRequestException", text.clone())
            }
            Self::UnsupportedMediaType => (
                "UNSUPPORTED_MEDIA_TYPE",
                415,
                "UnsupportedMediaTypeException",
                message("Unsupported Media Type"),
            ),
            Self::Internal => (
                "DEFAULT_5XX",
                500,
                "InternalServerErrorException",
                message("Internal server error"),
            ),
            Self::IntegrationFailure => (
                "INTEGRATION_FAILURE",
                504,
                "InternalServerErrorException",
                message("Network error communicating with endpoint"),
            ),
            Self::RequestTooLarge => (
                "REQUEST_TOO_LARGE",
                413,
                "RequestTooLargeException",
                message("Request Too Long"),
            ),
            Self::IntegrationTimeout => (
                "INTEGRATION_TIMEOUT",
                504,
                "InternalServerErrorException",
                message("Endpoint request timed out"),
            ),
            Self::BadGateway => (
                "DEFAULT_5XX",
                502,
                "InternalServerErrorException",
                message("Internal server error"),
            ),
            Self::ApiConfigurationError => (
                "API_CONFIGURATION_ERROR",
                500,
                "InternalServerErrorException",
                message("Internal server error"),
            ),
        }
    }

    /// The response, without the trace: AWS does not return it here.
    pub fn response(&self, state: &State<'_>, uuid: &str) -> Response {
        let (kind, status, error_type, message) = self.defaults();
        let changed = changed(state, kind, status);
        let status = changed
            .and_then(|changed| changed.status.parse().ok())
            .unwrap_or(status);
        let template = changed.map(|changed| changed.body).unwrap_or_default();
        let faults = match self {
            Self::BadRequestBody(faults) => quoted(faults),
            _ => quoted(""),
        };
        // AWS has no message for failures of authorizers.
        let message_json = match message.as_str() {
            "" => String::from("null"),
            message => quoted(message),
        };
        let body = if template.is_empty() {
            // As recorded, these have no space after the colon.
            let space = match self {
                Self::MissingAuthenticationToken
                | Self::Forbidden
                | Self::InvalidApiKey
                | Self::Unauthorized
                | Self::ExpiredToken
                | Self::AccessDenied(_)
                | Self::AuthorizerFailure
                | Self::AuthorizerConfigurationError
                | Self::ArnTooLong
                | Self::Throttled
                | Self::UriTooLong
                | Self::HeadersTooLarge
                | Self::QuotaExceeded
                | Self::RequestTooLarge => "",
                _ => " ",
            };
            let key = match self {
                // As recorded: only this one has a capital letter.
                Self::AccessDenied(_) => "Message",
                _ => "message",
            };
            format!("{{\"{key}\":{space}{message_json}}}")
        } else {
            read::string(template)
                .unwrap_or_default()
                .replace(
                    "$context.error.validationErrorString",
                    faults.trim_matches('"'),
                )
                .replace("$context.error.messageString", &message_json)
                .replace("$context.error.message", &message)
                .replace("$context.error.responseType", kind)
                .replace("$context.requestId", uuid)
                .replace("$context.stage", state.stage)
        };
        let mut response = Response::new(status, ResponseBody::Text(body));
        response.push_header("x-amzn-RequestId", uuid);
        response.push_header("x-amzn-ErrorType", error_type);
        response.push_header("x-amz-apigw-id", &request_id(uuid));
        let headers = changed.map(|changed| changed.headers).unwrap_or_default();
        let mut has_type = false;
        for (name, value) in pairs(headers) {
            has_type |= name.eq_ignore_ascii_case("content-type");
            response.push_header(name, value);
        }
        if !has_type {
            response.push_header("Content-Type", "application/json");
        }
        response
    }
}

/// The change for a type, or the one for all types with such a status.
fn changed<'a>(state: &State<'a>, kind: &str, status: u16) -> Option<Changed<'a>> {
    let default = match status {
        400..=499 => "DEFAULT_4XX",
        _ => "DEFAULT_5XX",
    };
    let find = |kind: &str| {
        let mut responses = state.gateway_responses();
        responses.find(|changed| changed.kind == kind)
    };
    if kind.is_empty() {
        return None;
    }
    find(kind).or_else(|| find(default))
}
