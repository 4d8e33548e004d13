//! Bounded HTTP/1.1 serving, the same for every socket the host listens on.
//!
//! The Invoke API, each environment's Runtime API, every HTTP trigger and every service call [`serve`] with a function
//! from request to response. This room owns accepting, framing, keep-alive, the limits on headers and bodies, and a
//! graceful stop; it knows neither Lambda nor triggers.
//!
//! On failure: a peer that breaks the protocol gets hyper's 400 or 431 and loses its own connection. No peer can
//! hold up another, since every connection is a task of its own, and nothing a peer sends ends the accept loop.

mod body;
mod header;
mod response;
mod serve;

pub use body::{BodyError, read_body};
pub use header::header;
pub use response::{Body, Response};
pub use serve::{Idle, bind, serve};
