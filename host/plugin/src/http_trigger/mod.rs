//! HTTP triggers: the functions of `lambkin:http-trigger` for the rest of the host.
//!
//! [`HttpTrigger`] is one trigger of `lambkin.toml`: a plugin and the configuration it has accepted. The types in
//! `types.rs` belong to no version of the contract; `v0_2.rs` adapts one version to them, and a further version would
//! be another adapter beside it. An adapter only returns values that `check.rs` has accepted. A result that breaks
//! the contract is a [`GuestError::Invalid`](crate::GuestError::Invalid).

mod check;
mod trigger;
mod types;
pub(crate) mod v0_2;

pub use check::FRAMING_HEADERS;
pub use trigger::HttpTrigger;
pub use types::{Answer, InvocationMode, NewConnection, Shaped, Step, Timer};
