//! Why an init phase failed: what the log says of it, and what the caller is told.

use std::path::PathBuf;
use std::time::Duration;

use lambkin_model::{FunctionError, RequestId};
use lambkin_process::Exit;

use crate::bootstrap::NoBootstrapError;
use crate::function_error;
use crate::runtime_api::session::InitError;

/// Why an init phase failed.
pub(super) enum InitPhaseError {
    NoBootstrap(NoBootstrapError),
    NotStarted(PathBuf, Exit),
    Exited(Exit),
    Reported(InitError),
    Extension {
        error_type: &'static str,
        reason: String,
    },
    TimedOut,
    /// The code has changed.
    Outdated,
    /// The environment must end at once.
    Stopped,
}

impl InitPhaseError {
    /// What the runtime has reported.
    pub(super) fn reported(&self) -> Option<&[u8]> {
        match self {
            Self::Reported(error) => Some(&error.body),
            _ => None,
        }
    }

    /// The reason and AWS's error type if the platform has noticed the error, which its log then has.
    pub(super) fn fault(&self) -> Option<(String, &'static str)> {
        const INVALID_ENTRYPOINT: &str = function_error::INVALID_ENTRYPOINT;
        Some(match self {
            Self::NoBootstrap(NoBootstrapError {
                interpreter: Some(_),
                ..
            }) => return None, // explained in full before
            Self::NoBootstrap(NoBootstrapError { tried, .. }) => {
                let paths = tried.iter().map(|(path, _)| path.as_path());
                (function_error::no_bootstrap_text(paths), INVALID_ENTRYPOINT)
            }
            Self::NotStarted(program, exit) => (
                function_error::not_started_text(program, exit),
                INVALID_ENTRYPOINT,
            ),
            Self::Exited(exit) => (
                function_error::exited_text(exit),
                function_error::EXIT_ERROR,
            ),
            Self::Extension { error_type, reason } => (reason.clone(), error_type),
            Self::Reported(_) | Self::TimedOut | Self::Outdated | Self::Stopped => return None,
        })
    }

    /// The error for the caller; `None` if the environment must end at once or its code has changed.
    pub(super) fn into_function_error(
        self,
        id: &RequestId,
        timeout: Duration,
    ) -> Option<FunctionError> {
        Some(match self {
            Self::Stopped | Self::Outdated => return None,
            Self::NoBootstrap(NoBootstrapError {
                image: Some((error_type, said)),
                ..
            }) => function_error::no_image_program(id, error_type, &said),
            Self::NoBootstrap(NoBootstrapError {
                interpreter: Some(reason),
                ..
            }) => function_error::no_interpreter(id, &reason),
            Self::NoBootstrap(no_bootstrap) => {
                let tried = no_bootstrap.tried.into_iter();
                let paths: Vec<_> = tried.map(|(path, _)| path).collect();
                function_error::invalid_entrypoint(id, &paths)
            }
            Self::NotStarted(program, exit) => function_error::not_started(id, &program, &exit),
            Self::Exited(exit) => function_error::exited(id, &exit),
            Self::Reported(error) => function_error::reported_in_init(error.body),
            Self::Extension { error_type, reason } => {
                function_error::extension(id, error_type, &reason)
            }
            Self::TimedOut => function_error::timed_out(id, timeout),
        })
    }
}
