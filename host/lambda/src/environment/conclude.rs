//! How an invocation ends: with a response, an error, a crash, a timeout, or the end of the host.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use lambkin_process::Exit;
use tokio::task::spawn_blocking;

use super::in_flight::InFlight;
use super::state::Environment;
use crate::dispatch::Next;
use crate::extension::event::ShutdownReason;
use crate::function_error;
use crate::log::ReportStatus;
use crate::runtime_api::session::{RuntimeResponse, Timing};
use crate::spec::LogFormat;

/// The exit of a process that was killed because it used too much memory.
const KILLED: Exit = Exit::Signal(9);

impl Environment {
    /// The runtime has responded to an event.
    pub(super) fn on_response(
        &mut self,
        delivery_id: u64,
        response: RuntimeResponse,
        timing: Timing,
    ) {
        let one_at_a_time = self.has_one_at_a_time();
        let function = Arc::clone(&self.function);
        let Some(invocation) = self.find_in_flight(delivery_id) else {
            return;
        };
        invocation.set_response(response, timing);
        if one_at_a_time {
            // Before the result is sent, so that the caller's next call waits for this environment.
            function.dispatcher.announce_idle();
            invocation.announced_idle = true;
            if !invocation.invocation.wants_log_tail {
                invocation.send_result(None);
            }
            return;
        }
        let mut invocations = self.in_flight.iter();
        if let Some(index) = invocations.position(|one| one.delivery_id == delivery_id) {
            let mut invocation = self.in_flight.swap_remove(index);
            invocation.runtime_done = Some(Instant::now());
            let status = invocation.status();
            self.log_runtime_done(&invocation, status);
            self.conclude(invocation, status);
        }
    }

    /// The runtime requests its next event, so it has finished its invocation, if it had one.
    pub(super) fn on_runtime_ready(&mut self) {
        if !self.has_one_at_a_time() {
            return;
        }
        if let Some(mut invocation) = self.in_flight.pop() {
            invocation.runtime_done = Some(Instant::now());
            self.log_runtime_done(&invocation, invocation.status());
            self.in_flight.push(invocation);
            self.conclude_if_done();
        }
    }

    /// Concludes the invocation if the runtime and all its extensions wait for their next event.
    pub(super) fn conclude_if_done(&mut self) {
        let is_done = |invocation: &InFlight| invocation.runtime_done.is_some();
        if self.extensions_are_ready()
            && self.in_flight.last().is_some_and(is_done)
            && let Some(invocation) = self.in_flight.pop()
        {
            let status = invocation.status();
            self.conclude(invocation, status);
        }
    }

    /// An extension has crashed or reported an error. This ends the sandbox and fails all invocations in flight.
    pub(super) async fn on_extension_failure(&mut self, error_type: &'static str, reason: &str) {
        for mut invocation in std::mem::take(&mut self.in_flight) {
            self.log_fault(&invocation, reason, error_type);
            let error = function_error::extension(invocation.id(), error_type, reason);
            invocation.fail(error);
            self.conclude(invocation, ReportStatus::Error(error_type));
        }
        self.end_sandbox(ShutdownReason::Failure).await;
    }

    /// The runtime's process has ended. This ends the sandbox and fails all invocations in flight.
    pub(super) async fn on_crash(&mut self, exit: &Exit) {
        let reason = function_error::exited_text(exit);
        for mut invocation in std::mem::take(&mut self.in_flight) {
            self.log_fault(&invocation, &reason, function_error::EXIT_ERROR);
            let error = function_error::exited(invocation.id(), exit);
            invocation.fail(error);
            let status = ReportStatus::Error(function_error::EXIT_ERROR);
            self.log_runtime_done(&invocation, status);
            self.conclude(invocation, status);
        }
        self.end_sandbox(ShutdownReason::Failure).await;
    }

    /// Ends the invocations whose deadline has passed.
    pub(super) async fn conclude_overdue(&mut self, now: Instant) {
        while let Some(index) = self.first_overdue(now) {
            let invocation = self.in_flight.swap_remove(index);
            let delivery_id = invocation.delivery_id;
            self.time_out(invocation);
            match &self.sandbox {
                // The other invocations continue. A late response to this one is refused.
                Some(sandbox) if !self.has_one_at_a_time() => sandbox.expire(delivery_id),
                _ => self.end_sandbox(ShutdownReason::Timeout).await,
            }
        }
    }

    /// When the first invocation in flight is due; `None` if there is none, or while the function's clock is paused.
    pub(super) fn first_due(&self) -> Option<Instant> {
        let clock = &self.function.clock;
        let due = self.in_flight.iter();
        due.filter_map(|one| clock.due(&one.deadline)).min()
    }

    fn first_overdue(&self, now: Instant) -> Option<usize> {
        let clock = &self.function.clock;
        let is_overdue = |one: &InFlight| clock.due(&one.deadline).is_some_and(|due| due <= now);
        self.in_flight.iter().position(is_overdue)
    }

    /// The line for a timeout, which only a log in the text format has.
    pub(super) fn log_timeout(&mut self, invocation: &InFlight) {
        if self.function.spec.logging.format == LogFormat::Text {
            self.log.platform(&format!(
                "{:.3} {} {}",
                Timestamp::now(),
                invocation.id(),
                function_error::timed_out_text(self.function.spec.timeout)
            ));
        }
    }

    fn time_out(&mut self, mut invocation: InFlight) {
        if let Some(sandbox) = &mut self.sandbox {
            sandbox.drain(&mut self.log);
        }
        let timeout = self.function.spec.timeout;
        self.log.finish_lines();
        self.log_timeout(&invocation);
        let error = function_error::timed_out(invocation.id(), timeout);
        invocation.fail(error);
        if !invocation.invocation.wants_log_tail {
            // Before the report, for which the memory of all processes is read. As after a response, the caller's next
            // call waits for this environment.
            self.function.dispatcher.announce_idle();
            invocation.announced_idle = true;
            invocation.send_result(None);
        }
        self.log_runtime_done(&invocation, ReportStatus::TimedOut);
        self.conclude(invocation, ReportStatus::TimedOut);
    }

    /// Kills the sandbox if it uses more memory than the function has, as AWS does.
    pub(super) async fn check_memory(&mut self, now: Instant) {
        if now < self.memory_due {
            return;
        }
        let Some(sandbox) = self.sandbox.as_ref().filter(|_| !self.in_flight.is_empty()) else {
            return;
        };
        let limit = self.function.spec.memory_bytes();
        let supervisors = sandbox.pids();
        let used = self.gauge_usage(supervisors, limit).await;
        self.memory_due = self.gauge.next_reading();
        self.memory.record_usage(used.min(limit));
        if !self.function.spec.lifecycle.enforce_memory || used <= limit {
            return;
        }
        let remedy = match self.function.spec.is_configured {
            true => "raise `memory`, or set `enforce-memory = false`",
            false => "a lambkin.toml can give it more (`memory`)",
        };
        self.log.platform(&format!(
            "lambkin: function {} uses {} MB, more than its memory of {} MB, and is killed, as on AWS; {remedy}",
            self.function.spec.name,
            used.div_ceil(1024 * 1024),
            self.function.spec.memory_mb,
        ));
        self.on_crash(&KILLED).await;
    }

    async fn gauge_usage(&mut self, supervisors: Vec<i32>, limit: u64) -> u64 {
        if !self.gauge.is_slow() {
            return self.gauge.usage(&supervisors, limit);
        }
        let mut gauge = std::mem::take(&mut self.gauge);
        let reading = spawn_blocking(move || {
            let used = gauge.usage(&supervisors, limit);
            (gauge, used)
        });
        // With many processes, a reading can take seconds.
        let deadline = self.first_due().unwrap_or_else(Instant::now);
        let Ok(Ok((gauge, used))) = tokio::time::timeout_at(deadline.into(), reading).await else {
            return 0; // an invocation has timed out, or the host is shutting down
        };
        self.gauge = gauge;
        used
    }

    /// Ends an invocation: writes its report, sends its result to the caller, and releases its place.
    pub(super) fn conclude(&mut self, mut invocation: InFlight, status: ReportStatus<'_>) {
        self.report(&invocation, status);
        let log_tail = self.log.take_tail();
        invocation.send_result(log_tail);
        self.idle_since = Instant::now();
        self.release(invocation.announced_idle);
    }

    /// Reports a free place to the dispatcher, which may have a call for it.
    pub(super) fn release(&mut self, announced_idle: bool) {
        match self.function.dispatcher.release(self.id, announced_idle) {
            Next::Serve(call) => self.pending.push_back(call),
            Next::Wait => {}
            Next::End => self.retiring = true,
        }
    }

    /// Ends an invocation because the host is shutting down.
    pub(super) fn abandon(&mut self, mut invocation: InFlight) {
        if invocation.has_result() {
            // The caller has its response already; the log gets the end of the invocation.
            let status = invocation.status();
            self.report(&invocation, status);
            invocation.send_result(self.log.take_tail());
        } else {
            invocation.abandon();
        }
    }

    fn report(&mut self, invocation: &InFlight, status: ReportStatus<'_>) {
        if let Some(sandbox) = &mut self.sandbox {
            sandbox.drain(&mut self.log);
            self.memory
                .update(|| sandbox.pids(), invocation.began.elapsed());
        }
        self.log.finish_lines();
        self.log_report(invocation, status);
    }
}
