//! Object triggers: the functions of `lambkin:object-trigger` for the rest of the host.
//!
//! [`ObjectTrigger`] is one trigger of `lambkin.toml`: a plugin and the configuration it has accepted. The types in
//! `types.rs` belong to no version of the contract, `v0_2.rs` adapts one version to them, and `check.rs` checks its
//! values. When a call fails, nothing is decided: the change is delivered again.

mod check;
mod trigger;
mod types;
pub(crate) mod v0_2;

pub use trigger::ObjectTrigger;
pub use types::{QueueReference, Target};
