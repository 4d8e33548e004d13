//! The table `gateway-responses`: for a type of AWS's, such as `MISSING_AUTHENTICATION_TOKEN` or `DEFAULT_4XX`, a table
//! of `status-code`, `headers` and `body`, a template with `$context.error.messageString`.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::json::write::quoted;
use plugin_kit::nearest::nearest;
use plugin_kit::settings::{Problems, Table};

use super::headers;
use crate::gateway_response::{Variable, parts};
use crate::state::Changed;

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
    table.refuse_unknown(&["status-code", "headers", "body"], &[], problems);
    let status = table.integer("status-code", 200_u16, 599, problems);
    let headers = table.table("headers", problems);
    let headers = headers.map(|headers| headers::read(&headers, problems));
    let body = table.text("body", |_| true, "a body is text", problems);
    if let Some(Err(message)) = body.map(check_variables) {
        problems.add(table.path_of("body"), message);
    }
    ChangedResponse {
        kind,
        status: status.map(|status| status.to_string()).unwrap_or_default(),
        body: body.map(quoted).unwrap_or_default(),
        headers: headers.unwrap_or_default(),
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
