//! Gateway responses: the API's own answers, and how the configuration changes them.
//!
//! A change applies to one type, or with `DEFAULT_4XX` and `DEFAULT_5XX` to all types with such a status that have none
//! of their own. A body is a template in which the variables of `$context` and `$stageVariables` are filled in: those of
//! the error are `$context.error.message`, `$context.error.messageString` (with quotes),
//! `$context.error.validationErrorString` (without quotes, escaped for a JSON string) and `$context.error.responseType`.
//! Of several templates, the client's `Accept` chooses one. A header is a constant, or what its source gives for the
//! request; without a value, it is left out.
//!
//! Why the API answers is a line of the host's log, as it is one of AWS's execution log.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};

use http_event::apigw_id::request_id;
use http_event::contract::{NOTE, Response, ResponseBody};
use http_event::json::read;
use http_event::json::write::quoted;
use serde_json::{Map, Value};

use crate::event::Context;
use crate::integration::mapping::{Source, parameter};
use crate::media::accepted;
use crate::state::{Changed, State, pairs};

/// What a gateway response may have of a request.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The request's id, a UUID.
    pub request_id: &'a str,
    /// The request context as JSON; empty if no gateway response has variables.
    pub context: &'a str,
    /// The request; it may be missing if no gateway response [needs it](State::needs_request).
    pub request: Option<&'a Context<'a>>,
}

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
    /// The body has ended early, or its chunked encoding is not valid; AWS refuses it before it knows the API.
    BadRequest,
    /// The client has paused for too long within the body.
    RequestTimeout,
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
            Self::BadRequest => ("", 400, "BadRequestException", message("Bad Request")),
            Self::RequestTimeout => (
                "",
                408,
                "RequestTimeoutException",
                message("Request Timeout"),
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

    /// Why the API answers, if that is not said otherwise: failures of functions, of servers and of the configuration
    /// are warnings.
    fn why(&self, state: &State<'_>) -> Option<String> {
        let text = match self {
            Self::MissingAuthenticationToken => {
                "no route has this path and method, or the route requires AWS's signature"
            }
            Self::Forbidden => match state.base_paths {
                None => {
                    return Some(format!(
                        "the path does not begin with /{}, the stage",
                        state.api.stage
                    ));
                }
                Some(_) => "the path does not begin with a base path",
            },
            Self::InvalidApiKey => {
                "the API key is missing, is not one of `api-keys`, or is in no usage plan"
            }
            Self::Unauthorized => "the request has no identity that the authorizer accepts",
            Self::ExpiredToken => "the token has expired",
            Self::AccessDenied(false) => {
                "no statement of the authorizer's policy allows the request"
            }
            Self::AccessDenied(true) => "a statement of the authorizer's policy denies the request",
            Self::ArnTooLong => "the ARN of the request has more than 1,600 bytes",
            Self::BadRequestParameters(names) => {
                return Some(format!(
                    "`required-parameters` that are missing or blank: {names}"
                ));
            }
            Self::BadRequestBody(faults) => {
                return Some(format!("the body differs from the route's model: {faults}"));
            }
            // The host has said why.
            Self::BadRequest | Self::RequestTimeout => return None,
            Self::UriTooLong => "the request line is too long",
            Self::HeadersTooLarge => "the headers have more than 10,240 bytes",
            Self::Throttled => "a throttle refuses the request",
            Self::QuotaExceeded => "the quota of the API key is used up",
            Self::BadRequestJson(text) => return Some(text.clone()),
            Self::UnsupportedMediaType => {
                "no request template is for the content type, and `passthrough-behavior` does not pass the body on"
            }
            Self::RequestTooLarge => {
                "the body is larger than 10 MiB, or its event larger than 6 MiB"
            }
            Self::AuthorizerFailure
            | Self::AuthorizerConfigurationError
            | Self::Internal
            | Self::IntegrationFailure
            | Self::IntegrationTimeout
            | Self::BadGateway
            | Self::ApiConfigurationError => return None,
        };
        Some(text.to_owned())
    }

    /// The response to a request that is at hand; see [`GatewayResponse::response`].
    pub fn answer(&self, context: &Context<'_>) -> Response {
        let about = About {
            request_id: &context.request.id,
            context: &context.about(),
            request: Some(context),
        };
        self.response(context.state, about)
    }

    /// The response, without the trace: AWS does not return it here.
    pub fn response(&self, state: &State<'_>, about: About<'_>) -> Response {
        let (kind, status, error_type, message) = self.defaults();
        let changed = changed(state, kind, status);
        let status = changed
            .and_then(|changed| changed.status.parse().ok())
            .unwrap_or(status);
        let body = changed.map(|changed| changed.body).unwrap_or_default();
        let template = template(body, about);
        let faults = match self {
            Self::BadRequestBody(faults) => quoted(faults),
            _ => quoted(""),
        };
        // AWS has no message for failures of authorizers.
        let message_json = match message.as_str() {
            "" => String::from("null"),
            message => quoted(message),
        };
        let error = |name: &str| match name {
            "messageString" => Some(message_json.clone()),
            "message" => Some(message.clone()),
            "responseType" => Some(String::from(kind)),
            "validationErrorString" => Some(String::from(faults.trim_matches('"'))),
            _ => None,
        };
        let variable = |variable: Variable<'_>| match variable {
            Variable::Context(name) => match name.strip_prefix("error.") {
                Some(name) => error(name),
                None => member(about.context, name),
            },
            Variable::Stage(name) => member(state.api.stage_variables, name),
        };
        let body = if let Some((_, template)) = &template {
            filled(template, variable)
        } else {
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
                | Self::BadRequest
                | Self::RequestTimeout
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
        };
        let mut response = Response::new(status, ResponseBody::Text(body));
        response.push_header("x-amzn-RequestId", about.request_id);
        response.push_header("x-amzn-ErrorType", error_type);
        response.push_header("x-amz-apigw-id", &request_id(about.request_id));
        let headers = changed.map(|changed| changed.headers).unwrap_or_default();
        let mut has_type = false;
        for (name, source) in pairs(headers) {
            let value = match Source::of_request(source) {
                Some(Source::Literal(text)) => Some(String::from(text)),
                Some(Source::Context(name)) => variable(Variable::Context(name)),
                Some(Source::StageVariable(name)) => variable(Variable::Stage(name)),
                Some(Source::Parameter(place, name)) => about
                    .request
                    .and_then(|context| parameter(context, place, name)),
                _ => Some(String::from(source)),
            };
            let Some(value) = value else {
                continue;
            };
            has_type |= name.eq_ignore_ascii_case("content-type");
            // A decoded parameter may have line ends, which would end the header.
            response.push_header(name, &value.replace(char::is_control, ""));
        }
        if !has_type {
            let content_type = template.as_ref().and_then(|(it, _)| it.as_deref());
            response.push_header("Content-Type", content_type.unwrap_or("application/json"));
        }
        if let Some(why) = self.why(state) {
            let kind = if kind.is_empty() { error_type } else { kind };
            let note = format!("{status} {kind}: {why}");
            response.extra.push((NOTE.to_owned(), note));
        }
        response
    }
}

/// The template of a body, and its content type if there are templates for several.
fn template(body: &str, about: About<'_>) -> Option<(Option<String>, String)> {
    if !body.starts_with('{') {
        let template = read::string(body).ok().filter(|text| !text.is_empty())?;
        return Some((None, template.into_owned()));
    }
    let templates: Map<String, Value> = serde_json::from_str(body).ok()?;
    let request = about.request.map(|context| context.request);
    let (content_type, template) = accepted(request, &templates)?;
    Some((Some(content_type.to_owned()), template.to_owned()))
}

/// A variable in the body of a gateway response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable<'a> {
    /// `$context.NAME`; the name may have dots.
    Context(&'a str),
    /// `$stageVariables.NAME`.
    Stage(&'a str),
}

/// The parts of a template: texts, and variables behind them.
pub fn parts(template: &str) -> impl Iterator<Item = (&str, Option<Variable<'_>>)> {
    let mut rest = Some(template);
    core::iter::from_fn(move || {
        let text = rest.take()?;
        let found = text.match_indices('$').find_map(|(at, _)| {
            let after = text.get(at..)?;
            let context = after.strip_prefix("$context.");
            let name = context.or_else(|| after.strip_prefix("$stageVariables."))?;
            let end =
                name.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'));
            let (name, after) = name.split_at_checked(end.unwrap_or(name.len()))?;
            let (name, dots) = name.split_at_checked(name.trim_end_matches(['.', '-']).len())?;
            let after = text.get(text.len() - after.len() - dots.len()..)?;
            let variable = match context {
                Some(_) => Variable::Context(name),
                None => Variable::Stage(name),
            };
            (!name.is_empty()).then_some((text.get(..at)?, variable, after))
        });
        match found {
            Some((before, variable, after)) => {
                rest = Some(after);
                Some((before, Some(variable)))
            }
            None => Some((text, None)),
        }
    })
}

/// A template with the values of its variables; one without a value is empty, as on AWS.
fn filled<'t>(template: &'t str, value: impl Fn(Variable<'t>) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len());
    for (before, variable) in parts(template) {
        text.push_str(before);
        let value = variable.and_then(&value);
        text.push_str(value.as_deref().unwrap_or_default());
    }
    text
}

/// A member of a JSON object; the name may lead to an object within it. Objects and null are no values.
fn member(json: &str, name: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(json).ok()?;
    for name in name.split('.') {
        value = value.get_mut(name)?.take();
    }
    match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
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
