//! The table `gateway-responses`: for a type of AWS's, such as `MISSING_AUTHENTICATION_TOKEN` or `DEFAULT_4XX`, a table.
//!
//! | key | meaning |
//! |---|---|
//! | `status-code` | the status code |
//! | `headers` | names and values: a text, or as in AWS's `responseParameters` a text in single quotes, or a source such as `method.request.header.NAME` |
//! | `body` | a template with variables such as `$context.error.messageString` |
//! | `response-templates` | several of them, by content type |

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::json::write::quoted;
use plugin_kit::nearest::nearest;
use plugin_kit::settings::{Problems, Table};
use serde_json::{Map, Value};

use super::headers;
use crate::gateway_response::{Variable, parts};
use crate::integration::mapping::Source;
use crate::state::{Changed, pairs};

/// The types that this plugin answers with.
const USED: [&str; 18] = [
    "ACCESS_DENIED",
    "API_CONFIGURATION_ERROR",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "AUTHORIZER_FAILURE",
    "BAD_REQUEST_BODY",
    "BAD_REQUEST_PARAMETERS",
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "EXPIRED_TOKEN",
    "INTEGRATION_FAILURE",
    "INTEGRATION_TIMEOUT",
    "INVALID_API_KEY",
    "MISSING_AUTHENTICATION_TOKEN",
    "QUOTA_EXCEEDED",
    "REQUEST_TOO_LARGE",
    "THROTTLED",
    "UNAUTHORIZED",
    "UNSUPPORTED_MEDIA_TYPE",
];

/// AWS's other types.
const UNUSED: [&str; 3] = ["INVALID_SIGNATURE", "RESOURCE_NOT_FOUND", "WAF_FILTERED"];

/// A change as it was read.
#[derive(Debug)]
pub struct ChangedResponse<'a> {
    kind: &'a str,
    status: String,
    body: String,
    headers: String,
}

impl ChangedResponse<'_> {
    /// The change for the state.
    pub fn as_state(&self) -> Changed<'_> {
        Changed {
            kind: self.kind,
            status: &self.status,
            body: &self.body,
            headers: &self.headers,
        }
    }
}

/// Reads the table.
pub fn read<'a>(
    table: &Table<'a>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Vec<ChangedResponse<'a>> {
    let mut found = Vec::new();
    for kind in table.keys() {
        if !USED.contains(&kind) && !UNUSED.contains(&kind) {
            let message = match nearest(kind, &[USED.as_slice(), &UNUSED].concat()) {
                Some(near) => format!("there is no such gateway response; did you mean `{near}`?"),
                None => format!(
                    "there is no such gateway response; there are {}",
                    USED.join(", ")
                ),
            };
            problems.add(table.path_of(kind), message);
        }
        if UNUSED.contains(&kind) {
            warnings.push(format!(
                "gateway-responses.{kind} has no effect: nothing here is answered in this way"
            ));
        }
        if let Some(change) = table.table(kind, problems) {
            found.push(changed(kind, &change, problems));
        }
    }
    found
}

fn changed<'a>(kind: &'a str, table: &Table<'_>, problems: &mut Problems) -> ChangedResponse<'a> {
    let known = ["status-code", "headers", "body", "response-templates"];
    table.refuse_unknown(&known, &[], problems);
    let status = table.integer("status-code", 200_u16, 599, problems);
    let headers = table.table("headers", problems);
    let headers = headers.map(|table| {
        let headers = headers::read(&table, problems);
        for (name, source) in pairs(&headers) {
            if let Err(message) = check_source(source) {
                problems.add(table.path_of(name), message);
            }
        }
        headers
    });
    let body = template("body", table, problems).map(quoted);
    let templates = table.table("response-templates", problems);
    let templates = templates.map(|templates| read_templates(&templates, problems));
    if body.is_some() && templates.is_some() {
        let message = "set either `body`, for all content types, or `response-templates`";
        problems.add(table.path_of("body"), message);
    }
    ChangedResponse {
        kind,
        status: status.map(|status| status.to_string()).unwrap_or_default(),
        body: templates.or(body).unwrap_or_default(),
        headers: headers.unwrap_or_default(),
    }
}

/// Templates by content type, in lower case, as JSON; empty without any.
fn read_templates(table: &Table<'_>, problems: &mut Problems) -> String {
    let mut found = Map::new();
    for content_type in table.keys() {
        if !content_type.contains('/') || content_type.chars().any(char::is_control) {
            let message = "templates are listed by content type, such as \"application/json\"";
            problems.add(table.path_of(content_type), message);
        }
        if let Some(text) = template(content_type, table, problems) {
            found.insert(content_type.to_ascii_lowercase(), Value::from(text));
        }
    }
    match found.is_empty() {
        true => String::new(),
        false => Value::Object(found).to_string(),
    }
}

fn template<'a>(key: &str, table: &Table<'a>, problems: &mut Problems) -> Option<&'a str> {
    let text = table.text(key, |_| true, "a template is text", problems)?;
    if let Err(message) = check_variables(text) {
        problems.add(table.path_of(key), message);
    }
    Some(text)
}

/// Refuses the value of a header that looks like a source and is none.
fn check_source(text: &str) -> Result<(), String> {
    const SOURCES: &str = "the value of a header is a text, a text in single quotes, or one of `method.request.header.NAME`, \
        `method.request.querystring.NAME`, `method.request.path.NAME`, `context.NAME` and `stageVariables.NAME`";

    let source = Source::of_request(text);
    if let Some(Source::Context(name)) = source {
        return vtl::context::check(name.split('.'));
    }
    let looks_like_one = ["method.", "$context.", "$stageVariables.", "'"]
        .iter()
        .any(|start| text.starts_with(start));
    match source {
        Some(Source::Body) => Err(String::from(SOURCES)),
        None if looks_like_one => Err(String::from(SOURCES)),
        _ => Ok(()),
    }
}

/// Refuses variables that do not exist, and what gateway responses have of no other template.
fn check_variables(template: &str) -> Result<(), String> {
    for (text, variable) in parts(template) {
        if text.contains('$') {
            return Err(String::from(
                "a gateway response has only the variables `$context.NAME` and `$stageVariables.NAME`, and no other `$`",
            ));
        }
        if let Some(Variable::Context(name)) = variable {
            vtl::context::check(name.split('.'))?;
        }
    }
    Ok(())
}
