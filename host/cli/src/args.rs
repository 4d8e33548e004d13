//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

/// AWS Lambda on your machine: no Docker, no account.
#[derive(Debug, Parser)]
#[command(name = "lambkin", version, max_term_width = 100)]
pub struct Args {
    #[command(flatten)]
    pub global: GlobalArgs,

    /// Say more on standard error; twice for details, three times for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    #[command(subcommand)]
    pub command: Command,
}

/// Where things are found and kept.
#[derive(Debug, clap::Args)]
pub struct GlobalArgs {
    /// The configuration file
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "lambkin.toml"
    )]
    pub config: PathBuf,

    /// Keep compiled plugins here instead of in the user's cache folder
    #[arg(long, global = true, value_name = "FOLDER", env = "LAMBKIN_CACHE_DIR")]
    pub cache_dir: Option<PathBuf>,

    /// Compile plugins anew at each start
    #[arg(long, global = true, conflicts_with = "cache_dir")]
    pub no_cache: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in lambkin.toml until Ctrl-C
    Serve(Serve),
    /// Run one event through a function and print the result
    Invoke(Invoke),
    /// Print the event that a trigger makes of an HTTP request, of messages or of a change of an object
    Shape(Shape),
    /// Check lambkin.toml, the functions and the plugins, and print what would run
    Check,
    /// Print what is in a queue of the store, or which queues there are, without taking anything
    Queue(Queue),
    /// Run one function in the place of AWS's Runtime Interface Emulator
    Rie {
        /// RIE's flags, then the command, whose last word is the handler if there are several [default: the bootstrap
        /// in /var/task, /opt or /var/runtime]
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "WORDS"
        )]
        words: Vec<OsString>,
    },
    /// Run one function in the place of docker-lambda, with its variables
    DockerLambda(DockerLambda),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Print one line of JSON to standard output when everything listens, for tools and tests
    #[arg(long)]
    pub json: bool,

    /// Restart every function when its code or its env-file changes
    #[arg(long)]
    pub watch: bool,

    /// Restart none, whatever lambkin.toml says
    #[arg(long, conflicts_with = "watch")]
    pub no_watch: bool,

    /// Freeze no function between invocations, whatever lambkin.toml says
    #[arg(long)]
    pub no_freeze: bool,

    /// Have the Invoke API answer as another emulator does
    #[arg(long, value_name = "EMULATOR")]
    pub compat: Option<Compat>,
}

/// An emulator whose answers the Invoke API can give.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Compat {
    /// AWS's Runtime Interface Emulator: status 502 for a crash, plain text for a time-out
    Rie,
}

/// The result goes to standard output, logs go to standard error. Exit code: 0 for a result, 1 if the function
/// failed, 2 if it could not be invoked.
#[derive(Debug, clap::Args)]
pub struct Invoke {
    /// A function of lambkin.toml, or the path of a bootstrap, a code folder or a .zip, which needs no lambkin.toml
    pub function: String,

    /// The event, as JSON [default: {}]
    #[arg(conflicts_with = "event_file")]
    pub event: Option<String>,

    /// Read the event from a file, or from standard input with `-`
    #[arg(short, long, value_name = "FILE")]
    pub event_file: Option<PathBuf>,

    /// The client context, as JSON
    #[arg(long, value_name = "JSON")]
    pub client_context: Option<String>,
}

/// Nothing is invoked, sent or stored. What a message or an object has besides what is said here is made up, and always
/// the same.
#[derive(Debug, clap::Args)]
#[command(after_help = SHAPE_EXAMPLES)]
pub struct Shape {
    /// A trigger of lambkin.toml
    pub trigger: String,

    /// The method of a request, or what happens to an object: `put`, `copy`, `delete`, or in AWS's words
    /// `ObjectCreated:Post`
    #[arg(value_name = "METHOD|CHANGE")]
    pub what: Option<String>,

    /// Path and query of a request, as in `/orders/7?full=1`, or an object's key
    #[arg(value_name = "TARGET|KEY")]
    pub on: Option<String>,

    /// A request's header, as in `content-type: application/json`, or a message's attribute; may be repeated
    #[arg(
        short = 'H',
        long = "header",
        visible_alias = "attribute",
        value_name = "NAME: VALUE"
    )]
    pub headers: Vec<String>,

    /// The body, or `@FILE` to read it from a file; repeated, there are several messages
    #[arg(short, long, visible_alias = "body", value_name = "BODY")]
    pub data: Vec<String>,
}

const SHAPE_EXAMPLES: &str = "\
Examples:
  lambkin shape web POST /orders --body '{\"id\": 7}'
  lambkin shape process-orders --body '{\"id\": 7}' --body '{\"id\": 8}'
  lambkin shape uploads put in/cat.jpg";

#[derive(Debug, clap::Args)]
pub struct Queue {
    /// A queue, as in `[queues.NAME]` or `on-failure = "queue:NAME"`; without it, all queues are listed
    pub name: Option<String>,

    /// Print one JSON object per line, for tools
    #[arg(long)]
    pub json: bool,
}

/// Where DOCKER_LAMBDA_STAY_OPEN is not set: the result is the last line on standard output, everything else goes to
/// standard error, and the exit code is 0 for a result, 1 if the function failed, 2 if it could not be invoked.
#[derive(Debug, clap::Args)]
pub struct DockerLambda {
    /// The runtime's program [default: the bootstrap in /var/runtime, the code's folder or /opt]
    #[arg(long, value_name = "PATH")]
    pub bootstrap: Option<PathBuf>,

    /// Its arguments, a JSON list of strings
    #[arg(long, value_name = "JSON")]
    pub bootstrap_args: Option<String>,

    /// Has no effect
    #[arg(long)]
    pub enable_msg_logs: bool,

    /// Handed on as _HANDLER [default: AWS_LAMBDA_FUNCTION_HANDLER, _HANDLER, else handler]
    pub handler: Option<String>,

    /// The event [default: AWS_LAMBDA_EVENT_BODY, standard input with DOCKER_LAMBDA_USE_STDIN, else {}]
    #[arg(allow_hyphen_values = true)]
    pub event: Option<String>,
}
