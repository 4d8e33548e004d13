//! Bounded HTTP serving, shared by every socket the host listens on.
//!
//! The Invoke API, each environment's Runtime API, every HTTP trigger and every service have a [`Server`] with a
//! function from request to response. This crate accepts connections, parses requests, refuses those of foreign web
//! pages, keeps connections alive, limits headers, bodies, connections and the time that peers may take, and stops
//! gracefully. Clients outside of the host may speak HTTP/2 and, where a listener has a certificate, TLS. It depends on
//! neither Lambda nor triggers. For clients in the host there is [`ClientTls`].
//!
//! On failure: a client that violates the protocol gets 400, 414, 431 or 501 and loses its own connection; the log says
//! why. A client that stalls is given up ([`limits`]). No client can delay another, because each connection is a task
//! of its own, and no input ends the accept loop. A handler may refuse a request without reading its body: the rest is
//! discarded here, so that the client gets the response.

mod as_sent;
mod as_written;
mod boundaries;
mod client_tls;
mod connection;
mod cross_origin;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod head;
mod header;
mod http2;
mod leftover;
pub mod limits;
mod opening;
mod peer;
mod reply;
mod request_body;
mod response;
mod serve;
mod shared;
mod shortage;
mod socket;
mod stream;
mod tls;
mod upgrade;

pub use as_sent::HeadAsSent;
pub use as_written::write_names_as;
pub use client_tls::ClientTls;
pub use cross_origin::{
    Allowlist, CrossOrigin, ForeignPages, FromForeignPage, HOSTS_VARIABLE, HostPattern,
    ORIGINS_VARIABLE, OriginPattern, Settings as AllowlistSettings,
};
pub use header::{header, set_header};
pub use hyper::ext::ReasonPhrase;
pub use reply::{empty, json, method_not_allowed, not_found, text};
pub use request_body::{BodyError, RequestBody, read_body};
pub use response::{Body, Response};
pub use serve::{Listener, Server, bind, share_of_files};
pub use shortage::{Shortage, WaitsForPlace};
pub use tls::{
    AuthorityError, Certificate, CertificateError, CertificateFile, CertificateSource,
    LocalAuthority, local_names,
};
pub use upgrade::{Upgraded, upgrade};
