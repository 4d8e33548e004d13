//! The trigger's configuration: checks the table of `lambkin.toml` and turns it into a [`State`].
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `function` | the function that all requests invoke | required |
//! | `invoke-mode` | `"BUFFERED"` or `"RESPONSE_STREAM"` | `"BUFFERED"` |
//! | `auth-type` | `"NONE"`, or `"AWS_IAM"`: requests have to be signed | `"NONE"` |
//! | `cors` | see [`http_event::cors`] | the function handles CORS itself |
//! | `url-id` | the id that events contain | the trigger's name, filled up with zeros |
//! | `domain-name` | the domain name that events contain | the host that the client requested |
//!
//! On failure: every mistake is listed at once, each with the keys that lead to it. Values become fields of the state's
//! lines, so each is checked against a set of characters without tabs and line breaks.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::api_settings;
use http_event::contract::{FunctionReference, Problem, Setup, Surroundings, answers_body_errors};
use http_event::cors;
use plugin_kit::arn::partition;
use plugin_kit::settings::{Problems, Table, is_function, is_word};

use crate::state::{AuthType, InvokeMode, State};

const KEYS: [&str; 6] = [
    "function",
    "invoke-mode",
    "auth-type",
    "cors",
    "url-id",
    "domain-name",
];

/// Keys that somebody who knows another trigger may write.
const EXPLAINED: [(&str, &str); 2] = [
    (
        "routes",
        "a function URL has no routes: it invokes one `function` with all requests",
    ),
    (
        "timeout",
        "a function URL has no timeout: the function's own timeout applies",
    ),
];

/// The largest body: Lambda's limit for an event, in bytes.
const MAX_BODY: u32 = 6 * 1024 * 1024;

/// The length of AWS's ids of URLs.
const URL_ID_LENGTH: usize = 32;

/// Checks the trigger's configuration, a JSON object.
///
/// # Errors
///
/// All mistakes in it.
pub fn configure(config: &str, surroundings: &Surroundings) -> Result<Setup, Vec<Problem>> {
    api_settings::configure(config, |table, problems| {
        read(table, surroundings, problems)
    })
}

/// Reads every key, even after a mistake, so that all mistakes are found.
fn read(table: &Table<'_>, surroundings: &Surroundings, problems: &mut Problems) -> Setup {
    table.refuse_unknown(&KEYS, &EXPLAINED, problems);
    let function = function(table, problems);
    let invoke_mode = table.choice("invoke-mode", &InvokeMode::NAMES, problems);
    let invoke_mode = invoke_mode.and_then(InvokeMode::from_name);
    let auth_type = table.choice("auth-type", &AuthType::NAMES, problems);
    let auth_type = auth_type.and_then(AuthType::from_name);
    let cors = table
        .table("cors", problems)
        .map(|table| cors::Settings::read(&table, cors::FUNCTION_URL, problems));
    let default_id = default_url_id(&surroundings.name);
    let state = State {
        function,
        url_id: url_id(table, problems).unwrap_or(&default_id),
        account_id: &surroundings.account,
        partition: partition(&surroundings.region),
        domain_name: domain_name(table, problems).unwrap_or_default(),
        invoke_mode: invoke_mode.unwrap_or(InvokeMode::Buffered),
        auth_type: auth_type.unwrap_or(AuthType::None),
        cors: cors.as_ref().map(cors::Settings::as_cors),
    };
    Setup {
        state: state.write(),
        functions: [FunctionReference {
            name: String::from(function),
            at: table.path_of("function"),
        }]
        .into(),
        max_body_bytes: MAX_BODY,
        reusable: true,
        summary: summary(&state),
        warnings: Vec::new(),
        extra: [answers_body_errors()].into(),
    }
}

fn summary(state: &State<'_>) -> Vec<String> {
    let mut lines = Vec::from([format!(
        "every request -> {}{}",
        state.function,
        match state.invoke_mode {
            InvokeMode::Buffered => "",
            InvokeMode::ResponseStream => ", whose response is streamed",
        }
    )]);
    if state.auth_type == AuthType::AwsIam {
        lines.push(String::from(
            "requests have to be signed; the signature is not verified",
        ));
    }
    if let Some(cors) = &state.cors {
        lines.push(format!("CORS for {}", cors.origins));
    }
    lines
}

fn function<'a>(table: &Table<'a>, problems: &mut Problems) -> &'a str {
    if table.get("function").is_none() {
        problems.add(
            Vec::new(),
            "a function URL needs a function: `function = \"NAME\"`",
        );
        return "";
    }
    let rule = "this must be the name of a function";
    table
        .text("function", is_function, rule, problems)
        .unwrap_or_default()
}

fn url_id<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<&'a str> {
    let is_legal = |id: &str| is_word(id, "") && !id.bytes().any(|byte| byte.is_ascii_uppercase());
    let rule = "the id of a function URL consists of lower-case letters and digits";
    table.text("url-id", is_legal, rule, problems)
}

/// An id that stays the same from start to start: the letters and digits of the trigger's name, filled up with zeros.
fn default_url_id(trigger: &str) -> String {
    let name = trigger.chars().filter(char::is_ascii_alphanumeric);
    let name = name.map(|char| char.to_ascii_lowercase());
    name.chain(core::iter::repeat('0'))
        .take(URL_ID_LENGTH)
        .collect()
}

fn domain_name<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<&'a str> {
    let is_legal = |name: &str| is_word(name, ".-:[]");
    let rule = "a domain name is a host, such as \"abc.lambda-url.eu-west-1.on.aws\"";
    table.text("domain-name", is_legal, rule, problems)
}
