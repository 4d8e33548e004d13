//! The `lambkin` program.
//!
//! [`args`] says what can be typed, [`config`] what it means; [`host`] wires the rooms together; each command has a
//! module in [`command`]. Results go to standard output, logs and messages to standard error.
//!
//! Exit codes: 0 for success, 1 when a function or a check failed, 2 when lambkin could not do what was asked.

mod args;
mod command;
mod config;
mod host;
mod watch;

use std::num::NonZero;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use args::{Args, Command};

/// Something outside the function went wrong: the configuration, a plugin, the operating system.
const EXIT_TROUBLE: u8 = 2;

fn main() -> ExitCode {
    // Before anything else: a guard has to be a process with a single thread.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == lambkin_lambda::GUARD_ARGUMENT)
    {
        return lambkin_lambda::run_guard();
    }
    let args = Args::parse();
    lambkin_lambda::raise_file_limit();
    start_tracing(args.verbose);
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(EXIT_TROUBLE)
        }
    }
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads())
        .enable_all()
        .build()?;
    let code = runtime.block_on(async {
        match args.command {
            Command::Serve(serve) => command::serve::run(&args.place, &serve).await,
            Command::Invoke(invoke) => command::invoke::run(&args.place, &invoke).await,
            Command::Shape(shape) => command::shape::run(&args.place, &shape).await,
            Command::Check => command::check::run(&args.place).await,
            Command::Queue(queue) => command::queue::run(&args.place, &queue),
            Command::Completions { shell } => command::completions::run(shell),
        }
    })?;
    // Whatever still runs, a cache writer or a name look-up, is not worth waiting for.
    runtime.shutdown_background();
    Ok(code)
}

/// Half of the processors: the functions and their callers need the others. Measured on two, a second worker makes a
/// call a fifth slower and costs half as much processor time again, which the two spend on waking each other.
fn worker_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    (processors / 2).max(1)
}

fn start_tracing(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(verbose > 1)
        .without_time()
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}
