//! Telemetry: what happens in an environment, as events that extensions subscribe to.
//!
//! The environment and its log [record](hub::Telemetry::record) [events](event). The Telemetry API (2022-07-01) and the
//! older Logs API (2020-08-15) accept [subscriptions](subscription). One task per subscription [delivers](delivery) the
//! events. [`frame`] decodes the log of runtimes that write their records in frames.
//!
//! On failure: if a subscriber is slow, refuses events or is unreachable, its own events are dropped, counted, and
//! reported to it as `platform.logsDropped`. It never delays the environment, the log or another subscriber, and the
//! memory for its events is bounded.

pub(crate) mod api;
mod delivery;
pub(crate) mod event;
pub(crate) mod frame;
pub(crate) mod hub;
pub(crate) mod new_subscription;
mod queue;
pub(crate) mod subscription;

#[cfg(test)]
mod tests;
