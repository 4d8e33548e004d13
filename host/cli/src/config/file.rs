//! `lambkin.toml` as a whole.
//!
//! Everything is checked here, before anything is started: types and ranges of values, names, addresses, paths. What
//! remains is what only a plugin or the operating system can tell. The settings of plugins are not interpreted; a
//! plugin reports mistakes in them later by their path of keys, for which the spans are kept here.
//!
//! On failure: every mistake of the file, each with file, line, column, key, value and what would be legal, and what is
//! left of the configuration without them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use lambkin_http::Allowlist;
use lambkin_lambda::{Account, Alias, FunctionSpec};
use lambkin_project::ProjectError;
use lambkin_runtimes::guess_folder;
use toml::de::DeTable;

use super::account;
use super::allowlist;
use super::asynchronous::{self, Settings as Asynchronous};
use super::bucket::{self, Bucket};
use super::debug::{self, DebugOption};
use super::function::{self, full_name};
use super::function_inputs::FunctionInputs;
use super::handler;
use super::invoke::{self, Invoke};
use super::key::{Entry, Key, Kind, Table};
use super::listeners::Listeners;
use super::managed;
use super::notes::gathered;
use super::project::{self, Choices, Described, Project};
use super::queue::{self, Queue};
use super::reader::{Diagnostics, Reader};
use super::sandbox::{self, SandboxChoice};
use super::service::{self, Service};
use super::source::{Diagnostic, Source};
use super::suggest::suggestion;
use super::trigger::{self, Trigger};
use super::url_variables::{self, Sections};
use super::version::LATEST;
use crate::text;

/// `lambkin.toml`
pub const TABLE: Table = Table::new(&[
    project::KEYS,
    account::KEYS,
    sandbox::DEFAULT_KEYS,
    managed::DEFAULT_KEYS,
    allowlist::KEYS,
    PARTS,
]);

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
    /// Why calls of functions will fail, although their runtimes start.
    pub problems: Vec<String>,
    /// The file whose handler is the only function, if there is no file of the configuration.
    pub guessed_from: Option<PathBuf>,
    /// The project of another tool that it was made from.
    pub project: Option<Project>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {error}{}", path.display(), hint(error))]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    /// There is no file, and the code beside it does not tell which function is meant.
    #[error(
        "there is no {}, and {handlers}\nwrite a {0} with a function for each, or name one: lambkin invoke HANDLER",
        path.display()
    )]
    NotGuessed { path: PathBuf, handlers: String },
    #[error("{0}")]
    Invalid(String),
    /// Nothing can be made of a project of another tool.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// Some of a project would be waited for in vain.
    #[error(
        "{} of {} cannot be served here; --partial starts the rest\n\n{}{}",
        match refused.len() { 1 => "a part".to_owned(), parts => format!("{parts} parts") },
        path.display(),
        refused.join("\n\n"),
        notes.iter().map(|note| format!("\n\nnote: {note}")).collect::<String>()
    )]
    Refused {
        path: PathBuf,
        refused: Vec<String>,
        /// What else there is to tell about the project.
        notes: Vec<String>,
    },
    #[error("{0}")]
    Mistaken(Box<Mistaken>),
}

/// A configuration with mistakes, without what has them. Plugins can look for further ones in what is left.
#[derive(Debug)]
pub struct Mistaken {
    /// What is left.
    pub config: Config,
    /// The names of all functions of the file, with mistakes or without.
    pub functions: Vec<String>,
    diagnostics: Vec<Diagnostic>,
}

impl Mistaken {
    /// Adds mistakes that were found later. Where one has been found already, others are likely to follow from it.
    pub fn add(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            let mut found = self.diagnostics.iter();
            if found.all(|other| other.span != diagnostic.span) {
                self.diagnostics.push(diagnostic);
            }
        }
        self.diagnostics.sort_by_key(|found| found.span.start);
    }
}

impl fmt::Display for Mistaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.config.render(&self.diagnostics))
    }
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "\nRun lambkin in the folder of a project, or name one with --config: lambkin.toml, a template of SAM or \
             CloudFormation, serverless.yml, cdk.out, or a Terraform plan\n\
             without one: `lambkin invoke app.handler` in the folder of app.py, or `lambkin invoke PATH-TO-BOOTSTRAP`; \
             `lambkin init python` makes a new project"
        }
        _ => "",
    }
}

impl Config {
    /// Reads and checks a configuration file.
    #[cfg(test)]
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::read_with(path, &Choices::default())
    }

    /// Reads and checks a configuration file, or a project of another tool.
    pub fn read_with(path: &Path, choices: &Choices) -> Result<Self, ConfigError> {
        // Paths in the file start from its folder; "" is the current one and leaves them as they were typed.
        let folder = path.parent().unwrap_or(Path::new(""));
        if let Some(described) = project::read(path, choices)? {
            return Self::of_project(described, folder, choices);
        }
        let bytes = crate::regular_file::read(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let text = text::decode(bytes)
            .map_err(|why| ConfigError::Invalid(format!("{} {why}", path.display())))?;
        if let Some(described) = project::extended(path, &text, choices)? {
            return Self::of_project(described, folder, choices);
        }
        let config = Self::parse_with_images(Source::new(path, text), folder)?;
        Ok(config.with_runtimes(folder, choices.sandbox))
    }

    /// Reads and checks what a project has become.
    fn of_project(
        described: Described,
        folder: &Path,
        choices: &Choices,
    ) -> Result<Self, ConfigError> {
        let config = Self::parse_with_images(described.source, folder)?;
        let mut config = config.with_runtimes(folder, choices.sandbox);
        config.project = Some(described.project);
        config.notes.splice(0..0, described.notes);
        Ok(config)
    }

    /// Reads and checks a text, and opens the images of functions.
    fn parse_with_images(source: Source, folder: &Path) -> Result<Self, ConfigError> {
        match Self::parse(source, folder) {
            Ok(config) => config.with_images(),
            Err(ConfigError::Mistaken(mut mistaken)) => {
                let of_images = mistaken.config.open_images();
                mistaken.add(of_images);
                Err(ConfigError::Mistaken(mistaken))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a configuration file, or makes a configuration of the code beside it if there is no file and the folder has
    /// a handler: one function, which is watched. `sandbox` overrides what the file says.
    pub fn read_or_guess(path: &Path, choices: &Choices) -> Result<Self, ConfigError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let code = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        if path.symlink_metadata().is_ok() || code.join("bootstrap").exists() {
            return Self::read_with(path, choices);
        }
        let Some(guess) = guess_folder(code) else {
            return Self::read_with(path, choices).map_err(|error| {
                match handler::explain(code, "") {
                    Some(handlers) => ConfigError::NotGuessed {
                        path: path.to_owned(),
                        handlers,
                    },
                    None => error,
                }
            });
        };
        let name = function::name_of(code);
        let text = format!(
            "[functions.{name}]\ncode = \".\"\nhandler = {:?}\nwatch = true\n",
            guess.handler
        );
        let config = Self::parse(Source::new(path, text), folder)?;
        let mut config = config.with_runtimes(folder, choices.sandbox);
        config.guessed_from = Some(code.join(&guess.file));
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
                return Err(ConfigError::Invalid(source.render_all(&[diagnostic])));
            }
        };
        let diagnostics = Diagnostics::default();
        let root = Reader::root(table.get_ref(), &TABLE, &diagnostics);
        let names = |section| names_in(table.get_ref(), section);
        let sections = Sections {
            queues: &names("queues"),
            triggers: &names("triggers"),
            services: &names("services"),
        };
        let read = read_root(root, folder, &sections, &diagnostics);
        let diagnostics = diagnostics.into_sorted();
        let names = names_in(table.get_ref(), "functions");
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
        let config = Self {
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
            problems: Vec::new(),
            guessed_from: None,
            project: None,
        };
        if diagnostics.is_empty() {
            return Ok(config);
        }
        Err(ConfigError::Mistaken(Box::new(Mistaken {
            config,
            functions: names,
            diagnostics,
        })))
    }

    fn with_images(self) -> Result<Self, ConfigError> {
        let diagnostics = self.open_images();
        if diagnostics.is_empty() {
            return Ok(self);
        }
        let functions = self.function_names().map(str::to_owned).collect();
        Err(ConfigError::Mistaken(Box::new(Mistaken {
            config: self,
            functions,
            diagnostics,
        })))
    }

    /// Opens the images of functions. Returns what is wrong with them.
    fn open_images(&self) -> Vec<Diagnostic> {
        let functions = self.functions.iter().zip(&self.function_inputs);
        let mut mistakes: Vec<Diagnostic> = functions
            .filter_map(|(spec, inputs)| inputs.image.as_ref()?.open_for(spec).err())
            .collect();
        // Versions without an image of their own have the function's.
        mistakes.dedup_by_key(|mistake| mistake.span.clone());
        mistakes
    }

    /// Finds the interpreters of the functions' runtimes.
    fn with_runtimes(mut self, folder: &Path, sandbox: Option<SandboxChoice>) -> Self {
        for (spec, inputs) in self.functions.iter_mut().zip(&mut self.function_inputs) {
            inputs.sandbox = sandbox.or(inputs.sandbox);
            let choice = inputs.sandbox.unwrap_or(self.sandbox);
            inputs.runtime.is_sandboxed = choice != SandboxChoice::Process;
            let found = managed::prepare(spec, &inputs.runtime, folder);
            inputs.bundler = found.bundler;
            self.notes.extend(found.notes);
            let problem = found.problem.into_iter();
            let name = full_name(spec);
            self.notes.extend(debug::limit(spec, &name));
            self.problems
                .extend(problem.map(|problem| format!("function {name}: {problem}")));
        }
        self.notes = gathered(std::mem::take(&mut self.notes));
        self
    }

    /// Makes functions ones that are debugged. `path` is that of the file.
    pub fn debug(
        &mut self,
        options: &[DebugOption],
        wait: bool,
        path: &Path,
    ) -> Result<(), String> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let is_only = self.functions.len() == 1;
        let ports = |spec: &FunctionSpec| spec.debug.map(|debug| debug.port);
        let mut taken: BTreeSet<u16> = self.functions.iter().filter_map(ports).collect();
        taken.extend(options.iter().filter_map(|option| option.port));
        for option in options {
            let mut functions = self.functions.iter_mut().zip(&mut self.function_inputs);
            let is_meant = |spec: &FunctionSpec| match option.function.as_str() {
                "" => is_only,
                name => name == full_name(spec),
            };
            let Some((spec, inputs)) = functions.find(|(spec, _)| is_meant(spec)) else {
                return Err(self.nothing_to_debug(&option.function));
            };
            let language = managed::language(spec, &inputs.runtime);
            spec.debug(option.settings(spec, language, wait, &taken)?);
            taken.extend(ports(spec));
            let name = full_name(spec);
            self.notes.extend(debug::limit(spec, &name));
            // What it says about the runtime was said when the configuration was read.
            inputs.bundler = managed::prepare(spec, &inputs.runtime, folder).bundler;
        }
        Ok(())
    }

    /// Makes functions ones that are not debugged, for what does not invoke them. `path` is that of the file.
    pub fn leave_undebugged(&mut self, path: &Path) {
        let folder = path.parent().unwrap_or(Path::new(""));
        for (spec, inputs) in self.functions.iter_mut().zip(&self.function_inputs) {
            if spec.debug.take().is_some() {
                // What it says about the runtime was said when the configuration was read.
                managed::prepare(spec, &inputs.runtime, folder);
            }
        }
    }

    fn nothing_to_debug(&self, name: &str) -> String {
        let names: Vec<String> = self.functions.iter().map(full_name).collect();
        let hint = suggestion(name, names.iter().map(String::as_str));
        match name {
            "" if !names.is_empty() => format!(
                "name the function to debug: --debug FUNCTION; the functions are: {}",
                names.join(", ")
            ),
            "" => format!("name the function to debug: --debug FUNCTION; {hint}"),
            _ => format!("there is no function {name:?} to debug; {hint}"),
        }
    }

    /// The name of the function with this other name.
    pub fn named(&self, other: &str) -> Option<&str> {
        let mut functions = self.functions.iter();
        let found = functions.find(|spec| spec.other_names.iter().any(|name| name == other))?;
        Some(&found.name)
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
        self.source.render_all(diagnostics)
    }
}

/// The keys of a table of the file.
fn names_in(root: &DeTable<'_>, table: &str) -> Vec<String> {
    let table = root.get(table).and_then(|value| value.get_ref().as_table());
    let keys = table.into_iter().flat_map(|table| table.keys());
    keys.map(|key| key.get_ref().to_string()).collect()
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

fn read_root(
    mut root: Reader<'_>,
    folder: &Path,
    sections: &Sections<'_>,
    diagnostics: &Diagnostics,
) -> Read {
    // A file with this key has been laid over a project before it is read here.
    let _ = root.text("extends");
    let account = account::read(&mut root, diagnostics);
    let service_endpoints = root.flag("service-endpoints");
    let sandbox = sandbox::read(&mut root).unwrap_or_default();
    let version_check = managed::read_version_check(&mut root);
    let allowlist = allowlist::read(&mut root, diagnostics);
    let mut listeners = Listeners::default();
    let invoke = invoke::read(&mut root, folder, &mut listeners, diagnostics);
    let tables = root.tables("functions");
    let several = tables.len() > 1;
    let names: Vec<String> = tables.iter().map(|(name, _)| name.value.clone()).collect();
    let mut events = BTreeMap::new();
    let mut functions = Vec::new();
    for (name, mut table) in tables {
        if let Some(config) =
            asynchronous::read_function(&mut table, &names, sections.queues, diagnostics)
        {
            events.insert(name.value.clone(), config);
        }
        let own = table.flag("service-endpoints");
        let urls = url_variables::read(&mut table, sections, diagnostics);
        let endpoints = own.or(service_endpoints.clone());
        let function = function::read(name, table, folder, several, &mut listeners, diagnostics);
        functions.extend(function.map(|mut function| {
            function.reach_services(endpoints.is_none_or(|endpoints| endpoints.value));
            function.set_url_variables(&urls);
            function.set_version_check(version_check);
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
mod tests;
