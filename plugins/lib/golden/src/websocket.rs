//! Golden cases of plugins for WebSocket triggers, as calls of the plugin's own functions.
//!
//! Requests are those of [`http`]. Calls about messages and ends of connections have a connection that is
//! opened before: with a request for one and, if the plugin asks a function, the result `{"statusCode":200}`.

#![allow(
    clippy::indexing_slicing,
    reason = "indexing JSON with a name does not panic; what a case lacks reads as null"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_event::contract::{Ending, Outcome, Request, Step};
use http_event::websocket::{
    CONNECTION_DATA, CONNECTION_ID, Close, Connection, Message, Occasion, REQUESTED,
};
use serde_json::{Value, json};

use crate::http;

/// The keys of a call, in the order of what happens.
const CALL: [&str; 10] = [
    "about", "basis", "request", "upgrade", "message", "close", "step", "steps", "outcome",
    "response",
];

/// The functions of a plugin.
#[derive(Debug, Clone, Copy)]
pub struct Functions {
    /// `configure`.
    pub configure: http::Configure,
    /// `shape`.
    pub shape: fn(&str, &Request) -> Result<Step, String>,
    /// `receive`.
    pub receive: fn(&str, &Connection, &Occasion, &Message) -> Result<Step, String>,
    /// `disconnected`.
    pub disconnected: fn(&str, &Connection, &Occasion, &Close) -> Result<Step, String>,
    /// `resume`.
    pub resume: fn(&str, &str, Outcome, Option<&Request>) -> Result<Step, String>,
}

/// Checks the cases of a plugin; see [`check`](crate::check).
///
/// # Panics
///
/// Panics if an answer differs from the recorded one.
pub fn check(plugin: &str, functions: Functions) {
    let defaults = crate::read("request.json");
    let print = |case: &Value| http::in_order_of_events(case, &CALL);
    crate::check(plugin, |case| functions.answer(case, &defaults), print);
}

impl Functions {
    /// The case with this plugin's answers instead of the recorded ones. What is not recorded is not added.
    fn answer(self, case: &Value, defaults: &Value) -> Value {
        let mut case = case.clone();
        let setup = (self.configure)(&case["config"].to_string(), &http::surroundings());
        let Some(state) = http::record_setup(&mut case, setup) else {
            return case;
        };
        let Some(calls) = case["calls"].as_array_mut() else {
            panic!("the configuration is accepted, and the case has no calls: {case}");
        };
        for call in calls {
            self.answer_call(&state, call, defaults);
        }
        case
    }

    fn answer_call(self, state: &str, call: &mut Value, defaults: &Value) {
        let request = call.get("request").map(|overrides| {
            let mut request = http::request(overrides, defaults);
            if call["upgrade"] == true {
                request.extra.push((REQUESTED.to_owned(), String::new()));
            }
            request
        });
        let step = match &request {
            Some(request) => (self.shape)(state, request),
            None => self.happens(state, call, defaults),
        };
        let step = step.unwrap_or_else(|error| panic!("{error}: {call}"));
        http::follow(&self.resume, state, step, call, request.as_ref());
    }

    /// The first step for a message or the end of a connection.
    fn happens(self, state: &str, call: &Value, defaults: &Value) -> Result<Step, String> {
        let connection = self.connection(state, defaults)?;
        let occasion = Occasion {
            id: "89abcdef-0123-4567-89ab-cdef01234567".to_owned(),
            trace_id: "Root=1-0-1;Sampled=0".to_owned(),
            at_ms: connection.connected_at_ms + 1500,
            extra: Vec::new(),
        };
        if let Some(close) = call.get("close") {
            let code = close["code"]
                .as_u64()
                .and_then(|code| u16::try_from(code).ok());
            let close = Close {
                code: code.unwrap_or_default(),
                reason: http::string(&close["reason"]),
            };
            return (self.disconnected)(state, &connection, &occasion, &close);
        }
        let message = &call["message"];
        let message = match message.get("base64") {
            Some(base64) => match STANDARD.decode(http::string(base64)) {
                Ok(bytes) => Message::Binary(bytes),
                Err(error) => panic!("{base64}: {error}"),
            },
            None => Message::Text(http::string(&message["text"])),
        };
        (self.receive)(state, &connection, &occasion, &message)
    }

    /// Opens a connection.
    fn connection(self, state: &str, defaults: &Value) -> Result<Connection, String> {
        let path = json!({"path": "/prod"});
        let mut request = http::request(&path, defaults);
        request.extra.push((REQUESTED.to_owned(), String::new()));
        let response = match (self.shape)(state, &request)? {
            Step::Reply(response) => response,
            Step::Invoke(invocation) => {
                let accepted = Outcome {
                    ending: Ending::Completed(r#"{"statusCode":200}"#.to_owned()),
                    at_ms: http::END_MS,
                    cached: false,
                    extra: Vec::new(),
                };
                match (self.resume)(state, &invocation.token, accepted, None)? {
                    Step::Reply(response) => response,
                    other => panic!("no connection at /prod: {other:?}"),
                }
            }
            Step::Fetch(fetch) => panic!("{fetch:?}"),
        };
        let extra = |key: &str| {
            let entry = response.extra.iter().find(|(name, _)| name == key);
            entry.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        assert_eq!(response.status, 101, "no connection at /prod");
        Ok(Connection {
            id: extra(CONNECTION_ID),
            data: extra(CONNECTION_DATA),
            connected_at_ms: request.at_ms,
        })
    }
}
