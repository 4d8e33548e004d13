//! The configuration as the other functions read it: lines of tab-separated fields.
//!
//! ```text
//! the API                                                                              (see `http_event::api`)
//! base path ⇥ idle timeout in ms ⇥ longest duration in ms ⇥ guard of `$connect` ⇥ selection expression
//! route key ⇥ function ⇥ timeout in ms ⇥ whether there is a route response ⇥ whether binary messages are converted
//! ```
//!
//! `configure` refuses control characters, so nothing is escaped. On failure: other text reads as `None`.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::api::{Api, flag, read_flag};
use http_event::websocket::WebsocketSetup;

/// The routes that the gateway chooses itself.
pub const CONNECT: &str = "$connect";
/// See [`CONNECT`].
pub const DISCONNECT: &str = "$disconnect";
/// The route of messages without another one.
pub const DEFAULT: &str = "$default";

/// AWS's quotas: the largest message and the largest frame, in bytes.
const MAX_MESSAGE: u32 = 128 * 1024;
const MAX_FRAME: u32 = 32 * 1024;

/// What stands for no base path; a path has no such character.
const NO_BASE_PATH: &str = "?";

/// The configuration of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<'a> {
    /// What all kinds of APIs have. The stage is the first segment of the path, unless there is a base path.
    pub api: Api<'a>,
    /// The path of a custom domain, without slashes at its ends; it may be empty.
    pub base_path: Option<&'a str>,
    /// In milliseconds; 0 for none.
    pub idle_timeout_ms: u32,
    /// In milliseconds; 0 for none.
    pub max_duration_ms: u32,
    /// How the route of a message is chosen, see [`selection`](crate::selection).
    pub selection: &'a str,
    /// The authorizer of `$connect`, for [`Guard::read`](authorizer::authorizer::Guard::read); empty without one.
    pub guard: &'a str,
    routes: &'a str,
}

/// One route and its Lambda integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// `$connect`, `$disconnect`, `$default` or a value of the selection expression.
    pub key: &'a str,
    /// The function's name.
    pub function: &'a str,
    /// The integration's timeout, in milliseconds.
    pub timeout_ms: u32,
    /// Whether the client receives the body of the function's result.
    pub has_response: bool,
    /// Whether the function receives binary messages, in Base64.
    pub accepts_binary: bool,
}

impl<'a> State<'a> {
    /// Reads a text that [`State::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.splitn(3, '\n');
        let api = Api::read(lines.next()?)?;
        let mut own = lines.next()?.splitn(5, '\t');
        Some(Self {
            api,
            base_path: Some(own.next()?).filter(|path| *path != NO_BASE_PATH),
            idle_timeout_ms: own.next()?.parse().ok()?,
            max_duration_ms: own.next()?.parse().ok()?,
            guard: own.next()?,
            selection: own.next()?,
            routes: lines.next()?,
        })
    }

    /// Writes the state with these routes.
    pub fn write(&self, routes: &[Route<'_>]) -> String {
        let mut text = self.api.write();
        let own = [
            self.base_path.unwrap_or(NO_BASE_PATH),
            &self.idle_timeout_ms.to_string(),
            &self.max_duration_ms.to_string(),
            self.guard,
            self.selection,
        ];
        text.push_str(&own.join("\t"));
        text.push('\n');
        for route in routes {
            let Route {
                key,
                function,
                timeout_ms,
                has_response,
                accepts_binary,
            } = route;
            let (has_response, accepts_binary) = (flag(*has_response), flag(*accepts_binary));
            text.push_str(&format!(
                "{key}\t{function}\t{timeout_ms}\t{has_response}\t{accepts_binary}\n"
            ));
        }
        text
    }

    /// The state of an API without routes.
    pub fn new(api: Api<'a>) -> Self {
        Self {
            api,
            base_path: None,
            idle_timeout_ms: 0,
            max_duration_ms: 0,
            guard: "",
            selection: "",
            routes: "",
        }
    }

    /// The route with this key.
    pub fn route(&self, key: &str) -> Option<Route<'a>> {
        let mut routes = self.routes.lines().filter_map(Route::read);
        routes.find(|route| route.key == key)
    }

    /// The rest of a path in this API, without a slash at its start; `None` for a path of another API or stage.
    pub fn path_in_api<'p>(&self, path: &'p str) -> Option<&'p str> {
        let path = path.strip_prefix('/')?;
        let prefix = self.base_path.unwrap_or(self.api.stage);
        if prefix.is_empty() {
            return Some(path);
        }
        match path.strip_prefix(prefix)? {
            "" => Some(""),
            rest => rest.strip_prefix('/'),
        }
    }
}

impl<'a> Route<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            key: fields.next()?,
            function: fields.next()?,
            timeout_ms: fields.next()?.parse().ok()?,
            has_response: read_flag(fields.next()?),
            accepts_binary: read_flag(fields.next()?),
        })
    }
}

/// The settings of the API's connections.
///
/// # Errors
///
/// `state` was not written by [`configure`](crate::configure()).
pub fn websockets(state: &str) -> Result<WebsocketSetup, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    Ok(WebsocketSetup {
        idle_timeout_ms: state.idle_timeout_ms,
        max_duration_ms: state.max_duration_ms,
        timeout_reason: String::from("Going away"),
        max_message_bytes: MAX_MESSAGE,
        max_frame_bytes: MAX_FRAME,
        extra: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_as_it_was_written() {
        let route = Route {
            key: "a/b",
            function: "f:live",
            timeout_ms: 29_000,
            has_response: true,
            accepts_binary: false,
        };
        for base_path in [None, Some(""), Some("v1/chat")] {
            let state = State {
                base_path,
                idle_timeout_ms: 1,
                max_duration_ms: 2,
                guard: "g",
                selection: "$request.body.action",
                ..State::new(Api::new("prod", "123456789012", "abc"))
            };
            let text = state.write(&[route]);
            let read = State::read(&text).unwrap();
            assert_eq!(read.route("a/b"), Some(route));
            assert_eq!(read.route("a"), None);
            assert_eq!(State { routes: "", ..read }, state);
        }
        for text in ["", "{}", "a\tb\tc\td\n\n"] {
            assert_eq!(State::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_path_is_in_the_stage_or_below_the_base_path() {
        let state = State::new(Api::new("dev", "", ""));
        for (path, rest) in [
            ("/dev", Some("")),
            ("/dev/", Some("")),
            ("/dev/@connections/x", Some("@connections/x")),
            ("/develop", None),
            ("/", None),
        ] {
            assert_eq!(state.path_in_api(path), rest, "{path}");
        }
        let state = State {
            base_path: Some(""),
            ..state
        };
        assert_eq!(state.path_in_api("/"), Some(""));
        assert_eq!(state.path_in_api("/dev"), Some("dev"));
    }
}
