//! `lambkin exec`: runs a command in the environment of a function: its variables, layers, working directory and sandbox.
//!
//! The command has the terminal, and its exit code is lambkin's. There is no Runtime API, as nothing is invoked.
//!
//! Without a sandbox, the command takes the place of this process, so that nothing is between it and its terminal. In a
//! sandbox, the code is read-only unless `--build` is given. For a container image, the command is one of the image's, and
//! its root is read-only.
//!
//! On failure: 127 if the command is not found, 126 if it cannot be started, 2 for everything else, as with `env`.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{anyhow, bail};
use lambkin_lambda::{Entry, ExecutableError, LogStyle, NoBootstrapError};
use lambkin_process::{Exit, Launch};

use super::target::{self, Purpose};
use crate::args::{Exec, GlobalArgs};
use crate::config::full_name;
use crate::messages;

/// The exit code if the command cannot be started.
const EXIT_NOT_STARTED: u8 = 126;
/// The exit code if the command is not found.
const EXIT_NOT_FOUND: u8 = 127;
/// What is added to the number of a signal that has ended the command.
const SIGNAL_OFFSET: i32 = 128;

/// Variables of the terminal that programs adapt to.
const OF_TERMINAL: [&str; 3] = ["TERM", "COLORTERM", "NO_COLOR"];

/// Runs the command.
pub async fn run(global: &GlobalArgs, args: &Exec) -> anyhow::Result<ExitCode> {
    let log = messages::start_log(LogStyle::default())?;
    let found = target::find(global, &args.target, Purpose::Inspect, None, &log).await?;
    let function = found.function()?;
    let spec = function.spec();
    if let (true, Some(archive)) = (args.build, &spec.code.archive) {
        bail!(
            "function {}: the code is the archive {}, which --build does not change; let `code` be a folder",
            full_name(spec),
            archive.display()
        );
    }
    if args.build && matches!(spec.code.entry, Entry::Image(_)) {
        bail!(
            "function {} is a container image, which --build does not change; build it anew from its Dockerfile",
            full_name(spec)
        );
    }
    messages::flush();
    let launch = spec.command_launch(function.account(), &args.command, args.build);
    let mut launch = match launch {
        Ok(launch) => launch,
        Err(error) => {
            eprintln!("error: function {}: {error}", full_name(spec));
            return Ok(ExitCode::from(not_started(&error)));
        }
    };
    for name in OF_TERMINAL {
        if let Ok(value) = std::env::var(name) {
            launch.variables.entry(name.to_owned()).or_insert(value);
        }
    }
    if launch.sandbox.is_none() {
        return Err(replace_process(launch).into());
    }
    if args.build {
        // Package managers keep their caches there, which has to be somewhere.
        let home = launch.variables.entry("HOME".to_owned());
        home.or_insert_with(|| "/tmp".to_owned());
    }
    in_sandbox(launch).await
}

/// The exit code for a command that cannot be started.
fn not_started(error: &NoBootstrapError) -> u8 {
    let is_missing = |error: &ExecutableError| {
        matches!(
            error,
            ExecutableError::Missing | ExecutableError::NotInPath(_)
        )
    };
    let is_known = !error.tried.is_empty();
    match is_known && error.tried.iter().all(|(_, error)| is_missing(error)) {
        true => EXIT_NOT_FOUND,
        false => EXIT_NOT_STARTED,
    }
}

/// Lets the command take the place of this process. Returns only if that fails.
fn replace_process(launch: Launch) -> io::Error {
    lambkin_process::lower_file_limit();
    Command::new(launch.program)
        .args(launch.arguments)
        .env_clear()
        .envs(launch.variables)
        .current_dir(launch.directory)
        .exec()
}

#[cfg(target_os = "linux")]
async fn in_sandbox(launch: Launch) -> anyhow::Result<ExitCode> {
    let (exit, failure) = lambkin_process::run_in_foreground(&launch).await?;
    if let Some(failure) = failure {
        return Err(anyhow!("the sandbox could not be made: {failure}"));
    }
    let code = match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => SIGNAL_OFFSET + signal,
        Exit::TooManyTasks(_) => {
            eprintln!("error: the command had more processes than Lambda allows, and was killed");
            SIGNAL_OFFSET + 9
        }
        Exit::NotStarted(_) => {
            eprintln!("error: {}: {exit}", launch.program.display());
            EXIT_NOT_STARTED.into()
        }
        Exit::Lost => bail!("the supervisor of the command was killed"),
    };
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

#[cfg(not(target_os = "linux"))]
async fn in_sandbox(_launch: Launch) -> anyhow::Result<ExitCode> {
    bail!("sandboxes exist on Linux only")
}
