//! The state of an environment, and what it waits for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::in_flight::InFlight;
use super::init_error::InitPhaseError;
use super::sandbox::{Sandbox, SandboxEvent};
use crate::call::Call;
use crate::dispatch::{EnvironmentId, Message};
use crate::extension::event::ShutdownReason;
use crate::function::Function;
use crate::log::EnvironmentLog;
use crate::memory::{MemoryGauge, PeakMemory};

pub(super) struct Environment {
    pub id: EnvironmentId,
    pub function: Arc<Function>,
    pub mailbox: mpsc::UnboundedReceiver<Message>,
    pub log: EnvironmentLog,
    pub log_stream: String,
    pub sandbox: Option<Sandbox>,
    /// The invocations in flight: at most one, unless the function allows several concurrent invocations.
    pub in_flight: Vec<InFlight>,
    /// Calls that have not begun.
    pub pending: VecDeque<Call>,
    pub memory: PeakMemory,
    pub gauge: MemoryGauge,
    /// The duration of the init phase, until an invocation has reported it.
    pub init: Option<Duration>,
    /// Why the init phase failed, if it is not repeated: what the next call is told.
    pub failed_init: Option<InitPhaseError>,
    pub last_delivery_id: u64,
    /// The first half of the invocation ids of this environment.
    pub invocation_id_seed: u64,
    /// Since when no invocation has been in flight.
    pub idle_since: Instant,
    /// When the memory usage is read next.
    pub memory_due: Instant,
    /// Whether the environment ends as soon as no invocation is in flight.
    pub retiring: bool,
    /// Whether the environment ends instead of serving calls: it cannot live beside another one, or its code has changed
    /// in its init phase.
    pub gave_way: bool,
}

/// What an environment waits for.
pub(super) enum Input {
    Message(Message),
    Sandbox(SandboxEvent),
}

/// The environment must end at once.
pub(super) struct Stopped;

impl Environment {
    pub(super) fn new(
        id: EnvironmentId,
        function: Arc<Function>,
        mailbox: mpsc::UnboundedReceiver<Message>,
    ) -> Self {
        let spec = &function.spec;
        let log = EnvironmentLog::new(function.log.clone(), spec.log_prefix.clone(), &spec.logging);
        Self {
            id,
            log,
            log_stream: log_stream(&spec.version),
            function,
            mailbox,
            sandbox: None,
            in_flight: Vec::new(),
            pending: VecDeque::new(),
            memory: PeakMemory::default(),
            gauge: MemoryGauge::default(),
            init: None,
            failed_init: None,
            last_delivery_id: 0,
            invocation_id_seed: Uuid::new_v4().as_u64_pair().0,
            idle_since: Instant::now(),
            memory_due: Instant::now(),
            retiring: false,
            gave_way: false,
        }
    }

    /// Waits for the next input, or for `until`.
    pub(super) async fn next_input(&mut self, until: Option<Instant>) -> Input {
        let Some(sandbox) = &mut self.sandbox else {
            let received = self.mailbox.recv();
            let message = match until {
                None => received.await,
                Some(until) => match tokio::time::timeout_at(until.into(), received).await {
                    Ok(message) => message,
                    Err(_) => return Input::Sandbox(SandboxEvent::TimeReached),
                },
            };
            return Input::Message(message.unwrap_or(Message::Stop));
        };
        tokio::select! {
            biased;
            event = sandbox.next(until, &mut self.log) => Input::Sandbox(event),
            message = self.mailbox.recv() => Input::Message(message.unwrap_or(Message::Stop)),
        }
    }

    /// Handles a message; a call is added to the pending calls.
    pub(super) fn on_message(&mut self, message: Message) -> Result<(), Stopped> {
        match message {
            Message::Invoke(call) => {
                self.pending.push_back(call);
                Ok(())
            }
            Message::Retire => {
                self.retiring = true;
                Ok(())
            }
            Message::Stop => Err(Stopped),
        }
    }

    pub(super) fn find_in_flight(&mut self, delivery_id: u64) -> Option<&mut InFlight> {
        self.in_flight
            .iter_mut()
            .find(|invocation| invocation.delivery_id == delivery_id)
    }

    /// Whether the function allows only one invocation at a time in an environment.
    pub(super) fn has_one_at_a_time(&self) -> bool {
        self.function.spec.lifecycle.concurrency == 1
    }

    /// Whether the runtime's extensions wait for their next event. True without a sandbox.
    pub(super) fn extensions_are_ready(&self) -> bool {
        self.sandbox
            .as_ref()
            .is_none_or(|sandbox| sandbox.extensions().all_ready())
    }

    pub(super) async fn end_sandbox(&mut self, reason: ShutdownReason) {
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.end(reason, &mut self.log).await;
        }
    }
}

/// A new log stream name: `2026/11/21/[$LATEST]` followed by 32 hexadecimal digits.
fn log_stream(version: &str) -> String {
    let today = Timestamp::now().strftime("%Y/%m/%d").to_string();
    format!("{today}/[{version}]{}", Uuid::new_v4().simple())
}
