//! What can be typed.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

/// AWS Lambda on your machine: no Docker, no account.
#[derive(Debug, Parser)]
#[command(name = "lambkin", version, max_term_width = 100)]
pub struct Args {
    #[command(flatten)]
    pub place: Place,

    /// Say more on standard error; twice for details, three times for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    #[command(subcommand)]
    pub command: Command,
}

/// Where things are found and kept.
#[derive(Debug, clap::Args)]
pub struct Place {
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
    /// Print the event that a trigger makes of an HTTP request
    Shape(Shape),
    /// Check lambkin.toml, the functions and the plugins, and print what would run
    Check,
    /// Print what is in a queue of the store, or which queues there are, without taking anything
    Queue(Queue),
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

#[derive(Debug, clap::Args)]
pub struct Shape {
    /// A trigger of lambkin.toml
    pub trigger: String,

    /// The method
    pub method: String,

    /// Path and query, as in `/orders/7?full=1`
    pub target: String,

    /// A header, as in `content-type: application/json`; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,

    /// The body, or `@FILE` to read it from a file
    #[arg(short, long, value_name = "BODY")]
    pub data: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Queue {
    /// A queue, as in `on-failure = "queue:NAME"`; without it, all queues are listed
    pub name: Option<String>,

    /// Print one JSON object per line, for tools
    #[arg(long)]
    pub json: bool,
}
