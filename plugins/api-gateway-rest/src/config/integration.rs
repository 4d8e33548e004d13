//! The keys of a route for integrations with mappings, under AWS's names.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `integration` | `"AWS_PROXY"`, `"AWS"`, `"HTTP_PROXY"` or `"MOCK"` | `"AWS_PROXY"`, with `mock` `"MOCK"` |
//! | `request-templates` | mapping templates of request bodies, by content type | none |
//! | `content-handling` | whether bodies are decoded from Base64, or encoded, see [`content`] | none |
//! | `passthrough-behavior` | what happens to bodies without a template | `"WHEN_NO_MATCH"` |
//! | `request-parameters` | `integration.request.header.NAME`, and what it is set to | none |
//! | `integration-responses` | a list: `status-code`, `selection-pattern`, `content-handling`, `response-templates`, `response-parameters` | |
//! | `uri`, `http-method` | where a request goes, and with which method | that of the request |

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::contract::NETWORK;
use http_event::contract::Surroundings;
use pattern::Pattern;
use plugin_kit::nearest::nearest;
use plugin_kit::settings::{Item, Problems, Table, is_word};
use serde_json::{Map, Value};
use vtl::Template;

use super::mock;
use crate::integration::content;
use crate::integration::mapping::Source;

/// The types of integrations.
pub const TYPES: [&str; 4] = ["AWS_PROXY", "AWS", "HTTP_PROXY", "MOCK"];

/// The keys of a route that only integrations with mappings have.
pub const KEYS: [&str; 7] = [
    "content-handling",
    "request-templates",
    "passthrough-behavior",
    "request-parameters",
    "integration-responses",
    "uri",
    "http-method",
];

const PASSTHROUGH: [&str; 3] = ["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"];

const METHODS: [&str; 8] = [
    "ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
];

/// The longest time that the host gives a fetch, in milliseconds.
pub const MAX_FETCH_MS: u32 = 30_000;

/// Reads the keys of an integration of the type `AWS` or `MOCK`. `route` is the key of the route, for warnings.
pub fn mapped(
    kind: &str,
    route: &str,
    table: &Table<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Map<String, Value> {
    refuse(table, &["uri", "http-method"], kind, problems);
    let mut detail = Map::new();
    detail.insert(String::from("type"), Value::from(kind));
    if let Some(templates) = templates("request-templates", table, problems) {
        detail.insert(String::from("templates"), Value::Object(templates));
    }
    handling(table, &mut detail, problems);
    if let Some(behavior) = table.choice("passthrough-behavior", &PASSTHROUGH, problems) {
        detail.insert(String::from("passthrough"), Value::from(behavior));
    }
    let places: &[&str] = &["header"];
    if let Some(parameters) = request_parameters(table, places, problems) {
        detail.insert(String::from("parameters"), Value::Object(parameters));
    }
    let expected = "this must be a list of tables, such as [{ status-code = 200 }]";
    let items = table.list("integration-responses", expected, problems);
    if items.as_ref().is_none_or(Vec::is_empty) {
        let message = format!(
            "the integration {kind} needs `integration-responses`, such as [{{ status-code = 200 }}]; API Gateway \
             answers with 500 without any"
        );
        problems.add(table.at().to_vec(), message);
    }
    let responses = items.into_iter().flatten();
    let responses: Vec<Value> = responses
        .filter_map(|item| response(&item, problems))
        .collect();
    let defaults = responses.iter().filter(|it| it.get("pattern").is_none());
    if defaults.count() > 1 {
        let message = "only one response can be without a `selection-pattern`";
        problems.add(table.path_of("integration-responses"), message);
    }
    if kind == "MOCK" {
        mock::check(route, detail.get("templates"), &responses, warnings);
    }
    detail.insert(String::from("responses"), Value::Array(responses));
    detail
}

/// Reads the key `content-handling`.
fn handling(table: &Table<'_>, detail: &mut Map<String, Value>, problems: &mut Problems) {
    const KEY: &str = "content-handling";

    if let Some(handling) = table.choice(KEY, &content::CONVERSIONS, problems) {
        detail.insert(String::from(KEY), Value::from(handling));
    }
}

/// Reads the keys of an integration of the type `HTTP_PROXY`. `resource` is the path of the route.
pub fn http_proxy(
    resource: &str,
    table: &Table<'_>,
    surroundings: &Surroundings,
    problems: &mut Problems,
) -> Option<Map<String, Value>> {
    let others = [
        "request-templates",
        "passthrough-behavior",
        "integration-responses",
    ];
    refuse(table, &others, "HTTP_PROXY", problems);
    let mut detail = Map::new();
    detail.insert(String::from("type"), Value::from("HTTP_PROXY"));
    let places: &[&str] = &["header", "path", "querystring"];
    let parameters = request_parameters(table, places, problems).unwrap_or_default();
    handling(table, &mut detail, problems);
    let method = table.choice("http-method", &METHODS, problems);
    detail.insert(String::from("method"), Value::from(method.unwrap_or("ANY")));
    if table.get("uri").is_none() {
        let message =
            "the integration HTTP_PROXY needs a `uri`, such as \"http://127.0.0.1:9000/{proxy}\"";
        problems.add(table.at().to_vec(), message);
    }
    let rule = "this must be a URL, such as \"http://127.0.0.1:9000/{proxy}\"";
    let is_url = |text: &str| origin(text).is_some() && !text.contains([' ', '#']);
    let uri = table.text("uri", is_url, rule, problems)?;
    for name in variables(uri) {
        let is_mapped = parameters.contains_key(&format!("integration.request.path.{name}"));
        if !is_mapped {
            let at = table.path_of("uri");
            let of_resource = resource.contains(&format!("{{{name}}}"))
                || resource.contains(&format!("{{{name}+}}"));
            let source = if of_resource { name } else { "NAME" };
            let message = format!(
                "nothing sets {{{name}}}; write request-parameters = {{ \"integration.request.path.{name}\" = \
                 \"method.request.path.{source}\" }}"
            );
            problems.add(at, message);
        }
    }
    check_granted(uri, table, surroundings, problems);
    detail.insert(String::from("uri"), Value::from(uri));
    detail.insert(String::from("parameters"), Value::Object(parameters));
    Some(detail)
}

/// Refuses an origin that the operator does not list in `network`. A host that does not say what is listed denies the
/// requests.
fn check_granted(
    uri: &str,
    table: &Table<'_>,
    surroundings: &Surroundings,
    problems: &mut Problems,
) {
    // A stage variable in the host is known later.
    let Some(origin) = origin(uri).filter(|origin| !origin.contains('$')) else {
        return;
    };
    let granted = surroundings.extra(NETWORK).unwrap_or_default();
    let normal = |origin: &str| {
        let origin = origin.trim_end_matches('/').to_ascii_lowercase();
        let default = match origin.starts_with("https:") {
            true => ":443",
            false => ":80",
        };
        origin
            .strip_suffix(default)
            .map(String::from)
            .unwrap_or(origin)
    };
    let is_granted = granted
        .split(' ')
        .any(|granted| normal(granted) == normal(origin));
    if !is_granted {
        let message = format!("the trigger may not reach {origin}; add it to its key `network`");
        problems.add(table.path_of("uri"), message);
    }
}

/// Scheme, host and port of a URL.
fn origin(uri: &str) -> Option<&str> {
    let start = uri.find("://")? + 3;
    if !matches!(uri.get(..start), Some("http://" | "https://")) {
        return None;
    }
    let host = uri.get(start..)?;
    let end = host.find(['/', '?']).unwrap_or(host.len());
    (end > 0).then(|| uri.get(..start + end)).flatten()
}

/// The names in braces, without those of stage variables.
fn variables(uri: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = uri;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        if !before.ends_with('$') {
            found.push(name);
        }
        rest = after;
    }
    found
}

/// Refuses keys that integrations of this kind do not have.
pub fn refuse(table: &Table<'_>, keys: &[&str], kind: &str, problems: &mut Problems) {
    for key in keys.iter().filter(|key| table.get(key).is_some()) {
        let message = format!("the integration {kind} does not have this key");
        problems.add(table.path_of(key), message);
    }
}

/// Templates by content type, in lower case.
fn templates(key: &str, table: &Table<'_>, problems: &mut Problems) -> Option<Map<String, Value>> {
    let table = table.table(key, problems)?;
    let mut found = Map::new();
    for content_type in table.keys() {
        if !content_type.contains('/') && content_type != "$default" {
            let message = "templates are listed by content type, such as \"application/json\"";
            problems.add(table.path_of(content_type), message);
        }
        let rule = "this must be a template";
        if let Some(text) = table.text(content_type, |_| true, rule, problems) {
            if let Err(error) = Template::parse(text) {
                problems.add(table.path_of(content_type), error.to_string());
            }
            found.insert(content_type.to_ascii_lowercase(), Value::from(text));
        }
    }
    Some(found)
}

fn request_parameters(
    table: &Table<'_>,
    places: &[&str],
    problems: &mut Problems,
) -> Option<Map<String, Value>> {
    let table = table.table("request-parameters", problems)?;
    let mut found = Map::new();
    for target in table.keys() {
        let parts = target
            .strip_prefix("integration.request.")
            .and_then(|target| target.split_once('.'));
        let is_target =
            parts.is_some_and(|(place, name)| places.contains(&place) && is_word(name, "-_.$[]"));
        if !is_target {
            let message = format!(
                "what is set is `integration.request.PLACE.NAME`, where PLACE is one of {}",
                places.join(", ")
            );
            problems.add(table.path_of(target), message);
        }
        source(target, &table, &mut found, true, problems);
    }
    Some(found)
}

fn response_parameters(table: &Table<'_>, problems: &mut Problems) -> Option<Map<String, Value>> {
    let table = table.table("response-parameters", problems)?;
    let mut found = Map::new();
    for target in table.keys() {
        let name = target.strip_prefix("method.response.header.");
        if !name.is_some_and(|name| is_word(name, "!#$%&'*+-.^_`|~")) {
            let message = "what is set is `method.response.header.NAME`";
            problems.add(table.path_of(target), message);
        }
        source(target, &table, &mut found, false, problems);
    }
    Some(found)
}

fn source(
    target: &str,
    table: &Table<'_>,
    found: &mut Map<String, Value>,
    of_request: bool,
    problems: &mut Problems,
) {
    let (examples, is_source): (_, fn(&str) -> bool) = match of_request {
        true => (
            "`method.request.header.NAME`, `.querystring.NAME`, `.path.NAME`, `context.NAME`, `stageVariables.NAME`",
            |text| Source::of_request(text).is_some(),
        ),
        false => (
            "`integration.response.header.NAME`, `integration.response.body.PATH`, `context.NAME`, `stageVariables.NAME`",
            |text| Source::of_response(text).is_some(),
        ),
    };
    let rule = format!("this must be one of {examples}, or a text in single quotes: \"'*'\"");
    if let Some(text) = table.text(target, is_source, &rule, problems) {
        let name = text.strip_prefix("context.");
        if let Some(Err(message)) = name.map(|name| vtl::context::check(name.split('.'))) {
            problems.add(table.path_of(target), message);
        }
        found.insert(target.to_string(), Value::from(text));
    }
}

fn response(item: &Item<'_>, problems: &mut Problems) -> Option<Value> {
    let table = item.table(problems)?;
    let known = [
        "status-code",
        "selection-pattern",
        "content-handling",
        "response-templates",
        "response-parameters",
    ];
    table.refuse_unknown(&known, &[], problems);
    let mut response = Map::new();
    let status = table.integer("status-code", 200_u16, 599, problems);
    if table.get("status-code").is_none() {
        problems.add(table.at().to_vec(), "a response needs a `status-code`");
    }
    response.insert(String::from("status"), Value::from(status.unwrap_or(200)));
    let rule = "this must be a regular expression";
    if let Some(text) = table.text("selection-pattern", |_| true, rule, problems) {
        if let Err(error) = Pattern::whole(text) {
            let message = format!("this regular expression cannot be used here: {error}");
            problems.add(table.path_of("selection-pattern"), message);
        }
        // As on AWS, an empty pattern is none.
        if !text.is_empty() {
            response.insert(String::from("pattern"), Value::from(text));
        }
    }
    handling(&table, &mut response, problems);
    if let Some(templates) = templates("response-templates", &table, problems) {
        response.insert(String::from("templates"), Value::Object(templates));
    }
    if let Some(parameters) = response_parameters(&table, problems) {
        response.insert(String::from("parameters"), Value::Object(parameters));
    }
    Some(Value::Object(response))
}

/// Reads the key `integration`.
pub fn kind<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<&'a str> {
    let text = table.text("integration", |_| true, "this must be text", problems)?;
    if !TYPES.contains(&text) {
        let message = match (text, nearest(text, &TYPES)) {
            ("HTTP", _) => String::from(
                "the integration HTTP is not supported; HTTP_PROXY passes requests and responses on as they are",
            ),
            (_, Some(near)) => format!("there is no integration {text:?}; did you mean `{near}`?"),
            (_, None) => format!("an integration is one of {}", TYPES.join(", ")),
        };
        problems.add(table.path_of("integration"), message);
        return None;
    }
    Some(text)
}
