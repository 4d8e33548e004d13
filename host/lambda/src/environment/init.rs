//! The init phase: from nothing to a runtime that waits for an event.
//!
//! The phase has [`INIT_TIMEOUT`] when an environment is new. If it fails or takes longer it is repeated inside the
//! invocation, under the function's own time-out, as AWS does; so it is after a crash or a time-out.
//!
//! External extensions are started first, and the runtime when all of them have registered. The phase is over when the
//! runtime and every extension wait for an event.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lambkin_model::{FunctionError, RequestId};
use lambkin_process::Exit;

use super::life::{Happening, Life, Runtime};
use super::{Environment, Wake};
use crate::bootstrap::NoBootstrapError;
use crate::extension::discover::{self, LAUNCH_ERROR, discover};
use crate::extension::event::ShutdownReason;
use crate::extension::registry;
use crate::function_error;
use crate::limits::{INIT_TIMEOUT, LONG_INIT_TIMEOUT, RESTORE_TIMEOUT};
use crate::log::ReportStatus;
use crate::runtime_api::session::{InitError, RuntimeEvent};
use crate::spec::InitializationType;
use crate::telemetry::event::phase::Phase;

/// The error type of an extension that reported that its init failed.
const EXTENSION_INIT_ERROR: &str = "Extension.InitError";
/// The error type of an extension that reported that it can not go on.
pub(super) const EXTENSION_EXIT_ERROR: &str = "Extension.ExitError";

/// Why an init phase did not lead to a waiting runtime.
pub(super) enum InitFailure {
    NoBootstrap(NoBootstrapError),
    NotStarted(PathBuf, Exit),
    Exited(Exit),
    Reported(InitError),
    Extension {
        error_type: &'static str,
        words: String,
    },
    TimedOut,
    Stopped,
}

/// How far an init phase has come.
#[derive(Default)]
struct Progress {
    runtime_waits: bool,
    /// What the runtime reported; it is expected to exit then.
    reported: Option<InitError>,
    restored_at: Option<Instant>,
}

impl Environment {
    /// The init phase of a new environment. An error is the order to stop; a failed phase is no error, it is repeated.
    pub(super) async fn initialise(&mut self) -> Result<Option<Duration>, ()> {
        let began = Instant::now();
        let spec = &self.function.spec;
        let limit = match spec.initialization_type() {
            InitializationType::OnDemand => INIT_TIMEOUT,
            _ => LONG_INIT_TIMEOUT.max(spec.timeout),
        };
        match self.reach_ready(Phase::Init, began + limit).await {
            Ok(()) => {
                self.tell_init_end(Phase::Init, began.elapsed(), ReportStatus::Success);
                Ok(Some(began.elapsed()))
            }
            Err(InitFailure::Stopped) => Err(()),
            Err(failure) => {
                self.report_init(began.elapsed(), Phase::Init, &failure);
                self.end_life(ShutdownReason::Failure).await;
                Ok(None)
            }
        }
    }

    /// The init phase inside an invocation: after a failed one, after a crash, after a time-out.
    pub(super) async fn initialise_again(&mut self, deadline: Instant) -> Result<(), InitFailure> {
        let began = Instant::now();
        let reached = self.reach_ready(Phase::Invoke, deadline).await;
        match &reached {
            Ok(()) => self.tell_init_end(Phase::Invoke, began.elapsed(), ReportStatus::Success),
            Err(failure) => self.report_init(began.elapsed(), Phase::Invoke, failure),
        }
        reached
    }

    /// Starts the processes and waits until the runtime asks for an event, and every extension too.
    async fn reach_ready(&mut self, phase: Phase, until: Instant) -> Result<(), InitFailure> {
        let program = self.start(phase).await?;
        let mut until = until;
        let mut progress = Progress::default();
        loop {
            let happening = match self.next(Some(until)).await {
                Wake::Mail(message) => {
                    self.put_off(message).map_err(|()| InitFailure::Stopped)?;
                    continue;
                }
                Wake::Process(happening) => happening,
            };
            match happening {
                Happening::Said(event) => {
                    self.take_runtimes_word(event, phase, &mut progress, &mut until);
                }
                Happening::ExtensionSaid(event) => self.take_extensions_word(event, &program)?,
                Happening::ExtensionExited(name, exit) => self.extension_exited(&name, &exit)?,
                Happening::Exited(exit) => {
                    return Err(match (progress.reported, exit) {
                        (Some(error), _) => InitFailure::Reported(error),
                        (None, Exit::NotStarted(_)) => InitFailure::NotStarted(program, exit),
                        (None, _) => InitFailure::Exited(exit),
                    });
                }
                Happening::TimeIsUp => {
                    let reported = progress.reported;
                    return Err(reported.map_or(InitFailure::TimedOut, InitFailure::Reported));
                }
            }
            if progress.runtime_waits && self.extensions_wait() {
                return Ok(());
            }
        }
    }

    fn take_runtimes_word(
        &mut self,
        event: RuntimeEvent,
        phase: Phase,
        progress: &mut Progress,
        until: &mut Instant,
    ) {
        match event {
            RuntimeEvent::Ready => {
                progress.runtime_waits = true;
                match progress.restored_at {
                    Some(at) => self.tell_restored(at.elapsed(), ReportStatus::Success),
                    None => self.tell_init_runtime_done(phase, ReportStatus::Success),
                }
            }
            RuntimeEvent::InitError(error) => progress.reported = Some(error),
            RuntimeEvent::RestoreReady => {
                self.tell_init_runtime_done(phase, ReportStatus::Success);
                self.tell_restore_start();
                // The snapshot is the process itself; restoring it takes no time, but its hooks have theirs.
                let now = Instant::now();
                progress.restored_at = Some(now);
                *until = now + RESTORE_TIMEOUT;
                if let Some(life) = &self.life {
                    life.restore();
                }
            }
            // Nothing was delivered, so nothing can have been answered.
            RuntimeEvent::Responded(..) | RuntimeEvent::StreamStarted(..) => {}
        }
    }

    fn take_extensions_word(
        &mut self,
        event: registry::ExtensionEvent,
        program: &std::path::Path,
    ) -> Result<(), InitFailure> {
        match event {
            registry::ExtensionEvent::Registered(_) => self.start_runtime(program),
            registry::ExtensionEvent::Ready(_) => Ok(()),
            registry::ExtensionEvent::Subscribed(subscribed) => {
                self.tell_subscribed(&subscribed);
                Ok(())
            }
            registry::ExtensionEvent::InitError(report) => Err(InitFailure::Extension {
                error_type: EXTENSION_INIT_ERROR,
                words: report.error_type,
            }),
            registry::ExtensionEvent::ExitError(report) => Err(InitFailure::Extension {
                error_type: EXTENSION_EXIT_ERROR,
                words: report.error_type,
            }),
        }
    }

    fn extension_exited(&mut self, name: &str, exit: &Exit) -> Result<(), InitFailure> {
        match self.crash_of_extension(name, exit) {
            Some((error_type, words)) => Err(InitFailure::Extension { error_type, words }),
            None => Ok(()),
        }
    }

    /// Whether the end of an extension's process is a failure, as which type, and in which words.
    pub(super) fn crash_of_extension(
        &self,
        name: &str,
        exit: &Exit,
    ) -> Option<(&'static str, String)> {
        let crash = self.life.as_ref()?.extensions().exited(name)?;
        Some(match exit {
            Exit::NotStarted(_) => (LAUNCH_ERROR, format!("fork/exec {name}: {exit}")),
            _ => (crash, exit.to_string()),
        })
    }

    fn extensions_wait(&self) -> bool {
        self.life
            .as_ref()
            .is_some_and(|life| life.extensions().all_ready())
    }

    /// Begins a life, and says which program its runtime is.
    async fn start(&mut self, phase: Phase) -> Result<PathBuf, InitFailure> {
        let function = &self.function;
        let (program, arguments) = function
            .spec
            .code
            .program(&function.spec.layers)
            .map_err(InitFailure::NoBootstrap)?;
        let discovered = discover(&function.spec.layers).map_err(not_launched)?;
        let disabled_by = discovered.disabled_by.clone();
        let runtime = Runtime {
            program: program.clone(),
            arguments,
        };
        let life = Life::begin(function, runtime, discovered, &self.log_stream).await;
        let life = life
            .map_err(|error| InitFailure::NotStarted(program.clone(), Exit::not_started(&error)))?;
        self.log
            .set_telemetry(std::sync::Arc::clone(life.telemetry()));
        self.life = Some(life);
        self.tell_init_start(phase);
        if let Some(file) = disabled_by {
            self.log.platform(&format!(
                "Extensions disabled by attached layer ({})",
                file.display()
            ));
        }
        self.start_runtime(&program)?;
        Ok(program)
    }

    /// Starts the runtime once there is no extension left to wait for.
    fn start_runtime(&mut self, program: &std::path::Path) -> Result<(), InitFailure> {
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        if !life.extensions().all_external_registered() {
            return Ok(());
        }
        life.start_runtime()
            .map_err(|error| InitFailure::NotStarted(program.to_owned(), Exit::not_started(&error)))
    }

    /// The end of a phase, and of the time in which extensions may subscribe to telemetry.
    fn tell_init_end(&mut self, phase: Phase, took: Duration, end: ReportStatus<'_>) {
        let extensions = self
            .life
            .as_ref()
            .map(|life| std::sync::Arc::clone(life.extensions()));
        if let Some(extensions) = extensions {
            self.tell_extensions(&extensions);
        }
        self.tell_init_report(phase, took, end);
        if let Some(life) = &self.life {
            life.telemetry().close_subscriptions();
        }
    }

    fn report_init(&mut self, took: Duration, phase: Phase, failure: &InitFailure) {
        let end = match failure {
            InitFailure::Stopped => return,
            InitFailure::TimedOut => ReportStatus::TimedOut,
            InitFailure::NoBootstrap(_) | InitFailure::NotStarted(..) => {
                ReportStatus::Error(function_error::INVALID_ENTRYPOINT)
            }
            InitFailure::Exited(_) => ReportStatus::Error(function_error::EXIT_ERROR),
            InitFailure::Extension { error_type, .. } => ReportStatus::Error(error_type),
            InitFailure::Reported(error) => {
                ReportStatus::Error(function_error::classify(error.error_type.as_deref()))
            }
        };
        match failure {
            InitFailure::NoBootstrap(no_bootstrap) if phase == Phase::Invoke => {
                self.log.platform(&format!(
                    "lambkin: function {}: {no_bootstrap}",
                    self.function.spec.name
                ));
            }
            InitFailure::Exited(exit) => self
                .log
                .platform(&format!("Error: {}", function_error::exited_text(exit))),
            InitFailure::Extension { words, .. } => {
                self.log.platform(&format!("Error: {words}"));
            }
            _ => {}
        }
        self.tell_init_runtime_done(phase, end);
        self.tell_init_end(phase, took, end);
    }
}

impl InitFailure {
    /// What the caller is told; `None` if the host stops.
    pub(super) fn into_function_error(
        self,
        id: &RequestId,
        timeout: Duration,
    ) -> Option<FunctionError> {
        Some(match self {
            Self::Stopped => return None,
            Self::NoBootstrap(no_bootstrap) => {
                let tried = no_bootstrap.tried.into_iter();
                let paths: Vec<_> = tried.map(|(path, _)| path).collect();
                function_error::invalid_entrypoint(id, &paths)
            }
            Self::NotStarted(program, exit) => function_error::not_started(id, &program, &exit),
            Self::Exited(exit) => function_error::exited(id, &exit),
            Self::Reported(error) => function_error::reported_in_init(error.body),
            Self::Extension { error_type, words } => {
                function_error::extension(id, error_type, &words)
            }
            Self::TimedOut => function_error::timed_out(id, timeout),
        })
    }
}

fn not_launched(error: discover::LaunchError) -> InitFailure {
    InitFailure::Extension {
        error_type: LAUNCH_ERROR,
        words: error.to_string(),
    }
}
