//! Asynchronous invocation: an accepted event runs later, at least once, even if the host is killed.
//!
//! An event is accepted when the store has committed it. In the store, each function has a queue of its own. Here it
//! has one consumer, which leases no more events than the function may have environments; the other events wait in
//! the store and not in memory. [`schedule`] applies AWS's rules for retries and for the end of an event. The record
//! of an event's end goes to the function's destinations and dead-letter queue in the commit that removes the event.
//!
//! The store is opened only when there are events to resume or to accept.
//!
//! On failure: if an event cannot be stored, it is refused and the caller gets the error. An event that was leased
//! and not finished, because the host was stopped or killed, becomes available when the next host starts.
//!
//! The files in order, each of which uses only earlier ones: `config`, `schedule`, `event`, `record`, `accept`,
//! `consumer`, `serve`.

mod accept;
mod config;
mod consumer;
mod event;
mod record;
mod schedule;
mod serve;

pub use accept::{AcceptError, Asynchronous};
pub use config::{AsynchronousConfig, EventInvokeConfig, Target};
