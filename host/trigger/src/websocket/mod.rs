//! WebSocket connections of triggers whose plugin handles them.
//!
//! A request for a connection goes through the trigger's plugin like any other ([`crate::http_handler`]). If the reply
//! opens a connection, [`handshake`] makes the response, and a [`session`](session::Session) owns the connection from
//! then on. [`open_connections`] has all open connections of a trigger by their ids, for the plugin's calls.
//!
//! On failure: a client that breaks RFC 6455 or a limit loses its connection, with the close code that says why. An error
//! of the plugin is logged, and the connection stays open. No connection delays another one: each is a task of its own,
//! and what waits for a client that does not read is limited.

mod duplex;
pub(crate) mod handshake;
mod messages;
pub(crate) mod open_connections;
pub(crate) mod preview;
pub(crate) mod session;
pub(crate) mod websockets;
