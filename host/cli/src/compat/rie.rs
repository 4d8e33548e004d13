//! The command line of AWS's Runtime Interface Emulator (RIE).
//!
//! RIE finds its four flags anywhere among the arguments; the rest is the command. If the command has several words,
//! the last one is also the handler. Unlike in RIE, `--` ends the search, so that a command can have a flag of the same
//! name; a `--` before the command is not part of it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use lambkin_lambda::{Account, Code, Entry, FunctionSpec};
use tracing_subscriber::filter::LevelFilter;

use super::spec::{allowlist, spec};
use super::{address, container, variables::Variables};
use crate::config::{Findings, RuntimeSettings, meant_handler, prepare};

const PORT: u16 = 8080;
const TASK_ROOT: &str = "/var/task";
const TIMEOUT_SECONDS: u64 = 300;
const MEMORY_MB: u32 = 3008;

/// The region and the account that RIE reports.
const REGION: &str = "us-east-1";
const ACCOUNT: &str = "012345678912";

/// A program with this file name behaves as `lambkin rie`.
const RIE_PROGRAM: &str = "aws-lambda-rie";

/// What RIE's flags and variables ask for.
#[derive(Debug)]
pub struct Settings {
    pub log_level: LevelFilter,
    pub listen: SocketAddr,
    /// Whether `listen` is the loopback interface because no address was given and this is not a container.
    pub on_loopback_by_default: bool,
    pub account: Account,
    pub function: FunctionSpec,
    /// `--enable-init-caching` was given.
    pub init_caching: bool,
    /// What the developer should know about the runtime.
    pub notes: Vec<String>,
}

/// The flags as typed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Flags {
    log_level: Option<String>,
    runtime_api: Option<String>,
    listen: Option<String>,
    init_caching: bool,
}

const LOG_LEVEL: &str = "--log-level";
const RUNTIME_API: &str = "--runtime-api-address";
/// The flag for the address of the emulator.
pub const EMULATOR: &str = "--runtime-interface-emulator-address";
const INIT_CACHING: &str = "--enable-init-caching";

/// The arguments after `lambkin rie`, or all arguments if the program is called `aws-lambda-rie`. `None` if this is
/// neither. They do not go through the program's own argument parser, which would take flags that belong to the
/// command. Only a request for help is left to it.
pub fn rie_args(arguments: impl IntoIterator<Item = OsString>) -> Option<Vec<OsString>> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next()?;
    let args = arguments.collect::<Vec<_>>();
    if Path::new(&program).file_name() == Some(RIE_PROGRAM.as_ref()) {
        return Some(args);
    }
    let (first, rest) = args.split_first()?;
    let wants_help = rest
        .first()
        .is_some_and(|arg| arg == "--help" || arg == "-h");
    (first == "rie" && !wants_help).then(|| rest.to_vec())
}

impl Settings {
    /// Reads the arguments after the program's name. `folder` is the current folder; `is_container` says whether this
    /// program runs in a container.
    pub fn read(
        args: Vec<OsString>,
        variables: Variables,
        folder: &Path,
        is_container: bool,
    ) -> anyhow::Result<Self> {
        if variables.contains("AWS_LAMBDA_MAX_CONCURRENCY") {
            bail!(
                "AWS_LAMBDA_MAX_CONCURRENCY asks for RIE's mode for Lambda Managed Instances, which lambkin does not \
                 have; unset it to run the function one call at a time"
            );
        }
        let (flags, command) = Flags::split(args)?;
        let level = flags.log_level.as_deref();
        let (function, notes) = function(command, variables.clone(), folder)?;
        let address_of =
            |flag, text: Option<&str>| text.map(|text| address::read(flag, text)).transpose();
        let listen = address_of(EMULATOR, flags.listen.as_deref())?;
        Ok(Self {
            log_level: read_level(level.unwrap_or(&variables.get_or("LOG_LEVEL", "info")))?,
            listen: listen.unwrap_or(container::listen_address(is_container, PORT)),
            on_loopback_by_default: listen.is_none() && !is_container,
            account: Account {
                region: REGION.to_owned(),
                id: ACCOUNT.to_owned(),
            },
            function: FunctionSpec {
                runtime_api: address_of(RUNTIME_API, flags.runtime_api.as_deref())?,
                allowlist: allowlist(&variables)?,
                ..function
            },
            init_caching: flags.init_caching,
            notes,
        })
    }
}

impl Flags {
    /// Separates RIE's flags from the command.
    fn split(args: Vec<OsString>) -> anyhow::Result<(Self, Vec<String>)> {
        let mut flags = Self::default();
        let mut command = Vec::new();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let arg = text(arg)?;
            if arg == "--" {
                // Inside the command it belongs to the command.
                if !command.is_empty() {
                    command.push(arg);
                }
                for rest in args {
                    command.push(text(rest)?);
                }
                break;
            }
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (arg.as_str(), None),
            };
            let flag = match name {
                LOG_LEVEL => &mut flags.log_level,
                RUNTIME_API => &mut flags.runtime_api,
                EMULATOR => &mut flags.listen,
                INIT_CACHING if value.is_none() => {
                    flags.init_caching = true;
                    continue;
                }
                _ => {
                    command.push(arg);
                    continue;
                }
            };
            let value = match value {
                Some(value) => value,
                None => text(
                    args.next()
                        .with_context(|| format!("{name} needs a value"))?,
                )?,
            };
            *flag = Some(value);
        }
        Ok((flags, command))
    }
}

fn text(arg: OsString) -> anyhow::Result<String> {
    arg.into_string()
        .map_err(|arg| anyhow::anyhow!("the argument {arg:?} is not UTF-8"))
}

/// The handler in the current folder that a command of one word means, if there is no program of that name.
fn handler_of(command: &[String], folder: &Path) -> Option<String> {
    let [word] = command else { return None };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = folder.join(word).exists()
        || std::env::split_paths(&path).any(|folder| folder.join(word).is_file());
    let meant = (!is_program).then(|| meant_handler(folder, word));
    meant.flatten().map(|guess| guess.handler)
}

fn function(
    command: Vec<String>,
    mut variables: Variables,
    folder: &Path,
) -> anyhow::Result<(FunctionSpec, Vec<String>)> {
    let own_handler = handler_of(&command, folder);
    let own_handler_given = own_handler.is_some();
    let last_word = command.last().filter(|_| command.len() > 1);
    let handler = match own_handler.as_ref().or(last_word) {
        Some(word) => word.clone(),
        None => variables
            .get("AWS_LAMBDA_FUNCTION_HANDLER")
            .or(variables.get("_HANDLER"))
            .unwrap_or_default()
            .to_owned(),
    };
    let code = if command.is_empty() {
        Code {
            task_root: PathBuf::from(TASK_ROOT),
            entry: Entry::Search,
            archive: None,
        }
    } else {
        Code {
            task_root: folder.to_owned(),
            entry: match own_handler {
                Some(_) => Entry::Search,
                None => Entry::Command(command),
            },
            archive: None,
        }
    };
    let name = variables.get_or("AWS_LAMBDA_FUNCTION_NAME", "test_function");
    let version = variables.get_or("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    let memory_mb = variables.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "of MB", MEMORY_MB)?;
    let timeout = variables.timeout(TIMEOUT_SECONDS)?;

    variables.set("AWS_LAMBDA_FUNCTION_NAME", &name);
    variables.set("AWS_LAMBDA_FUNCTION_VERSION", &version);
    variables.set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string());
    variables.set_default("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/Functions");
    variables.set_default("AWS_LAMBDA_LOG_STREAM_NAME", "$LATEST");
    variables.set("_HANDLER", &handler);
    if own_handler_given {
        // AWS's images set it.
        variables.set_default("LAMBDA_TASK_ROOT", folder.display().to_string());
    }
    let mut spec = FunctionSpec {
        name,
        code,
        handler,
        version,
        timeout,
        memory_mb,
        variables: variables.for_a_runtime().into(),
        ..spec()
    };
    let found = match own_handler_given {
        true => prepare(&mut spec, &RuntimeSettings::default(), folder),
        false => Findings::default(),
    };
    Ok((spec, found.notes.into_iter().chain(found.problem).collect()))
}

fn read_level(name: &str) -> anyhow::Result<LevelFilter> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "panic" | "fatal" | "error" => LevelFilter::ERROR,
        "warn" | "warning" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => bail!(
            "{name:?} is not a log level; use one of panic, fatal, error, warn, info, debug, trace"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, variables: Variables) -> anyhow::Result<Settings> {
        let words = line.split_whitespace().map(OsString::from).collect();
        Settings::read(words, variables, Path::new("/here"), true)
    }

    fn settings(line: &str) -> Settings {
        read(line, Variables::default()).unwrap()
    }

    fn error(line: &str, variables: Variables) -> String {
        read(line, variables).unwrap_err().to_string()
    }

    fn command(settings: &Settings) -> String {
        match &settings.function.code.entry {
            Entry::Command(words) => words.join(" "),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn flags_are_found_anywhere_and_in_both_forms() {
        let settings = settings(
            "--log-level debug node -q --runtime-api-address=127.0.0.1:9002 index.js --unknown=1 \
             --runtime-interface-emulator-address :9000 --enable-init-caching app.handler",
        );
        assert_eq!(
            command(&settings),
            "node -q index.js --unknown=1 app.handler"
        );
        assert_eq!(settings.log_level, LevelFilter::DEBUG);
        assert_eq!(settings.listen, "0.0.0.0:9000".parse().unwrap());
        assert_eq!(
            settings.function.runtime_api,
            Some("127.0.0.1:9002".parse().unwrap())
        );
        assert!(settings.init_caching);
        assert_eq!(settings.function.code.task_root, Path::new("/here"));
    }

    #[test]
    fn double_dashes_end_the_flags() {
        assert_eq!(
            command(&settings("-- node --log-level loud x")),
            "node --log-level loud x"
        );
        assert_eq!(
            command(&settings("node -- --log-level loud")),
            "node -- --log-level loud"
        );
    }

    #[test]
    fn the_last_of_several_words_is_the_handler_and_a_variable_otherwise() {
        let of = |line: &str| {
            let variables = Variables::from([
                ("_HANDLER", "theirs"),
                ("AWS_LAMBDA_FUNCTION_HANDLER", "first"),
            ]);
            read(line, variables).unwrap().function
        };
        for (line, handler) in [
            ("boot app.handler", "app.handler"),
            ("boot", "first"),
            ("", "first"),
        ] {
            let function = of(line);
            assert_eq!(function.handler, handler, "{line}");
            assert_eq!(function.variables.get()["_HANDLER"], handler, "{line}");
        }
        let only = read("boot", Variables::from([("_HANDLER", "h")])).unwrap();
        assert_eq!(only.function.handler, "h");
        assert_eq!(settings("boot").function.handler, "");
    }

    #[test]
    fn without_a_command_the_bootstrap_is_searched_from_the_task_folder() {
        let settings = settings("");
        assert_eq!(settings.function.code.entry, Entry::Search);
        assert_eq!(settings.function.code.task_root, Path::new("/var/task"));
        assert_eq!(settings.listen, "0.0.0.0:8080".parse().unwrap());
        assert_eq!(settings.function.runtime_api, None);
    }

    #[test]
    fn outside_containers_it_listens_on_the_loopback_interface_unless_told_otherwise() {
        let read = |line: &str, is_container| {
            let words = line.split_whitespace().map(OsString::from).collect();
            let variables = Variables::default();
            let read = Settings::read(words, variables, Path::new("/here"), is_container).unwrap();
            (read.listen.to_string(), read.on_loopback_by_default)
        };
        assert_eq!(read("boot", false), ("127.0.0.1:8080".to_owned(), true));
        assert_eq!(read("boot", true), ("0.0.0.0:8080".to_owned(), false));
        let asked = "--runtime-interface-emulator-address :9000 boot";
        assert_eq!(read(asked, false), ("0.0.0.0:9000".to_owned(), false));
    }

    #[test]
    fn the_runtime_gets_everything_with_ries_defaults() {
        let given = Variables::from([
            ("FOO", "a=b"),
            ("AWS_SECRET_ACCESS_KEY", ""),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/mine"),
        ]);
        let function = read("boot", given).unwrap().function;
        assert!(function.exact_variables);
        let variables = function.variables.get();
        let passed: Vec<(&str, &str)> = variables
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            passed,
            [
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008"),
                ("AWS_LAMBDA_FUNCTION_NAME", "test_function"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "/mine"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "$LATEST"),
                ("FOO", "a=b"),
                ("_HANDLER", ""),
            ]
        );
    }

    #[test]
    fn each_mistake_is_named() {
        let none = Variables::default;
        assert!(error("--log-level loud x", none()).starts_with("\"loud\" is not a log level"));
        assert_eq!(error("x --log-level", none()), "--log-level needs a value");
        assert!(
            error("--runtime-api-address nope x", none())
                .starts_with("--runtime-api-address must be an address and a port")
        );
        let lmi = Variables::from([("AWS_LAMBDA_MAX_CONCURRENCY", "")]);
        assert!(error("x", lmi).contains("Managed Instances"));
        let memory = Variables::from([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "much")]);
        assert_eq!(
            error("x", memory),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE must be a whole number of MB, not \"much\""
        );
    }

    #[test]
    fn the_program_is_rie_by_its_name_or_its_first_argument() {
        let args = |line: &str| rie_args(line.split(' ').map(OsString::from));
        let found = |line: &str| args(line).map(|args| args.join(" ".as_ref()));
        assert_eq!(
            found("/usr/local/bin/aws-lambda-rie node -v"),
            Some("node -v".into())
        );
        assert_eq!(found("lambkin rie -- node -v"), Some("-- node -v".into()));
        assert_eq!(args("aws-lambda-rie"), Some(Vec::new()));
        assert_eq!(args("lambkin serve"), None);
        assert_eq!(args("lambkin rie --help"), None);
        assert_eq!(args("lambkin"), None);
    }
}
