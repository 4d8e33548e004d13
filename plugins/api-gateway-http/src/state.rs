//! The configuration as `shape` and `respond` read it: lines of tab-separated fields.
//!
//! Each call receives the state as text, so reading it has to be cheap: there is no JSON and no allocation, and the
//! routes are in the order in which they are tried. `configure` refuses control characters, so nothing is escaped.
//!
//! ```text
//! the API                                                                    (see `http_event::api`)
//! origins ⇥ methods ⇥ headers ⇥ exposed headers ⇥ max age ⇥ credentials      (empty without CORS)
//! method ⇥ path ⇥ payload format ⇥ timeout in ms ⇥ function ⇥ authorizer ⇥ throttle     (per route; the first match is used)
//! ```
//!
//! On failure: other text reads as `None`.

use alloc::format;
use alloc::string::String;

use http_event::api::Api;
use http_event::cors::Cors;

pub use http_event::route_key::DEFAULT;

/// The configuration of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<'a> {
    /// What all kinds of APIs have. The stage is [`DEFAULT`], or the first segment of every path.
    pub api: Api<'a>,
    /// `None`: the functions handle CORS themselves.
    pub cors: Option<Cors<'a>>,
    routes: &'a str,
}

/// One route and its Lambda integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// `ANY` matches every method.
    pub method: &'a str,
    /// [`DEFAULT`], or a path with `{parameters}`.
    pub path: &'a str,
    /// The format of the event and of the result.
    pub format: Format,
    /// The integration's timeout, in milliseconds.
    pub timeout_ms: u32,
    /// The function's name.
    pub function: &'a str,
    /// Its authorizer, for [`Guard::read`](authorizer::authorizer::Guard::read); empty without one.
    pub guard: &'a str,
    /// Its throttle, for [`Limits::read`](http_event::throttle::Limits::read); empty without one.
    pub throttle: &'a str,
}

/// The payload format version of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 1.0, which is similar to the format of REST APIs.
    V1,
    /// 2.0, the HTTP API's own.
    V2,
}

impl Format {
    /// `1.0` or `2.0`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "1.0" => Some(Self::V1),
            "2.0" => Some(Self::V2),
            _ => None,
        }
    }

    /// The inverse of [`Format::from_name`].
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }
}

impl<'a> State<'a> {
    /// Reads a text that [`State::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.splitn(3, '\n');
        Some(Self {
            api: Api::read(lines.next()?)?,
            cors: match lines.next()? {
                "" => None,
                cors => Some(Cors::read(cors)?),
            },
            routes: lines.next()?,
        })
    }

    /// Writes the state with these routes, which `shape` tries in this order.
    pub fn write<'r>(&self, routes: impl IntoIterator<Item = Route<'r>>) -> String {
        let mut text = self.api.write();
        if let Some(cors) = &self.cors {
            cors.write(&mut text);
        }
        text.push('\n');
        for route in routes {
            route.write(&mut text);
        }
        text
    }

    /// The state of an API without CORS and without routes.
    pub fn new(stage: &'a str, account_id: &'a str, api_id: &'a str) -> Self {
        Self {
            api: Api::new(stage, account_id, api_id),
            cors: None,
            routes: "",
        }
    }

    /// The routes, in the order in which `shape` tries them.
    pub fn routes(&self) -> impl Iterator<Item = Route<'a>> {
        self.routes.lines().filter_map(Route::read)
    }
}

impl<'a> Route<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            method: fields.next()?,
            path: fields.next()?,
            format: Format::from_name(fields.next()?)?,
            timeout_ms: fields.next()?.parse().ok()?,
            function: fields.next()?,
            guard: fields.next()?,
            throttle: fields.next()?,
        })
    }

    fn write(&self, text: &mut String) {
        let Self {
            method,
            path,
            format,
            timeout_ms,
            function,
            guard,
            throttle,
        } = self;
        text.push_str(&format!(
            "{method}\t{path}\t{}\t{timeout_ms}\t{function}\t{guard}\t{throttle}\n",
            format.name()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_as_it_was_written() {
        let cors = Cors {
            origins: "https://a.example http://*",
            methods: "GET,POST",
            headers: "",
            exposed: "x-a",
            max_age: "300",
            credentials: true,
        };
        let state = State {
            api: Api {
                stage_variables: r#"{"a":"b"}"#,
                ..Api::new("prod", "123456789012", "abc")
            },
            cors: Some(cors),
            routes: "",
        };
        let routes = [
            Route {
                method: "GET",
                path: "/a/{b}",
                format: Format::V2,
                timeout_ms: 30_000,
                function: "f",
                guard: "",
                throttle: "0.5 10",
            },
            Route {
                method: "ANY",
                path: DEFAULT,
                format: Format::V1,
                timeout_ms: 50,
                function: "g:live",
                guard: "a\u{1f}",
                throttle: "",
            },
        ];
        let text = state.write(routes);
        let read = State::read(&text).unwrap();
        assert_eq!(read.routes().collect::<Vec<_>>(), routes);
        assert_eq!(State { routes: "", ..read }, state);
    }

    #[test]
    fn a_state_without_cors_and_variables_reads_back() {
        let text = State::new(DEFAULT, "123456789012", "abc").write([]);
        let read = State::read(&text).unwrap();
        assert_eq!(
            (read.cors, read.api.stage_variables, read.routes().count()),
            (None, "", 0)
        );
    }

    #[test]
    fn other_text_is_not_a_state() {
        for text in [
            "",
            "{}",
            "a\tb\tc\td\te",
            "a\tb\n\n",
            "a\tb\tc\td\te\tf\tg\nonly origins\n",
        ] {
            assert_eq!(State::read(text), None, "{text:?}");
        }
    }
}
