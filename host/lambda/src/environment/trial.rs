//! The init phase alone: a function's processes are started until they wait for an event, and ended.
//!
//! On failure: [`StartError`] has the error that a caller would get, and what the sandbox may have to do with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lambkin_model::RequestId;
use serde_json::Value;
use tokio::sync::mpsc;

use super::advice;
use super::init_error::InitPhaseError;
use super::state::Environment;
use crate::dispatch::StartFor;
use crate::extension::event::ShutdownReason;
use crate::function::Function;
use crate::telemetry::event::phase::Phase;

/// Why a function does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    /// AWS's error type, or the runtime's.
    pub error_type: String,
    /// What is wrong, in one or several lines.
    pub message: String,
    /// Where it happened, if the runtime has reported that.
    pub stack: Vec<String>,
    /// What may be the reason, and what would help.
    pub hints: Vec<String>,
}

impl Function {
    /// Starts an environment, waits until it is initialized, and ends it. Returns how long the init phase took. What the
    /// processes print is in the function's log.
    ///
    /// # Errors
    ///
    /// The init phase fails, or takes longer than Lambda allows.
    pub async fn try_start(self: &Arc<Self>) -> Result<Duration, StartError> {
        let (sender, mailbox) = mpsc::unbounded_channel();
        let joined = match self.dispatcher.reserve() {
            true => self.dispatcher.join(sender, StartFor::Provisioned),
            false => None,
        };
        let Some(id) = joined else {
            return Err(StartError {
                error_type: "Function.NoConcurrency".to_owned(),
                message: "the function's concurrency is 0, so that no environment can start"
                    .to_owned(),
                stack: Vec::new(),
                hints: Vec::new(),
            });
        };
        let environment = Environment::new(id, Arc::clone(self), mailbox);
        let result = environment.try_init().await;
        self.dispatcher.leave(id);
        result
    }
}

impl Environment {
    async fn try_init(mut self) -> Result<Duration, StartError> {
        let mut turn = self.function.starts.turn().await;
        let began = Instant::now();
        let until = self.function.clock.deadline(self.init_limit());
        let reached = self.reach_ready(Phase::Init, &mut turn, until).await;
        let took = began.elapsed();
        let reached = reached.map_err(|error| self.explain(error));
        self.end_sandbox(ShutdownReason::Spindown).await;
        reached.map(|()| took)
    }

    fn explain(&self, error: InitPhaseError) -> StartError {
        let spec = &self.function.spec;
        let mut hints = advice::on_failed_start(spec, error.reported());
        if let InitPhaseError::NoBootstrap(no_bootstrap) = &error {
            hints = vec![no_bootstrap.to_string()];
        }
        let limit = self.init_limit();
        let is_timeout = matches!(error, InitPhaseError::TimedOut);
        let id = RequestId::new("");
        let payload = error
            .into_function_error(&id, limit)
            .map(|error| error.payload);
        let report: Value = payload
            .and_then(|payload| serde_json::from_slice(&payload).ok())
            .unwrap_or_default();
        let text = |key| report.get(key).and_then(Value::as_str).unwrap_or_default();
        let message = text("errorMessage");
        // That of the platform begins with the id of a request, of which there is none.
        let message = message
            .strip_prefix("RequestId:  Error: ")
            .unwrap_or(message);
        let lines = ["stackTrace", "trace"]
            .into_iter()
            .find_map(|key| report.get(key)?.as_array());
        let lines = lines.into_iter().flatten().filter_map(Value::as_str);
        StartError {
            error_type: text("errorType").to_owned(),
            message: match is_timeout {
                true => format!(
                    "the init phase was not over after {} s: the runtime, or an extension, has not asked for an event",
                    limit.as_secs_f64()
                ),
                false => message.to_owned(),
            },
            stack: lines.map(|line| line.trim_end().to_owned()).collect(),
            hints,
        }
    }
}
