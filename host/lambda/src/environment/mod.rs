//! An execution environment: one task that takes a call, sees it through, and comes back for the next.
//!
//! The environment owns its process and everything known about it; others reach it only by its mailbox. It initialises
//! on its first call. If that init phase fails or takes longer than [`INIT_TIMEOUT`], it is repeated inside the
//! invocation, under the function's own time-out, as AWS does. A crash or a time-out ends the process but not the
//! environment: the next call begins a new [`Life`].
//!
//! The caller is answered as soon as the runtime has answered. The invocation ends, with END and REPORT in the log,
//! when the runtime asks for its next event; a caller that wants the log's tail waits until then.
//!
//! On failure: every call gets exactly one outcome, whatever the process does. If this task itself should die, the
//! dispatcher learns of it and the caller is told that the host is shutting down.

mod address;
mod life;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use lambkin_model::{Failure, Fault, FaultKind, Invocation, Outcome, RequestId};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use self::life::{Happening, Life};
use crate::bootstrap::NoBootstrap;
use crate::dispatch::{EnvironmentId, Next};
use crate::fault;
use crate::function::{Call, Function, refused};
use crate::lambda::now_ms;
use crate::limits::INIT_TIMEOUT;
use crate::log::{self, End, EnvironmentLog, Report};
use crate::memory::PeakMemory;
use crate::runtime_api::conversation::{Answer, Event, EventWithContext, InitError};
use crate::sandbox::{Exit, Launch};
use crate::variables;

/// What an environment finds in its mailbox.
#[derive(Debug)]
pub(crate) enum Message {
    /// Serve this call. Sent only to an idle environment.
    Invoke(Call),
    /// End at once; a call under way is answered with [`Failure::ShuttingDown`].
    Stop,
}

/// Starts an environment with its first call, on the place the dispatcher has promised.
pub(crate) fn start(function: Arc<Function>, first: Call) {
    let (sender, mailbox) = mpsc::unbounded_channel();
    let membership = Membership {
        id: function.dispatcher.join(sender),
        function: Arc::clone(&function),
    };
    let environment = Environment {
        log: EnvironmentLog::new(function.log.clone(), function.spec.log_prefix.clone()),
        log_stream: log_stream(&function.spec.version),
        function,
        mailbox,
        life: None,
        memory: PeakMemory::default(),
        was_initialised: false,
    };
    tokio::spawn(async move { environment.run(membership, first).await });
}

/// A place among the function's environments, given back in any case.
struct Membership {
    function: Arc<Function>,
    id: EnvironmentId,
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(call) = self.function.dispatcher.leave(self.id) {
            start(Arc::clone(&self.function), call);
        }
    }
}

struct Environment {
    function: Arc<Function>,
    mailbox: mpsc::UnboundedReceiver<Message>,
    log: EnvironmentLog,
    log_stream: String,
    life: Option<Life>,
    memory: PeakMemory,
    was_initialised: bool,
}

/// What can wake an environment.
enum Wake {
    Mail(Message),
    Process(Happening),
}

/// Why an init phase did not lead to a waiting runtime.
enum InitFailure {
    NoBootstrap(NoBootstrap),
    NotStarted(PathBuf, Exit),
    Exited(Exit),
    Reported(InitError),
    TimedOut,
    Stopped,
}

/// The invocation under way.
struct Work {
    invocation: Invocation,
    answer: Option<oneshot::Sender<Outcome>>,
    /// When the event was handed over; the function's time-out counts from here.
    began: Instant,
    deadline: Instant,
    /// The init phase this invocation waited for, if it went well.
    init: Option<Duration>,
    result: Option<Result<Bytes, Failure>>,
}

impl Environment {
    async fn run(mut self, membership: Membership, first: Call) {
        let mut call = first;
        // Whether the host stops is learnt from the mailbox, in a call or between two.
        while let Some(settled) = self.serve(call).await {
            let next = match self.function.dispatcher.release(membership.id, settled) {
                Next::Serve(next) => Some(next),
                Next::Wait => self.idle().await,
                Next::End => None,
            };
            match next {
                Some(next) => call = next,
                None => break,
            }
        }
        self.end_life().await;
    }

    /// Waits for a call; `None` is the order to stop.
    async fn idle(&mut self) -> Option<Call> {
        loop {
            match self.next(None).await {
                Wake::Mail(Message::Invoke(call)) => return Some(call),
                Wake::Mail(Message::Stop) => return None,
                Wake::Process(Happening::Exited(_)) => self.life = None,
                Wake::Process(_) => {}
            }
        }
    }

    /// Sees a call through. Tells whether the dispatcher was told to expect this environment soon; `None` is the order
    /// to stop.
    async fn serve(&mut self, call: Call) -> Option<bool> {
        let Call { invocation, answer } = call;
        let init = match self.initialise().await {
            Ok(init) => init,
            Err(()) => return stopped(Some(answer)),
        };
        let began = Instant::now();
        let deadline = began + self.function.spec.timeout;
        let work = Work {
            invocation,
            answer: Some(answer),
            began,
            deadline,
            init,
            result: None,
        };
        if work.invocation.wants_log_tail {
            self.log.keep_tail();
        }
        if self.life.is_none()
            && let Err(failure) = self.initialise_again(deadline).await
        {
            return self.conclude_failed_init(work, failure).await;
        }
        self.write_start(&work.invocation.request_id);
        self.deliver(&work);
        self.attend(work).await
    }

    /// The init phase of a new environment. An error is the order to stop; a failed phase is no error, it is repeated.
    async fn initialise(&mut self) -> Result<Option<Duration>, ()> {
        if self.was_initialised {
            return Ok(None);
        }
        self.was_initialised = true;
        let began = Instant::now();
        match self.reach_ready(began + INIT_TIMEOUT).await {
            Ok(()) => Ok(Some(began.elapsed())),
            Err(InitFailure::Stopped) => Err(()),
            Err(failure) => {
                self.report_init(began.elapsed(), "init", &failure);
                self.end_life().await;
                Ok(None)
            }
        }
    }

    /// The init phase inside an invocation: after a failed one, after a crash, after a time-out.
    async fn initialise_again(&mut self, deadline: Instant) -> Result<(), InitFailure> {
        let began = Instant::now();
        let reached = self.reach_ready(deadline).await;
        if let Err(failure) = &reached {
            self.report_init(began.elapsed(), "invoke", failure);
        }
        reached
    }

    /// Starts the process and waits until its runtime asks for an event.
    async fn reach_ready(&mut self, until: Instant) -> Result<(), InitFailure> {
        let (program, arguments) = self
            .function
            .spec
            .code
            .program()
            .map_err(InitFailure::NoBootstrap)?;
        let function = &self.function;
        let log_stream = &self.log_stream;
        let life = Life::begin(function.spec.runtime_api, |runtime_api| Launch {
            program: program.clone(),
            arguments,
            variables: variables::of_runtime(
                &function.spec,
                &function.account,
                runtime_api,
                log_stream,
            ),
            directory: function.spec.code.task_root.clone(),
        });
        let not_started =
            |error| InitFailure::NotStarted(program.clone(), Exit::not_started(&error));
        self.life = Some(life.await.map_err(not_started)?);

        let mut reported = None;
        loop {
            match self.next(Some(until)).await {
                Wake::Process(Happening::Said(Event::Ready)) => return Ok(()),
                Wake::Process(Happening::Said(Event::InitError(error))) => reported = Some(error),
                Wake::Process(Happening::Exited(exit)) => {
                    self.life = None;
                    return Err(match (reported, exit) {
                        (Some(error), _) => InitFailure::Reported(error),
                        (None, Exit::NotStarted(_)) => InitFailure::NotStarted(program, exit),
                        (None, _) => InitFailure::Exited(exit),
                    });
                }
                Wake::Process(Happening::TimeIsUp) => {
                    return Err(reported.map_or(InitFailure::TimedOut, InitFailure::Reported));
                }
                Wake::Mail(_) => return Err(InitFailure::Stopped),
                // Nothing was delivered, so nothing can have been answered.
                Wake::Process(Happening::Said(Event::Answered(_))) => {}
            }
        }
    }

    fn report_init(&mut self, took: Duration, phase: &str, failure: &InitFailure) {
        let end = match failure {
            InitFailure::Stopped => return,
            InitFailure::TimedOut => End::TimedOut,
            InitFailure::NoBootstrap(_) | InitFailure::NotStarted(..) => {
                End::Error(fault::INVALID_ENTRYPOINT)
            }
            InitFailure::Exited(_) => End::Error(fault::EXIT_ERROR),
            InitFailure::Reported(error) => {
                End::Error(fault::classify(error.error_type.as_deref()))
            }
        };
        match failure {
            InitFailure::NoBootstrap(no_bootstrap) if phase == "invoke" => {
                self.log.platform(&format!(
                    "lambkin: function {}: {no_bootstrap}",
                    self.function.spec.name
                ));
            }
            InitFailure::Exited(exit) => self
                .log
                .platform(&format!("Error: {}", fault::exited_text(exit))),
            _ => {}
        }
        self.log.platform(&log::init_report_line(took, phase, end));
    }

    async fn conclude_failed_init(&mut self, mut work: Work, failure: InitFailure) -> Option<bool> {
        let id = work.invocation.request_id.clone();
        let id = &id;
        let fault = match failure {
            InitFailure::Stopped => return stopped(work.answer),
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
            InitFailure::Reported(error) => fault::reported_in_init(error.body),
            InitFailure::TimedOut => fault::timed_out(id, self.function.spec.timeout),
        };
        self.write_start(id);
        work.result = Some(Err(Failure::Function(fault)));
        self.conclude(work);
        self.end_life().await;
        Some(false)
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
            request_id: request_id.clone(),
            event: event.clone(),
            deadline_ms: now_ms() + self.function.spec.timeout.as_millis() as u64,
            function_arn: self.function.arn(qualifier.as_deref()),
            trace_id: trace_id.clone(),
            client_context: client_context.clone(),
        };
        if let Some(life) = &mut self.life {
            life.deliver(Arc::new(delivery));
        }
    }

    /// Follows a delivered invocation to its end.
    async fn attend(&mut self, mut work: Work) -> Option<bool> {
        let mut settled = false;
        loop {
            match self.next(Some(work.deadline)).await {
                Wake::Process(Happening::Said(Event::Answered(answer))) => {
                    work.result = Some(result_of(&work.invocation.request_id, answer));
                    // Before the answer, so that the caller's next call finds this environment expected.
                    self.function.dispatcher.settle();
                    settled = true;
                    if !work.invocation.wants_log_tail {
                        work.answer();
                    }
                }
                Wake::Process(Happening::Said(Event::Ready)) => {
                    self.conclude(work);
                    return Some(settled);
                }
                Wake::Process(Happening::Exited(exit)) => {
                    self.crashed(work, &exit);
                    return Some(settled);
                }
                Wake::Process(Happening::TimeIsUp) => {
                    self.timed_out(work);
                    self.end_life().await;
                    return Some(settled);
                }
                Wake::Process(Happening::Said(Event::InitError(_))) => {}
                Wake::Mail(_) if work.result.is_some() => {
                    // The caller has its answer already; the log gets its end.
                    self.conclude(work);
                    return None;
                }
                Wake::Mail(_) => return stopped(work.answer),
            }
        }
    }

    fn crashed(&mut self, mut work: Work, exit: &Exit) {
        self.life = None;
        let id = &work.invocation.request_id;
        self.log.platform(&format!(
            "RequestId: {id} Error: {}\n{}",
            fault::exited_text(exit),
            fault::EXIT_ERROR
        ));
        let fault = fault::exited(id, exit);
        self.conclude_with(&mut work, fault, End::Error(fault::EXIT_ERROR));
    }

    fn timed_out(&mut self, mut work: Work) {
        if let Some(life) = &mut self.life {
            life.drain(&mut self.log);
        }
        let timeout = self.function.spec.timeout;
        let id = &work.invocation.request_id;
        self.log.finish_lines();
        self.log.platform(&format!(
            "{:.3} {id} {}",
            Timestamp::now(),
            fault::timed_out_text(timeout)
        ));
        let fault = fault::timed_out(id, timeout);
        self.conclude_with(&mut work, fault, End::TimedOut);
    }

    /// Ends an invocation that the platform had to end. A caller that has its answer keeps it.
    fn conclude_with(&mut self, work: &mut Work, fault: Fault, end: End<'_>) {
        work.result.get_or_insert(Err(Failure::Function(fault)));
        self.write_report(work, end);
        self.hand_out(work);
    }

    /// Ends an invocation that ended by itself.
    fn conclude(&mut self, mut work: Work) {
        let end = match &work.result {
            Some(Err(Failure::Function(Fault {
                kind: FaultKind::Platform(error_type),
                ..
            }))) => End::Error(error_type),
            Some(Err(Failure::Function(Fault {
                kind: FaultKind::TimedOut,
                ..
            }))) => End::TimedOut,
            _ => End::Success,
        };
        self.write_report(&work, end);
        self.hand_out(&mut work);
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
        let id = &work.invocation.request_id;
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

    fn hand_out(&mut self, work: &mut Work) {
        let log_tail = self.log.take_tail();
        work.answer_with(log_tail);
    }

    async fn next(&mut self, until: Option<Instant>) -> Wake {
        let Some(life) = &mut self.life else {
            return Wake::Mail(self.mailbox.recv().await.unwrap_or(Message::Stop));
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

impl Work {
    fn answer(&mut self) {
        self.answer_with(None);
    }

    fn answer_with(&mut self, log_tail: Option<Bytes>) {
        if let (Some(answer), Some(result)) = (self.answer.take(), self.result.clone()) {
            let _the_caller_went_away = answer.send(Outcome { result, log_tail });
        }
    }
}

fn stopped(answer: Option<oneshot::Sender<Outcome>>) -> Option<bool> {
    if let Some(answer) = answer {
        let _the_caller_went_away = answer.send(refused(Failure::ShuttingDown));
    }
    None
}

fn result_of(id: &RequestId, answer: Answer) -> Result<Bytes, Failure> {
    let fault = match answer {
        Answer::Response(payload) => return Ok(payload),
        Answer::Error(payload) => fault::reported(payload),
        Answer::TooLarge => fault::response_too_large(),
        Answer::Truncated => fault::truncated_response(id),
        Answer::InvalidMode => fault::invalid_response_mode(id),
    };
    Err(Failure::Function(fault))
}

/// `2026/11/21/[$LATEST]` and 32 hexadecimal digits.
fn log_stream(version: &str) -> String {
    let today = Timestamp::now().strftime("%Y/%m/%d").to_string();
    format!("{today}/[{version}]{}", Uuid::new_v4().simple())
}
