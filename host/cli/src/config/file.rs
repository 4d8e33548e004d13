//! `lambkin.toml` as a whole.
//!
//! Everything is checked here, before anything is started: types and ranges of values, names, addresses, paths. What
//! remains is what only a plugin or the operating system can tell. The settings of plugins are not interpreted; a
//! plugin reports mistakes in them later by their path of keys, for which the spans are kept here.
//!
//! On failure: every mistake of the file, each with file, line, column, key, value and what would be legal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lambkin_http::Allowlist;
use lambkin_lambda::{Account, Alias, FunctionSpec};
use lambkin_runtimes::guess_folder;
use toml::de::DeTable;

use super::account;
use super::allowlist;
use super::asynchronous::{self, Settings as Asynchronous};
use super::bucket::{self, Bucket};
use super::function;
use super::function_inputs::FunctionInputs;
use super::invoke::{self, Invoke};
use super::key::{Entry, Key, Kind, Table};
use super::listeners::Listeners;
use super::managed;
use super::queue::{self, Queue};
use super::reader::{Diagnostics, Reader};
use super::sandbox::{self, SandboxChoice};
use super::service::{self, Service};
use super::source::{Diagnostic, Source};
use super::trigger::{self, Trigger};
use super::version::LATEST;
use crate::text;

/// `lambkin.toml`
pub const TABLE: Table =
    Table::new(&[account::KEYS, sandbox::DEFAULT_KEYS, allowlist::KEYS, PARTS]);

const PARTS: &[Key] = &[
    Key::optional("invoke", Kind::Table(&invoke::TABLE), "The Invoke API."),
    Key::optional(
        "functions",
        Kind::Entries {
            name: "NAME",
            pattern: "^[A-Za-z0-9_-]{1,64}$",
            entry: Entry::Table(&function::TABLE),
        },
        "The functions. A name has 1 to 64 letters, digits, `-` and `_`.",
    ),
    Key::optional(
        "queues",
        Kind::Entries {
            name: "NAME",
            pattern: "^([A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}[.]fifo)$",
            entry: Entry::Table(&queue::TABLE),
        },
        "The queues. A name has 1 to 80 letters, digits, `-` and `_`, as in SQS. `[queues.\"NAME.fifo\"]`, in quotes, \
         is a FIFO queue.",
    ),
    Key::optional(
        "buckets",
        Kind::Entries {
            name: "NAME",
            pattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
            entry: Entry::Table(&bucket::TABLE),
        },
        "The buckets. A name has 3 to 63 lower-case letters, digits, `-` and `.`, as in S3.",
    ),
    Key::optional(
        "services",
        Kind::Entries {
            name: "NAME",
            pattern: "^[A-Za-z0-9_-]{1,64}$",
            entry: Entry::Table(&service::TABLE),
        },
        "The services. Functions find each of them in `AWS_ENDPOINT_URL_<NAME>`, with the name in upper case and `_` \
         in place of `-`.",
    ),
    Key::optional(
        "triggers",
        Kind::Entries {
            name: "NAME",
            pattern: "^.*$",
            entry: Entry::Table(&trigger::TABLE),
        },
        "The triggers, which invoke functions on requests, messages and changes of objects.",
    ),
    Key::optional(
        "asynchronous",
        Kind::Table(&asynchronous::TABLE),
        "Asynchronous invocation and the store.",
    ),
];

/// A valid configuration.
#[derive(Debug)]
pub struct Config {
    source: Source,
    pub account: Account,
    /// The hosts and web pages, besides local ones, from which the listeners accept requests.
    pub allowlist: Allowlist,
    /// How functions are kept apart that do not say it themselves.
    pub sandbox: SandboxChoice,
    pub invoke: Invoke,
    /// Each function with all its versions, `$LATEST` first.
    pub functions: Vec<FunctionSpec>,
    /// Where the code and the variables of each function come from, in the same order.
    pub function_inputs: Vec<FunctionInputs>,
    pub aliases: Vec<Alias>,
    pub queues: Vec<Queue>,
    pub buckets: Vec<Bucket>,
    pub services: Vec<Service>,
    pub triggers: Vec<Trigger>,
    pub asynchronous: Asynchronous,
    /// What the developer should know about the functions' runtimes.
    pub notes: Vec<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {error}{}", path.display(), hint(error))]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{0}")]
    Invalid(String),
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "\nStart lambkin in the folder of a lambkin.toml, or name one with --config; \
             to run a function without a lambkin.toml, use `lambkin invoke app.handler` in the folder of app.py, or \
             `lambkin invoke PATH-TO-BOOTSTRAP`"
        }
        _ => "",
    }
}

impl Config {
    /// Reads and checks a configuration file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let bytes = crate::regular_file::read(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let text = text::decode(bytes)
            .map_err(|why| ConfigError::Invalid(format!("{} {why}", path.display())))?;
        // Paths in the file start from its folder; "" is the current one and leaves them as they were typed.
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self::parse(Source::new(path, text), folder)?.with_runtimes(folder))
    }

    /// Reads a configuration file, or makes a configuration of the code beside it if there is no file and the folder has
    /// a handler: one function, which is watched.
    pub fn read_or_guess(path: &Path) -> Result<Self, ConfigError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let code = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        if path.symlink_metadata().is_ok() || code.join("bootstrap").exists() {
            return Self::read(path);
        }
        let Some(guess) = guess_folder(code) else {
            return Self::read(path);
        };
        let name = function::name_of(code);
        let text = format!(
            "[functions.{name}]\ncode = \".\"\nhandler = {:?}\nwatch = true\n",
            guess.handler
        );
        let mut config = Self::parse(Source::new(path, text), folder)?.with_runtimes(folder);
        let note = format!(
            "there is no {}: {} is function {name}",
            path.display(),
            guess.file
        );
        config.notes.insert(0, note);
        Ok(config)
    }

    /// Reads and checks the text of a configuration. Paths in it are relative to `folder`.
    pub fn parse(source: Source, folder: &Path) -> Result<Self, ConfigError> {
        let table = match DeTable::parse(source.text()) {
            Ok(table) => table,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let diagnostic = Diagnostic {
                    span,
                    key: String::new(),
                    message: error.message().to_owned(),
                };
                return Err(ConfigError::Invalid(render_all(&source, &[diagnostic])));
            }
        };
        let diagnostics = Diagnostics::default();
        let root = Reader::root(table.get_ref(), &TABLE, &diagnostics);
        let read = read_root(root, folder, &diagnostics);
        let diagnostics = diagnostics.into_sorted();
        if !diagnostics.is_empty() {
            return Err(ConfigError::Invalid(render_all(&source, &diagnostics)));
        }
        drop(table);
        let (functions, aliases): (Vec<_>, Vec<_>) = read
            .functions
            .into_iter()
            .map(|function| (function.versions, function.aliases))
            .unzip();
        let versions = functions.into_iter().flatten().map(|mut one| {
            one.spec.allowlist = read.allowlist.clone();
            one
        });
        let (functions, function_inputs) = versions.map(|one| (one.spec, one.inputs)).unzip();
        Ok(Self {
            source,
            account: read.account,
            allowlist: read.allowlist,
            sandbox: read.sandbox,
            invoke: read.invoke,
            functions,
            function_inputs,
            aliases: aliases.into_iter().flatten().collect(),
            queues: read.queues,
            buckets: read.buckets,
            services: read.services,
            triggers: read.triggers,
            asynchronous: read.asynchronous,
            notes: Vec::new(),
        })
    }

    /// Finds the interpreters of the functions' runtimes.
    fn with_runtimes(mut self, folder: &Path) -> Self {
        for (spec, inputs) in self.functions.iter_mut().zip(&self.function_inputs) {
            let notes = managed::prepare(spec, &inputs.runtime, folder);
            self.notes.extend(notes);
        }
        self
    }

    /// The names of all functions.
    pub fn function_names(&self) -> impl Iterator<Item = &str> {
        let latest = |spec: &&FunctionSpec| spec.version == LATEST;
        let functions = self.functions.iter().filter(latest);
        functions.map(|spec| spec.name.as_str())
    }

    /// The qualifiers of a function: its versions and aliases.
    pub fn qualifiers(&self, function: &str) -> impl Iterator<Item = &str> {
        let versions = self.functions.iter().filter(move |f| f.name == function);
        let aliases = self.aliases.iter().filter(move |a| a.function == function);
        versions
            .map(|spec| spec.version.as_str())
            .chain(aliases.map(|alias| alias.name.as_str()))
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// Formats diagnostics that were found later, with their positions in the file.
    pub fn render(&self, diagnostics: &[Diagnostic]) -> String {
        render_all(&self.source, diagnostics)
    }
}

fn render_all(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let rendered: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| source.render(diagnostic).to_string())
        .collect();
    rendered.join("\n\n")
}

/// The values of a file.
struct Read {
    account: Account,
    allowlist: Allowlist,
    sandbox: SandboxChoice,
    invoke: Invoke,
    functions: Vec<function::Definition>,
    queues: Vec<Queue>,
    buckets: Vec<Bucket>,
    services: Vec<Service>,
    triggers: Vec<Trigger>,
    asynchronous: Asynchronous,
}

fn read_root(mut root: Reader<'_>, folder: &Path, diagnostics: &Diagnostics) -> Read {
    let account = account::read(&mut root, diagnostics);
    let service_endpoints = root.flag("service-endpoints");
    let sandbox = sandbox::read(&mut root).unwrap_or_default();
    let allowlist = allowlist::read(&mut root, diagnostics);
    let mut listeners = Listeners::default();
    let invoke = invoke::read(&mut root, folder, &mut listeners, diagnostics);
    let tables = root.tables("functions");
    let several = tables.len() > 1;
    let names: Vec<String> = tables.iter().map(|(name, _)| name.value.clone()).collect();
    let mut events = BTreeMap::new();
    let mut functions = Vec::new();
    for (name, mut table) in tables {
        if let Some(config) = asynchronous::read_function(&mut table, &names, diagnostics) {
            events.insert(name.value.clone(), config);
        }
        let own = table.flag("service-endpoints");
        let endpoints = own.or(service_endpoints.clone());
        let function = function::read(name, table, folder, several, diagnostics);
        functions.extend(function.map(|mut function| {
            function.reach_services(endpoints.is_none_or(|endpoints| endpoints.value));
            function
        }));
    }
    let queues = queue::read(&mut root, &account, diagnostics);
    let buckets = bucket::read(&mut root, folder, diagnostics);
    let services = service::read(&mut root, folder, &mut listeners, diagnostics);
    let context = trigger::Context {
        project: folder,
        account: &account,
        queues: &queues,
        buckets: &buckets,
        listeners: &mut listeners,
        plugin: None,
        diagnostics,
    };
    let triggers = trigger::read(&mut root, context);
    let asynchronous = asynchronous::read(&mut root, events, folder);
    root.finish();
    Read {
        account,
        allowlist,
        sandbox,
        invoke,
        functions,
        queues,
        buckets,
        services,
        triggers,
        asynchronous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::full_name;

    fn parse(text: &str) -> Result<Config, String> {
        let source = Source::new(Path::new("lambkin.toml"), text.to_owned());
        Config::parse(source, Path::new("")).map_err(|error| error.to_string())
    }

    fn problems(text: &str) -> String {
        parse(text).unwrap_err()
    }

    #[test]
    fn an_empty_file_is_a_valid_configuration() {
        let config = parse("").unwrap();
        assert_eq!(config.invoke.listen.to_string(), "127.0.0.1:9001");
        assert_eq!(config.account.id, account::ACCOUNT);
    }

    #[test]
    fn an_unknown_key_is_reported_with_the_nearest_known_one() {
        let text = problems("[functions.hello]\ncode = \".\"\ntiemout = 3\n");
        assert_eq!(
            text,
            "lambkin.toml:3:1: functions.hello.tiemout: unknown key; did you mean `timeout`?\n  |\n3 | tiemout = 3\n  | ^^^^^^^"
        );
        assert!(
            problems("zzz = 1")
                .contains("unknown key; known here: region, account, service-endpoints, sandbox, allowed-hosts, allowed-origins, invoke, functions, queues, buckets, services, triggers")
        );
    }

    #[test]
    fn keys_of_the_file_below_the_head_of_a_section_and_with_underscores_are_explained() {
        let text = problems(
            "[functions.f]\ncode = '.'\nregion = 'x'\n[triggers.t]\nplugin = 'function-url'\nlisten = '127.0.0.1:0'\n\
             path_prefix = '/x'\nallowed-hosts = []\n[triggers.u]\nplugin = 'api-gateway-ws'\nlisten = '127.0.0.1:0'\n",
        );
        for message in [
            "3:1: functions.f.region: unknown key; `region` is a key of the whole file: write it above the first",
            "7:1: triggers.t.path_prefix: unknown key; did you mean `path-prefix`?",
            "8:1: triggers.t.allowed-hosts: unknown key; `allowed-hosts` is a key of the whole file",
            "did you mean `api-gateway-websocket`?",
        ] {
            assert!(text.contains(message), "{text}");
        }
    }

    #[test]
    fn an_address_conflicts_with_all_addresses_of_the_machine() {
        let trigger = |name: &str, listen: &str| {
            format!("[triggers.{name}]\nplugin = 'function-url'\nlisten = '{listen}'\n")
        };
        let text = problems(&(trigger("a", "127.0.0.1:8000") + &trigger("b", "0.0.0.0:8000")));
        let message = "0.0.0.0:8000 is taken by triggers.a.listen, which listens on 127.0.0.1:8000";
        assert!(text.contains(message), "{text}");
        let text = problems(&(trigger("a", "[::]:8000") + &trigger("b", "127.0.0.1:8000")));
        assert!(
            text.contains("[::]:8000 stands for all addresses"),
            "{text}"
        );
        let text = problems(&trigger("a", "127.0.0.1:9001"));
        assert!(
            text.contains("is taken by invoke.listen (by default)"),
            "{text}"
        );
        parse(&(trigger("a", "[::1]:8000") + &trigger("b", "0.0.0.0:8000"))).unwrap();
        parse(&(trigger("a", "127.0.0.1:0") + &trigger("b", "0.0.0.0:0"))).unwrap();
    }

    #[test]
    fn every_mistake_is_reported_at_once_in_the_order_of_the_file() {
        let text = problems(
            "account = 'x'\n[functions.a]\ncode = 3\ntimeout = 1000\n[functions.\"b c\"]\ncode = '.'\n",
        );
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("lambkin.toml"))
            .collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(
            lines[0].contains("1:11: account: must be twelve digits"),
            "{text}"
        );
        assert!(
            lines[1].contains("3:8: functions.a.code: must be a string, not 3"),
            "{text}"
        );
        assert!(
            lines[2].contains(
                "4:11: functions.a.timeout: must be a number of seconds above 0 and up to 900"
            ),
            "{text}"
        );
        assert!(
            lines[3].contains("functions.\"b c\": the name of a function"),
            "{text}"
        );
    }

    #[test]
    fn a_syntax_error_is_reported_with_its_position() {
        let text = problems("[functions.a\n");
        assert!(text.starts_with("lambkin.toml:1:"), "{text}");
    }

    #[test]
    fn two_listeners_cannot_share_a_port_but_can_both_ask_for_a_free_one() {
        let trigger = |name: &str, listen: &str| {
            format!("[triggers.{name}]\nplugin = 'api-gateway-http'\nlisten = '{listen}'\n")
        };
        let text = problems(&(trigger("a", "127.0.0.1:8000") + &trigger("b", "127.0.0.1:8000")));
        assert!(
            text.contains("triggers.b.listen: 127.0.0.1:8000 is taken by triggers.a.listen"),
            "{text}"
        );
        assert!(parse(&(trigger("a", "127.0.0.1:0") + &trigger("b", "127.0.0.1:0"))).is_ok());
    }

    #[test]
    fn a_missing_function_folder_is_named() {
        let text = problems("[functions.hello]\ncode = 'no-such-folder'\n");
        assert!(
            text.contains("functions.hello.code: no-such-folder does not exist"),
            "{text}"
        );
    }

    #[test]
    fn reserved_variables_and_too_many_of_them_are_refused() {
        let text = problems("[functions.a]\ncode = '.'\nenvironment = { AWS_REGION = 'x' }\n");
        assert!(
            text.contains("functions.a.environment.AWS_REGION: is reserved by Lambda"),
            "{text}"
        );
        let text = problems(&format!(
            "[functions.a]\ncode = '.'\nenvironment = {{ A = '{}' }}\n",
            "x".repeat(4096)
        ));
        assert!(
            text.contains("4097 bytes, more than Lambda's limit of 4096"),
            "{text}"
        );
    }

    #[test]
    fn an_unknown_plugin_is_reported_with_the_nearest_built_in() {
        let text = problems("[triggers.web]\nplugin = 'api-gatway-http'\nlisten = '127.0.0.1:0'\n");
        assert!(
            text.contains(
                "there is no built-in plugin \"api-gatway-http\"; did you mean `api-gateway-http`?"
            ),
            "{text}"
        );
    }

    const VERSIONED: &str =
        "[functions.a]\ncode = '.'\ntimeout = 5\n[functions.a.versions.2]\nmemory = 512\n";

    #[test]
    fn a_version_has_the_values_of_the_function_except_those_it_overrides() {
        let text = format!("{VERSIONED}[functions.a.aliases]\nlive = '2'\nbeta = '$LATEST'\n");
        let config = parse(&text).unwrap();
        let versions: Vec<_> = config
            .functions
            .iter()
            .map(|spec| (full_name(spec), spec.timeout.as_secs(), spec.memory_mb))
            .collect();
        assert_eq!(
            versions,
            [("a".to_owned(), 5, 128), ("a:2".to_owned(), 5, 512)]
        );
        let qualifiers: Vec<&str> = config.qualifiers("a").collect();
        assert_eq!(qualifiers, ["$LATEST", "2", "beta", "live"]);
    }

    #[test]
    fn an_alias_leads_to_a_defined_version() {
        let alias =
            |value: &str| problems(&format!("{VERSIONED}[functions.a.aliases]\nx = {value}\n"));
        assert!(
            alias("'3'").contains(
                "lambkin.toml:7:5: functions.a.aliases.x: a has no version \"3\"; did you mean `2`?"
            ),
            "{}",
            alias("'3'")
        );
        assert!(alias("{ version = '2', weights = { '4' = 0.5 } }").contains("no version \"4\""));
        assert!(alias("{ version = '2', weights = { '2' = 1.5 } }").contains("up to 1, not 1.5"),);
        assert!(alias("{ weights = {} }").contains("needs `version`"));
        assert!(alias("3").contains("must be a string or a table, not 3"));
        let text = problems("[functions.a]\ncode = '.'\n[functions.a.versions.x]\n");
        assert!(text.contains("a version is a number"), "{text}");
    }

    #[test]
    fn reserved_concurrency_is_a_limit_without_a_queue() {
        let config = parse("[functions.a]\ncode = '.'\nreserved-concurrency = 0\n").unwrap();
        let spec = config.functions.first().unwrap();
        assert_eq!(
            (spec.reserved_concurrency, spec.concurrency, spec.queue),
            (true, 0, 0)
        );
        let text = problems("[functions.a]\ncode = '.'\nreserved-concurrency = 2\nqueue = 1\n");
        assert!(
            text.contains("functions.a.queue: cannot be combined with `reserved-concurrency`"),
            "{text}"
        );
    }

    #[test]
    fn recursive_loop_has_two_values() {
        let text = problems("[functions.a]\ncode = '.'\nrecursive-loop = 'allow'\n");
        assert!(
            text.contains("must be \"Terminate\" or \"Allow\""),
            "{text}"
        );
    }
}
