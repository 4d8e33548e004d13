//! An execution environment: one task that takes calls, sees them through, and comes back for more.
//!
//! The environment owns its process and everything known about it; others reach it only by its mailbox. It initialises
//! when it is started, with its first call or ahead of it. A crash or a time-out ends the process but not the
//! environment: the next call begins a new [`Life`].
//!
//! The caller is answered as soon as the runtime has answered. The invocation ends, with END and REPORT in the log,
//! when the runtime asks for its next event; a caller that wants the log's tail waits until then. Where a function
//! allows several events at a time an invocation ends with its answer, as there is no telling which worker asks next.
//!
//! On failure: every call gets exactly one outcome, whatever the process does. If this task itself should die, the
//! dispatcher learns of it and the caller is told that the host is shutting down.

mod address;
mod init;
mod life;
mod output;
mod program;
mod record;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lambkin_model::Invocation;
use lambkin_process::Exit;
use tokio::sync::mpsc;
use uuid::Uuid;

use self::init::{EXTENSION_EXIT_ERROR, InitFailure};
use self::life::{Happening, Life};
use self::work::Work;
use crate::call::Call;
use crate::dispatch::{EnvironmentId, Message, Next};
use crate::extension::event::ShutdownReason;
use crate::extension::registry;
use crate::function::Function;
use crate::function_error;
use crate::limits::{FREEZE_DELAY, MEMORY_WATCH_INTERVAL};
use crate::log::{EnvironmentLog, ReportStatus};
use crate::memory::{MemoryGauge, PeakMemory};
use crate::runtime_api::session::{EventWithContext, RuntimeEvent, RuntimeResponse, Timing};
use crate::spec::LogFormat;
use crate::time::now_ms;

/// How a process ends that has used too much memory.
const KILLED: Exit = Exit::Signal(9);

/// Starts an environment on the place the dispatcher has promised, with its first call if there is one.
pub(crate) fn start(function: Arc<Function>, first: Option<Call>) {
    let (sender, mailbox) = mpsc::unbounded_channel();
    let membership = Membership {
        id: function.dispatcher.join(sender),
        function: Arc::clone(&function),
    };
    let environment = Environment {
        id: membership.id,
        log: EnvironmentLog::new(
            function.log.clone(),
            function.spec.log_prefix.clone(),
            &function.spec.logging,
        ),
        log_stream: log_stream(&function.spec.version),
        function,
        mailbox,
        life: None,
        works: Vec::new(),
        put_off: VecDeque::new(),
        memory: PeakMemory::default(),
        gauge: MemoryGauge::default(),
        init: None,
        attempts: 0,
        seed: Uuid::new_v4().as_u64_pair().0,
        idle_since: Instant::now(),
        memory_watched_at: Instant::now(),
        ends: false,
    };
    tokio::spawn(async move {
        environment.run(first).await;
        drop(membership);
    });
}

/// A place among the function's environments, given back in any case.
struct Membership {
    function: Arc<Function>,
    id: EnvironmentId,
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(call) = self.function.dispatcher.leave(self.id) {
            start(Arc::clone(&self.function), Some(call));
        }
    }
}

struct Environment {
    id: EnvironmentId,
    function: Arc<Function>,
    mailbox: mpsc::UnboundedReceiver<Message>,
    log: EnvironmentLog,
    log_stream: String,
    life: Option<Life>,
    /// The invocations under way: one, unless the function allows several at a time.
    works: Vec<Work>,
    /// Calls that came while the environment was busy with an init phase.
    put_off: VecDeque<Call>,
    memory: PeakMemory,
    gauge: MemoryGauge,
    /// How long the init phase took, until an invocation has reported it.
    init: Option<Duration>,
    attempts: u64,
    /// What makes this environment's invocation ids its own.
    seed: u64,
    /// Since when nothing has been under way.
    idle_since: Instant,
    memory_watched_at: Instant,
    /// To end once nothing is under way.
    ends: bool,
}

/// What can wake an environment.
enum Wake {
    Mail(Message),
    Process(Happening),
}

impl Environment {
    async fn run(mut self, first: Option<Call>) {
        let stopped = self.live(first).await.is_err();
        if stopped {
            for work in std::mem::take(&mut self.works) {
                self.stop(work);
            }
        }
        self.end_life(ShutdownReason::Spindown).await;
    }

    /// Serves calls until there is reason to end. An error is the order to stop at once.
    async fn live(&mut self, first: Option<Call>) -> Result<(), ()> {
        self.put_off.extend(first);
        let has_first = !self.put_off.is_empty();
        self.init = self.initialise().await?;
        // The first call came with the environment; further places, or all of them, are the dispatcher's to fill.
        let places = self.function.spec.lifecycle.concurrency;
        for _ in usize::from(has_first)..places {
            self.free(false);
        }
        loop {
            while let Some(call) = self.put_off.pop_front() {
                self.begin(call).await?;
            }
            if self.ends && self.works.is_empty() {
                return Ok(());
            }
            let until = self.next_time();
            match self.next(until).await {
                Wake::Mail(message) => self.put_off(message)?,
                Wake::Process(Happening::Said(event)) => self.heard(event),
                Wake::Process(Happening::ExtensionSaid(event)) => {
                    self.heard_of_extension(event).await;
                }
                Wake::Process(Happening::ExtensionExited(name, exit)) => {
                    if let Some((error_type, words)) = self.crash_of_extension(&name, &exit) {
                        self.extension_failed(error_type, &words).await;
                    }
                }
                Wake::Process(Happening::Exited(exit)) => self.crashed(&exit).await,
                Wake::Process(Happening::TimeIsUp) => self.time_is_up().await,
            }
        }
    }

    /// When there is something to do even if nothing happens.
    fn next_time(&self) -> Option<Instant> {
        let lifecycle = &self.function.spec.lifecycle;
        if self.works.is_empty() {
            let is_warm = self.life.as_ref().is_some_and(|life| !life.is_frozen());
            if lifecycle.freeze && is_warm {
                return Some(self.idle_since + FREEZE_DELAY);
            }
            return Some(self.idle_since + lifecycle.idle_timeout?);
        }
        let deadline = self.works.iter().map(|work| work.deadline).min()?;
        Some(if lifecycle.enforce_memory {
            deadline.min(self.memory_watched_at + MEMORY_WATCH_INTERVAL)
        } else {
            deadline
        })
    }

    /// Keeps a call for later. An error is the order to stop.
    fn put_off(&mut self, message: Message) -> Result<(), ()> {
        match message {
            Message::Invoke(call) => {
                self.put_off.push_back(call);
                Ok(())
            }
            Message::Retire => {
                self.ends = true;
                Ok(())
            }
            Message::Stop => Err(()),
        }
    }

    /// Hands a call to the runtime. An error is the order to stop.
    async fn begin(&mut self, call: Call) -> Result<(), ()> {
        self.attempts += 1;
        let timeout = self.function.spec.timeout;
        let work = Work::new(call, self.attempts, timeout, self.init.take());
        if work.invocation.wants_log_tail {
            self.log.keep_tail();
        }
        if self.life.is_none()
            && let Err(failure) = self.initialise_again(work.deadline).await
        {
            return self.conclude_failed_init(work, failure).await;
        }
        self.tell_start(&work);
        self.deliver(&work);
        self.memory_watched_at = work.began;
        self.works.push(work);
        Ok(())
    }

    async fn conclude_failed_init(
        &mut self,
        mut work: Work,
        failure: InitFailure,
    ) -> Result<(), ()> {
        let timeout = self.function.spec.timeout;
        let reason = match failure {
            InitFailure::TimedOut => ShutdownReason::Timeout,
            _ => ShutdownReason::Failure,
        };
        let Some(error) = failure.into_function_error(work.id(), timeout) else {
            work.abandon();
            return Err(());
        };
        self.tell_start(&work);
        work.fail(error);
        let end = work.end();
        self.conclude(work, end);
        self.end_life(reason).await;
        Ok(())
    }

    fn deliver(&mut self, work: &Work) {
        let Invocation {
            request_id,
            event,
            qualifier,
            trace_id,
            client_context,
            cognito_identity,
            tenant_id,
            ..
        } = &work.invocation;
        let delivery = EventWithContext {
            delivery_id: work.attempt,
            request_id: request_id.clone(),
            invocation_id: Uuid::from_u64_pair(self.seed, work.attempt).to_string(),
            event: event.clone(),
            deadline_ms: now_ms() + self.function.spec.timeout.as_millis() as u64,
            function_arn: self.function.arn(qualifier.as_deref()),
            trace_id: trace_id.clone(),
            client_context: client_context.clone(),
            cognito_identity: cognito_identity.clone(),
            tenant_id: tenant_id.clone(),
            wants_stream: work.wants_stream,
        };
        if let Some(life) = &mut self.life {
            life.deliver(Arc::new(delivery));
        }
    }

    fn heard(&mut self, event: RuntimeEvent) {
        match event {
            RuntimeEvent::Responded(attempt, answer, timing) => {
                self.answered(attempt, answer, timing)
            }
            RuntimeEvent::StreamStarted(attempt, streaming) => {
                if let Some(work) = self.work(attempt) {
                    work.stream(streaming);
                }
            }
            RuntimeEvent::Ready => self.ready(),
            // Refused by the session once init is over.
            RuntimeEvent::InitError(_) | RuntimeEvent::RestoreReady => {}
        }
    }

    fn work(&mut self, attempt: u64) -> Option<&mut Work> {
        self.works.iter_mut().find(|work| work.attempt == attempt)
    }

    fn has_one_at_a_time(&self) -> bool {
        self.function.spec.lifecycle.concurrency == 1
    }

    fn answered(&mut self, attempt: u64, answer: RuntimeResponse, timing: Timing) {
        let one_at_a_time = self.has_one_at_a_time();
        let function = Arc::clone(&self.function);
        let Some(work) = self.work(attempt) else {
            return;
        };
        work.answered(answer, timing);
        if one_at_a_time {
            // Before the answer, so that the caller's next call finds this environment expected.
            function.dispatcher.announce_idle();
            work.settled = true;
            if !work.invocation.wants_log_tail {
                work.hand_out(None);
            }
            return;
        }
        if let Some(index) = self.works.iter().position(|work| work.attempt == attempt) {
            let mut work = self.works.swap_remove(index);
            work.runtime_done = Some(Instant::now());
            let end = work.end();
            self.tell_runtime_done(&work, end);
            self.conclude(work, end);
        }
    }

    /// The runtime asks for an event: the invocation it had, if any, is over for it.
    fn ready(&mut self) {
        if !self.has_one_at_a_time() {
            return;
        }
        if let Some(mut work) = self.works.pop() {
            work.runtime_done = Some(Instant::now());
            self.tell_runtime_done(&work, work.end());
            self.works.push(work);
            self.conclude_if_over();
        }
    }

    /// An invocation is over when the runtime and all extensions that watched it wait for the next one.
    fn conclude_if_over(&mut self) {
        let extensions_wait = self
            .life
            .as_ref()
            .is_none_or(|life| life.extensions().all_ready());
        let is_over = |work: &Work| work.runtime_done.is_some();
        if extensions_wait
            && self.works.last().is_some_and(is_over)
            && let Some(work) = self.works.pop()
        {
            let end = work.end();
            self.conclude(work, end);
        }
    }

    async fn heard_of_extension(&mut self, event: registry::ExtensionEvent) {
        match event {
            registry::ExtensionEvent::Ready(_) => self.conclude_if_over(),
            registry::ExtensionEvent::InitError(report)
            | registry::ExtensionEvent::ExitError(report) => {
                self.extension_failed(EXTENSION_EXIT_ERROR, &report.error_type)
                    .await;
            }
            // Refused once init is over.
            registry::ExtensionEvent::Registered(_) | registry::ExtensionEvent::Subscribed(_) => {}
        }
    }

    /// An extension has crashed or given up, which ends the environment's life, and what was under way with it.
    async fn extension_failed(&mut self, error_type: &'static str, words: &str) {
        for mut work in std::mem::take(&mut self.works) {
            self.tell_fault(&work, words, error_type);
            let error = function_error::extension(work.id(), error_type, words);
            work.fail(error);
            self.conclude(work, ReportStatus::Error(error_type));
        }
        self.end_life(ShutdownReason::Failure).await;
    }

    /// The process has ended by itself, with everything it was working on.
    async fn crashed(&mut self, exit: &Exit) {
        let words = function_error::exited_text(exit);
        for mut work in std::mem::take(&mut self.works) {
            self.tell_fault(&work, &words, function_error::EXIT_ERROR);
            let error = function_error::exited(work.id(), exit);
            work.fail(error);
            let end = ReportStatus::Error(function_error::EXIT_ERROR);
            self.tell_runtime_done(&work, end);
            self.conclude(work, end);
        }
        self.end_life(ShutdownReason::Failure).await;
    }

    /// Something's time has come: ends what is overdue, stops what uses too much memory, freezes what is idle.
    async fn time_is_up(&mut self) {
        let now = Instant::now();
        if self.works.is_empty() {
            return self.rest(now);
        }
        while let Some(index) = self.works.iter().position(|work| work.deadline <= now) {
            let work = self.works.swap_remove(index);
            let attempt = work.attempt;
            self.timed_out(work);
            match &self.life {
                // The others go on; what still comes for this one is refused.
                Some(life) if !self.has_one_at_a_time() => life.expire(attempt),
                _ => self.end_life(ShutdownReason::Timeout).await,
            }
        }
        self.watch_memory(now).await;
    }

    /// Nothing has been under way for a while: the processes are frozen, and some time later ended.
    fn rest(&mut self, now: Instant) {
        let lifecycle = &self.function.spec.lifecycle;
        if lifecycle.freeze
            && let Some(life) = self.life.as_mut().filter(|life| !life.is_frozen())
        {
            return life.freeze();
        }
        if self
            .function
            .dispatcher
            .withdraw(self.id, lifecycle.provisioned)
        {
            self.ends = true;
        } else {
            // It is kept, or a call is on its way.
            self.idle_since = now;
        }
    }

    /// Kills an environment that uses more memory than its function has, as AWS does.
    async fn watch_memory(&mut self, now: Instant) {
        self.memory_watched_at = now;
        let Some(life) = self.life.as_ref().filter(|_| !self.works.is_empty()) else {
            return;
        };
        let limit = self.function.spec.memory_bytes();
        let used = self.gauge.usage(&life.pids(), limit);
        self.memory.record_usage(used.min(limit));
        if !self.function.spec.lifecycle.enforce_memory || used <= limit {
            return;
        }
        self.log.platform(&format!(
            "lambkin: function {} uses {} MB, more than its memory of {} MB: it is killed, as on AWS (more: `memory`; never: `enforce-memory = false`)",
            self.function.spec.name,
            used.div_ceil(1024 * 1024),
            self.function.spec.memory_mb,
        ));
        self.crashed(&KILLED).await;
    }

    fn timed_out(&mut self, mut work: Work) {
        if let Some(life) = &mut self.life {
            life.drain(&mut self.log);
        }
        let timeout = self.function.spec.timeout;
        self.log.finish_lines();
        if self.function.spec.logging.format == LogFormat::Text {
            self.log.platform(&format!(
                "{:.3} {} {}",
                Timestamp::now(),
                work.id(),
                function_error::timed_out_text(timeout)
            ));
        }
        let error = function_error::timed_out(work.id(), timeout);
        work.fail(error);
        self.tell_runtime_done(&work, ReportStatus::TimedOut);
        self.conclude(work, ReportStatus::TimedOut);
    }

    /// Ends an invocation: the log, the caller, the place.
    fn conclude(&mut self, mut work: Work, end: ReportStatus<'_>) {
        self.write_report(&work, end);
        let log_tail = self.log.take_tail();
        work.hand_out(log_tail);
        self.idle_since = Instant::now();
        self.free(work.settled);
    }

    /// Gives a place back to the dispatcher, which may have a call for it.
    fn free(&mut self, settled: bool) {
        match self.function.dispatcher.release(self.id, settled) {
            Next::Serve(call) => self.put_off.push_back(call),
            Next::Wait => {}
            Next::End => self.ends = true,
        }
    }

    fn stop(&mut self, mut work: Work) {
        if work.has_result() {
            // The caller has its answer already; the log gets its end.
            let end = work.end();
            self.write_report(&work, end);
            work.hand_out(self.log.take_tail());
        } else {
            work.abandon();
        }
    }

    fn write_report(&mut self, work: &Work, end: ReportStatus<'_>) {
        if let Some(life) = &mut self.life {
            life.drain(&mut self.log);
            self.memory.update(|| life.pids(), work.began.elapsed());
        }
        self.log.finish_lines();
        self.tell_report(work, end);
    }

    async fn next(&mut self, until: Option<Instant>) -> Wake {
        let Some(life) = &mut self.life else {
            let mail = self.mailbox.recv();
            let message = match until {
                None => mail.await,
                Some(until) => match tokio::time::timeout_at(until.into(), mail).await {
                    Ok(message) => message,
                    Err(_elapsed) => return Wake::Process(Happening::TimeIsUp),
                },
            };
            return Wake::Mail(message.unwrap_or(Message::Stop));
        };
        tokio::select! {
            biased;
            happening = life.next(until, &mut self.log) => Wake::Process(happening),
            message = self.mailbox.recv() => Wake::Mail(message.unwrap_or(Message::Stop)),
        }
    }

    async fn end_life(&mut self, reason: ShutdownReason) {
        if let Some(life) = self.life.take() {
            life.end(reason, &mut self.log).await;
        }
    }
}

/// `2026/11/21/[$LATEST]` and 32 hexadecimal digits.
fn log_stream(version: &str) -> String {
    let today = Timestamp::now().strftime("%Y/%m/%d").to_string();
    format!("{today}/[{version}]{}", Uuid::new_v4().simple())
}
