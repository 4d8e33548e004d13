//! The command line: every command with its arguments, as typed. Commands give them their meaning.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use lambkin_project::{Options, Ports};

use crate::config::{Choices, DebugOption, SandboxChoice, locate};
use crate::sample::{EventArguments, SampleArguments};

/// AWS Lambda on your machine: no Docker, no account.
#[derive(Debug, Parser)]
#[command(name = "lambkin", version, max_term_width = 100)]
pub struct Args {
    #[command(flatten)]
    pub global: GlobalArgs,

    /// Print more messages to standard error; twice for details, three times for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    #[command(subcommand)]
    pub command: Command,
}

/// The arguments that every command has.
#[derive(Debug, Clone, clap::Args)]
pub struct GlobalArgs {
    /// The configuration: lambkin.toml, or the file or folder of a project: a template of SAM or CloudFormation,
    /// serverless.yml, cdk.out, or a Terraform plan in JSON [default: what is in this folder, in this order]
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "lambkin.toml",
        hide_default_value = true
    )]
    pub config: PathBuf,

    #[command(flatten)]
    pub project: ProjectArgs,

    /// The folder for compiled plugins, unpacked images and runtime clients [default: lambkin in the user's cache folder]
    #[arg(long, global = true, value_name = "FOLDER", env = "LAMBKIN_CACHE_DIR")]
    pub cache_dir: Option<PathBuf>,

    /// Compile plugins at each start, without reading or writing compiled ones
    #[arg(long, global = true, conflicts_with = "cache_dir")]
    pub no_cache: bool,
}

/// The arguments about a project of another tool. They are in the long help only.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Options for templates and other projects")]
pub struct ProjectArgs {
    /// The value of a template's parameter, or of another stack's export; may be repeated
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub parameter: Vec<(String, String)>,

    /// The folder of a layer that a template names by its ARN; may be repeated
    #[arg(long, global = true, hide_short_help = true, value_name = "ARN=FOLDER", value_parser = name_and_value)]
    pub layer: Vec<(String, String)>,

    /// Variables of functions as JSON, in the format of `sam local --env-vars`
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub env_vars: Option<PathBuf>,

    /// The environment of samconfig.toml
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "NAME",
        default_value = "default"
    )]
    pub config_env: String,

    /// The stage of a serverless.yml [default: what the file says, else dev]
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub stage: Option<String>,

    /// A stack of cdk.out; may be repeated [default: all]
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub stack: Vec<String>,

    /// Start what can be served of a project if something cannot
    #[arg(long, global = true, hide_short_help = true)]
    pub partial: bool,
}

impl Command {
    /// The project that the command names, if it does.
    pub fn project(&self) -> Option<&Path> {
        match self {
            Self::Serve(serve) => serve.project.as_deref(),
            Self::Check(check) => check.project.as_deref(),
            _ => None,
        }
    }
}

impl ProjectArgs {
    /// The arguments as they are typed.
    pub fn as_typed(&self) -> Vec<String> {
        let mut typed = Vec::new();
        let mut add = |option: &str, value: &str| typed.push(format!("--{option}={value}"));
        for (name, value) in &self.parameter {
            add("parameter", &format!("{name}={value}"));
        }
        for (arn, folder) in &self.layer {
            add("layer", &format!("{arn}={folder}"));
        }
        if let Some(file) = &self.env_vars {
            add("env-vars", &file.to_string_lossy());
        }
        add("config-env", &self.config_env);
        if let Some(stage) = &self.stage {
            add("stage", stage);
        }
        for stack in &self.stack {
            add("stack", stack);
        }
        if self.partial {
            typed.push("--partial".to_owned());
        }
        typed
    }
}

/// `NAME=VALUE`
fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must have the form NAME=VALUE".to_owned()),
    }
}

impl GlobalArgs {
    /// How the configuration is read.
    pub fn choices(&self, sandbox: Option<SandboxChoice>) -> Choices {
        let project = &self.project;
        let layers = project.layer.iter();
        Choices {
            sandbox,
            is_partial: project.partial,
            project: Options {
                parameters: project.parameter.iter().cloned().collect(),
                layers: layers
                    .map(|(arn, folder)| (arn.clone(), folder.into()))
                    .collect(),
                environment_file: project.env_vars.clone(),
                config_environment: project.config_env.clone(),
                stage: project.stage.clone(),
                stacks: project.stack.clone(),
                ..Options::default()
            },
        }
    }

    /// The arguments with the path of the file that describes the project.
    pub fn located(self) -> Self {
        let options = self.choices(None).project;
        Self {
            config: locate(&self.config, &options),
            ..self
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in the configuration until Ctrl-C
    Serve(Serve),
    /// Invoke a function once and print its result
    Invoke(Invoke),
    /// Print the event that a trigger makes of an HTTP request, of messages or of a change of an object
    Shape(Shape),
    /// Print a sample event of a service, made by the plugin that makes the real ones; without arguments, list them
    #[command(after_help = EVENT_EXAMPLES)]
    Event(EventArguments),
    /// Check the configuration, the functions and the plugins, and print what would run
    Check(Check),
    /// Print what this machine can do for functions, and what would enable the rest; or whether a function starts
    Doctor(Doctor),
    /// Run a command in the environment of a function: its variables, layers, folder and sandbox
    Exec(Exec),
    /// Print the messages of a queue in the store, or the names of all queues, without receiving anything
    Queue(Queue),
    /// Run one function as a drop-in replacement for AWS's Runtime Interface Emulator (RIE)
    Rie {
        /// RIE's flags, then the command; if it has several words, the last one is also the handler. A handler in this
        /// folder alone, such as `app.handler`, is run by its interpreter [default: the bootstrap in /var/task, /opt or
        /// /var/runtime]
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGS"
        )]
        args: Vec<OsString>,
    },
    /// Run one function as a drop-in replacement for docker-lambda, configured by the same environment variables
    DockerLambda(DockerLambda),
    /// Write a lambkin.toml: from the project that is here, or with a first function
    Init(Init),
    /// Print the JSON Schema of lambkin.toml, with which editors complete and check it
    Schema,
    /// Write the contracts that plugins are built against, as a folder of WIT files for any toolchain
    Wit(Wit),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for lambkin and one for each of its commands
    Man {
        /// The folder to write to, such as `~/.local/share/man/man1`
        folder: PathBuf,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub struct Serve {
    /// The file or the folder of the project, as --config
    #[arg(conflicts_with = "config")]
    pub project: Option<PathBuf>,

    /// Print one line of JSON to standard output when all sockets listen, for tools and tests
    #[arg(long)]
    pub json: bool,

    /// Restart every function when its code or its env-file changes, and everything when lambkin.toml or a plugin does
    #[arg(long)]
    pub watch: bool,

    /// Restart no function on changes, even if lambkin.toml says so
    #[arg(long, conflicts_with = "watch")]
    pub no_watch: bool,

    /// Freeze no function between invocations, even if lambkin.toml says so
    #[arg(long)]
    pub no_freeze: bool,

    /// How functions are kept apart from the machine, whatever lambkin.toml says
    #[arg(long, value_name = "MODE")]
    pub sandbox: Option<SandboxChoice>,

    /// Start the debugger of a function's language, which listens at a port (default: the language's usual one); without
    /// a name, of the only function; may be repeated
    #[arg(long, value_name = "FUNCTION[=PORT]", value_parser = DebugOption::parse, num_args = 0..=1, default_missing_value = "")]
    pub debug: Vec<DebugOption>,

    /// Let the functions of --debug wait for a debugger before their code runs
    #[arg(long, requires = "debug")]
    pub debug_wait: bool,

    /// Be like another emulator: in the Invoke API's responses, or in the ports of a template's listeners
    #[arg(long, value_name = "EMULATOR")]
    pub compat: Option<Compat>,

    /// Listen on free ports instead of the configured ones; the output says which they are
    #[arg(long)]
    pub free_ports: bool,
}

/// From a template of SAM or CloudFormation, serverless.yml, cdk.out or a Terraform plan, the file is the configuration that
/// `lambkin serve` would use for it; with `extends = "template.yaml"` alone, it can instead add to the template. With
/// LANGUAGE, there is a first function behind an HTTP API.
#[derive(Debug, clap::Args)]
#[command(after_help = INIT_EXAMPLES)]
pub struct Init {
    /// The language of a first function
    pub language: Option<Language>,

    /// The file or the folder of the project [default: what is in this folder]
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,

    /// The file to write; `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = "lambkin.toml")]
    pub output: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
}

const INIT_EXAMPLES: &str = "\
Examples:
  lambkin init python
  lambkin init --from template.yaml --parameter Stage=dev
  lambkin init --output -";

/// A language in which a first function can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Python,
    #[value(alias = "nodejs", alias = "javascript")]
    Node,
    Typescript,
    Ruby,
    Java,
    /// A bootstrap, as in any language that is compiled
    Bash,
}

/// Another emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// AWS's Runtime Interface Emulator: status 502 for a crash, plain text for a timeout
    Rie,
    /// `sam local`: the Invoke API of a template's functions is at port 3001
    Sam,
    /// serverless-offline: the Invoke API is at port 3002, WebSocket APIs at 3001
    Offline,
}

impl Compat {
    /// The ports of the emulator.
    pub fn ports(self) -> Ports {
        match self {
            Self::Rie => Ports::Lambkin,
            Self::Sam => Ports::Sam,
            Self::Offline => Ports::Offline,
        }
    }
}

/// Exit code 1 if something would not work.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The file or the folder of the project, as --config
    #[arg(conflicts_with = "config")]
    pub project: Option<PathBuf>,

    /// How functions are kept apart from the machine, whatever lambkin.toml says
    #[arg(long, value_name = "MODE")]
    pub sandbox: Option<SandboxChoice>,
}

/// A function, in lambkin.toml or not.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// A function in lambkin.toml. Or, without lambkin.toml: a handler in this folder, such as `app.handler` of app.py; the
    /// name of this folder; or the path of a file with a handler, a bootstrap, a code folder or a .zip file
    pub function: String,

    /// The handler in the code at a path [default: the one with a usual name]
    #[arg(long, value_name = "HANDLER")]
    pub handler: Option<String>,

    /// The runtime, such as `python3.13` [default: the one of the interpreter that is found for the code]
    #[arg(long, value_name = "ID")]
    pub runtime: Option<String>,

    /// How functions are kept apart from the machine, whatever lambkin.toml says
    #[arg(long, value_name = "MODE")]
    pub sandbox: Option<SandboxChoice>,
}

/// The result is printed to standard output, logs to standard error. Exit codes: 0 for a result, 1 if the function
/// failed, 2 if it could not be invoked or its program could not be started.
#[derive(Debug, clap::Args)]
pub struct Invoke {
    #[command(flatten)]
    pub target: Target,

    /// The event, as JSON [default: standard input if it is a pipe or a file, else {}]
    #[arg(conflicts_with_all = ["event_file", "sample"])]
    pub event: Option<String>,

    /// The file with the event; `-` for standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "sample")]
    pub event_file: Option<PathBuf>,

    #[command(flatten)]
    pub sample: SampleArguments,

    /// The client context, as JSON
    #[arg(long, value_name = "JSON")]
    pub client_context: Option<String>,
}

/// Without FUNCTION, the report is about the machine, and the exit code is 1 if no function could run here. With FUNCTION,
/// its processes are started until they ask for an event, and the exit code is 1 if that fails; nothing is invoked.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// A function, named as for `lambkin invoke`
    pub function: Option<String>,

    /// The handler in the code at a path [default: the one with a usual name]
    #[arg(long, value_name = "HANDLER", requires = "function")]
    pub handler: Option<String>,

    /// The runtime, such as `python3.13` [default: the one of the interpreter that is found for the code]
    #[arg(long, value_name = "ID", requires = "function")]
    pub runtime: Option<String>,

    /// How functions are kept apart from the machine, whatever lambkin.toml says
    #[arg(long, value_name = "MODE", requires = "function")]
    pub sandbox: Option<SandboxChoice>,
}

/// The command has this terminal, and its exit code is that of lambkin: 127 if it is not found. AWS_LAMBDA_RUNTIME_API is
/// not set, as nothing is invoked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXEC_EXAMPLES)]
pub struct Exec {
    #[command(flatten)]
    pub target: Target,

    /// Let the command change the code, which is read-only in a sandbox
    #[arg(long)]
    pub build: bool,

    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

const EXEC_EXAMPLES: &str = "\
Examples:
  lambkin exec orders -- env
  lambkin exec orders --sandbox namespace -- bash
  lambkin exec orders --build -- pip install -r requirements.txt -t .
  lambkin exec app.handler -- python -m pytest";

/// Nothing is invoked, sent or stored. Attributes of messages and objects that have no argument are made up, and always
/// the same.
#[derive(Debug, clap::Args)]
#[command(after_help = SHAPE_EXAMPLES)]
pub struct Shape {
    /// A trigger in lambkin.toml
    pub trigger: String,

    /// The method of a request; `CONNECT`, `MESSAGE` or `DISCONNECT` for a WebSocket connection; or a change of an
    /// object: `put`, `post`, `copy`, `complete` or `delete`, or an event name of AWS such as `ObjectCreated:Post`
    #[arg(value_name = "METHOD|CHANGE")]
    pub action: Option<String>,

    /// The path and query of a request, such as `/orders/7?full=1`, or the key of an object
    #[arg(value_name = "TARGET|KEY")]
    pub target: Option<String>,

    /// A header of the request, such as `content-type: application/json`, or an attribute of every message; may be
    /// repeated
    #[arg(
        short = 'H',
        long = "header",
        visible_alias = "attribute",
        value_name = "NAME: VALUE"
    )]
    pub headers: Vec<String>,

    /// The body, or `@FILE` to read it from a file, `@-` for standard input; for a queue, may be repeated for several messages
    #[arg(
        short,
        long = "body",
        visible_short_alias = 'd',
        visible_alias = "data",
        value_name = "BODY"
    )]
    pub data: Vec<String>,

    /// What the plugin makes of an outcome: the function's result as JSON, a file with it, or `-` for standard input;
    /// `failed:` followed by an error as Lambda returns it, in the same ways; `timed-out`, `expired`, `throttled`, or
    /// `unavailable`. May be repeated if the plugin invokes or fetches several times
    #[arg(long = "outcome", value_name = "OUTCOME", conflicts_with = "invoke")]
    pub outcomes: Vec<String>,

    /// As a test of the method in AWS's console: no client, no authorizer, and a path without the stage. For the events
    /// of `api-gateway-rest` and of plugins that know such tests
    #[arg(long)]
    pub test_invoke: bool,

    /// Invoke the functions, and fetch documents, and show what the plugin makes of the results
    #[arg(long)]
    pub invoke: bool,
}

const EVENT_EXAMPLES: &str = "\
The fields of an event: lambkin event s3 put --help
The event of a trigger of lambkin.toml, with any plugin: lambkin shape

Examples:
  lambkin event
  lambkin event s3 put --bucket photos --key in/cat.jpg
  lambkin event sqs receive-message --body '{\"id\": 7}' --body '{\"id\": 8}'
  lambkin event api-gateway-http request --method GET --path /orders/7 --resource '/orders/{id}'
  lambkin event apigateway aws-proxy --stage dev | jq .requestContext
  lambkin invoke resize --event s3/put --bucket photos --key in/cat.jpg";

const SHAPE_EXAMPLES: &str = "\
Examples:
  lambkin shape web POST /orders --body '{\"id\": 7}'
  lambkin shape process-orders --body '{\"id\": 7}' --body '{\"id\": 8}'
  lambkin shape uploads put in/cat.jpg
  lambkin shape chat MESSAGE /prod --body '{\"action\": \"hello\"}'
  lambkin shape web GET /orders/7 --outcome '{\"statusCode\": 404}'
  lambkin shape web GET /orders/7 --outcome result.json
  lambkin shape rest GET /orders/7 --test-invoke
  lambkin shape process-orders --body '{\"id\": 7}' --invoke";

#[derive(Debug, clap::Args)]
pub struct Queue {
    /// A queue, named as in `[queues.NAME]` or `on-failure = "queue:NAME"` [default: list all queues]
    pub name: Option<String>,

    /// Print one JSON object per line, for tools
    #[arg(long)]
    pub json: bool,
}

/// The folder gets `world.wit`, with the world that a plugin is built for, and `deps`, with the packages that it uses.
/// Run the command again after an update of lambkin.
#[derive(Debug, clap::Args)]
#[command(after_help = WIT_EXAMPLES)]
pub struct Wit {
    /// The roles that the plugin plays: the world `plugin` has all of them [default: a world for each role]
    #[arg(value_name = "ROLE")]
    pub roles: Vec<PluginRole>,

    /// The folder to write to
    #[arg(short, long, value_name = "FOLDER", default_value = "wit")]
    pub output: PathBuf,
}

const WIT_EXAMPLES: &str = "\
Examples:
  lambkin wit http-trigger
  lambkin wit batch-trigger source --output plugins/orders/wit";

/// A role of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PluginRole {
    /// HTTP requests to events, results to responses
    HttpTrigger,
    /// HTTP requests and messages of WebSocket connections to events
    #[value(name = "websocket-trigger")]
    WebSocketTrigger,
    /// Messages to events, results to verdicts
    BatchTrigger,
    /// Changes of objects to events
    ObjectTrigger,
    /// Messages of another system
    Source,
    /// A protocol on queues and buckets
    Service,
}

impl PluginRole {
    /// All roles, in the order in which a world has them.
    pub const ALL: [Self; 6] = [
        Self::HttpTrigger,
        Self::WebSocketTrigger,
        Self::BatchTrigger,
        Self::ObjectTrigger,
        Self::Source,
        Self::Service,
    ];
}

/// Unless DOCKER_LAMBDA_STAY_OPEN is set, the function is invoked once. The result is the last line on standard output,
/// everything else goes to standard error. Exit codes: 0 for a result, 1 if the function failed, 2 if it could not be
/// invoked.
#[derive(Debug, clap::Args)]
pub struct DockerLambda {
    /// The runtime's program [default: the bootstrap in /var/runtime, the code's folder or /opt]
    #[arg(long, value_name = "PATH")]
    pub bootstrap: Option<PathBuf>,

    /// The runtime, such as `python3.13` or `lambci/lambda:nodejs12.x` [default: the one in AWS_EXECUTION_ENV, else that of
    /// the interpreter that is found for the code]
    #[arg(long, value_name = "ID")]
    pub runtime: Option<String>,

    /// The program's arguments, as a JSON list of strings
    #[arg(long, value_name = "JSON")]
    pub bootstrap_args: Option<String>,

    /// Accepted for compatibility, without effect
    #[arg(long)]
    pub enable_msg_logs: bool,

    /// The handler, passed to the runtime as _HANDLER [default: AWS_LAMBDA_FUNCTION_HANDLER, else _HANDLER, else
    /// handler]
    pub handler: Option<String>,

    /// The event [default: AWS_LAMBDA_EVENT_BODY, else standard input if DOCKER_LAMBDA_USE_STDIN is set, else {}]
    #[arg(allow_hyphen_values = true)]
    pub event: Option<String>,
}
