//! The task of an environment: serves calls until there is a reason to end.

use std::sync::Arc;
use std::time::Instant;

use lambkin_model::Invocation;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::in_flight::InFlight;
use super::init::EXTENSION_EXIT_ERROR;
use super::sandbox::SandboxEvent;
use super::state::{Environment, Input, Stopped};
use crate::call::Call;
use crate::dispatch::{EnvironmentId, Message, StartFor};
use crate::extension::event::ShutdownReason;
use crate::extension::registry::ExtensionEvent;
use crate::function::Function;
use crate::limits::{FREEZE_DELAY, MEMORY_WATCH_INTERVAL};
use crate::runtime_api::session::{EventWithContext, RuntimeEvent};
use crate::start_turn::StartTurn;
use crate::time::now_ms;

/// Starts an environment, for which the dispatcher has reserved a place, when it is its turn.
pub(crate) fn start(function: Arc<Function>, start_for: StartFor) {
    tokio::spawn(async move {
        let dispatcher = &function.dispatcher;
        let turn = tokio::select! {
            biased;
            turn = function.starts.turn() => Some(turn),
            () = dispatcher.closing() => None,
        };
        let (sender, mailbox) = mpsc::unbounded_channel();
        // While the host shuts down, no environment joins.
        let (Some(id), Some(turn)) = (dispatcher.join(sender, start_for), turn) else {
            return;
        };
        let membership = Membership {
            id,
            function: Arc::clone(&function),
        };
        Environment::new(id, function, mailbox).serve(turn).await;
        drop(membership);
    });
}

/// An environment's place among the environments of its function. Dropping it frees the place, even after a panic.
struct Membership {
    function: Arc<Function>,
    id: EnvironmentId,
}

impl Drop for Membership {
    fn drop(&mut self) {
        if self.function.dispatcher.leave(self.id) {
            start(Arc::clone(&self.function), StartFor::Call);
        }
    }
}

impl Environment {
    async fn serve(mut self, turn: StartTurn) {
        if let Err(Stopped) = self.serve_calls(turn).await {
            for invocation in std::mem::take(&mut self.in_flight) {
                self.abandon(invocation);
            }
        }
        self.end_sandbox(ShutdownReason::Spindown).await;
    }

    /// Serves calls until the environment retires or is stopped.
    async fn serve_calls(&mut self, turn: StartTurn) -> Result<(), Stopped> {
        self.init = self.initialize(turn).await?;
        if self.gave_way {
            return Ok(());
        }
        self.function.dispatcher.initialized(self.id);
        for _ in 0..self.function.spec.lifecycle.concurrency {
            self.release(false);
        }
        loop {
            while let Some(call) = self.pending.pop_front() {
                self.begin(call).await?;
            }
            if self.gave_way || self.retiring && self.in_flight.is_empty() {
                return Ok(());
            }
            let until = self.next_deadline();
            match self.next_input(until).await {
                Input::Message(Message::Retire) => {
                    self.retiring = true;
                    // A call may wait for this one, which serves no other.
                    if self.function.dispatcher.needs_another() {
                        start(Arc::clone(&self.function), StartFor::Call);
                    }
                }
                Input::Message(message) => self.on_message(message)?,
                Input::Sandbox(event) => self.on_sandbox_event(event).await,
            }
        }
    }

    /// When the environment has to act even if there is no input.
    fn next_deadline(&self) -> Option<Instant> {
        let lifecycle = &self.function.spec.lifecycle;
        if self.in_flight.is_empty() {
            let is_running = self
                .sandbox
                .as_ref()
                .is_some_and(|sandbox| !sandbox.is_frozen());
            if lifecycle.freeze && is_running {
                return Some(self.idle_since + FREEZE_DELAY);
            }
            return Some(self.idle_since + lifecycle.idle_timeout?);
        }
        let memory_due = lifecycle.enforce_memory.then_some(self.memory_due);
        self.first_due().into_iter().chain(memory_due).min()
    }

    /// Delivers a call to the runtime, which is started first if there is no sandbox.
    async fn begin(&mut self, call: Call) -> Result<(), Stopped> {
        let turn = match &self.sandbox {
            None if self.failed_init.is_none() => Some(self.wait_for_turn().await?),
            _ => None,
        };
        self.last_delivery_id += 1;
        let deadline = self.function.clock.deadline(self.function.spec.timeout);
        let invocation = InFlight::new(call, self.last_delivery_id, deadline, self.init.take());
        if invocation.invocation.wants_log_tail {
            self.log.keep_tail();
        }
        if let Some(error) = self.failed_init.take() {
            return self.conclude_failed_init(invocation, error).await;
        }
        if let Some(turn) = turn {
            let initialized = self.initialize_again(turn, invocation.deadline).await;
            if self.gave_way {
                self.put_back(invocation);
                return Ok(());
            }
            if let Err(error) = initialized {
                return self.conclude_failed_init(invocation, error).await;
            }
        }
        self.log_start(&invocation);
        self.deliver(&invocation);
        self.memory_due = invocation.began + MEMORY_WATCH_INTERVAL;
        self.in_flight.push(invocation);
        Ok(())
    }

    /// Gives a call that has not been made, and all that were to follow it, back to the dispatcher.
    fn put_back(&mut self, invocation: InFlight) {
        while let Ok(message) = self.mailbox.try_recv() {
            if let Message::Invoke(call) = message {
                self.pending.push_back(call);
            }
        }
        let calls = invocation.into_call().into_iter();
        let calls: Vec<Call> = calls.chain(self.pending.drain(..)).collect();
        for call in calls.into_iter().rev() {
            self.function.dispatcher.put_back(call);
        }
    }

    fn deliver(&mut self, in_flight: &InFlight) {
        let Invocation {
            request_id,
            event,
            qualifier,
            trace_id,
            client_context,
            cognito_identity,
            tenant_id,
            ..
        } = &in_flight.invocation;
        let delivery_id = in_flight.delivery_id;
        let delivery = EventWithContext {
            delivery_id,
            request_id: request_id.clone(),
            invocation_id: Uuid::from_u64_pair(self.invocation_id_seed, delivery_id).to_string(),
            event: event.clone(),
            deadline_ms: now_ms() + self.function.spec.timeout.as_millis() as u64,
            function_arn: self.function.arn(qualifier.as_deref()),
            trace_id: trace_id.clone(),
            client_context: client_context.clone(),
            cognito_identity: cognito_identity.clone(),
            tenant_id: tenant_id.clone(),
            wants_stream: in_flight.wants_stream,
        };
        if let Some(sandbox) = &mut self.sandbox {
            sandbox.deliver(Arc::new(delivery));
        }
    }

    async fn on_sandbox_event(&mut self, event: SandboxEvent) {
        match event {
            SandboxEvent::Runtime(event) => self.on_runtime_event(event),
            SandboxEvent::Extension(event) => self.on_extension_event(event).await,
            SandboxEvent::ExtensionExited(name, exit) => {
                if let Some((error_type, reason)) = self.extension_crash(&name, &exit) {
                    self.on_extension_failure(error_type, &reason).await;
                }
            }
            SandboxEvent::RuntimeExited(exit) => self.on_crash(&exit).await,
            SandboxEvent::TimeReached => self.on_deadline().await,
            // The deadlines are others now, which the caller looks at.
            SandboxEvent::ClockChanged => {}
        }
    }

    fn on_runtime_event(&mut self, event: RuntimeEvent) {
        match event {
            RuntimeEvent::Responded(delivery_id, response, timing) => {
                self.on_response(delivery_id, response, timing);
            }
            RuntimeEvent::StreamStarted(delivery_id, response) => {
                if let Some(invocation) = self.find_in_flight(delivery_id) {
                    invocation.start_stream(response);
                }
            }
            RuntimeEvent::Ready => self.on_runtime_ready(),
            // The session refuses these after the init phase.
            RuntimeEvent::InitError(_) | RuntimeEvent::RestoreReady => {}
        }
    }

    async fn on_extension_event(&mut self, event: ExtensionEvent) {
        match event {
            ExtensionEvent::Ready(_) => self.conclude_if_done(),
            ExtensionEvent::InitError(report) | ExtensionEvent::ExitError(report) => {
                self.on_extension_failure(EXTENSION_EXIT_ERROR, &report.error_type)
                    .await;
            }
            // The registry refuses these after the init phase.
            ExtensionEvent::Registered(_) | ExtensionEvent::Subscribed(_) => {}
        }
    }

    /// Ends overdue invocations, enforces the memory limit, and freezes or retires an idle environment.
    async fn on_deadline(&mut self) {
        let now = Instant::now();
        if self.in_flight.is_empty() {
            return self.rest(now);
        }
        self.conclude_overdue(now).await;
        self.check_memory(now).await;
    }

    /// No invocation has been in flight for a while: freezes the sandbox, or retires if that has been done already.
    fn rest(&mut self, now: Instant) {
        let lifecycle = &self.function.spec.lifecycle;
        if lifecycle.freeze
            && let Some(sandbox) = self.sandbox.as_mut().filter(|sandbox| !sandbox.is_frozen())
        {
            return sandbox.freeze();
        }
        let at_least = lifecycle.provisioned;
        if self.function.dispatcher.withdraw(self.id, at_least) {
            self.retiring = true;
        } else {
            // The environment must be kept, or a call is on its way.
            self.idle_since = now;
        }
    }
}
