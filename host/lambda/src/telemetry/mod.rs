//! Telemetry: what happens in an environment, as events that extensions subscribe to.
//!
//! The environment and its log [record](hub::Telemetry::record) [events](event); the Telemetry API (2022-07-01) and
//! the frozen Logs API (2020-08-15) take [subscriptions](subscription); one task per subscription [delivers](delivery)
//! them. [`frame`] reads the log of runtimes that know how to frame their records.
//!
//! On failure: a listener that is slow, refuses or is gone costs its own subscription events, which are counted and
//! reported to it as `platform.logsDropped`. It never holds up the environment, the log or another subscriber, and
//! what waits for it is bounded.

pub(crate) mod api;
mod delivery;
pub(crate) mod event;
pub(crate) mod frame;
pub(crate) mod hub;
mod queue;
pub(crate) mod subscription;

#[cfg(test)]
mod tests;
