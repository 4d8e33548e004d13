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

mod init;
mod life;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lambkin_model::{Fault, Invocation, RequestId};
use tokio::sync::mpsc;
use uuid::Uuid;

use self::init::InitFailure;
use self::life::{Happening, Life};
use self::work::Work;
use crate::dispatch::{EnvironmentId, Next};
use crate::fault;
use crate::function::{Call, Function};
use crate::lambda::now_ms;
use crate::log::{End, EnvironmentLog, Report};
use crate::memory::PeakMemory;
use crate::runtime_api::conversation::{Answer, Event, EventWithContext, Timing};
use crate::sandbox::Exit;

/// What an environment finds in its mailbox.
#[derive(Debug)]
pub(crate) enum Message {
    /// Serve this call. Sent only to an environment with a free place for it.
    Invoke(Call),
    /// End once nothing is under way.
    Retire,
    /// End at once; a call under way is answered with [`lambkin_model::Failure::ShuttingDown`].
    Stop,
}

/// Starts an environment on the place the dispatcher has promised, with its first call if there is one.
pub(crate) fn start(function: Arc<Function>, first: Option<Call>) {
    let (sender, mailbox) = mpsc::unbounded_channel();
    let membership = Membership {
        id: function.dispatcher.join(sender),
        function: Arc::clone(&function),
    };
    let environment = Environment {
        id: membership.id,
        log: EnvironmentLog::new(function.log.clone(), function.spec.log_prefix.clone()),
        log_stream: log_stream(&function.spec.version),
        function,
        mailbox,
        life: None,
        works: Vec::new(),
        put_off: VecDeque::new(),
        memory: PeakMemory::default(),
        init: None,
        attempts: 0,
        seed: Uuid::new_v4().as_u64_pair().0,
        idle_since: Instant::now(),
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
    /// How long the init phase took, until an invocation has reported it.
    init: Option<Duration>,
    attempts: u64,
    /// What makes this environment's invocation ids its own.
    seed: u64,
    /// Since when nothing has been under way.
    idle_since: Instant,
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
        self.end_life().await;
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
                Wake::Process(Happening::Exited(exit)) => self.crashed(&exit),
                Wake::Process(Happening::TimeIsUp) => self.time_is_up().await,
            }
        }
    }

    /// When there is something to do even if nothing happens.
    fn next_time(&self) -> Option<Instant> {
        if self.works.is_empty() {
            let idle_timeout = self.function.spec.lifecycle.idle_timeout?;
            return Some(self.idle_since + idle_timeout);
        }
        self.works.iter().map(|work| work.deadline).min()
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
        self.write_start(work.id());
        self.deliver(&work);
        self.works.push(work);
        Ok(())
    }

    async fn conclude_failed_init(
        &mut self,
        mut work: Work,
        failure: InitFailure,
    ) -> Result<(), ()> {
        let id = work.id();
        let fault = match failure {
            InitFailure::Stopped => {
                work.abandon();
                return Err(());
            }
            InitFailure::NoBootstrap(no_bootstrap) => {
                let tried: Vec<_> = no_bootstrap
                    .tried
                    .into_iter()
                    .map(|(path, _)| path)
                    .collect();
                fault::invalid_entrypoint(id, &tried)
            }
            InitFailure::NotStarted(program, exit) => fault::not_started(id, &program, &exit),
            InitFailure::Exited(exit) => fault::exited(id, &exit),
            InitFailure::Reported(error) => fault::reported(error.body),
            InitFailure::TimedOut => fault::timed_out(id, self.function.spec.timeout),
        };
        self.write_start(id);
        work.fail(fault);
        let end = work.end();
        self.conclude(work, end);
        self.end_life().await;
        Ok(())
    }

    fn write_start(&mut self, id: &RequestId) {
        self.log.platform_line(format_args!(
            "START RequestId: {id} Version: {}",
            self.function.spec.version
        ));
    }

    fn deliver(&mut self, work: &Work) {
        let Invocation {
            request_id,
            event,
            qualifier,
            trace_id,
            client_context,
            ..
        } = &work.invocation;
        let delivery = EventWithContext {
            attempt: work.attempt,
            request_id: request_id.clone(),
            invocation_id: Uuid::from_u64_pair(self.seed, work.attempt).to_string(),
            event: event.clone(),
            deadline_ms: now_ms() + self.function.spec.timeout.as_millis() as u64,
            function_arn: self.function.arn(qualifier.as_deref()),
            trace_id: trace_id.clone(),
            client_context: client_context.clone(),
            tenant_id: None,
            wants_stream: work.wants_stream,
        };
        if let Some(life) = &mut self.life {
            life.deliver(Arc::new(delivery));
        }
    }

    fn heard(&mut self, event: Event) {
        match event {
            Event::Answered(attempt, answer, timing) => self.answered(attempt, answer, timing),
            Event::Streams(attempt, streaming) => {
                if let Some(work) = self.work(attempt) {
                    work.stream(streaming);
                }
            }
            Event::Ready => self.ready(),
            // Refused by the conversation once init is over.
            Event::InitError(_) | Event::RestoreReady => {}
        }
    }

    fn work(&mut self, attempt: u64) -> Option<&mut Work> {
        self.works.iter_mut().find(|work| work.attempt == attempt)
    }

    fn has_one_at_a_time(&self) -> bool {
        self.function.spec.lifecycle.concurrency == 1
    }

    fn answered(&mut self, attempt: u64, answer: Answer, timing: Timing) {
        let one_at_a_time = self.has_one_at_a_time();
        let function = Arc::clone(&self.function);
        let Some(work) = self.work(attempt) else {
            return;
        };
        work.answered(answer, timing);
        if one_at_a_time {
            // Before the answer, so that the caller's next call finds this environment expected.
            function.dispatcher.settle();
            work.settled = true;
            if !work.invocation.wants_log_tail {
                work.hand_out(None);
            }
            return;
        }
        if let Some(index) = self.works.iter().position(|work| work.attempt == attempt) {
            let work = self.works.swap_remove(index);
            let end = work.end();
            self.conclude(work, end);
        }
    }

    /// The runtime asks for an event: the invocation it had, if any, is over.
    fn ready(&mut self) {
        if self.has_one_at_a_time()
            && let Some(work) = self.works.pop()
        {
            let end = work.end();
            self.conclude(work, end);
        }
    }

    /// The process has ended by itself, with everything it was working on.
    fn crashed(&mut self, exit: &Exit) {
        self.life = None;
        for mut work in std::mem::take(&mut self.works) {
            let id = work.id();
            self.log.platform(&format!(
                "RequestId: {id} Error: {}\n{}",
                fault::exited_text(exit),
                fault::EXIT_ERROR
            ));
            let fault = fault::exited(id, exit);
            work.fail(fault);
            self.conclude(work, End::Error(fault::EXIT_ERROR));
        }
    }

    /// Something's time has come: ends what is overdue, or the environment if it has been idle for too long.
    async fn time_is_up(&mut self) {
        let now = Instant::now();
        if self.works.is_empty() {
            let kept = self.function.spec.lifecycle.provisioned;
            if self.function.dispatcher.withdraw(self.id, kept) {
                self.ends = true;
            } else {
                // It is kept, or a call is on its way.
                self.idle_since = now;
            }
            return;
        }
        while let Some(index) = self.works.iter().position(|work| work.deadline <= now) {
            let work = self.works.swap_remove(index);
            let attempt = work.attempt;
            self.timed_out(work);
            match &self.life {
                // The others go on; what still comes for this one is refused.
                Some(life) if !self.has_one_at_a_time() => life.expire(attempt),
                _ => self.end_life().await,
            }
        }
    }

    fn timed_out(&mut self, mut work: Work) {
        if let Some(life) = &mut self.life {
            life.drain(&mut self.log);
        }
        let timeout = self.function.spec.timeout;
        let id = work.id();
        self.log.finish_lines();
        self.log.platform(&format!(
            "{:.3} {id} {}",
            Timestamp::now(),
            fault::timed_out_text(timeout)
        ));
        let fault: Fault = fault::timed_out(id, timeout);
        work.fail(fault);
        self.conclude(work, End::TimedOut);
    }

    /// Ends an invocation: the log, the caller, the place.
    fn conclude(&mut self, mut work: Work, end: End<'_>) {
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

    fn write_report(&mut self, work: &Work, end: End<'_>) {
        let duration = work.began.elapsed();
        if let Some(life) = &mut self.life {
            life.drain(&mut self.log);
            if let Some(pid) = life.pid() {
                self.memory.update(pid, duration);
            }
        }
        self.log.finish_lines();
        let id = work.id();
        let report = Report {
            id,
            duration,
            init: work.init,
            memory_size_mb: self.function.spec.memory_mb,
            max_memory_used_mb: self.memory.megabytes(),
            end,
        };
        self.log
            .platform_line(format_args!("END RequestId: {id}\n{report}"));
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

    async fn end_life(&mut self) {
        if let Some(life) = self.life.take() {
            life.end(&mut self.log).await;
        }
    }
}

/// `2026/11/21/[$LATEST]` and 32 hexadecimal digits.
fn log_stream(version: &str) -> String {
    let today = Timestamp::now().strftime("%Y/%m/%d").to_string();
    format!("{today}/[{version}]{}", Uuid::new_v4().simple())
}
