//! What can be configured: AWS's `PutFunctionEventInvokeConfig` and `DeadLetterConfig`, and the speed of time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::{MAX_EVENT_AGE, MAX_RETRY_ATTEMPTS};

/// The settings of the service.
#[derive(Debug, Clone, PartialEq)]
pub struct AsynchronousConfig {
    /// All waits between attempts and all ages of events are multiplied by this; 1 is AWS's pace.
    pub time_scale: f64,
    /// By function; a function that is not here has the default.
    pub functions: BTreeMap<String, EventInvokeConfig>,
}

/// How a function's events are retried and where their ends are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventInvokeConfig {
    /// How often an event is run again after function errors: 0 to 2.
    pub maximum_retry_attempts: u32,
    /// An event that would run later than this after it was accepted is given up.
    pub maximum_event_age: Duration,
    /// Where the record of a success goes.
    pub on_success: Option<Target>,
    /// Where the record of a failure goes.
    pub on_failure: Option<Target>,
    /// Where the event itself goes when it is given up.
    pub dead_letter: Option<Target>,
}

/// Where something is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function, which is invoked asynchronously.
    Function {
        /// Its name.
        name: String,
        /// The version or alias; `None` is `$LATEST`.
        qualifier: Option<String>,
    },
    /// A queue of the store.
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
