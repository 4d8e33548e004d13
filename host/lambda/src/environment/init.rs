//! The init phase: starts a sandbox and waits until its runtime requests an event.
//!
//! The init phase of a new environment may take [`INIT_TIMEOUT`]. If it fails or takes longer, it is repeated as part
//! of the next invocation, within the function's timeout, as on AWS. The same happens after a crash or a timeout. Where
//! only one call is made, a phase that fails is not repeated: its error is that of the call.
//!
//! External extensions are started first, and the runtime when all of them have registered. The phase ends when the
//! runtime and all extensions wait for an event.
//!
//! An environment that lacks a [fixed port](crate::ports) of another one of its function gives way: it ends, and calls
//! wait for the other one.
//!
//! If the code changes during the phase, the environment ends as well: the phase, which may wait for a debugger, is not
//! awaited, and the call that waits for it is given back to the dispatcher.
//!
//! A phase begins when it is the environment's [turn](crate::start_turn), so that the time that it waits for other
//! starts counts towards no limit. Neither does the time for which the processes are ready to run and get no processor,
//! up to [`MAX_STARVATION`]: on a busy machine, a start that would succeed on an idle one succeeds too.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambkin_process::Exit;
use tokio::task::spawn_blocking;

use super::advice;
use super::in_flight::InFlight;
use super::init_error::InitPhaseError;
use super::sandbox::{RuntimeProgram, Sandbox, SandboxEvent};
use super::state::{Environment, Input, Stopped};
use crate::bootstrap::NoBootstrapError;
use crate::clock::Deadline;
use crate::code::Entry;
use crate::demand::DemandGauge;
use crate::dispatch::{Message, Way};
use crate::extension::discover::{self, LAUNCH_ERROR, discover, discover_in_image};
use crate::extension::event::ShutdownReason;
use crate::extension::registry::ExtensionEvent;
use crate::function_error;
use crate::limits::{
    DEBUG_REMINDER, INIT_TIMEOUT, LONG_INIT_TIMEOUT, MAX_STARVATION, MIN_EXTENSION, RESTORE_TIMEOUT,
};
use crate::log::ReportStatus;
use crate::ports::{FixedPort, fixed_ports};
use crate::runtime_api::session::{InitError, RuntimeEvent};
use crate::spec::{InitializationType, SandboxMode};
use crate::start_turn::StartTurn;
use crate::telemetry::event::phase::Phase;

/// The error type when an extension reported that its initialization failed.
const EXTENSION_INIT_ERROR: &str = "Extension.InitError";
/// The error type when an extension reported that it cannot continue.
pub(super) const EXTENSION_EXIT_ERROR: &str = "Extension.ExitError";

/// The progress of an init phase.
#[derive(Default)]
struct Progress {
    runtime_is_ready: bool,
    /// The error that the runtime reported. It is expected to exit afterwards.
    reported: Option<InitError>,
    restored_at: Option<Instant>,
    /// The time by which the phase has been extended.
    starved: Duration,
}

impl Environment {
    /// Waits until it is the environment's turn to start a sandbox.
    pub(super) async fn wait_for_turn(&mut self) -> Result<StartTurn, Stopped> {
        let function = Arc::clone(&self.function);
        let mut turn = pin!(function.starts.turn());
        loop {
            tokio::select! {
                biased;
                turn = &mut turn => return Ok(turn),
                message = self.mailbox.recv() => self.on_message(message.unwrap_or(Message::Stop))?,
            }
        }
    }

    /// How long the init phase of a new environment may take.
    pub(super) fn init_limit(&self) -> Duration {
        let spec = &self.function.spec;
        match spec.initialization_type() {
            InitializationType::OnDemand => INIT_TIMEOUT,
            _ => LONG_INIT_TIMEOUT.max(spec.timeout),
        }
    }

    /// The init phase of a new environment. Returns its duration, or `None` if it failed; then it is repeated later,
    /// unless the environment gave way.
    pub(super) async fn initialize(
        &mut self,
        mut turn: StartTurn,
    ) -> Result<Option<Duration>, Stopped> {
        let began = Instant::now();
        let until = self.function.clock.deadline(self.init_limit());
        match self.reach_ready(Phase::Init, &mut turn, until).await {
            Ok(()) => {
                let took = began.elapsed();
                self.end_init(Phase::Init, took, ReportStatus::Success);
                let gave_way = self.gives_way().await;
                Ok(Some(took).filter(|_| !gave_way))
            }
            Err(InitPhaseError::Stopped) => Err(Stopped),
            Err(InitPhaseError::Outdated) => {
                self.gave_way = true;
                Ok(None)
            }
            Err(error) => {
                self.log_failed_init(began.elapsed(), Phase::Init, &error);
                if !self.gives_way().await {
                    self.log_fixed_ports();
                    self.end_sandbox(ShutdownReason::Failure).await;
                    self.failed_init = (!self.is_repeated(&error)).then_some(error);
                }
                Ok(None)
            }
        }
    }

    /// Whether a failed init phase is repeated within the next call.
    fn is_repeated(&self, error: &InitPhaseError) -> bool {
        self.function.spec.lifecycle.repeats_init || matches!(error, InitPhaseError::TimedOut)
    }

    /// The init phase as part of an invocation: after a failed init phase, a crash or a timeout. If the environment gave
    /// way, the result does not matter.
    pub(super) async fn initialize_again(
        &mut self,
        mut turn: StartTurn,
        deadline: Deadline,
    ) -> Result<(), InitPhaseError> {
        let began = Instant::now();
        let reached = self.reach_ready(Phase::Invoke, &mut turn, deadline).await;
        match &reached {
            Ok(()) => self.end_init(Phase::Invoke, began.elapsed(), ReportStatus::Success),
            Err(InitPhaseError::Stopped) => return reached,
            Err(InitPhaseError::Outdated) => {
                self.gave_way = true;
                return reached;
            }
            Err(error) => self.log_failed_init(began.elapsed(), Phase::Invoke, error),
        }
        self.gives_way().await;
        reached
    }

    /// At the end of an init phase: ends this environment if another one of the function has a fixed port that this one
    /// lacks. Calls then wait for the other one. Returns whether that is so.
    async fn gives_way(&mut self) -> bool {
        let Some(sandbox) = &self.sandbox else {
            return false;
        };
        let (function, own) = (Arc::clone(&self.function), Arc::clone(sandbox.peers()));
        let looked = spawn_blocking(move || function.sandboxes.port_of_another(&own));
        let Ok(Some(port)) = looked.await else {
            return false;
        };
        let Way::Given { is_first } = self.function.dispatcher.give_way(self.id) else {
            return false;
        };
        if is_first {
            self.log.platform(&format!(
                "lambkin: another environment of function {} listens on port {port}, and as environments share the \
                 ports of the machine, unlike on AWS, calls wait for it; to serve calls concurrently, let the program \
                 listen on port 0; `concurrency = 1` prevents further environments",
                self.function.spec.name
            ));
        }
        self.gave_way = true;
        self.end_sandbox(ShutdownReason::Failure).await;
        true
    }

    /// Starts a sandbox and waits until its runtime and all extensions request an event.
    pub(super) async fn reach_ready(
        &mut self,
        phase: Phase,
        turn: &mut StartTurn,
        mut until: Deadline,
    ) -> Result<(), InitPhaseError> {
        let program = self.start_sandbox(phase).await?;
        let mut progress = Progress::default();
        let mut remind = Instant::now() + DEBUG_REMINDER;
        loop {
            let due = self.function.clock.due(&until);
            let look = turn.next_look();
            let wake = due.map_or(look, |due| look.min(due));
            let event = match self.next_input(Some(wake)).await {
                Input::Message(Message::Retire) => return Err(InitPhaseError::Outdated),
                Input::Message(message) => {
                    self.on_message(message)
                        .map_err(|Stopped| InitPhaseError::Stopped)?;
                    continue;
                }
                Input::Sandbox(event) => event,
            };
            match event {
                SandboxEvent::Runtime(event) => {
                    self.on_init_runtime_event(event, phase, &mut progress, &mut until);
                }
                SandboxEvent::Extension(event) => self.on_init_extension_event(event, &program)?,
                SandboxEvent::ExtensionExited(name, exit) => {
                    self.on_init_extension_exit(&name, &exit)?
                }
                SandboxEvent::RuntimeExited(exit) => {
                    return Err(match (progress.reported, exit) {
                        (Some(error), _) => InitPhaseError::Reported(error),
                        (None, Exit::NotStarted(_)) => InitPhaseError::NotStarted(program, exit),
                        (None, _) => InitPhaseError::Exited(exit),
                    });
                }
                SandboxEvent::ClockChanged => {}
                SandboxEvent::TimeReached if due.is_none_or(|due| Instant::now() < due) => {
                    turn.look(&self.pids());
                    self.remind_of_debugger(&mut remind);
                }
                SandboxEvent::TimeReached if self.extend(phase, &mut progress, &mut until) => {}
                SandboxEvent::TimeReached => {
                    let reported = progress.reported;
                    return Err(reported.map_or(InitPhaseError::TimedOut, InitPhaseError::Reported));
                }
            }
            if progress.runtime_is_ready && self.extensions_are_ready() {
                if let Some(sandbox) = &mut self.sandbox {
                    sandbox.initialized();
                }
                return Ok(());
            }
        }
    }

    /// The time of an init phase is over. Extends it by the time for which its processes got no processor. Returns
    /// `false` if that time is zero.
    ///
    /// The phase within an invocation is not extended, because its limit is the function's timeout.
    fn extend(&self, phase: Phase, progress: &mut Progress, until: &mut Deadline) -> bool {
        if phase == Phase::Invoke || progress.reported.is_some() {
            return false;
        }
        let demand = DemandGauge::default().look(&self.pids());
        let starved = demand.map_or(Duration::ZERO, |demand| demand.longest_wait);
        let extension = starved.min(MAX_STARVATION).saturating_sub(progress.starved);
        if extension < MIN_EXTENSION {
            return false;
        }
        progress.starved += extension;
        until.extend(extension);
        true
    }

    fn pids(&self) -> Vec<i32> {
        self.sandbox.as_ref().map_or_else(Vec::new, Sandbox::pids)
    }

    fn on_init_runtime_event(
        &mut self,
        event: RuntimeEvent,
        phase: Phase,
        progress: &mut Progress,
        until: &mut Deadline,
    ) {
        match event {
            RuntimeEvent::Ready => {
                progress.runtime_is_ready = true;
                match progress.restored_at {
                    Some(at) => self.log_restored(at.elapsed(), ReportStatus::Success),
                    None => self.log_init_runtime_done(phase, ReportStatus::Success),
                }
            }
            RuntimeEvent::InitError(error) => progress.reported = Some(error),
            RuntimeEvent::RestoreReady => {
                self.log_init_runtime_done(phase, ReportStatus::Success);
                self.log_restore_start();
                // The process itself serves as the snapshot. Restoring it takes no time, but its hooks run now.
                let now = Instant::now();
                progress.restored_at = Some(now);
                *until = self.function.clock.deadline(RESTORE_TIMEOUT);
                if let Some(sandbox) = &self.sandbox {
                    sandbox.restore();
                }
            }
            // No event has been delivered, so there is no response.
            RuntimeEvent::Responded(..) | RuntimeEvent::StreamStarted(..) => {}
        }
    }

    fn on_init_extension_event(
        &mut self,
        event: ExtensionEvent,
        program: &Path,
    ) -> Result<(), InitPhaseError> {
        match event {
            ExtensionEvent::Registered(_) => self.start_runtime(program),
            ExtensionEvent::Ready(_) => Ok(()),
            ExtensionEvent::Subscribed(subscribed) => {
                self.log_subscribed(&subscribed);
                Ok(())
            }
            ExtensionEvent::InitError(report) => Err(InitPhaseError::Extension {
                error_type: EXTENSION_INIT_ERROR,
                reason: report.error_type,
            }),
            ExtensionEvent::ExitError(report) => Err(InitPhaseError::Extension {
                error_type: EXTENSION_EXIT_ERROR,
                reason: report.error_type,
            }),
        }
    }

    fn on_init_extension_exit(&mut self, name: &str, exit: &Exit) -> Result<(), InitPhaseError> {
        match self.extension_crash(name, exit) {
            Some((error_type, reason)) => Err(InitPhaseError::Extension { error_type, reason }),
            None => Ok(()),
        }
    }

    /// The error type and the reason if the end of an extension's process is a failure.
    pub(super) fn extension_crash(
        &self,
        name: &str,
        exit: &Exit,
    ) -> Option<(&'static str, String)> {
        let crash = self.sandbox.as_ref()?.extensions().exited(name)?;
        Some(match exit {
            Exit::NotStarted(_) => (LAUNCH_ERROR, format!("fork/exec {name}: {exit}")),
            _ => (crash, exit.to_string()),
        })
    }

    /// Starts a sandbox. Returns the path of the runtime's program.
    async fn start_sandbox(&mut self, phase: Phase) -> Result<PathBuf, InitPhaseError> {
        let function = &self.function;
        let spec = &function.spec;
        let (program, arguments) = spec.program().map_err(InitPhaseError::NoBootstrap)?;
        let discovered = spec.examined(|starter| match &spec.code.entry {
            Entry::Image(image) => {
                let image = image.get();
                discover_in_image(image.files(), starter)
            }
            _ => {
                let with_host = spec.sandbox == SandboxMode::Process;
                discover(&spec.layer_folders(), starter, with_host)
            }
        });
        let discovered = discovered.map_err(not_launched)?;
        let disabled_by = discovered.disabled_by.clone();
        let runtime = RuntimeProgram {
            program: program.clone(),
            arguments,
        };
        let sandbox = Sandbox::begin(function, runtime, discovered, &self.log_stream)
            .await
            .map_err(|error| {
                InitPhaseError::NotStarted(program.clone(), Exit::not_started(&error))
            })?;
        self.log.set_telemetry(Arc::clone(sandbox.telemetry()));
        self.sandbox = Some(sandbox);
        self.log_init_start(phase);
        self.log_debugger();
        if let Some(file) = disabled_by {
            self.log.platform(&format!(
                "Extensions disabled by attached layer ({})",
                file.display()
            ));
        }
        self.start_runtime(&program)?;
        Ok(program)
    }

    /// Says where a debugger attaches.
    fn log_debugger(&mut self) {
        let sandbox = self.sandbox.as_ref();
        let (Some(address), Some(debug)) = (
            sandbox.and_then(Sandbox::debug_address),
            self.function.spec.debug,
        ) else {
            return;
        };
        let waits = match (&self.function.spec.code.entry, debug.wait) {
            // What the image starts is not known.
            (Entry::Image(_), _) => {
                ", if the image starts one at the port `{debug-port}`, which LAMBKIN_DEBUG_PORT has as well"
            }
            (_, true) => ", for which the function waits",
            (_, false) => "",
        };
        self.log
            .platform(&format!("lambkin: attach a debugger at {address}{waits}"));
    }

    /// Says that the function still waits for a debugger, if it is time to.
    fn remind_of_debugger(&mut self, remind: &mut Instant) {
        if matches!(self.function.spec.code.entry, Entry::Image(_)) {
            return;
        }
        let awaited = self.sandbox.as_ref().and_then(Sandbox::awaited_at);
        if let Some(address) = awaited.filter(|_| Instant::now() >= *remind) {
            *remind += DEBUG_REMINDER;
            self.log.platform(&format!(
                "lambkin: function {} still waits for a debugger; attach one at {address}",
                self.function.spec.name
            ));
        }
    }

    /// Starts the runtime if all external extensions have registered.
    fn start_runtime(&mut self, program: &Path) -> Result<(), InitPhaseError> {
        let Some(sandbox) = &mut self.sandbox else {
            return Ok(());
        };
        if !sandbox.extensions().all_external_registered() {
            return Ok(());
        }
        sandbox.start_runtime().map_err(|error| {
            InitPhaseError::NotStarted(program.to_owned(), Exit::not_started(&error))
        })
    }

    /// Ends an init phase, after which extensions can no longer subscribe to telemetry.
    fn end_init(&mut self, phase: Phase, took: Duration, status: ReportStatus<'_>) {
        if let Some(sandbox) = &self.sandbox {
            let extensions = Arc::clone(sandbox.extensions());
            self.log_extensions(&extensions);
        }
        self.log_init_report(phase, took, status);
        if let Some(sandbox) = &self.sandbox {
            sandbox.telemetry().close_subscriptions();
        }
    }

    /// Ends an invocation whose init phase has failed.
    pub(super) async fn conclude_failed_init(
        &mut self,
        mut invocation: InFlight,
        error: InitPhaseError,
    ) -> Result<(), Stopped> {
        let timeout = self.function.spec.timeout;
        let reason = match error {
            InitPhaseError::TimedOut => ShutdownReason::Timeout,
            _ => ShutdownReason::Failure,
        };
        let fault = error.fault();
        let Some(error) = error.into_function_error(invocation.id(), timeout) else {
            invocation.abandon();
            return Err(Stopped);
        };
        self.log_start(&invocation);
        match fault {
            Some((reason, error_type)) => self.log_fault(&invocation, &reason, error_type),
            None if reason == ShutdownReason::Timeout => self.log_timeout(&invocation),
            None => {}
        }
        invocation.fail(error);
        let status = invocation.status();
        self.conclude(invocation, status);
        self.end_sandbox(reason).await;
        Ok(())
    }

    /// Explains a failed init phase if environments of other functions listen on fixed ports, which may be the reason.
    fn log_fixed_ports(&mut self) {
        let own = self.sandbox.as_ref().map_or_else(Vec::new, Sandbox::pids);
        let name = self.function.spec.name.clone();
        for FixedPort { port, function } in fixed_ports(&own) {
            self.log.platform(&if function == name {
                format!(
                    "lambkin: another version of function {name} listens on port {port}, which may be why this one \
                     failed: environments share the ports of the machine, unlike on AWS; let the program listen on \
                     port 0"
                )
            } else {
                format!(
                    "lambkin: function {function} listens on port {port}; if function {name} needs this port as well, \
                     give one of them another (`PORT` or `AWS_LWA_PORT` with the Lambda Web Adapter)"
                )
            });
        }
    }

    fn log_failed_init(&mut self, took: Duration, phase: Phase, error: &InitPhaseError) {
        let status = match error {
            InitPhaseError::Stopped | InitPhaseError::Outdated => return,
            InitPhaseError::TimedOut => ReportStatus::TimedOut,
            InitPhaseError::NoBootstrap(NoBootstrapError {
                image: Some((error_type, _)),
                ..
            }) => ReportStatus::Error(error_type),
            InitPhaseError::NoBootstrap(_) | InitPhaseError::NotStarted(..) => {
                ReportStatus::Error(function_error::INVALID_ENTRYPOINT)
            }
            InitPhaseError::Exited(_) => ReportStatus::Error(function_error::EXIT_ERROR),
            InitPhaseError::Extension { error_type, .. } => ReportStatus::Error(error_type),
            InitPhaseError::Reported(reported) => {
                ReportStatus::Error(function_error::classify(reported.error_type.as_deref()))
            }
        };
        // Said once: as a part of the call, unless none may follow.
        let is_of_call = phase == Phase::Invoke || !self.is_repeated(error);
        if is_of_call || self.function.spec.lifecycle.provisioned > 0 {
            self.explain_failed_init(error, is_of_call);
        }
        self.log_init_runtime_done(phase, status);
        self.end_init(phase, took, status);
    }
}

impl Environment {
    /// Says why a start has failed, where the lines of AWS do not.
    fn explain_failed_init(&mut self, error: &InitPhaseError, is_of_call: bool) {
        let spec = &self.function.spec;
        let mut lines = Vec::new();
        match error {
            InitPhaseError::NoBootstrap(no_bootstrap) => {
                lines.push(format!("function {}: {no_bootstrap}", spec.name));
            }
            InitPhaseError::NotStarted(program, exit) => lines.push(format!(
                "function {}: {} could not be started: {exit}",
                spec.name,
                program.display()
            )),
            InitPhaseError::Reported(reported) => lines.extend(reported.summary().map(|summary| {
                format!("function {} could not be initialized: {summary}", spec.name)
            })),
            _ => {}
        }
        if !matches!(error, InitPhaseError::NoBootstrap(_)) {
            lines.extend(advice::on_failed_start(spec, error.reported()));
        }
        for line in lines {
            self.log.platform(&format!("lambkin: {line}"));
        }
        // Within a call, it follows START.
        if let Some((reason, error_type)) = error.fault().filter(|_| !is_of_call) {
            self.log.platform(&format!("Error: {reason}\n{error_type}"));
        }
    }
}

fn not_launched(error: discover::LaunchError) -> InitPhaseError {
    InitPhaseError::Extension {
        error_type: LAUNCH_ERROR,
        reason: error.to_string(),
    }
}
