//! The action of a rule or of the listener: `function = "NAME"`, `redirect = { … }` or `fixed-response = { … }`.
//!
//! | key of `redirect` | meaning | default |
//! |---|---|---|
//! | `status-code` | `301` or `302` | required |
//! | `protocol` | `"HTTP"` or `"HTTPS"` | `"#{protocol}"` |
//! | `host`, `port`, `path`, `query` | the parts of the URL | `"#{host}"`, `"#{port}"`, `"/#{path}"`, `"#{query}"` |
//!
//! | key of `fixed-response` | meaning | default |
//! |---|---|---|
//! | `status-code` | 200 to 299 or 400 to 599 | required |
//! | `content-type` | one of AWS's five media types | `"text/plain"` |
//! | `message-body` | up to 1,024 characters | empty |

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::contract::FunctionReference;
use http_event::json::write::quoted;
use plugin_kit::settings::{Problems, Table, excerpt, is_function};

use super::reference;
use crate::state::{Action, FixedResponse, Redirect};

const ACTIONS: [&str; 3] = ["function", "redirect", "fixed-response"];

/// The media types of fixed responses.
const MEDIA_TYPES: [&str; 5] = [
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
];

/// The longest body of a fixed response, in characters.
const MAX_MESSAGE: usize = 1024;

/// An action as it was read.
#[derive(Debug)]
pub enum ConfiguredAction<'a> {
    Forward {
        function: &'a str,
        at: Vec<String>,
    },
    Redirect(Redirect<'a>),
    FixedResponse {
        status: String,
        content_type: &'a str,
        /// A JSON string.
        body: String,
    },
}

impl<'a> ConfiguredAction<'a> {
    /// Reads the one action of a table.
    pub fn read(table: &Table<'a>, problems: &mut Problems) -> Option<Self> {
        let mut given = ACTIONS.iter().filter(|key| table.get(key).is_some());
        let Some(first) = given.next() else {
            let message = "an action is missing: `function`, `redirect` or `fixed-response`";
            problems.add(table.at().to_vec(), message);
            return None;
        };
        if let Some(second) = given.next() {
            let message = format!("only one action is allowed; `{first}` is already set");
            problems.add(table.path_of(second), message);
        }
        match *first {
            "function" => {
                let rule = "this must be the name of a function";
                let function = table.text("function", is_function, rule, problems)?;
                let at = table.path_of("function");
                Some(Self::Forward { function, at })
            }
            "redirect" => {
                let table = table.table("redirect", problems)?;
                redirect(&table, problems).map(Self::Redirect)
            }
            _ => fixed_response(&table.table("fixed-response", problems)?, problems),
        }
    }

    /// The action for the state.
    pub fn action(&self) -> Action<'_> {
        match self {
            Self::Forward { function, .. } => Action::Forward(function),
            Self::Redirect(to) => Action::Redirect(*to),
            Self::FixedResponse {
                status,
                content_type,
                body,
            } => Action::FixedResponse(FixedResponse {
                status,
                content_type,
                body,
            }),
        }
    }

    /// The function, if the action invokes one.
    pub fn function_reference(&self) -> Option<FunctionReference> {
        match self {
            Self::Forward { function, at } => Some(reference(function, at.clone())),
            _ => None,
        }
    }

    /// The action in a few words, for `lambkin check`.
    pub fn summary(&self) -> String {
        match self {
            Self::Forward { function, .. } => (*function).to_string(),
            Self::Redirect(to) => format!(
                "redirect to {}://{}:{}{}",
                to.protocol, to.host, to.port, to.path
            ),
            Self::FixedResponse { status, .. } => format!("status {status}"),
        }
    }
}

fn redirect<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<Redirect<'a>> {
    let known = ["status-code", "protocol", "host", "port", "path", "query"];
    table.refuse_unknown(&known, &[], problems);
    let status = match table.integer("status-code", 301_u16, 302, problems) {
        None if table.get("status-code").is_none() => {
            let message = "a redirect needs a `status-code`, 301 or 302";
            problems.add(table.at().to_vec(), message);
            None
        }
        status => status,
    };
    let protocols = ["HTTP", "HTTPS", "#{protocol}"];
    let protocol = table.choice("protocol", &protocols, problems);
    let is_port = |text: &str| text == "#{port}" || text.parse::<u16>().is_ok_and(|port| port > 0);
    let port_rule = "this must be a port in quotes, \"1\" to \"65535\", or \"#{port}\"";
    let port = table.text("port", is_port, port_rule, problems);
    let rule = "this must be text of at most 128 characters without spaces, with the placeholders #{protocol}, #{host}, \
        #{port}, #{path} and #{query}";
    let is_host = |text: &str| !text.is_empty() && is_plain(text);
    let host = table.text("host", is_host, rule, problems);
    let path_rule = "a path begins with `/` and has at most 128 characters, without spaces";
    let is_path = |text: &str| text.starts_with('/') && is_plain(text);
    let path = table.text("path", is_path, path_rule, problems);
    let query = table.text("query", is_plain, rule, problems);
    let parts = ["protocol", "host", "port", "path"];
    if parts.iter().all(|key| table.get(key).is_none()) {
        let message = "a redirect changes the protocol, the host, the port or the path; this one leads to itself";
        problems.add(table.at().to_vec(), message);
    }
    Some(Redirect {
        permanent: status? == 301,
        protocol: protocol.unwrap_or("#{protocol}"),
        host: host.unwrap_or("#{host}"),
        port: port.unwrap_or("#{port}"),
        path: path.unwrap_or("/#{path}"),
        query: query.unwrap_or("#{query}"),
    })
}

/// Whether a text can be a part of a URL, and all its placeholders exist.
fn is_plain(text: &str) -> bool {
    const NAMES: [&str; 5] = ["protocol", "host", "port", "path", "query"];

    let mut placeholders = text.split("#{").skip(1);
    placeholders.all(|rest| {
        rest.split_once('}')
            .is_some_and(|(name, _)| NAMES.contains(&name))
    }) && text.chars().count() <= 128
        && !text.chars().any(|char| char.is_control() || char == ' ')
}

fn fixed_response<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<ConfiguredAction<'a>> {
    let known = ["status-code", "content-type", "message-body"];
    table.refuse_unknown(&known, &[], problems);
    let status = match table.get("status-code") {
        None => {
            let message = "a fixed response needs a `status-code`, 200 to 299 or 400 to 599";
            problems.add(table.at().to_vec(), message);
            None
        }
        Some(value) => {
            let status = value.as_u64();
            let status = status.filter(|status| matches!(status, 200..=299 | 400..=599));
            if status.is_none() {
                let message = format!(
                    "this must be a number from 200 to 299 or from 400 to 599, not {}",
                    excerpt(value)
                );
                problems.add(table.path_of("status-code"), message);
            }
            status
        }
    };
    let content_type = table.choice("content-type", &MEDIA_TYPES, problems);
    let body_rule = "this must be text of at most 1,024 characters";
    let is_short = |text: &str| text.chars().count() <= MAX_MESSAGE;
    let body = table.text("message-body", is_short, body_rule, problems);
    Some(ConfiguredAction::FixedResponse {
        status: status?.to_string(),
        content_type: content_type.unwrap_or("text/plain"),
        body: quoted(body.unwrap_or_default()),
    })
}
