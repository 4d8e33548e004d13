//! Invokes a function: assigns the call to an environment, and starts one if necessary.

use std::sync::Arc;

use lambkin_model::{Invocation, InvokeError, Outcome};
use tokio::sync::oneshot;

use crate::call::{Call, Reply, refused, shutting_down};
use crate::dispatch::{Placement, StartFor};
use crate::environment;
use crate::function::Function;
use crate::limits::READY_WAIT;

impl Function {
    /// Invokes the function and waits for the outcome.
    ///
    /// If the caller drops this future, an invocation that has begun continues, as on AWS.
    pub async fn invoke(self: &Arc<Self>, invocation: Invocation) -> Outcome {
        match self.call(invocation, false).await {
            Reply::Whole(outcome) => outcome,
            // Sent only to callers that accept a stream.
            Reply::Stream(_) => refused(InvokeError::ShuttingDown),
        }
    }

    /// Invokes the function for a caller that accepts a streamed response.
    pub async fn invoke_streaming(self: &Arc<Self>, invocation: Invocation) -> Reply {
        self.call(invocation, true).await
    }

    async fn call(self: &Arc<Self>, invocation: Invocation, wants_stream: bool) -> Reply {
        let (answer, mut reply) = oneshot::channel();
        let call = Call {
            invocation,
            wants_stream,
            answer,
        };
        match self.dispatcher.place(call) {
            Placement::Sent | Placement::Queued => {}
            Placement::Start => environment::start(Arc::clone(self), StartFor::Call),
            Placement::WaitsForIdle => {
                if let Ok(reply) = tokio::time::timeout(READY_WAIT, &mut reply).await {
                    return reply.unwrap_or_else(|_| shutting_down());
                }
                if self.dispatcher.needs_another() {
                    environment::start(Arc::clone(self), StartFor::Call);
                }
            }
            Placement::Refused(error) => return Reply::Whole(refused(error)),
        }
        reply.await.unwrap_or_else(|_| shutting_down())
    }

    /// Starts the environments of the function's provisioned concurrency.
    pub fn start_provisioned(self: &Arc<Self>) {
        for _ in 0..self.spec.lifecycle.provisioned {
            if self.dispatcher.reserve() {
                environment::start(Arc::clone(self), StartFor::Provisioned);
            }
        }
    }
}
