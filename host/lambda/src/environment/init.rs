//! The init phase: from nothing to a runtime that waits for an event.
//!
//! The phase has [`INIT_TIMEOUT`] when an environment is new. If it fails or takes longer it is repeated inside the
//! invocation, under the function's own time-out, as AWS does; so it is after a crash or a time-out.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::life::{Happening, Life};
use super::{Environment, Wake};
use crate::bootstrap::NoBootstrap;
use crate::fault;
use crate::function::InitializationType;
use crate::limits::{INIT_TIMEOUT, LONG_INIT_TIMEOUT, RESTORE_TIMEOUT};
use crate::log::{self, End};
use crate::runtime_api::conversation::{Event, InitError};
use crate::sandbox::{Exit, Launch};
use crate::variables::{self, Surroundings};

/// Why an init phase did not lead to a waiting runtime.
pub(super) enum InitFailure {
    NoBootstrap(NoBootstrap),
    NotStarted(PathBuf, Exit),
    Exited(Exit),
    Reported(InitError),
    TimedOut,
    Stopped,
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
        match self.reach_ready(began + limit).await {
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
    pub(super) async fn initialise_again(&mut self, deadline: Instant) -> Result<(), InitFailure> {
        let began = Instant::now();
        let reached = self.reach_ready(deadline).await;
        if let Err(failure) = &reached {
            self.report_init(began.elapsed(), "invoke", failure);
        }
        reached
    }

    /// Starts the process and waits until its runtime asks for an event.
    async fn reach_ready(&mut self, until: Instant) -> Result<(), InitFailure> {
        let program = self.start()?;
        let mut until = until;
        let mut reported = None;
        loop {
            match self.next(Some(until)).await {
                Wake::Process(Happening::Said(Event::Ready)) => return Ok(()),
                Wake::Process(Happening::Said(Event::InitError(error))) => reported = Some(error),
                Wake::Process(Happening::Said(Event::RestoreReady)) => {
                    // The snapshot is the process itself; restoring it takes no time, but its hooks have theirs.
                    until = Instant::now() + RESTORE_TIMEOUT;
                    if let Some(life) = &self.life {
                        life.restore();
                    }
                }
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
                Wake::Mail(message) => self.put_off(message).map_err(|()| InitFailure::Stopped)?,
                // Nothing was delivered, so nothing can have been answered.
                Wake::Process(Happening::Said(Event::Answered(..) | Event::Streams(..))) => {}
            }
        }
    }

    /// Starts the process, and says which program it runs.
    fn start(&mut self) -> Result<PathBuf, InitFailure> {
        let function = &self.function;
        let (program, arguments) = function
            .spec
            .code
            .program()
            .map_err(InitFailure::NoBootstrap)?;
        let log_stream = &self.log_stream;
        let life = Life::begin(function, |runtime_api, metadata_token| Launch {
            program: program.clone(),
            arguments,
            variables: variables::of_runtime(
                &function.spec,
                &function.account,
                &Surroundings {
                    runtime_api,
                    metadata_token,
                    log_stream,
                },
            ),
            directory: function.spec.code.task_root.clone(),
        });
        match life {
            Ok(life) => {
                self.life = Some(life);
                Ok(program)
            }
            Err(error) => Err(InitFailure::NotStarted(program, Exit::not_started(&error))),
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
}
