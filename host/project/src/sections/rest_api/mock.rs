//! `MOCK` integrations that always answer the same, as the `OPTIONS` methods of CORS do: the short key `mock`.

use crate::document::Table;
use crate::value::Value;

use super::response::{Response, responses_of};
use crate::sections::read::one_of;

/// The keys of a route whose answer does not depend on the request; `None` if it may.
pub fn constant(integration: &Value) -> Option<Table> {
    let templates = one_of(integration, &["RequestTemplates", "requestTemplates"])?;
    let mut templates = templates.members().map(|(_, template)| template.as_str());
    let status = written_status(templates.next()??)?;
    for template in templates {
        if written_status(template?)? != status {
            return None;
        }
    }
    let response = chosen(&responses_of(integration), status)?;
    let mut mock = Table::default();
    let code = one_of(response, &["StatusCode", "statusCode"]);
    let number = code.and_then(Value::as_integer).unwrap_or(status);
    mock.set("status-code", number, code.map(|it| it.place));
    let mut headers = Table::default();
    let parameters = one_of(response, &["ResponseParameters", "responseParameters"]);
    for (target, source) in parameters.into_iter().flat_map(Value::members) {
        let name = target.strip_prefix("method.response.header.")?;
        let text = source.as_str()?.strip_prefix('\'')?.strip_suffix('\'')?;
        headers.set(name, text, source.place);
    }
    let templates = one_of(response, &["ResponseTemplates", "responseTemplates"]);
    let mut bodies = templates.into_iter().flat_map(Value::members);
    let body =
        bodies.find_map(|(content_type, body)| Some((content_type, body.as_str()?, body.place)));
    if bodies.next().is_some() {
        return None;
    }
    if let Some((content_type, text, place)) = body.filter(|(_, text, _)| !text.is_empty()) {
        if text.contains(['$', '#']) {
            return None;
        }
        if headers.get("Content-Type").is_none() {
            headers.set("Content-Type", content_type, place);
        }
        mock.set("body", text, place);
    }
    if !headers.is_empty() {
        mock.set("headers", headers, parameters.map(|it| it.place));
    }
    let mut table = Table::default();
    table.set("mock", mock, response.place);
    Some(table)
}

/// The response for a status code; `None` if it takes a regular expression to tell.
fn chosen<'v>(responses: &[Response<'v>], status: i64) -> Option<&'v Value> {
    let status = status.to_string();
    let mut default = None;
    for response in responses {
        match response.pattern.filter(|pattern| !pattern.is_empty()) {
            None => default = Some(response.value),
            Some(pattern) if pattern == status => return Some(response.value),
            Some(pattern) if pattern.bytes().all(|byte| byte.is_ascii_digit()) => {}
            Some(_) => return None,
        }
    }
    default
}

/// The number that a template without variables writes as `statusCode`.
fn written_status(template: &str) -> Option<i64> {
    if template.contains(['$', '#']) {
        return None;
    }
    let mut parts = template.split("statusCode");
    let rest = parts.nth(1)?;
    if parts.next().is_some() {
        return None;
    }
    let rest = rest.trim_start_matches(['"', '\'', ' ', '\t', '\r', '\n']);
    let rest = rest.strip_prefix(':')?.trim_start();
    let rest = rest.trim_start_matches(['"', '\'']);
    let end = rest.find(|letter: char| !letter.is_ascii_digit());
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}

/// A template of a request whose key `statusCode` is in quotes: API Gateway reads it without, too.
pub fn with_quoted_key(template: &str) -> String {
    let mut quoted = String::with_capacity(template.len() + 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("statusCode") {
        quoted.push_str(before);
        let is_key = before.trim_end().ends_with(['{', ',']) && after.trim_start().starts_with(':');
        quoted.push_str(if is_key {
            "\"statusCode\""
        } else {
            "statusCode"
        });
        rest = after;
    }
    quoted.push_str(rest);
    quoted
}
