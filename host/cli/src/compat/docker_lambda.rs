//! The command line and the variables of docker-lambda.
//!
//! The code is in the folder that `LAMBDA_TASK_ROOT` names, otherwise in `/var/task` as in docker-lambda's containers,
//! otherwise in the current folder, so that nothing has to be mounted. A variable that is empty counts as not set.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use lambkin_lambda::{Account, Code, Destination, Entry, FunctionSpec, LogStyle};
use lambkin_runtimes::{Runtime, guess_folder};
use tracing_subscriber::filter::LevelFilter;

use super::container;
use super::spec::{allowlist, spec};
use super::variables::Variables;
use crate::args::DockerLambda;
use crate::config::{RuntimeSettings, prepare, read_name};

const PORT: u16 = 9001;
const TIMEOUT_SECONDS: u64 = 300;
const MEMORY_MB: u32 = 1536;
const REGION: &str = "us-east-1";
/// docker-lambda chooses a random account; a constant one is easier to test against.
const ACCOUNT: &str = "123456789012";
const TASK_ROOT: &str = "/var/task";
const RUNTIME_FOLDER: &str = "/var/runtime";
/// The variable for the address of the API in stay-open mode. docker-lambda, which runs in containers, has none.
const HOST: &str = "DOCKER_LAMBDA_API_HOST";
/// What makes the API listen on all addresses.
pub const LISTEN_ON_ALL: &str = "set DOCKER_LAMBDA_API_HOST=0.0.0.0";
/// The folder of layers.
pub const LAYERS: &str = "/opt";

/// What docker-lambda's arguments and variables ask for.
#[derive(Debug)]
pub struct Settings {
    pub log_level: LevelFilter,
    pub log_style: LogStyle,
    pub account: Account,
    pub function: FunctionSpec,
    pub mode: Mode,
    /// Whether a change of the code restarts the bootstrap.
    pub watch: bool,
    /// What the developer should know about the runtime.
    pub notes: Vec<String>,
}

/// How long the program runs.
#[derive(Debug)]
pub enum Mode {
    /// Until one event has been handled.
    Once(Input),
    /// Until a signal comes.
    StayOpen {
        /// Callers connect to this address.
        listen: SocketAddr,
        /// Whether that is the loopback interface because no address was given and this is not a container.
        on_loopback_by_default: bool,
    },
}

/// The one invocation.
#[derive(Debug)]
pub struct Input {
    /// The event; `None` if it has to be read from standard input.
    pub event: Option<String>,
    pub client_context: Option<String>,
    pub cognito_identity: Option<String>,
    pub trace_id: Option<String>,
}

impl Settings {
    /// Reads the arguments and variables. `folder` is the current folder; `is_container` says whether this program runs
    /// in a container.
    pub fn read(
        args: DockerLambda,
        variables: Variables,
        folder: &Path,
        is_container: bool,
    ) -> anyhow::Result<Self> {
        if variables.get("DOCKER_LAMBDA_NO_BOOTSTRAP").is_some() {
            bail!(
                "DOCKER_LAMBDA_NO_BOOTSTRAP is set, but lambkin cannot wait for a runtime that it has not started; unset \
                 it, and name the runtime's program with --bootstrap"
            );
        }
        let stay_open = variables.get("DOCKER_LAMBDA_STAY_OPEN").is_some();
        let api_port = variables.number("DOCKER_LAMBDA_API_PORT", "for a port", PORT)?;
        let mode = if stay_open {
            let host = host(&variables)?;
            let default = container::listen_address(is_container, api_port);
            Mode::StayOpen {
                listen: host.map_or(default, |host| SocketAddr::new(host, api_port)),
                on_loopback_by_default: host.is_none() && !is_container,
            }
        } else {
            Mode::Once(input(args.event.clone(), &variables))
        };
        let runtime_api = runtime_api(&variables, stay_open.then_some(api_port))?;
        let (function, notes) = function(args, variables.clone(), folder)?;
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Ok(Self {
            log_level: match variables.get("DOCKER_LAMBDA_DEBUG") {
                Some(_) => LevelFilter::DEBUG,
                None => LevelFilter::WARN,
            },
            log_style: LogStyle {
                function_stdout: if stay_open {
                    Destination::Stdout
                } else {
                    Destination::Stderr
                },
                platform: Destination::Stderr,
                green_platform: !no_colour,
                keep_carriage_returns: variables.get("DOCKER_LAMBDA_NO_MODIFY_LOGS").is_some(),
            },
            watch: variables.get("DOCKER_LAMBDA_WATCH").is_some(),
            account: account(&variables)?,
            function: FunctionSpec {
                runtime_api,
                allowlist: allowlist(&variables)?,
                ..function
            },
            mode,
            notes,
        })
    }
}

fn host(variables: &Variables) -> anyhow::Result<Option<IpAddr>> {
    let Some(text) = variables.get(HOST) else {
        return Ok(None);
    };
    let host = text
        .parse()
        .with_context(|| format!("{HOST} must be an IP address, such as 0.0.0.0, not {text:?}"))?;
    Ok(Some(host))
}

fn input(event: Option<String>, variables: &Variables) -> Input {
    let owned = |key| variables.get(key).map(str::to_owned);
    let event = event.or_else(|| owned("AWS_LAMBDA_EVENT_BODY"));
    let from_stdin = variables.get("DOCKER_LAMBDA_USE_STDIN").is_some();
    Input {
        event: match event {
            None if from_stdin => None,
            None => Some("{}".to_owned()),
            event => event,
        },
        client_context: owned("AWS_LAMBDA_CLIENT_CONTEXT"),
        cognito_identity: owned("AWS_LAMBDA_COGNITO_IDENTITY"),
        trace_id: owned("_X_AMZN_TRACE_ID"),
    }
}

/// The address of the Runtime API, if DOCKER_LAMBDA_RUNTIME_PORT is set. If it is the port of the Invoke API,
/// docker-lambda serves both APIs there; here the Runtime API then gets a port of its own.
fn runtime_api(variables: &Variables, api_port: Option<u16>) -> anyhow::Result<Option<SocketAddr>> {
    const KEY: &str = "DOCKER_LAMBDA_RUNTIME_PORT";
    if variables.get(KEY).is_none() {
        return Ok(None);
    }
    let port = variables.number(KEY, "for a port", PORT)?;
    let is_free = Some(port) != api_port;
    Ok(is_free.then_some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)))
}

/// The account and the region: those of the ARN, otherwise those of the variables.
fn account(variables: &Variables) -> anyhow::Result<Account> {
    if let Some(arn) = variables.get("AWS_LAMBDA_FUNCTION_INVOKED_ARN") {
        let (region, id, _name) = parse_arn(arn)?;
        return Ok(Account {
            region: region.to_owned(),
            id: id.to_owned(),
        });
    }
    Ok(Account {
        region: region(variables),
        id: variables.get_or("AWS_ACCOUNT_ID", ACCOUNT),
    })
}

fn region(variables: &Variables) -> String {
    let region = variables.get("AWS_REGION");
    region
        .or(variables.get("AWS_DEFAULT_REGION"))
        .unwrap_or(REGION)
        .to_owned()
}

/// The region, the account and the name in a function's ARN.
fn parse_arn(arn: &str) -> anyhow::Result<(&str, &str, &str)> {
    let parts: Vec<&str> = arn.split(':').collect();
    match *parts.as_slice() {
        ["arn", partition, "lambda", region, id, "function", name]
            if partition == lambkin_model::partition(region) =>
        {
            Ok((region, id, name))
        }
        _ => bail!(
            "AWS_LAMBDA_FUNCTION_INVOKED_ARN must read arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME, not {arn:?}"
        ),
    }
}

fn function(
    args: DockerLambda,
    mut variables: Variables,
    folder: &Path,
) -> anyhow::Result<(FunctionSpec, Vec<String>)> {
    let settings = RuntimeSettings {
        runtime: runtime(args.runtime.as_deref(), &variables)?,
        ..RuntimeSettings::default()
    };
    let task_root = task_root(&variables, folder);
    let entry = entry(
        args.bootstrap,
        args.bootstrap_args.as_deref(),
        &task_root,
        folder,
    )?;
    let handler = args
        .handler
        .or_else(|| {
            variables
                .get("AWS_LAMBDA_FUNCTION_HANDLER")
                .map(str::to_owned)
        })
        .or_else(|| variables.get("_HANDLER").map(str::to_owned))
        .or_else(|| {
            let guess = guess_folder(&task_root).filter(|_| entry == Entry::Search);
            guess.map(|guess| guess.handler)
        })
        .unwrap_or_else(|| "handler".to_owned());
    let name = variables.get_or("AWS_LAMBDA_FUNCTION_NAME", "test");
    let named_by_arn = variables
        .get("AWS_LAMBDA_FUNCTION_INVOKED_ARN")
        .map(parse_arn)
        .transpose()?
        .map(|(_, _, name)| name.to_owned());
    let version = variables.get_or("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    let memory_mb = variables.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "of MB", MEMORY_MB)?;
    let timeout = variables.timeout(TIMEOUT_SECONDS)?;

    add_container_variables(&mut variables, &task_root);
    variables.set("AWS_LAMBDA_FUNCTION_NAME", &name);
    variables.set("AWS_LAMBDA_FUNCTION_VERSION", &version);
    variables.set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string());
    variables.set("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout.as_secs().to_string());
    variables.set_default("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"));
    variables.set("_HANDLER", &handler);
    let mut spec = FunctionSpec {
        name: named_by_arn.unwrap_or(name),
        code: Code {
            task_root,
            entry,
            archive: None,
        },
        handler,
        version,
        timeout,
        memory_mb,
        variables: variables.for_a_runtime().into(),
        ..spec()
    };
    let project = spec.code.task_root.clone();
    let found = prepare(&mut spec, &settings, &project);
    let notes = found.notes.into_iter().chain(found.problem).collect();
    Ok((spec, notes))
}

/// The runtime that `--runtime` or AWS_EXECUTION_ENV names, which may be a tag of docker-lambda's images.
fn runtime(named: Option<&str>, variables: &Variables) -> anyhow::Result<Option<Runtime>> {
    let own = variables.get("AWS_EXECUTION_ENV");
    let of_variable = own.and_then(|name| name.strip_prefix("AWS_Lambda_"));
    let Some(name) = named else {
        return Ok(of_variable.and_then(Runtime::parse));
    };
    let tag = name.rsplit_once(':').map_or(name, |(_image, tag)| tag);
    let id = tag.strip_prefix("build-").unwrap_or(tag);
    let runtime = read_name(id).map_err(|message| anyhow::anyhow!("--runtime: {message}"))?;
    Ok(Some(runtime))
}

/// Adds the variables that docker-lambda or its images set.
fn add_container_variables(variables: &mut Variables, task_root: &Path) {
    let region = region(variables);
    variables.set("AWS_REGION", &region);
    variables.set("AWS_DEFAULT_REGION", region);
    for (key, older) in [
        ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"),
    ] {
        if let Some(value) = variables.get(older).map(str::to_owned) {
            variables.set(key, value);
        }
    }
    if variables.get("AWS_SESSION_TOKEN").is_none()
        && let Some(token) = variables.get("AWS_SECURITY_TOKEN").map(str::to_owned)
    {
        variables.set("AWS_SESSION_TOKEN", token);
    }
    variables.set_default("LAMBDA_TASK_ROOT", task_root.to_string_lossy());
    variables.set_default("LAMBDA_RUNTIME_DIR", RUNTIME_FOLDER);
    variables.set_default("TZ", ":UTC");
}

fn task_root(variables: &Variables, folder: &Path) -> PathBuf {
    match variables.get("LAMBDA_TASK_ROOT") {
        Some(root) => folder.join(root),
        None if Path::new(TASK_ROOT).is_dir() => PathBuf::from(TASK_ROOT),
        None => folder.to_owned(),
    }
}

/// The program to start, in docker-lambda's order: the runtime's own bootstrap, the function's, a layer's. If there is
/// none, the usual search reports that at each invocation.
fn entry(
    bootstrap: Option<PathBuf>,
    arguments: Option<&str>,
    task_root: &Path,
    folder: &Path,
) -> anyhow::Result<Entry> {
    let arguments: Vec<String> = match arguments {
        Some(json) => serde_json::from_str(json).with_context(|| {
            format!("--bootstrap-args must be a JSON list of strings, not {json:?}")
        })?,
        None => Vec::new(),
    };
    let found = match bootstrap {
        Some(path) => {
            let path = folder.join(path);
            anyhow::ensure!(
                path.is_file(),
                "--bootstrap {}: the file does not exist",
                path.display()
            );
            Some(path)
        }
        None => [Path::new(RUNTIME_FOLDER), task_root, Path::new(LAYERS)]
            .map(|folder| folder.join("bootstrap"))
            .into_iter()
            .find(|path| path.is_file()),
    };
    let Some(path) = found else {
        return Ok(Entry::Search);
    };
    let program = path
        .into_os_string()
        .into_string()
        .map_err(|path| anyhow::anyhow!("the bootstrap's path {path:?} is not UTF-8"))?;
    let mut command = vec![program];
    command.extend(arguments);
    Ok(Entry::Command(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(handler: Option<&str>, event: Option<&str>) -> DockerLambda {
        DockerLambda {
            bootstrap: None,
            bootstrap_args: None,
            runtime: None,
            enable_msg_logs: false,
            handler: handler.map(str::to_owned),
            event: event.map(str::to_owned),
        }
    }

    fn read<const N: usize>(args: DockerLambda, variables: [(&str, &str); N]) -> Settings {
        Settings::read(args, Variables::from(variables), Path::new("/here"), true).unwrap()
    }

    fn error<const N: usize>(args: DockerLambda, variables: [(&str, &str); N]) -> String {
        let read = Settings::read(args, Variables::from(variables), Path::new("/here"), true);
        read.unwrap_err().to_string()
    }

    fn event(settings: Settings) -> Option<String> {
        match settings.mode {
            Mode::Once(input) => input.event,
            Mode::StayOpen { listen, .. } => panic!("listens on {listen}"),
        }
    }

    #[test]
    fn the_event_is_the_argument_else_the_variable_else_standard_input_else_empty() {
        let all = [
            ("AWS_LAMBDA_EVENT_BODY", "1"),
            ("DOCKER_LAMBDA_USE_STDIN", "1"),
        ];
        let [_, stdin] = all;
        assert_eq!(event(read(args(Some("h"), Some("2")), all)).unwrap(), "2");
        assert_eq!(event(read(args(None, None), all)).unwrap(), "1");
        assert_eq!(event(read(args(None, None), [stdin])), None);
        assert_eq!(event(read(args(None, None), [])).unwrap(), "{}");
    }

    #[test]
    fn the_handler_is_the_argument_else_a_variable_else_handler() {
        let all = [("AWS_LAMBDA_FUNCTION_HANDLER", "a.b"), ("_HANDLER", "c.d")];
        let [_, last] = all;
        let handler = |settings: Settings| settings.function.handler;
        assert_eq!(handler(read(args(Some("x.y"), None), all)), "x.y");
        assert_eq!(handler(read(args(None, None), all)), "a.b");
        assert_eq!(handler(read(args(None, None), [last])), "c.d");
        assert_eq!(handler(read(args(None, None), [])), "handler");
    }

    #[test]
    fn outside_containers_stay_open_listens_on_the_loopback_interface_unless_told_otherwise() {
        let open = ("DOCKER_LAMBDA_STAY_OPEN", "1");
        let read = |host: &str| {
            let variables = Variables::from([open, (HOST, host)]);
            let read = Settings::read(args(None, None), variables, Path::new("/here"), false);
            match read.unwrap().mode {
                Mode::StayOpen {
                    listen,
                    on_loopback_by_default,
                } => (listen.to_string(), on_loopback_by_default),
                Mode::Once(_) => panic!("it must stay open"),
            }
        };
        assert_eq!(read(""), ("127.0.0.1:9001".to_owned(), true));
        assert_eq!(read("0.0.0.0"), ("0.0.0.0:9001".to_owned(), false));
        assert_eq!(read("::1"), ("[::1]:9001".to_owned(), false));
        assert_eq!(
            error(args(None, None), [open, (HOST, "all")]),
            "DOCKER_LAMBDA_API_HOST must be an IP address, such as 0.0.0.0, not \"all\""
        );
    }

    #[test]
    fn stay_open_listens_on_all_addresses_and_gives_the_runtime_a_port_of_its_own() {
        let open = ("DOCKER_LAMBDA_STAY_OPEN", "1");
        let settings = read(args(None, None), [open]);
        assert!(
            matches!(settings.mode, Mode::StayOpen { listen, .. } if listen.to_string() == "0.0.0.0:9001")
        );
        assert_eq!(settings.function.runtime_api, None);
        let runtime = |port| {
            let variables = [open, ("DOCKER_LAMBDA_RUNTIME_PORT", port)];
            read(args(None, None), variables).function.runtime_api
        };
        assert_eq!(runtime("9001"), None);
        assert_eq!(runtime("9002"), Some("127.0.0.1:9002".parse().unwrap()));
        assert_eq!(
            error(args(None, None), [("DOCKER_LAMBDA_API_PORT", "x")]),
            "DOCKER_LAMBDA_API_PORT must be a whole number for a port, not \"x\""
        );
    }

    #[test]
    fn account_and_region_are_those_of_the_arn_else_of_the_variables() {
        let settings = read(
            args(None, None),
            [("AWS_REGION", "eu-west-1"), ("AWS_ACCOUNT_ID", "1")],
        );
        assert_eq!(settings.account.region, "eu-west-1");
        assert_eq!(
            (settings.account.id, settings.function.name),
            ("1".into(), "test".into())
        );
        let key = "AWS_LAMBDA_FUNCTION_INVOKED_ARN";
        let arn = "arn:aws:lambda:us-west-2:210987654321:function:other";
        let settings = read(args(None, None), [(key, arn)]);
        assert_eq!(settings.account.id, "210987654321");
        assert_eq!(settings.function.name, "other");
        assert_eq!(
            settings.function.variables.get()["AWS_LAMBDA_FUNCTION_NAME"],
            "test"
        );
        let arn = "arn:aws-cn:lambda:cn-north-1:210987654321:function:other";
        let settings = read(args(None, None), [(key, arn)]);
        assert_eq!(settings.account.region, "cn-north-1");
        assert!(error(args(None, None), [(key, "other")]).contains("not \"other\""));
    }

    #[test]
    fn the_runtime_gets_the_variables_of_the_container() {
        let given = [
            ("FOO", "bar"),
            ("AWS_ACCESS_KEY", "key"),
            ("AWS_SECRET_ACCESS_KEY", ""),
            ("AWS_SECURITY_TOKEN", "token"),
            ("LAMBDA_TASK_ROOT", "code"),
        ];
        let settings = read(args(None, None), given);
        let variables = settings.function.variables.get();
        for (key, value) in [
            ("FOO", "bar"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1536"),
            ("AWS_LAMBDA_FUNCTION_TIMEOUT", "300"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test"),
            ("TZ", ":UTC"),
        ] {
            assert_eq!(variables.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert!(!variables.contains_key("AWS_SECRET_ACCESS_KEY"));
        assert_eq!(settings.function.code.task_root, Path::new("/here/code"));
    }

    #[test]
    fn each_mistake_is_named() {
        let mut with_bootstrap = args(None, None);
        with_bootstrap.bootstrap = Some("nowhere".into());
        assert_eq!(
            error(with_bootstrap, []),
            "--bootstrap /here/nowhere: the file does not exist"
        );
        let mut with_arguments = args(None, None);
        with_arguments.bootstrap_args = Some("--inspect".to_owned());
        assert_eq!(
            error(with_arguments, []),
            "--bootstrap-args must be a JSON list of strings, not \"--inspect\""
        );
        let waiting = [("DOCKER_LAMBDA_NO_BOOTSTRAP", "1")];
        assert!(error(args(None, None), waiting).contains("it has not started"));
    }
}
