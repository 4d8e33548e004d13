//! Queue consumers.

use lambkin_http::StopSignal;
use lambkin_lambda::Lambda;
use lambkin_plugin::{BatchTrigger, Source};
use lambkin_store::queue::Queues;

/// Where a consumer's messages come from.
#[derive(Debug, Clone)]
pub enum Messages {
    /// A queue of the host's own.
    Queue {
        /// All of them.
        queues: Queues,
        /// Which one.
        name: String,
    },
    /// An outside system.
    Source(Source),
}

/// One batch trigger, ready to consume.
#[derive(Debug)]
pub struct BatchConsumer {
    /// The configured plugin.
    pub trigger: BatchTrigger,
    /// What it consumes.
    pub messages: Messages,
    /// The functions it may invoke.
    pub lambda: Lambda,
}

impl BatchConsumer {
    /// Consumes until the signal comes.
    pub async fn serve(self, mut stop: StopSignal) {
        stop.stopped().await;
    }
}
