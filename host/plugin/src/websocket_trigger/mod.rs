//! WebSocket triggers: the functions of `lambkin:websocket-trigger` for the rest of the host.
//!
//! A [`WebSocketTrigger`] is an [`HttpTrigger`](crate::HttpTrigger) whose plugin also handles the messages and the ends
//! of connections. The files have the same parts as those of `http_trigger`. What opens a connection is a reply with
//! status 101, which is part of an [`Answer`](crate::Answer).

mod check;
mod trigger;
mod types;
pub(crate) mod v0_2;

pub use trigger::WebSocketTrigger;
pub use types::{Close, Occasion, OpenConnection, WebSocketSetup};
