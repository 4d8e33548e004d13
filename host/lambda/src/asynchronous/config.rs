//! The configuration of asynchronous invocation: AWS's `PutFunctionEventInvokeConfig` and `DeadLetterConfig`, and a
//! factor for all delays.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::{MAX_EVENT_AGE, MAX_RETRY_ATTEMPTS};

/// The configuration of asynchronous invocation for all functions.
#[derive(Debug, Clone, PartialEq)]
pub struct AsynchronousConfig {
    /// The factor by which the delays between attempts and the maximum ages of events are multiplied; AWS's is 1.
    pub time_scale: f64,
    /// The configuration by function name; a function without an entry has the default.
    pub functions: BTreeMap<String, EventInvokeConfig>,
}

/// How a function's events are retried, and the destinations of their records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventInvokeConfig {
    /// The maximum number of retries after function errors: 0 to 2.
    pub maximum_retry_attempts: u32,
    /// The maximum age of an event: 60 seconds to 6 hours. An older event is discarded.
    pub maximum_event_age: Duration,
    /// The destination for the invocation record of a success.
    pub on_success: Option<Target>,
    /// The destination for the invocation record of a failure.
    pub on_failure: Option<Target>,
    /// The dead-letter queue: the destination for an event that is discarded.
    pub dead_letter: Option<Target>,
}

/// A destination for records and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function, which is invoked asynchronously.
    Function {
        /// The function's name.
        name: String,
        /// The version or alias; `None` is `$LATEST`.
        qualifier: Option<String>,
    },
    /// The queue of this name.
    Queue(String),
}

impl Default for AsynchronousConfig {
    fn default() -> Self {
        Self {
            time_scale: 1.0,
            functions: BTreeMap::new(),
        }
    }
}

impl Default for EventInvokeConfig {
    fn default() -> Self {
        Self {
            maximum_retry_attempts: MAX_RETRY_ATTEMPTS,
            maximum_event_age: MAX_EVENT_AGE,
            on_success: None,
            on_failure: None,
            dead_letter: None,
        }
    }
}
