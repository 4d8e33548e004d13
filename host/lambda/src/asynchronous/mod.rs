//! Asynchronous invocation: events that were accepted run later, at least once, whatever happens to the host.
//!
//! Accepting an event means that the store has committed it. Each function has a queue of its own there and one
//! consumer here, which takes no more events than the function may have environments; all others wait in the store, not
//! in memory. AWS's rules decide when an event runs again and how it ends ([`schedule`]); the record of its end goes to
//! the function's destinations and dead-letter queue in the same commit that removes the event.
//!
//! The store is opened when there is something to resume or something to accept, not before.
//!
//! On failure: an event that can not be stored is refused, and the caller told why. One that was taken from the store and
//! not finished, because the host was stopped or killed, is free again when the next host starts.

mod accept;
mod config;
mod consumer;
mod event;
mod record;
mod schedule;
mod serve;

pub use accept::{Asynchronous, NotAccepted};
pub use config::{AsynchronousConfig, EventInvokeConfig, Target};
