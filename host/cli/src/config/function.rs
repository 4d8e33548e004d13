//! `[functions.NAME]`: what is run, and how.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambkin_lambda::limits::MAX_TIMEOUT;
use lambkin_lambda::{
    Alias, Code, CodeError, Entry, FunctionSpec, RecursiveLoop, Variables, is_function_name,
    is_reserved_variable,
};

use super::lifecycle;
use super::origin::{Origin, VariableSources, check_size};
use super::reader::{Diagnostics, Reader, Spanned};
use super::version;

/// The version that is not published.
pub const LATEST: &str = "$LATEST";

/// Lambda's bounds, in MB.
const MEMORY_BOUNDS: std::ops::RangeInclusive<u64> = 128..=10_240;

/// The folder into which a project's archives are unpacked.
fn task_folder(project: &Path) -> PathBuf {
    project.join(".lambkin").join("code")
}

/// A function in all its versions.
#[derive(Debug)]
pub struct Definition {
    /// `$LATEST`, then the published ones.
    pub versions: Vec<Version>,
    pub aliases: Vec<Alias>,
}

impl Definition {
    /// Whether the function is told where the services are.
    pub fn reach_services(&mut self, reaches: bool) {
        for version in &mut self.versions {
            version.origin.service_endpoints = reaches;
        }
    }
}

/// A version of a function, and what it is made of.
#[derive(Debug, Clone)]
pub struct Version {
    pub spec: FunctionSpec,
    pub origin: Origin,
}

/// Reads a function. What can not be read is noted and stands at its default, so that all mistakes are found.
pub fn read(
    name: Spanned<String>,
    mut table: Reader<'_>,
    project: &Path,
    several: bool,
    diagnostics: &Diagnostics,
) -> Option<Definition> {
    if !is_function_name(&name.value) {
        diagnostics.add(
            name.span,
            &name.key,
            "a function's name is 1 to 64 letters, digits, `-` and `_`",
        );
        return None;
    }
    if !table.has("code") {
        diagnostics.add(
            table.span(),
            table.path(),
            "needs `code`: a folder, a bootstrap file or a .zip",
        );
    }
    let mut base = defaults(name.value);
    if several || table.has("versions") {
        base.log_prefix = format!("{} | ", base.name);
    }
    read_whole_function_keys(&mut table, &mut base, diagnostics);
    let base = Version {
        spec: base,
        origin: Origin::new(task_folder(project)),
    };
    let latest = read_version_keys(&mut table, base, project, diagnostics);
    let (mut versions, aliases) = version::read(&mut table, &latest, project, diagnostics);
    table.finish();
    versions.insert(0, latest);
    Some(Definition { versions, aliases })
}

/// A function with the defaults, whose code is not known yet.
pub fn defaults(name: String) -> FunctionSpec {
    let code = Code {
        task_root: PathBuf::new(),
        entry: Entry::Search,
    };
    FunctionSpec::new(name, code)
}

/// The keys that all versions of a function share, as on AWS.
fn read_whole_function_keys(
    table: &mut Reader<'_>,
    spec: &mut FunctionSpec,
    diagnostics: &Diagnostics,
) {
    if let Some(reserved) = table.integer("reserved-concurrency", 0..=10_000, "executions") {
        spec.reserved_concurrency = true;
        spec.concurrency = reserved.value as usize;
        spec.queue = 0;
    }
    if let Some(isolation) = table.flag("tenant-isolation") {
        spec.tenant_isolation = isolation.value;
    }
    if let Some(wanted) = table.text("recursive-loop") {
        match wanted.value.as_str() {
            "Terminate" => spec.recursive_loop = RecursiveLoop::Terminate,
            "Allow" => spec.recursive_loop = RecursiveLoop::Allow,
            other => diagnostics.add(
                wanted.span,
                &wanted.key,
                format!("must be \"Terminate\" or \"Allow\", not {other:?}"),
            ),
        }
    }
}

/// The keys that each version may have of its own; `base` has what stands for those that are left out.
pub fn read_version_keys(
    table: &mut Reader<'_>,
    base: Version,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Version {
    let Version {
        spec: base,
        mut origin,
    } = base;
    let code = table.text("code");
    let command = table.texts("command");
    let handler = table.text("handler");
    let timeout = table.number("timeout", MAX_TIMEOUT.as_secs_f64(), "seconds");
    let memory = table.integer("memory", MEMORY_BOUNDS, "MB");
    let concurrency = table.integer("concurrency", 0..=10_000, "environments");
    let queue = table.integer("queue", 0..=1_000_000, "calls");
    if base.reserved_concurrency {
        for other in concurrency.iter().chain(&queue) {
            let message = "has no say next to `reserved-concurrency`, which is a limit without a queue; \
                           keep one of them";
            diagnostics.add(other.span.clone(), &other.key, message);
        }
    }
    if let Some(code) = &code {
        origin.code = project.join(&code.value);
    }
    read_watch(table, &mut origin, diagnostics);
    let variables = read_variables(table, &mut origin.variables, project, diagnostics);
    let layers = lifecycle::read_layers(table, base.layers, project, diagnostics);
    origin.layers.clone_from(&layers);
    let memory = memory.and_then(|memory| u32::try_from(memory.value).ok());
    let spec = FunctionSpec {
        code: read_code(code, command, base.code, project, diagnostics),
        handler: handler.map_or(base.handler, |handler| handler.value),
        timeout: timeout.map_or(base.timeout, |timeout| {
            Duration::from_secs_f64(timeout.value)
        }),
        memory_mb: memory.unwrap_or(base.memory_mb),
        variables,
        concurrency: concurrency.map_or(base.concurrency, |limit| limit.value as usize),
        queue: queue.map_or(base.queue, |queue| queue.value as usize),
        lifecycle: lifecycle::read(table, base.lifecycle, diagnostics),
        logging: lifecycle::read_logging(table, base.logging, diagnostics),
        layers,
        ..base
    };
    Version { spec, origin }
}

/// The code of `code` and `command`, each of which may be left out.
fn read_code(
    code: Option<Spanned<String>>,
    command: Option<Spanned<Vec<String>>>,
    base: Code,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Code {
    let opened = code.and_then(|code| {
        let opened = Code::open(&project.join(&code.value), &task_folder(project));
        opened
            .map_err(|error| diagnostics.add(code.span, &code.key, error.to_string()))
            .ok()
    });
    let mut read = match (opened, &base.entry) {
        (Some(opened), Entry::Command(_)) => Code {
            entry: base.entry,
            ..opened
        },
        (Some(opened), _) => opened,
        (None, _) => base,
    };
    if let Some(command) = command {
        if command.value.is_empty() {
            diagnostics.add(command.span, &command.key, "must name a program");
        }
        read.entry = Entry::Command(command.value);
    }
    read
}

/// `watch`: whether a change restarts the function, and which do not.
fn read_watch(table: &mut Reader<'_>, origin: &mut Origin, diagnostics: &Diagnostics) {
    let Some((watch, settings)) = table.switch("watch") else {
        return;
    };
    origin.watch = watch;
    let Some(mut settings) = settings else {
        return;
    };
    if let Some(ignore) = settings.texts("ignore") {
        if let Err(error) = super::ignore::Ignore::new(&ignore.value) {
            diagnostics.add(ignore.span, &ignore.key, error.to_string());
        }
        origin.ignore = ignore.value;
    }
    settings.finish();
}

/// `env-file`, `pass-environment` and `environment`: where the variables come from, and what they are now.
fn read_variables(
    table: &mut Reader<'_>,
    sources: &mut VariableSources,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Variables {
    let mut at = (table.span(), table.path().to_owned());
    let files = table.text_or_texts("env-file");
    if let Some(files) = &files {
        at = (files.span.clone(), files.key.clone());
        sources.files = files.value.iter().map(|file| project.join(file)).collect();
    }
    if let Some(passed) = table.texts("pass-environment") {
        let names = passed.value.iter();
        for name in names.filter(|name| is_reserved_variable(name)) {
            let message = format!("{name} is reserved by Lambda, which sets it itself");
            diagnostics.add(passed.span.clone(), &passed.key, message);
        }
        sources.passed = passed.value;
    }
    if let Some(own) = table.table("environment") {
        at = (own.span(), own.path().to_owned());
        sources.own = read_own_variables(own, diagnostics);
    }
    let (variables, mistakes) = sources.read();
    if let Some(files) = files {
        for mistake in mistakes {
            diagnostics.add(files.span.clone(), &files.key, mistake);
        }
    }
    if let Err(message) = check_size(&variables) {
        diagnostics.add(at.0, &at.1, message);
    }
    variables.into()
}

fn read_own_variables(table: Reader<'_>, diagnostics: &Diagnostics) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (key, value) in table.remaining_texts() {
        let legal =
            !key.value.is_empty() && !key.value.contains(['=', '\0']) && !value.contains('\0');
        if is_reserved_variable(&key.value) {
            diagnostics.add(
                key.span,
                &key.key,
                "is reserved by Lambda, which sets it itself",
            );
        } else if !legal {
            diagnostics.add(key.span, &key.key, "is no legal environment variable");
        } else {
            variables.insert(key.value, value);
        }
    }
    variables
}

/// The function that a path stands for where there is no configuration: everything at Lambda's defaults, except for the
/// time-out, which is Lambda's longest.
pub fn ad_hoc(path: &Path, project: &Path) -> Result<FunctionSpec, CodeError> {
    let code = Code::open(path, &task_folder(project))?;
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
    let name = if name.is_empty() {
        "function".to_owned()
    } else {
        name
    };
    Ok(FunctionSpec {
        timeout: MAX_TIMEOUT,
        concurrency: 1,
        queue: 0,
        ..FunctionSpec::new(name, code)
    })
}

/// A function's name, with its version if it is a published one.
pub fn full_name(spec: &FunctionSpec) -> String {
    match spec.version.as_str() {
        LATEST => spec.name.clone(),
        number => format!("{}:{number}", spec.name),
    }
}
