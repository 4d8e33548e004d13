//! The configuration as `shape` and `respond` read it: lines about the API, then one for each method.
//!
//! Each call receives the state as text, so reading it has to be cheap: the methods are in the order in which they are
//! tried. `configure` refuses control characters in values, so these separate them: a tab the fields of a line, U+001D
//! the entries of a list, U+001E the parts of an entry, U+001F the parts of those. Texts that may have line ends are
//! JSON strings.
//!
//! ```text
//! the API      (see `http_event::api`)
//! base paths ⇥ whether paths may have the stage ⇥ binary media types ⇥ whether authorizers have the API keys
//!     ⇥ the canary's share of requests ⇥ its stage variables as JSON                           (the same line)
//! gateway responses: type, status, body, headers
//! API keys: id, value, usage plan as JSON
//! models as JSON
//! method ⇥ resource ⇥ integration ⇥ whether it requires an API key ⇥ required parameters ⇥ details      (per method)
//! ```
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

use http_event::api::{Api, flag, read_flag};
use http_event::json::read;

/// Separates the entries of a list.
pub const ENTRY: char = '\u{1d}';
/// Separates the parts of an entry.
pub const PART: char = '\u{1e}';
/// Separates what a part consists of.
pub const ITEM: char = '\u{1f}';

/// The base path of an API that has none: its paths begin with the stage.
const NO_BASE_PATH: &str = "\u{1f}";

/// The configuration of an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<'a> {
    /// What all kinds of APIs have.
    pub api: Api<'a>,
    /// With a custom domain, its base paths, separated by [`ENTRY`], each without slashes at its ends; one may be empty.
    pub base_paths: Option<&'a str>,
    /// Whether paths may begin with the stage.
    pub has_stage: bool,
    /// Media types, separated by [`ENTRY`].
    pub binary_types: &'a str,
    /// A JSON object of JSON schemas by name; empty if the API has none.
    pub models: &'a str,
    /// Whether the API keys of methods that require one come from authorizers instead of a header.
    pub keys_of_authorizers: bool,
    /// The stage's canary, if it has one.
    pub canary: Option<Canary<'a>>,
    /// Whether this is the state for a request to the canary; see [`State::for_request`]. `None` without a canary.
    pub is_canary: Option<bool>,
    gateway_responses: &'a str,
    api_keys: &'a str,
    methods: &'a str,
}

/// The usage plan of a key that is in none, while others are in one: as on AWS, it gives access to nothing.
pub const NO_PLAN: &str = "none";

/// A canary release: a share of the requests has other stage variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canary<'a> {
    /// The share of requests in percent, as text.
    pub percent: &'a str,
    /// All stage variables of the canary as a JSON object; empty without any.
    pub stage_variables: &'a str,
}

impl Canary<'_> {
    /// Whether a request goes to the canary. AWS decides by chance; the digits of a request's id, a random UUID, are
    /// chance enough, and the same for all calls about the request.
    fn has(&self, request_id: &str) -> bool {
        let digits = request_id.get(..8).unwrap_or_default();
        let chance = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
        let percent: f64 = self.percent.parse().unwrap_or_default();
        f64::from(chance) * 100.0 < percent * (f64::from(u32::MAX) + 1.0)
    }
}

/// An API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// The id.
    pub id: &'a str,
    /// What a request has in its header.
    pub value: &'a str,
    /// The usage plan as JSON, or [`NO_PLAN`]; empty without usage plans.
    pub plan: &'a str,
}

/// A method of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method<'a> {
    /// `ANY` stands for the seven methods that REST APIs have.
    pub name: &'a str,
    /// The path of the resource, with `{parameters}`.
    pub resource: &'a str,
    /// What is done with the request.
    pub integration: Integration<'a>,
    /// Whether a request needs an API key.
    pub needs_key: bool,
    /// `querystring.NAME`, `header.name`, separated by [`ENTRY`].
    pub required: &'a str,
    /// What few methods have, as a JSON object; empty without any. See [`Method::detail`].
    pub details: &'a str,
}

/// What a method does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integration<'a> {
    /// Invokes a function with the event of a Lambda proxy integration.
    Lambda {
        /// The function's name.
        function: &'a str,
        /// The integration's timeout, in milliseconds.
        timeout_ms: u32,
        /// Whether the response is streamed.
        streamed: bool,
    },
    /// What the detail `integration` says.
    Mapped {
        /// The function's name; empty without one.
        function: &'a str,
        /// The integration's timeout, in milliseconds.
        timeout_ms: u32,
    },
    /// Answers without a function.
    Mock(Mock<'a>),
}

/// The response of a mock integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mock<'a> {
    /// The status code as text.
    pub status: &'a str,
    /// A JSON string.
    pub body: &'a str,
    /// Names and values, alternating, separated by [`ITEM`].
    pub headers: &'a str,
}

/// A gateway response that the configuration changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    /// AWS's type, such as `MISSING_AUTHENTICATION_TOKEN` or `DEFAULT_4XX`.
    pub kind: &'a str,
    /// The status code as text; empty: AWS's.
    pub status: &'a str,
    /// A template as a JSON string, or a JSON object of templates by content type; empty: AWS's body.
    pub body: &'a str,
    /// Names and sources of values, alternating, separated by [`ITEM`].
    pub headers: &'a str,
}

impl<'a> State<'a> {
    /// The state of an API without methods.
    pub fn new(api: Api<'a>) -> Self {
        Self {
            api,
            base_paths: None,
            has_stage: true,
            binary_types: "",
            models: "",
            keys_of_authorizers: false,
            canary: None,
            is_canary: None,
            gateway_responses: "",
            api_keys: "",
            methods: "",
        }
    }

    /// Reads a text that [`State::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.splitn(6, '\n');
        let api = Api::read(lines.next()?)?;
        let mut own = lines.next()?.split('\t');
        Some(Self {
            api,
            base_paths: Some(own.next()?).filter(|path| *path != NO_BASE_PATH),
            has_stage: read_flag(own.next()?),
            binary_types: own.next()?,
            keys_of_authorizers: read_flag(own.next()?),
            canary: Some(Canary {
                percent: own.next()?,
                stage_variables: own.next()?,
            })
            .filter(|canary| !canary.percent.is_empty()),
            is_canary: None,
            gateway_responses: lines.next()?,
            api_keys: lines.next()?,
            models: lines.next()?,
            methods: lines.next()?,
        })
    }

    /// The state for a request: with the stage variables of the canary, if it goes there.
    pub fn for_request(mut self, request_id: &str) -> Self {
        let canary = self.canary.filter(|canary| canary.has(request_id));
        self.is_canary = self.canary.map(|_| canary.is_some());
        if let Some(canary) = canary {
            self.api.stage_variables = canary.stage_variables;
        }
        self
    }

    /// Writes the state with these lists. `shape` tries the methods in this order.
    pub fn write<'r>(
        &self,
        gateway_responses: impl IntoIterator<Item = Changed<'r>>,
        api_keys: impl IntoIterator<Item = Key<'r>>,
        methods: impl IntoIterator<Item = Method<'r>>,
    ) -> String {
        let mut text = self.api.write();
        let (percent, stage_variables) = match self.canary {
            Some(canary) => (canary.percent, canary.stage_variables),
            None => ("", ""),
        };
        let own = [
            self.base_paths.unwrap_or(NO_BASE_PATH),
            flag(self.has_stage),
            self.binary_types,
            flag(self.keys_of_authorizers),
            percent,
            stage_variables,
        ];
        text.push_str(&own.join("\t"));
        text.push('\n');
        for changed in gateway_responses {
            let parts = [changed.kind, changed.status, changed.body, changed.headers];
            write_entry(&mut text, &parts);
        }
        text.push('\n');
        for Key { id, value, plan } in api_keys {
            write_entry(&mut text, &[id, value, plan]);
        }
        text.push('\n');
        text.push_str(self.models);
        text.push('\n');
        for method in methods {
            method.write(&mut text);
        }
        text
    }

    /// Whether a gateway response has something of the request context.
    pub fn has_variables(&self) -> bool {
        self.gateway_responses.contains("context.")
    }

    /// Whether a gateway response has parameters of the request, or depends on the types that the client accepts.
    pub fn needs_request(&self) -> bool {
        let mut changes = self.gateway_responses();
        changes.any(|it| it.headers.contains("method.request.") || it.body.starts_with('{'))
    }

    /// The gateway responses that are changed.
    pub fn gateway_responses(&self) -> impl Iterator<Item = Changed<'a>> {
        entries(self.gateway_responses).filter_map(|entry| {
            let mut parts = entry.split(PART);
            Some(Changed {
                kind: parts.next()?,
                status: parts.next()?,
                body: parts.next()?,
                headers: parts.next()?,
            })
        })
    }

    /// The API key with this value.
    pub fn key(&self, value: &str) -> Option<Key<'a>> {
        let mut keys = entries(self.api_keys).filter_map(|entry| {
            let mut parts = entry.split(PART);
            Some(Key {
                id: parts.next()?,
                value: parts.next()?,
                plan: parts.next()?,
            })
        });
        keys.find(|key| key.value == value)
    }

    /// The methods, in the order in which `shape` tries them.
    pub fn methods(&self) -> impl Iterator<Item = Method<'a>> {
        self.methods.lines().filter_map(Method::read)
    }
}

impl<'a> Method<'a> {
    /// In place of the method that a request does not have.
    pub fn none() -> Self {
        Self {
            name: "",
            resource: "",
            integration: Integration::Lambda {
                function: "",
                timeout_ms: 0,
                streamed: false,
            },
            needs_key: false,
            required: "",
            details: "",
        }
    }

    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (name, resource) = (fields.next()?, fields.next()?);
        let mut parts = fields.next()?.split(PART);
        let integration = match parts.next()? {
            "mock" => Integration::Mock(Mock {
                status: parts.next()?,
                body: parts.next()?,
                headers: parts.next()?,
            }),
            "mapped" => Integration::Mapped {
                function: parts.next()?,
                timeout_ms: parts.next()?.parse().ok()?,
            },
            mode => Integration::Lambda {
                function: parts.next()?,
                timeout_ms: parts.next()?.parse().ok()?,
                streamed: mode == "stream",
            },
        };
        Some(Self {
            name,
            resource,
            integration,
            needs_key: read_flag(fields.next()?),
            required: fields.next()?,
            details: fields.next()?,
        })
    }

    /// A detail, as JSON.
    pub fn detail(&self, name: &str) -> Option<&'a str> {
        if self.details.is_empty() {
            return None;
        }
        let [value] = read::members(self.details, [name]).ok()?;
        value
    }

    fn write(&self, text: &mut String) {
        use alloc::string::ToString as _;

        for field in [self.name, self.resource] {
            text.push_str(field);
            text.push('\t');
        }
        match self.integration {
            Integration::Lambda {
                function,
                timeout_ms,
                streamed,
            } => {
                let mode = if streamed { "stream" } else { "buffer" };
                write_parts(text, &[mode, function, &timeout_ms.to_string()]);
            }
            Integration::Mapped {
                function,
                timeout_ms,
            } => write_parts(text, &["mapped", function, &timeout_ms.to_string()]),
            Integration::Mock(mock) => {
                write_parts(text, &["mock", mock.status, mock.body, mock.headers]);
            }
        }
        for field in [flag(self.needs_key), self.required, self.details] {
            text.push('\t');
            text.push_str(field);
        }
        text.push('\n');
    }
}

/// The entries of a list.
pub fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(ENTRY).filter(|entry| !entry.is_empty())
}

/// The names and values of headers, which alternate.
pub fn pairs(headers: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut items = headers.split(ITEM);
    core::iter::from_fn(move || Some((items.next()?, items.next()?)))
}

fn write_entry(text: &mut String, parts: &[&str]) {
    if !text.ends_with('\n') {
        text.push(ENTRY);
    }
    write_parts(text, parts);
}

fn write_parts(text: &mut String, parts: &[&str]) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push(PART);
        }
        text.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_as_it_was_written_and_other_text_does_not() {
        let changed = Changed {
            kind: "DEFAULT_4XX",
            status: "",
            body: r#""a\nb""#,
            headers: "x-a\u{1f}b",
        };
        let lambda = |streamed| Integration::Lambda {
            function: "f:live",
            timeout_ms: 29_000,
            streamed,
        };
        let mock = Integration::Mock(Mock {
            status: "200",
            body: "\"\"",
            headers: "x-a\u{1f}b\u{1f}x-c\u{1f}d",
        });
        let method = |name, integration| Method {
            name,
            resource: "/a/{b}",
            integration,
            needs_key: name == "GET",
            required: "querystring.q\u{1d}header.x",
            details: if name == "GET" { r#"{"a":[1]}"# } else { "" },
        };
        let methods = [
            method("GET", lambda(true)),
            method("ANY", lambda(false)),
            method("OPTIONS", mock),
            method(
                "PUT",
                Integration::Mapped {
                    function: "",
                    timeout_ms: 1,
                },
            ),
        ];
        let key = |id, value, plan| Key { id, value, plan };
        let keys = [key("id", "secret", r#"{"rate":1.5}"#), key("b", "c", "")];
        for base_paths in [None, Some(""), Some("v1\u{1d}")] {
            let state = State {
                base_paths,
                has_stage: base_paths.is_none(),
                binary_types: "image/png\u{1d}*/*",
                models: r#"{"M":{}}"#,
                canary: base_paths.map(|_| Canary {
                    percent: "12.5",
                    stage_variables: r#"{"a":"b"}"#,
                }),
                ..State::new(Api::new("prod", "123456789012", "abc"))
            };
            let text = state.write([changed, changed], keys, methods);
            let read = State::read(&text).unwrap();
            assert_eq!(read.base_paths, base_paths);
            assert_eq!(read.has_stage, base_paths.is_none());
            assert_eq!(read.api, state.api);
            assert_eq!(read.canary, state.canary);
            assert_eq!(read.models, state.models);
            assert_eq!(methods[0].detail("a"), Some("[1]"));
            assert_eq!(
                read.gateway_responses().collect::<Vec<_>>(),
                [changed, changed]
            );
            assert_eq!(read.key("secret"), Some(keys[0]));
            assert_eq!(read.key("other"), None);
            assert_eq!(read.methods().collect::<Vec<_>>(), methods);
        }
        assert_eq!(
            pairs("x-a\u{1f}b\u{1f}x-c\u{1f}d").collect::<Vec<_>>(),
            [("x-a", "b"), ("x-c", "d")]
        );
        for text in ["", "{}", "a\tb\n\n\n"] {
            assert_eq!(State::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_id_of_a_request_decides_whether_it_goes_to_the_canary() {
        let state = |percent| State {
            canary: Some(Canary {
                percent,
                stage_variables: r#"{"a":"canary"}"#,
            }),
            ..State::new(Api::new("prod", "", ""))
        };
        let lowest = "00000000-0000-4000-8000-000000000000";
        let third = "55555555-0000-4000-8000-000000000000";
        let highest = "ffffffff-0000-4000-8000-000000000000";
        for (percent, id, expected) in [
            ("0", lowest, false),
            ("0.0000001", lowest, true),
            ("33.3", third, false),
            ("33.4", third, true),
            ("99.9", highest, false),
            ("100", highest, true),
        ] {
            let state = state(percent).for_request(id);
            assert_eq!(state.is_canary, Some(expected), "{percent} {id}");
            assert_eq!(!state.api.stage_variables.is_empty(), expected);
        }
        let without = State::new(Api::new("prod", "", "")).for_request(lowest);
        assert_eq!(without.is_canary, None);
    }
}
