//! A function: its configuration, and the dispatcher of its environments.

use std::sync::Arc;

use bytes::Bytes;
use lambkin_model::{Invocation, InvokeError, Outcome};
use serde::{Serialize, Serializer};
use tokio::sync::{mpsc, oneshot};

use crate::code::Code;
use crate::dispatch::{Dispatcher, Placement};
use crate::environment;
use crate::limits::READY_WAIT;
use crate::log::Log;
use crate::spec::{Account, FunctionSpec};

/// A function that can be invoked.
#[derive(Debug)]
pub struct Function {
    pub(crate) spec: FunctionSpec,
    pub(crate) account: Account,
    pub(crate) log: Log,
    pub(crate) dispatcher: Dispatcher,
}

impl Function {
    /// A function with no environment yet.
    pub fn new(spec: FunctionSpec, account: Account, log: Log) -> Arc<Self> {
        let dispatcher = Dispatcher::new(spec.concurrency, spec.queue);
        Arc::new(Self {
            spec,
            account,
            log,
            dispatcher,
        })
    }

    /// The function's configuration.
    pub fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    /// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`, with the qualifier if the caller named one. The partition is
    /// the region's, as on AWS.
    pub fn arn(&self, qualifier: Option<&str>) -> String {
        let Account { region, id } = &self.account;
        let arn = lambkin_model::arn(
            "lambda",
            region,
            id,
            &format!("function:{}", self.spec.name),
        );
        match qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }

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

    /// Has the next calls start on fresh environments: the code has changed. Calls under way finish where they are.
    pub fn retire_environments(&self) {
        self.dispatcher.retire();
    }

    /// Ends all environments and refuses what waits; returns when the last process is gone.
    pub async fn close(&self) {
        self.dispatcher.close().await;
    }
}
