//! Bounded HTTP/1.1 serving, shared by every socket the host listens on.
//!
//! The Invoke API, each environment's Runtime API, every HTTP trigger and every service call [`serve()`] with a
//! function from request to response. This crate accepts connections, parses requests, refuses those of foreign web pages,
//! keeps connections alive, limits headers, bodies and connections, and stops gracefully. It depends on neither Lambda
//! nor triggers.
//!
//! On failure: a client that violates the protocol gets hyper's 400 or 431 and loses its own connection. No client can
//! delay another, because each connection is a task of its own, and no input ends the accept loop.

mod cross_origin;
mod header;
mod reply;
mod request_body;
mod response;
mod serve;

pub use cross_origin::{
    Allowlist, CrossOrigin, ForeignPages, FromForeignPage, HOSTS_VARIABLE, HostPattern,
    ORIGINS_VARIABLE, OriginPattern, Settings as AllowlistSettings,
};
pub use header::{header, set_header};
pub use reply::{empty, json, method_not_allowed, not_found, text};
pub use request_body::{BodyError, read_body};
pub use response::{Body, Response};
pub use serve::{IdleTimeout, bind, serve};
