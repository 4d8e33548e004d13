//! A WebSocket trigger. A message that is a script ([`script`](crate::script)) is followed; any other is its own answer.
//!
//! The settings `websockets` and `disconnected` have the scripts of these functions.

use serde_json::{Value, json};

use crate::Probe;
use crate::bindings::exports::lambkin::http_trigger::http_shaper::Step;
use crate::bindings::exports::lambkin::websocket_trigger::websocket_shaper::{
    Close, Connection, Guest, Message, Occasion, WebsocketSetup,
};
use crate::bindings::lambkin::websocket_trigger::connections;
use crate::http::{Settings, next};
use crate::script::{Act, Call, Progress, Reply};

impl Guest for Probe {
    fn websockets(state: String) -> Result<WebsocketSetup, String> {
        let wanted = settings(&state)?.websockets;
        follow(wanted.steps, None)?;
        Ok(WebsocketSetup {
            idle_timeout_ms: 0,
            max_duration_ms: 0,
            timeout_reason: wanted.timeout_reason,
            max_message_bytes: wanted.max_message_bytes.unwrap_or(1 << 20),
            max_frame_bytes: 1 << 20,
            extra: Vec::new(),
        })
    }

    fn receive(
        _: String,
        connection: Connection,
        _: Occasion,
        message: Message,
    ) -> Result<Step, String> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(bytes) => return Err(format!("{} bytes", bytes.len())),
        };
        let script = serde_json::from_str(&text).unwrap_or_else(|_| {
            vec![Act::Reply(Reply {
                body: Some(text),
                ..Reply::default()
            })]
        });
        follow(script, Some(connection.id))
    }

    fn disconnected(
        state: String,
        connection: Connection,
        _: Occasion,
        _: Close,
    ) -> Result<Step, String> {
        follow(settings(&state)?.disconnected, Some(connection.id))
    }
}

fn settings(state: &str) -> Result<Settings, String> {
    serde_json::from_str(state).map_err(|error| error.to_string())
}

fn follow(left: Vec<Act>, connection: Option<String>) -> Result<Step, String> {
    let progress = Progress {
        left,
        connection,
        ..Progress::default()
    };
    next(progress, None)
}

/// Calls the host. `own` is the connection of the message.
pub fn call(call: Call, own: Option<&str>) -> Value {
    let or_own = |id: Option<String>| id.or_else(|| own.map(str::to_owned)).unwrap_or_default();
    match call {
        Call::Get { id } => {
            let found = connections::get(&or_own(id));
            json!(found.map(|info| info.data.len()))
        }
        Call::Send { id, text, times } => {
            let message = connections::Message::Text(text.repeat(times));
            match connections::send(&or_own(id), &message) {
                Ok(()) => json!("sent"),
                Err(error) => json!(error.name()),
            }
        }
        Call::Close { id, code, reason } => {
            json!(connections::close(&or_own(id), code, &reason))
        }
    }
}
