//! What `lambkin shape` and `lambkin event` hand to a trigger and get from it.

use std::collections::VecDeque;

use lambkin_lambda::{Lambda, new_request_id, new_trace_id, now_ms};
use lambkin_model::{HttpResponse, Invocation};
use lambkin_plugin::{Ending, PluginError, TriggerOutcome};

use crate::outcome::to_ending;
use crate::place::Place;

/// The time of every made-up message and change, in milliseconds since 1970: 2026-01-01T00:00:00Z.
pub(crate) const SAMPLE_TIME_MS: u64 = 1_767_225_600_000;

/// The arguments of `lambkin shape`, or those that a sample event is made of. Each kind of trigger reads them in its own
/// way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// The trigger's name, for usage messages.
    pub trigger: String,
    /// The first word: a request's method, or what happened to an object.
    pub action: Option<String>,
    /// The second word: a request's path and query, or an object's key.
    pub target: Option<String>,
    /// Headers of a request or attributes of messages, each as `NAME: VALUE`.
    pub fields: Vec<String>,
    /// The bodies, one for each message.
    pub bodies: Vec<Vec<u8>>,
    /// Whether a request is a test of the API, as of AWS's console, without a client.
    pub is_test: bool,
    /// The names and places of the other triggers at the address of an HTTP trigger, which may take the request.
    pub neighbors: Vec<(String, Place)>,
    /// How a request arrives. `None`: now, with a new id, and as a client on this machine sends it to the listener.
    pub arrival: Option<Arrival>,
    /// The message group of every message. `None`: a made-up one if the queue is a FIFO queue, else none.
    pub group: Option<String>,
    /// The size in bytes of a changed object. `None`: that of the body, or a made-up one.
    pub size: Option<u64>,
    /// The version id of a changed object. `None`: its bucket has no versioning.
    pub version: Option<String>,
}

/// How the request of a sample event arrives at a front door on AWS: at the time of every sample, with an id that is
/// always the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// `http` or `https`, at the scheme's own port.
    pub scheme: &'static str,
    /// The host that the client asks for, unless a header `Host` names another one.
    pub host: String,
    /// The client's IP address.
    pub peer: String,
}

/// Where the outcomes of invocations come from.
#[derive(Debug)]
pub enum Outcomes {
    /// From the user, one for each invocation or fetch. After the last one the preview ends.
    Given(VecDeque<Ending>),
    /// The functions are invoked.
    Invoked(Lambda),
}

impl Outcomes {
    /// The outcome of an invocation; `None` if the preview ends here.
    pub(crate) async fn of_invocation(&mut self, function: &str, event: &str) -> Option<Ending> {
        match self {
            Self::Given(endings) => endings.pop_front(),
            Self::Invoked(lambda) => {
                let trace_id = new_trace_id(now_ms());
                let invocation = Invocation::new(new_request_id(), event.to_owned(), trace_id);
                Some(to_ending(
                    lambda.invoke(function, invocation).await,
                    function,
                ))
            }
        }
    }
}

/// An outcome that ends at the time of every sample, so that the same sample gives the same preview.
pub(crate) fn sample_outcome(ending: Ending) -> TriggerOutcome {
    TriggerOutcome {
        ending,
        at_ms: SAMPLE_TIME_MS,
        cached: false,
    }
}

/// What a trigger makes of a [`Sample`], step by step.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Preview(pub Vec<Shown>);

/// One part of a [`Preview`].
#[derive(Debug, PartialEq, Eq)]
pub enum Shown {
    /// What would happen, for people.
    Note(String),
    /// An event, as JSON.
    Event(String),
    /// A response for the client.
    Response(HttpResponse),
    /// What would happen to a message.
    Action(String),
}

impl Preview {
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.0.push(Shown::Note(note.into()));
    }

    pub(crate) fn push(&mut self, shown: Shown) {
        self.0.push(shown);
    }
}

/// Why there is no [`Preview`].
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The arguments do not make an event of this kind. The text says what would.
    #[error("{0}")]
    Sample(String),
    /// The plugin failed.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

/// The made-up header for X-Ray.
pub(crate) fn sample_trace_id() -> String {
    let seconds = SAMPLE_TIME_MS / 1000;
    format!("Root=1-{seconds:08x}-000000000000000000000001;Parent=0000000000000001;Sampled=0")
}

/// The made-up UUID with this number.
pub(crate) fn sample_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
