//! The `lambkin` program.
//!
//! [`args`] is the command line and [`config`] is `lambkin.toml`; [`assembly`] turns a configuration into what runs.
//! Each command is a module of [`command`]; [`compat`] reads the command lines of other emulators. Results go to
//! standard output, logs and messages to standard error.
//!
//! Exit codes: 0 for success, 1 if a function or a check failed, 2 if lambkin could not do what it was asked to.

mod allocator;
mod args;
mod assembly;
mod cache;
mod command;
mod compat;
mod config;
mod event_input;
mod messages;
mod regular_file;
mod sample;
mod text;
mod watch;

use std::ffi::OsString;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use args::{Args, Command, DockerLambda};
use compat::{Variables, docker_lambda, is_container, rie};

/// The exit code if something other than the function failed: the configuration, a plugin, the operating system.
const EXIT_ERROR: u8 = 2;

fn main() -> ExitCode {
    // Before anything else: a supervisor must be a process with a single thread, and a compiler limits itself.
    match std::env::args_os().nth(1) {
        Some(first) if first == lambkin_process::SUPERVISOR_ARGUMENT => {
            return lambkin_process::supervise();
        }
        Some(first) if first == lambkin_plugin::COMPILER_ARGUMENT => {
            return lambkin_plugin::compile_for_host();
        }
        _ => {}
    }
    lambkin_process::keep_inherited_files();
    lambkin_process::raise_file_limit();
    allocator::return_memory();
    let result = match compat::rie_args(std::env::args_os()) {
        Some(args) => run_rie(args),
        None => run(Args::parse()),
    };
    match result {
        Ok(code) => code,
        // The reader of the output, such as `head`, has closed it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(EXIT_ERROR)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args {
        mut global,
        verbose,
        command,
    } = args;
    if let Some(folder) = &global.cache_dir {
        cache::name(folder);
    }
    if !matches!(command, Command::Rie { .. } | Command::DockerLambda(_)) {
        messages::start(level(verbose), verbose > 1);
    }
    if let Some(project) = command.project() {
        global.config = project.to_owned();
    }
    let global = global.located();
    match command {
        Command::Serve(serve) => block_on(command::serve::run(&global, &serve)),
        Command::Invoke(invoke) => block_on(command::invoke::run(&global, &invoke)),
        Command::Shape(shape) => block_on(command::shape::run(&global, &shape)),
        Command::Event(event) => block_on(command::event::run(&global, &event)),
        Command::Check(check) => block_on(command::check::run(&global, &check)),
        Command::Doctor(doctor) => block_on(command::doctor::run(&global, &doctor)),
        Command::Exec(exec) => block_on(command::exec::run(&global, &exec)),
        Command::Queue(queue) => command::queue::run(&global, &queue),
        Command::Init(init) => command::init::run(&global, &init),
        Command::Schema => command::schema::run(),
        Command::Wit(wit) => command::wit::run(&wit),
        Command::Completions { shell } => command::completions::run(shell),
        Command::Man { folder } => command::man::run(&folder),
        Command::Rie { args } => run_rie(args),
        Command::DockerLambda(args) => run_docker_lambda(args),
    }
}

/// RIE has a flag for the log level, docker-lambda a variable, so messages start after their settings have been read.
fn run_rie(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let folder = std::env::current_dir()?;
    let variables = Variables::of_this_program();
    let is_container = is_container(Path::new("/"), &variables);
    let settings = rie::Settings::read(args, variables, &folder, is_container)?;
    messages::start(settings.log_level, false);
    block_on(command::rie::run(settings))
}

fn run_docker_lambda(args: DockerLambda) -> anyhow::Result<ExitCode> {
    let folder = std::env::current_dir()?;
    let variables = Variables::of_this_program();
    let is_container = is_container(Path::new("/"), &variables);
    let settings = docker_lambda::Settings::read(args, variables, &folder, is_container)?;
    messages::start(settings.log_level, false);
    block_on(command::docker_lambda::run(settings))
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads())
        .enable_all()
        .build()?;
    let code = runtime.block_on(command);
    // Blocking tasks that may still be running, such as a name lookup, are not waited for.
    runtime.shutdown_background();
    lambkin_process::kill_orphans();
    messages::flush();
    code
}

/// Half of the processors; functions and their callers need the rest. Measured on two processors, a second worker
/// serves a fifth more calls per second to 8 clients, and makes a call of a single client 50 % slower, at more than
/// twice the processor time, which the workers spend on waking each other.
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
