//! The table `cors` of a trigger, by AWS's rules.
//!
//! | key | meaning |
//! |---|---|
//! | `allow-origins` | `"https://app.example"`, `"*"`, `"http://*"` or `"https://*"` |
//! | `allow-methods` | methods or `"*"` |
//! | `allow-headers`, `expose-headers` | names of headers or `"*"` |
//! | `max-age` | how long a browser may cache the answer, in seconds, up to 86,400 |
//! | `allow-credentials` | whether browsers may send cookies; not allowed together with the origin `"*"` |

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use plugin_kit::settings::{Problems, Table, is_word};

use super::Cors;

/// What front ends allow differently.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The methods that `allow-methods` may have.
    pub methods: &'static [&'static str],
    /// The smallest `max-age`.
    pub min_age: i64,
}

/// The rules of HTTP APIs.
pub const HTTP_API: Rules = Rules {
    methods: &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
    min_age: -1,
};

/// The rules of function URLs, where a method has six characters at most.
pub const FUNCTION_URL: Rules = Rules {
    methods: &["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
    min_age: 0,
};

const KEYS: [&str; 6] = [
    "allow-origins",
    "allow-methods",
    "allow-headers",
    "expose-headers",
    "max-age",
    "allow-credentials",
];

/// The table, as it was read.
#[derive(Debug)]
pub struct Settings {
    origins: String,
    methods: String,
    headers: String,
    exposed: String,
    max_age: String,
    credentials: bool,
}

impl Settings {
    /// Reads the table and records its mistakes.
    pub fn read(table: &Table<'_>, rules: Rules, problems: &mut Problems) -> Self {
        table.refuse_unknown(&KEYS, &[], problems);
        let method_rule = format!("a method is one of *, {}", rules.methods.join(", "));
        let is_method = |method: &str| method == "*" || rules.methods.contains(&method);
        let is_header = |name: &str| is_word(name, "!#$%&'*+-.^_`|~");
        let header_rule = "a header is a name such as \"content-type\", or \"*\"";

        let origins = origins(table, problems);
        let credentials = table
            .boolean("allow-credentials", problems)
            .unwrap_or_default();
        if credentials && origins.contains(&"*") {
            problems.add(
            table.path_of("allow-credentials"),
            "browsers send no credentials to the origin \"*\", so AWS refuses both together; name the origins instead"
                .to_string(),
        );
        }
        let max_age = table.integer("max-age", rules.min_age, 86_400, problems);
        Self {
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

    /// The configuration that the table describes.
    pub fn as_cors(&self) -> Cors<'_> {
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
