//! What a script consists of: the steps of an HTTP trigger, one after the other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One step. After the last one of a script comes a reply.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    Reply(Reply),
    Invoke(Invoke),
    Fetch(Fetch),
    /// The error of `result`.
    Fail(String),
    /// Prints a line and goes on.
    Print(String),
    /// Takes this many MiB of memory, keeps them, and goes on.
    Grow(usize),
    Trap,
    Spin,
    /// Calls the host about a WebSocket connection, and goes on. The result is an outcome.
    Connection(Call),
}

/// A call about a WebSocket connection: the one with this id, or else the one of the message.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    Get {
        id: Option<String>,
    },
    Send {
        id: Option<String>,
        text: String,
        /// How often the text is repeated.
        #[serde(default = "once")]
        times: usize,
    },
    Close {
        id: Option<String>,
        code: u16,
        reason: String,
    },
}

fn once() -> usize {
    1
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Reply {
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub headers: Vec<(String, String)>,
    /// By default what the trigger knows: the outcomes, the request and the number of calls.
    pub body: Option<String>,
    /// The header that has what the trigger knows, for replies whose body is the function's stream.
    pub known_in: Option<String>,
    pub warning: Option<String>,
    /// The WebSocket connection that it opens.
    pub opens: Option<Opens>,
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Opens {
    /// By default the id of the request.
    pub id: Option<String>,
    /// The number of bytes of its data.
    pub data_bytes: usize,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Invoke {
    pub function: String,
    /// By default what the trigger knows, or the event of a front end.
    pub event: Option<Value>,
    /// The front end whose event it is: `rest`, `alb`, `alb-multi-value` or `function-url`.
    pub front_door: Option<String>,
    #[serde(default)]
    pub mode: Mode,
    pub max_wait_ms: Option<u32>,
    /// The key and the time in milliseconds.
    pub cache: Option<(String, u32)>,
    #[serde(default)]
    pub with_request: bool,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    #[default]
    Buffered,
    Streamed,
    Asynchronous,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fetch {
    pub url: String,
    pub method: Option<String>,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: String,
    pub max_wait_ms: Option<u32>,
    pub cache: Option<(String, u32)>,
    #[serde(default)]
    pub with_request: bool,
}

/// What a script remembers from one step to the next.
#[derive(Default, Deserialize, Serialize)]
pub struct Progress {
    pub left: Vec<Act>,
    pub outcomes: Vec<Value>,
    /// The WebSocket connection of the message.
    pub connection: Option<String>,
}
