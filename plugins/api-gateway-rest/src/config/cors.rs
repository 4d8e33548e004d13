//! The table `cors`: `OPTIONS` for each resource that has no such method, as a mock integration.
//!
//! | key | meaning |
//! |---|---|
//! | `allow-origin` | `"*"` or one origin |
//! | `allow-methods`, `allow-headers` | what the header contains, such as `"GET,POST"` |
//! | `max-age` | seconds, 0 to 86,400 |
//! | `allow-credentials` | whether browsers may send cookies |
//!
//! As on AWS, the functions have to return the header `Access-Control-Allow-Origin` themselves.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::json::write::quoted;
use plugin_kit::settings::{Problems, Table};

use super::headers::push;
use super::methods::{ConfiguredMethod, Target};

const KEYS: [&str; 5] = [
    "allow-origin",
    "allow-methods",
    "allow-headers",
    "max-age",
    "allow-credentials",
];

const EXPLAINED: [(&str, &str); 1] = [(
    "allow-origins",
    "a REST API sends one origin, `allow-origin = \"*\"`; only an HTTP API has a list",
)];

/// Adds the methods.
pub fn add(table: &Table<'_>, methods: &mut Vec<ConfiguredMethod<'_>>, problems: &mut Problems) {
    table.refuse_unknown(&KEYS, &EXPLAINED, problems);
    let rule = "this must be text without control characters";
    let is_legal = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    let mut text = |key| table.text(key, is_legal, rule, problems);
    let origin = text("allow-origin").unwrap_or("*");
    let allow_methods = text("allow-methods");
    let allow_headers = text("allow-headers");
    let age = table.integer("max-age", 0_u32, 86_400, problems);
    let credentials = table.boolean("allow-credentials", problems);
    if credentials == Some(true) && origin == "*" {
        let message =
            "browsers send no credentials to the origin \"*\"; name one in `allow-origin`";
        problems.add(table.path_of("allow-credentials"), message);
    }
    let mut headers = String::new();
    push(&mut headers, "Access-Control-Allow-Origin", origin);
    push(
        &mut headers,
        "Access-Control-Allow-Methods",
        allow_methods.unwrap_or("DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),
    );
    if let Some(names) = allow_headers {
        push(&mut headers, "Access-Control-Allow-Headers", names);
    }
    if let Some(age) = age {
        push(&mut headers, "Access-Control-Max-Age", &age.to_string());
    }
    if credentials == Some(true) {
        push(&mut headers, "Access-Control-Allow-Credentials", "true");
    }
    let mut resources: Vec<_> = methods.iter().map(|method| method.resource).collect();
    resources.sort_unstable();
    resources.dedup();
    for resource in resources {
        let has_options = methods
            .iter()
            .any(|method| method.resource == resource && method.name == "OPTIONS");
        if !has_options {
            let target = Target::Mock {
                status: "200".to_string(),
                body: quoted(""),
                headers: headers.clone(),
                of_cors: true,
            };
            methods.push(ConfiguredMethod::new("OPTIONS", resource, target));
        }
    }
}
