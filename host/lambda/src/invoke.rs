//! The way of a call into an environment, which may have to be started for it.

use std::sync::Arc;

use lambkin_model::{Invocation, InvokeError, Outcome};
use tokio::sync::oneshot;

use crate::call::{Call, Reply, refused, shutting_down};
use crate::dispatch::Placement;
use crate::environment;
use crate::function::Function;
use crate::limits::READY_WAIT;

impl Function {
    /// Invokes the function and waits for its outcome.
    ///
    /// A caller that gives up does not stop an invocation that has begun, as on AWS.
    pub async fn invoke(self: &Arc<Self>, invocation: Invocation) -> Outcome {
        match self.call(invocation, false).await {
            Reply::Whole(outcome) => outcome,
            // Given only to those who take one.
            Reply::Stream(_) => refused(InvokeError::ShuttingDown),
        }
    }

    /// The same for a caller that takes a response as it is made.
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
            Placement::Start(call) => environment::start(Arc::clone(self), Some(call)),
            Placement::Settling => {
                if let Ok(reply) = tokio::time::timeout(READY_WAIT, &mut reply).await {
                    return reply.unwrap_or_else(|_| shutting_down());
                }
                if let Some(call) = self.dispatcher.stop_settling() {
                    environment::start(Arc::clone(self), Some(call));
                }
            }
            Placement::Refused(error) => return Reply::Whole(refused(error)),
        }
        reply.await.unwrap_or_else(|_| shutting_down())
    }

    /// Starts the environments that are to be there before the first call.
    pub fn start_provisioned(self: &Arc<Self>) {
        for _ in 0..self.spec.lifecycle.provisioned {
            if self.dispatcher.promise() {
                environment::start(Arc::clone(self), None);
            }
        }
    }
}
