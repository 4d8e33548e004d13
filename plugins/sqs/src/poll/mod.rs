//! The source role: receives messages from a queue outside the host, at AWS or in another emulator.
//!
//! [`settings`] reads the trigger's `poll` table, [`sign`] signs requests for AWS, and [`wire`] writes requests and
//! reads responses. All of these are pure functions; `guest` sends the requests.
//!
//! On failure: a malformed response, an overloaded service or a broken connection is a transient failure, which the
//! host retries. A missing queue or a denied request is permanent and carries the service's own message.

pub mod contract;
pub mod settings;
pub mod sign;
pub mod wire;

pub use settings::Settings;
pub use sign::Credentials;
