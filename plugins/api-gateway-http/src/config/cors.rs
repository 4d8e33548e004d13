//! The `cors` table, by AWS's rules for an HTTP API.
//!
//! | key | meaning |
//! |---|---|
//! | `allow-origins` | `"https://app.example"`, `"*"`, `"http://*"` or `"https://*"` |
//! | `allow-methods` | methods or `"*"` |
//! | `allow-headers`, `expose-headers` | header names or `"*"` |
//! | `max-age` | seconds a browser keeps the answer, -1 to 86,400 |
//! | `allow-credentials` | whether browsers may send cookies; not together with the origin `"*"` |

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use plugin_kit::settings::{Problems, Table, is_word};

use crate::route_key::METHODS;
use crate::state::Cors;

const KEYS: [&str; 6] = [
    "allow-origins",
    "allow-methods",
    "allow-headers",
    "expose-headers",
    "max-age",
    "allow-credentials",
];

/// A [`Cors`] that owns its texts.
pub struct CorsTexts {
    origins: String,
    methods: String,
    headers: String,
    exposed: String,
    max_age: String,
    credentials: bool,
}

impl CorsTexts {
    /// The configuration as the state holds it.
    pub fn as_state(&self) -> Cors<'_> {
        Cors {
            origins: &self.origins,
            methods: &self.methods,
            headers: &self.headers,
            exposed: &self.exposed,
            max_age: &self.max_age,
            credentials: self.credentials,
        }
    }
}

/// Reads the table.
pub fn read(table: &Table<'_>, problems: &mut Problems) -> CorsTexts {
    table.refuse_unknown(&KEYS, &[], problems);
    let method_rule = format!(
        "a method is one of *, {}",
        METHODS.join(", ").replace("ANY, ", "")
    );
    let is_method = |method: &str| method == "*" || METHODS.contains(&method) && method != "ANY";
    let is_header = |name: &str| is_word(name, "!#$%&'*+-.^_`|~");
    let header_rule = "a header is a name such as \"content-type\", or \"*\"";

    let origins = origins(table, problems);
    let credentials = table
        .boolean("allow-credentials", problems)
        .unwrap_or_default();
    if credentials && origins.iter().any(|origin| *origin == "*") {
        problems.add(
            table.path_of("allow-credentials"),
            "browsers send no credentials to the origin \"*\", so AWS refuses both together; name the origins instead"
                .to_string(),
        );
    }
    let max_age = table.integer("max-age", -1, 86_400, problems);
    CorsTexts {
        origins: origins.join(" "),
        methods: table
            .texts("allow-methods", is_method, &method_rule, problems)
            .unwrap_or_default()
            .join(","),
        headers: table
            .texts("allow-headers", is_header, header_rule, problems)
            .unwrap_or_default()
            .join(","),
        exposed: table
            .texts("expose-headers", is_header, header_rule, problems)
            .unwrap_or_default()
            .join(","),
        max_age: max_age
            .map(|seconds| seconds.to_string())
            .unwrap_or_default(),
        credentials,
    }
}

fn origins<'a>(table: &Table<'a>, problems: &mut Problems) -> Vec<&'a str> {
    let rule = "an origin is a scheme and a host, such as \"https://app.example\", without a path; \
        or \"*\", \"http://*\", \"https://*\"";
    let before = problems.len();
    let origins = table
        .texts("allow-origins", is_origin, rule, problems)
        .unwrap_or_default();
    if origins.is_empty() && problems.len() == before {
        problems.add(
            table.path_of("allow-origins"),
            "CORS needs at least one origin, such as \"https://app.example\" or \"*\"".to_string(),
        );
    }
    origins
}

fn is_origin(text: &str) -> bool {
    if ["*", "http://*", "https://*"].contains(&text) {
        return true;
    }
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    is_word(scheme, "+-.") && is_word(host, "-._:[]")
}
