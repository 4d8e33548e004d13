//! `[functions.NAME]`: a function with all its versions and aliases.

use std::path::{Path, PathBuf};

use lambkin_lambda::limits::{MAX_TIMEOUT, UNPACKED_BYTES};
use lambkin_lambda::{
    Alias, Code, CodeError, Entry, FunctionSpec, RecursiveLoop, SandboxMode, is_function_name,
    is_version_number,
};
use lambkin_runtimes::Runtime;

use super::function_inputs::FunctionInputs;
use super::image::ImageInputs;
use super::key::{self, Key, Kind, Table};
use super::listeners::Listeners;
use super::managed::{RuntimeSettings, VersionCheck};
use super::reader::{Diagnostics, Reader, Spanned};
use super::sandbox::SandboxChoice;
use super::url_variables::UrlVariables;
use super::version::{LATEST, Version, read_version_keys, task_folder};
use super::{
    alias, asynchronous, bundle, debug, handler, image, lifecycle, managed, sandbox, url_variables,
    version,
};

/// `[functions.NAME]`
pub const TABLE: Table = Table::new(&[
    &[Key::optional(
        "code",
        Kind::Text,
        "The code, which every function has that has no `image`: a folder with a `bootstrap` or with the file of a handler, \
         such as `app.py`; a bootstrap file or such a file; or a `.zip`. The path is relative to the folder of `lambkin.toml`.",
    )],
    image::KEYS,
    version::KEYS,
    managed::KEYS,
    bundle::KEYS,
    sandbox::KEYS,
    lifecycle::KEYS,
    debug::KEYS,
    url_variables::KEYS,
    KEYS,
]);

/// The keys that apply to all versions of a function, as on AWS.
const KEYS: &[Key] = &[
    Key::with_default(
        "other-names",
        Kind::Texts,
        "[]",
        "Further names by which callers of the Invoke API and `lambkin invoke` find the function, such as its logical id \
         in a template.",
    ),
    Key::optional(
        "reserved-concurrency",
        Kind::Integer {
            min: 0,
            max: 10_000,
            unit: "executions",
        },
        "AWS's limit, in place of `concurrency` and `queue`: the maximum number of concurrent environments of each \
         version; further calls are throttled. With 0, every call is throttled.",
    ),
    Key::with_default(
        "tenant-isolation",
        Kind::Flag,
        "false",
        "Whether calls have to name a tenant (`X-Amz-Tenant-Id`). Functions without tenant isolation refuse calls that \
         do.",
    ),
    Key::with_default(
        "recursive-loop",
        Kind::Choice(&["Terminate", "Allow"]),
        "\"Terminate\"",
        "What happens to the 17th call of the function in one chain of calls: it is refused, or it runs.",
    ),
    Key::with_default(
        "service-endpoints",
        Kind::Flag,
        "true",
        "Whether the function receives the addresses of the services and of the Invoke API, and credentials for them. \
         Left out, the key of the same name at the top of `lambkin.toml` applies.",
    ),
    Key::optional(
        "asynchronous",
        Kind::Table(&asynchronous::FUNCTION_TABLE),
        "What happens to events that the function is invoked with asynchronously.",
    ),
    Key::optional(
        "versions",
        Kind::Entries {
            name: "N",
            pattern: "^[1-9][0-9]*$",
            entry: key::Entry::Table(&version::TABLE),
        },
        "Published versions. Keys that a version leaves out have the values that they have for the function.",
    ),
    Key::optional(
        "aliases",
        Kind::Entries {
            name: "ALIAS",
            pattern: "^[A-Za-z0-9_-]{1,128}$",
            entry: key::Entry::TextOrTable(&alias::TABLE),
        },
        "Names for versions: `{ live = \"2\", beta = \"$LATEST\" }`, or with a share of the calls for other versions: \
         `{ live = { version = \"2\", weights = { \"3\" = 0.1 } } }`.",
    ),
];

/// A function with all its versions.
#[derive(Debug)]
pub struct Definition {
    /// `$LATEST`, then the published versions.
    pub versions: Vec<Version>,
    pub aliases: Vec<Alias>,
}

impl Definition {
    /// Sets whether the function receives the addresses of the services.
    pub fn reach_services(&mut self, reaches: bool) {
        for version in &mut self.versions {
            version.inputs.service_endpoints = reaches;
        }
    }

    /// Sets how versions of interpreters are checked, unless the function says it.
    pub fn set_version_check(&mut self, check: Option<VersionCheck>) {
        for version in &mut self.versions {
            let own = &mut version.inputs.runtime.version_check;
            *own = Some(own.or(check).unwrap_or_default());
        }
    }

    /// Sets the variables with URLs of this configuration.
    pub fn set_url_variables(&mut self, variables: &UrlVariables) {
        for version in &mut self.versions {
            version.inputs.url_variables = variables.clone();
        }
    }
}

/// Reads a function. What cannot be read is reported and keeps its default, so that all mistakes are found.
pub fn read(
    name: Spanned<String>,
    mut table: Reader<'_>,
    project: &Path,
    several: bool,
    listeners: &mut Listeners,
    diagnostics: &Diagnostics,
) -> Option<Definition> {
    if !is_function_name(&name.value) {
        diagnostics.add(
            name.span,
            &name.key,
            "the name of a function has 1 to 64 letters, digits, `-` and `_`",
        );
        return None;
    }
    if !table.has("code") && !table.has("image") {
        diagnostics.add(
            table.span(),
            table.path(),
            "needs `code`, a folder, a bootstrap file or a .zip, or `image`, a container image",
        );
    }
    let mut base = defaults(name.value);
    if several || table.has("versions") {
        base.log_prefix = format!("{} | ", base.name);
    }
    read_whole_function_keys(&mut table, &mut base);
    let base = Version {
        spec: base,
        inputs: FunctionInputs::new(task_folder(project)),
    };
    let latest = read_version_keys(&mut table, base, project, listeners, diagnostics);
    let mut versions = Vec::new();
    for (number, table) in table.tables("versions") {
        let version = read_version(&number, table, &latest, project, listeners, diagnostics);
        versions.extend(version);
    }
    let numbers: Vec<&str> = versions
        .iter()
        .map(|one| one.spec.version.as_str())
        .collect();
    let aliases = alias::read(&mut table, &latest.spec.name, &numbers, diagnostics);
    table.finish();
    versions.insert(0, latest);
    Some(Definition { versions, aliases })
}

fn read_version(
    number: &Spanned<String>,
    mut table: Reader<'_>,
    latest: &Version,
    project: &Path,
    listeners: &mut Listeners,
    diagnostics: &Diagnostics,
) -> Option<Version> {
    if !is_version_number(&number.value) {
        let message = "a version is a number: 1, 2, 3, …";
        diagnostics.add(number.span.clone(), &number.key, message);
        return None;
    }
    let spec = FunctionSpec {
        version: number.value.clone(),
        log_prefix: format!("{}:{} | ", latest.spec.name, number.value),
        debug: None,
        ..latest.spec.clone()
    };
    let base = Version {
        spec,
        inputs: latest.inputs.clone(),
    };
    let version = read_version_keys(&mut table, base, project, listeners, diagnostics);
    table.finish();
    Some(version)
}

/// A function with the defaults, whose code is not known yet.
pub fn defaults(name: String) -> FunctionSpec {
    let code = Code {
        task_root: PathBuf::new(),
        entry: Entry::Search,
        archive: None,
    };
    FunctionSpec::new(name, code)
}

/// Reads the keys that apply to all versions of a function.
fn read_whole_function_keys(table: &mut Reader<'_>, spec: &mut FunctionSpec) {
    if let Some(names) = table.texts("other-names") {
        spec.other_names = names.value;
    }
    if let Some(reserved) = table.integer("reserved-concurrency") {
        spec.reserved_concurrency = true;
        spec.concurrency = reserved.value as usize;
        spec.queue = 0;
    }
    if let Some(isolation) = table.flag("tenant-isolation") {
        spec.tenant_isolation = isolation.value;
    }
    if let Some(action) = table.choice("recursive-loop") {
        spec.recursive_loop = match action.value {
            "Allow" => RecursiveLoop::Allow,
            _ => RecursiveLoop::Terminate,
        };
    }
}

/// A function that is not configured: with Lambda's defaults, except for the timeout, which is Lambda's maximum.
#[derive(Debug)]
pub struct AdHoc<'a> {
    /// The code: a folder, a file or a .zip.
    pub code: &'a Path,
    /// The handler; `None` is the one that the code seems to have.
    pub handler: Option<&'a str>,
    /// The runtime; `None` is the one that the code seems to need.
    pub runtime: Option<Runtime>,
    /// How it is kept apart from the machine.
    pub sandbox: SandboxChoice,
}

/// Opens the code of such a function. Returns what the developer should know about its runtime, too.
pub fn ad_hoc(wanted: AdHoc<'_>, project: &Path) -> Result<(FunctionSpec, Vec<String>), CodeError> {
    let code = Code::open(wanted.code, &task_folder(project), UNPACKED_BYTES)?;
    let mut spec = FunctionSpec {
        timeout: MAX_TIMEOUT,
        concurrency: 1,
        queue: 0,
        handler: wanted.handler.unwrap_or_default().to_owned(),
        is_configured: false,
        ..FunctionSpec::new(name_of(wanted.code), code)
    };
    let handler_file = spec.check_program().is_err() && handler::is_handler_file(wanted.code);
    if handler_file {
        // As if the handler were named in the folder.
        spec.name = name_of(&spec.code.task_root);
    }
    let settings = RuntimeSettings {
        runtime: wanted.runtime,
        is_sandboxed: wanted.sandbox != SandboxChoice::Process,
        ..RuntimeSettings::default()
    };
    let mut found = managed::prepare(&mut spec, &settings, project);
    let problem = found.problem.into_iter();
    found
        .notes
        .extend(problem.map(|problem| format!("function {}: {problem}", spec.name)));
    Ok((spec, found.notes))
}

/// Opens an image without a configuration: a path or the name of an image of a registry.
pub fn ad_hoc_image(name: &str, project: &Path) -> Result<FunctionSpec, String> {
    let image = ImageInputs::new(name, project)?.open()?;
    Ok(FunctionSpec {
        timeout: MAX_TIMEOUT,
        concurrency: 1,
        queue: 0,
        sandbox: SandboxMode::Image,
        is_configured: false,
        ..FunctionSpec::new(name_of(Path::new(name)), Code::of_image(image))
    })
}

/// The name of a function that has none: its file's or folder's.
pub fn name_of(path: &Path) -> String {
    let stem = path
        .canonicalize()
        .ok()
        .and_then(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
    let name: String = stem
        .unwrap_or_default()
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() || character == '_' {
                character
            } else {
                '-'
            }
        })
        .take(64)
        .collect();
    if name.is_empty() {
        "function".to_owned()
    } else {
        name
    }
}

/// The name of a function, with the version if it is a published one: `hello`, `hello:2`.
pub fn full_name(spec: &FunctionSpec) -> String {
    match spec.version.as_str() {
        LATEST => spec.name.clone(),
        number => format!("{}:{number}", spec.name),
    }
}
