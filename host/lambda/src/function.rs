//! A function: what it is, and its environments, from none to its limit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lambkin_model::{Failure, Invocation, Outcome};
use tokio::sync::oneshot;

use crate::code::Code;
use crate::dispatch::{Dispatcher, Placement};
use crate::environment;
use crate::limits::SETTLE_TIMEOUT;
use crate::log::Log;

/// Whose functions these are, for ARNs and variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `us-east-1`
    pub region: String,
    /// Twelve digits.
    pub id: String,
}

/// A function's configuration.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// 1 to 64 letters, digits, `-` and `_`.
    pub name: String,
    /// What is run.
    pub code: Code,
    /// Handed on as `_HANDLER`.
    pub handler: String,
    /// `$LATEST`
    pub version: String,
    /// 1 second to 15 minutes on AWS; here any positive time.
    pub timeout: Duration,
    /// In MB; reported, and told to the runtime.
    pub memory_mb: u32,
    /// The function's own environment variables.
    pub variables: BTreeMap<String, String>,
    /// The most environments at a time.
    pub concurrency: usize,
    /// The most calls that wait for an environment; further ones get 429. 0 is AWS's way.
    pub queue: usize,
    /// Put before each line of its log.
    pub log_prefix: String,
}

/// A function that can be invoked.
#[derive(Debug)]
pub struct Function {
    pub(crate) spec: FunctionSpec,
    pub(crate) account: Account,
    pub(crate) log: Log,
    pub(crate) dispatcher: Dispatcher,
}

/// One call on its way to an environment.
#[derive(Debug)]
pub(crate) struct Call {
    pub invocation: Invocation,
    pub answer: oneshot::Sender<Outcome>,
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

    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with the qualifier if one was asked for.
    pub fn arn(&self, qualifier: Option<&str>) -> String {
        let Account { region, id } = &self.account;
        let arn = format!("arn:aws:lambda:{region}:{id}:function:{}", self.spec.name);
        match qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }

    /// Invokes the function and waits for its outcome.
    ///
    /// A caller that gives up does not stop an invocation that has begun, as on AWS.
    pub async fn invoke(self: &Arc<Self>, invocation: Invocation) -> Outcome {
        let (answer, mut outcome) = oneshot::channel();
        let call = Call { invocation, answer };
        match self.dispatcher.place(call) {
            Placement::Sent | Placement::Queued => {}
            Placement::Start(call) => environment::start(Arc::clone(self), call),
            Placement::Settling => {
                if let Ok(outcome) = tokio::time::timeout(SETTLE_TIMEOUT, &mut outcome).await {
                    return outcome.unwrap_or_else(|_| refused(Failure::ShuttingDown));
                }
                if let Some(call) = self.dispatcher.stop_settling() {
                    environment::start(Arc::clone(self), call);
                }
            }
            Placement::Refused(failure) => return refused(failure),
        }
        outcome
            .await
            .unwrap_or_else(|_| refused(Failure::ShuttingDown))
    }

    /// Ends all environments and refuses what waits; returns when the last process is gone.
    pub async fn close(&self) {
        self.dispatcher.close().await;
    }
}

/// An outcome without an invocation.
pub(crate) fn refused(failure: Failure) -> Outcome {
    Outcome {
        result: Err(failure),
        log_tail: None,
    }
}
