//! The `lambkin` program.
//!
//! [`args`] says what can be typed, [`config`] what it means; [`assembly`] wires the rooms together; each command has a
//! module in [`command`]. Results go to standard output, logs and messages to standard error.
//!
//! Exit codes: 0 for success, 1 when a function or a check failed, 2 when lambkin could not do what was asked.

mod args;
mod assembly;
mod command;
mod compat;
mod config;
mod messages;
mod watch;

use std::ffi::OsString;
use std::num::NonZero;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use args::{Args, Command, DockerLambda};
use compat::{Variables, docker_lambda, rie};

/// Something outside the function went wrong: the configuration, a plugin, the operating system.
const EXIT_TROUBLE: u8 = 2;

fn main() -> ExitCode {
    // Before anything else: a supervisor must be a process with a single thread.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == lambkin_process::SUPERVISOR_ARGUMENT)
    {
        return lambkin_process::supervise();
    }
    lambkin_process::raise_file_limit();
    let done = match compat::rie_words(std::env::args_os()) {
        Some(words) => stand_in_for_rie(words),
        None => run(Args::parse()),
    };
    match done {
        Ok(code) => code,
        // Whoever read the output, such as `head`, has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(EXIT_TROUBLE)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args {
        global,
        verbose,
        command,
    } = args;
    if !matches!(command, Command::Rie { .. } | Command::DockerLambda(_)) {
        messages::start(level(verbose), verbose > 1);
    }
    match command {
        Command::Serve(serve) => block_on(command::serve::run(&global, &serve)),
        Command::Invoke(invoke) => block_on(command::invoke::run(&global, &invoke)),
        Command::Shape(shape) => block_on(command::shape::run(&global, &shape)),
        Command::Check => block_on(command::check::run(&global)),
        Command::Queue(queue) => command::queue::run(&global, &queue),
        Command::Completions { shell } => command::completions::run(shell),
        Command::Rie { words } => stand_in_for_rie(words),
        Command::DockerLambda(args) => stand_in_for_docker_lambda(args),
    }
}

/// The stand-ins have levels of their own for what they say.
fn stand_in_for_rie(words: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let folder = std::env::current_dir()?;
    let settings = rie::Settings::read(words, Variables::of_this_program(), &folder)?;
    messages::start(settings.log_level, false);
    block_on(command::rie::run(settings))
}

fn stand_in_for_docker_lambda(args: DockerLambda) -> anyhow::Result<ExitCode> {
    let folder = std::env::current_dir()?;
    let settings = docker_lambda::Settings::read(args, Variables::of_this_program(), &folder)?;
    messages::start(settings.log_level, false);
    block_on(command::docker_lambda::run(settings))
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads())
        .enable_all()
        .build()?;
    let code = runtime.block_on(command);
    // Whatever still runs, a cache writer or a name look-up, is not worth waiting for.
    runtime.shutdown_background();
    messages::flush();
    code
}

/// Half of the processors: the functions and their callers need the others. Measured on two, a second worker makes a
/// call a fifth slower and costs half as much processor time again, which the two spend on waking each other.
fn worker_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    (processors / 2).max(1)
}

fn level(verbose: u8) -> LevelFilter {
    match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}
