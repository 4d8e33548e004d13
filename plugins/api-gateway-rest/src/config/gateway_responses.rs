//! The table `gateway-responses`: for a type of AWS's, such as `MISSING_AUTHENTICATION_TOKEN` or `DEFAULT_4XX`, a table
//! of `status-code`, `headers` and `body`, a template with `$context.error.messageString`.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::json::write::quoted;
use plugin_kit::nearest::nearest;
use plugin_kit::settings::{Problems, Table};

use super::headers;
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

/// The variables of templates.
const VARIABLES: [&str; 6] = [
    "$context.error.validationErrorString",
    "$context.error.messageString",
    "$context.error.message",
    "$context.error.responseType",
    "$context.requestId",
    "$context.stage",
];

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
    let rule = "a body is text, whose variables are $context.error.message, .messageString, .responseType and \
        .validationErrorString, \
        $context.requestId and $context.stage";
    let body = table.text("body", has_known_variables, rule, problems);
    ChangedResponse {
        kind,
        status: status.map(|status| status.to_string()).unwrap_or_default(),
        body: body.map(quoted).unwrap_or_default(),
        headers: headers.unwrap_or_default(),
    }
}

fn has_known_variables(template: &str) -> bool {
    template.match_indices('$').all(|(at, _)| {
        let rest = template.get(at..).unwrap_or_default();
        VARIABLES.iter().any(|variable| rest.starts_with(variable))
    })
}
