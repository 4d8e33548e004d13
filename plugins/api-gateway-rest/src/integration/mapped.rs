//! The integrations `AWS` (a Lambda function that sees what a template makes of the request) and `MOCK`.
//!
//! The function's result is the body of the response, as a template maps it. Which of the integration's responses it
//! is decides `selection-pattern`, which has to match the whole `errorMessage` of a function that failed, or the
//! `statusCode` that the request's template of a `MOCK` writes; the one without a pattern is for everything else.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::apigw_id::request_id;
use http_event::contract::{
    EVENT_TOO_LARGE, Ending, Invocation, InvocationMode, Response, ResponseBody, Step, WARNING,
};
use http_event::json::compact;
use http_event::response::with_headers;
use pattern::Pattern;
use serde_json::Value;
use vtl::{Scope, Template};

use super::content::{self, NotBase64};
use super::mapping::Source;
use super::scope::{self, scope};
use crate::event::Context;
use crate::gateway_response::GatewayResponse;
use crate::media::{accepted, is_binary_request, media_type};
use crate::respond::HEADERS;
use crate::token::{Kind, Token};

/// The largest event of an asynchronous invocation and of any other, in bytes.
const MAX_EVENT: usize = 6 * 1024 * 1024;

/// Why a request is not answered by the integration, and what the log says about it.
type Refused = (GatewayResponse, String);

/// The step for a request to an integration, whose settings are `detail`.
pub fn begin(context: &Context<'_>, detail: &Value, function: &str, timeout_ms: u32) -> Step {
    let reply = |refused: Refused| Step::Reply(refuse(context, refused));
    let variables = scope::context(context);
    let mapped = match map_request(context, detail, &variables) {
        Ok(mapped) => mapped,
        Err(refused) => return reply(refused),
    };
    if function.is_empty() {
        return Step::Reply(answer_mock(context, detail, &mapped));
    }
    if mapped.len() > MAX_EVENT {
        return reply((GatewayResponse::RequestTooLarge, String::new()));
    }
    let Some(event) = compact(&mapped).map(|_| mapped) else {
        let what =
            "the event is not JSON; a request template has to write JSON for a Lambda function";
        return reply((GatewayResponse::Internal, what.to_owned()));
    };
    let about = context.request_context();
    let token = Token {
        kind: Kind::Mapped,
        context: &about,
        ..Token::new(context.state, context.request)
    };
    Step::Invoke(Invocation {
        function: context.function(function),
        event,
        mode: match is_asynchronous(context, detail, &variables) {
            true => InvocationMode::Asynchronous,
            false => InvocationMode::Buffered,
        },
        max_wait_ms: Some(timeout_ms),
        cache: None,
        token: token.write(),
        with_request: true,
        extra: Vec::new(),
    })
}

/// The response for the ending of the invocation.
pub fn finish(context: &Context<'_>, detail: &Value, ending: Ending) -> Response {
    let (result, error) = match ending {
        Ending::Completed(payload) => (payload, None),
        Ending::Accepted => (String::new(), None),
        Ending::Failed(failure) if failure.kind == EVENT_TOO_LARGE => {
            return refuse(context, (GatewayResponse::RequestTooLarge, String::new()));
        }
        Ending::Failed(failure) => {
            let message = error_message(&failure.payload);
            (failure.payload, Some(message))
        }
        Ending::TimedOut => {
            let seconds = detail.get("function-timeout").and_then(Value::as_f64);
            let message = format!(
                "RequestId: {} Error: Task timed out after {:.2} seconds",
                context.request.id,
                seconds.unwrap_or(3.0)
            );
            let payload = format!(
                "{{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":{}}}",
                Value::from(message.as_str())
            );
            (payload, Some(message))
        }
        Ending::Expired => {
            return refuse(
                context,
                (GatewayResponse::IntegrationTimeout, String::new()),
            );
        }
        Ending::StreamOpened(_)
        | Ending::Throttled
        | Ending::Unavailable(_)
        | Ending::Fetched(_) => {
            return refuse(context, (GatewayResponse::Internal, String::new()));
        }
    };
    answer(context, detail, error.as_deref(), &result)
}

fn answer_mock(context: &Context<'_>, detail: &Value, mapped: &str) -> Response {
    let parsed: Option<Value> = serde_json::from_str(mapped).ok();
    let status = parsed.as_ref().and_then(|mapped| mapped.get("statusCode"));
    match status.and_then(Value::as_u64) {
        Some(status) => answer(context, detail, Some(&status.to_string()), ""),
        None => {
            let what = "the request template of a MOCK integration has to write JSON with a number `statusCode`";
            refuse(context, (GatewayResponse::Internal, what.to_owned()))
        }
    }
}

/// What the integration gets in place of the body. `variables` is `$context`, which the template may change.
fn map_request(
    context: &Context<'_>,
    detail: &Value,
    variables: &vtl::Value,
) -> Result<String, Refused> {
    let templates = detail.get("templates").and_then(Value::as_object);
    let content_type = context.request.header("content-type").last();
    let media_type = media_type(content_type.unwrap_or("application/json"));
    let template = templates.and_then(|all| all.get(&media_type).or(all.get("$default")));
    let (state, request) = (context.state, context.request);
    let body = content::of_request(state, request, detail).map_err(|NotBase64| {
        let what = "the body is not Base64, which the integration's `content-handling` decodes";
        (GatewayResponse::ApiConfigurationError, what.to_owned())
    })?;
    let is_binary = is_binary_request(state, request);
    if let Some(template) = template.and_then(Value::as_str) {
        let body = content::as_text(body, is_binary).ok_or_else(no_text)?;
        let scope = scope(context, &body, variables.clone());
        return render(template, &scope);
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    let has_templates = templates.is_some_and(|all| !all.is_empty());
    match detail.get("passthrough").and_then(Value::as_str) {
        Some("NEVER") => Err((GatewayResponse::UnsupportedMediaType, String::new())),
        Some("WHEN_NO_TEMPLATES") if has_templates => {
            Err((GatewayResponse::UnsupportedMediaType, String::new()))
        }
        _ if body.is_empty() => Ok(String::from("{}")),
        _ => Ok(body),
    }
}

fn no_text() -> Refused {
    let what = "a mapping template needs text, and the body is binary; `content-handling = \"CONVERT_TO_TEXT\"` encodes \
        it in Base64";
    (GatewayResponse::Internal, what.to_owned())
}

fn render(template: &str, scope: &Scope<'_>) -> Result<String, Refused> {
    let rendered = Template::parse(template).and_then(|template| template.render(scope));
    rendered.map_err(|error| match error.is_body {
        true => (
            GatewayResponse::BadRequestJson(error.message),
            String::new(),
        ),
        false => (
            GatewayResponse::Internal,
            format!("a mapping template, {error}"),
        ),
    })
}

/// Whether the integration, or its template, sets Lambda's header for an invocation that is not waited for. `values` is
/// `$context`, with what the template has overridden: Lambda sees nothing else of it.
fn is_asynchronous(context: &Context<'_>, detail: &Value, values: &vtl::Value) -> bool {
    const HEADER: &str = "X-Amz-Invocation-Type";

    let overridden = values.member("requestOverride").member("header");
    if let vtl::Value::Map(headers) = &overridden {
        let headers = headers.borrow();
        let mut headers = headers.entries().iter();
        if let Some((_, value)) = headers.find(|(name, _)| name.eq_ignore_ascii_case(HEADER)) {
            return value.to_string() == "Event";
        }
    }
    let parameters = detail.get("parameters").and_then(Value::as_object);
    let mut parameters = parameters.into_iter().flatten();
    let source = parameters.find_map(|(target, source)| {
        let name = target.strip_prefix("integration.request.header.")?;
        let is_type = name.eq_ignore_ascii_case(HEADER);
        is_type.then(|| source.as_str()).flatten()
    });
    let variables = scope::stage_variables(context);
    let value = source
        .and_then(Source::of_request)
        .and_then(|source| source.value(context, values, &variables));
    value.as_deref() == Some("Event")
}

fn error_message(payload: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(payload).ok();
    let message = parsed.as_ref().and_then(|error| error.get("errorMessage"));
    message
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The response that the integration's responses give for a result. `selector` is what patterns match.
fn answer(context: &Context<'_>, detail: &Value, selector: Option<&str>, result: &str) -> Response {
    let responses = detail.get("responses").and_then(Value::as_array);
    let responses = responses.map(Vec::as_slice).unwrap_or_default();
    let fits = |response: &&Value| {
        let pattern = response.get("pattern").and_then(Value::as_str);
        match (pattern, selector) {
            (Some(pattern), Some(text)) => {
                Pattern::whole(pattern).is_ok_and(|pattern| pattern.matches(text))
            }
            _ => false,
        }
    };
    let is_default = |response: &&Value| response.get("pattern").is_none();
    let chosen = responses
        .iter()
        .find(fits)
        .or_else(|| responses.iter().find(is_default));
    let Some(chosen) = chosen else {
        let what = format!(
            "no response of the integration has a selection-pattern that matches {:?}, and none is without a pattern",
            selector.unwrap_or_default()
        );
        return refuse(context, (GatewayResponse::ApiConfigurationError, what));
    };
    match write(context, chosen, result) {
        Ok(response) => response,
        Err(refused) => refuse(context, refused),
    }
}

fn write(context: &Context<'_>, chosen: &Value, result: &str) -> Result<Response, Refused> {
    let (state, request) = (context.state, context.request);
    let converted = content::of_response(state, request, chosen, result).map_err(|NotBase64| {
        let what = "the result is not Base64, and the response is binary by its `content-handling`, or by the client's \
            `Accept` and `binary-media-types`";
        (GatewayResponse::ApiConfigurationError, what.to_owned())
    })?;
    let variables = scope::context(context);
    let templates = chosen.get("templates").and_then(Value::as_object);
    let template = templates.and_then(|templates| accepted(Some(request), templates));
    let (content_type, body, scope) = match template {
        Some((content_type, template)) => {
            let text = core::str::from_utf8(&converted).map_err(|_| no_text())?;
            let scope = scope(context, text, variables);
            let body = render(template, &scope)?.into_bytes();
            (content_type, body, scope)
        }
        None => {
            let scope = scope(context, result, variables);
            ("application/json", converted.to_vec(), scope)
        }
    };
    let overrides = scope.context.member("responseOverride");
    let status = overrides.member("status").to_string().parse();
    let configured = chosen.get("status").and_then(Value::as_u64);
    let status = match status {
        Ok(status) if (200..=599).contains(&status) => status,
        _ => configured
            .and_then(|it| u16::try_from(it).ok())
            .unwrap_or(200),
    };
    let mut headers = Vec::new();
    let parameters = chosen.get("parameters").and_then(Value::as_object);
    for (target, source) in parameters.into_iter().flatten() {
        let name = target.strip_prefix("method.response.header.");
        let source = source.as_str().and_then(Source::of_response);
        if let (Some(name), Some(source)) = (name, source)
            && let Some(value) = response_value(source, context, &scope, result)
        {
            headers.push((name.to_owned(), value));
        }
    }
    if let vtl::Value::Map(map) = overrides.member("header") {
        for (name, value) in map.borrow().entries() {
            headers.retain(|(other, _): &(String, String)| !other.eq_ignore_ascii_case(name));
            headers.push((name.to_string(), value.to_string()));
        }
    }
    let has_type = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !has_type {
        headers.push(("Content-Type".to_owned(), content_type.to_owned()));
    }
    let body = match String::from_utf8(body) {
        Ok(text) if text.is_empty() => ResponseBody::Empty,
        Ok(text) => ResponseBody::Text(text),
        Err(error) => ResponseBody::Binary(error.into_bytes()),
    };
    let response = with_headers(Response::new(status, body), headers, HEADERS);
    let mut response = response.map_err(|misfit| (GatewayResponse::Internal, misfit.0))?;
    let id = &context.request.id;
    response.push_header("x-amzn-RequestId", id);
    response.push_header("x-amz-apigw-id", &request_id(id));
    response.push_header("X-Amzn-Trace-Id", &context.request.trace_id);
    Ok(response)
}

fn response_value(
    source: Source<'_>,
    context: &Context<'_>,
    scope: &Scope<'_>,
    result: &str,
) -> Option<String> {
    match source {
        Source::Body => Some(result.to_owned()),
        Source::BodyPath(path) => {
            let body = vtl::Value::from_json(result).ok()?;
            let found = vtl::find(&body, path).ok()??;
            Some(found.to_string())
        }
        source => source.value(context, &scope.context, &scope.stage_variables),
    }
}

fn refuse(context: &Context<'_>, (failure, what): Refused) -> Response {
    let mut response = failure.answer(context);
    if !what.is_empty() {
        let text = format!(
            "{what}; a REST API of API Gateway returns {}",
            response.status
        );
        response.extra.push((WARNING.to_owned(), text));
    }
    response
}
