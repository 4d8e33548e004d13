//! `[functions.NAME]`: what is run, and how.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambkin_lambda::limits::MAX_TIMEOUT;
use lambkin_lambda::{
    Code, CodeError, Entry, FunctionSpec, Lifecycle, Logging, Variables, is_function_name,
    is_reserved_variable,
};

use super::lifecycle;
use super::origin::{Origin, VariableSources, check_size};
use super::reader::{Found, Problems, Reader};

/// Lambda's own defaults.
const TIMEOUT: Duration = Duration::from_secs(3);
const MEMORY_MB: u32 = 128;
/// Enough for a page that loads much at once, few enough not to drown a laptop in processes.
const CONCURRENCY: usize = 32;
const QUEUE: usize = 1000;
const VERSION: &str = "$LATEST";

/// Lambda's bounds, in MB.
const MEMORY_BOUNDS: std::ops::RangeInclusive<u64> = 128..=10_240;

/// The folder into which a project's archives are unpacked.
fn task_folder(project: &Path) -> PathBuf {
    project.join(".lambkin").join("code")
}

pub fn read(
    name: Found<String>,
    mut table: Reader<'_>,
    project: &Path,
    several: bool,
    problems: &Problems,
) -> Option<(FunctionSpec, Origin)> {
    if !is_function_name(&name.value) {
        problems.add(
            name.place,
            &name.key,
            "a function's name is 1 to 64 letters, digits, `-` and `_`",
        );
        return None;
    }
    if !table.has("code") {
        problems.add(
            table.place(),
            table.path(),
            "needs `code`: a folder, a bootstrap file or a .zip",
        );
    }
    let code = table.text("code");
    let command = table.texts("command");
    let handler = table.text("handler");
    let timeout = table.number("timeout", MAX_TIMEOUT.as_secs_f64(), "seconds");
    let memory = table.integer("memory", MEMORY_BOUNDS, "MB");
    let concurrency = table.integer("concurrency", 1..=10_000, "environments");
    let queue = table.integer("queue", 0..=1_000_000, "calls");
    let lifecycle = lifecycle::read(&mut table, problems);
    let logging = lifecycle::read_logging(&mut table, problems);
    let layers = lifecycle::read_layers(&mut table, project, problems);
    let (sources, variables) = read_variables(&mut table, project, problems);
    let (watch, ignore) = read_watch(&mut table, problems);
    let path = code.as_ref().map(|code| project.join(&code.value));
    let code = code.and_then(|code| open(&code, command, project, problems));
    table.finish();
    let origin = Origin {
        code: path?,
        layers: layers.clone(),
        unpack_to: task_folder(project),
        variables: sources,
        watch,
        ignore,
    };
    let spec = FunctionSpec {
        code: code?,
        handler: handler.map_or(String::new(), |handler| handler.value),
        version: VERSION.to_owned(),
        timeout: timeout.map_or(TIMEOUT, |timeout| Duration::from_secs_f64(timeout.value)),
        memory_mb: memory
            .and_then(|memory| u32::try_from(memory.value).ok())
            .unwrap_or(MEMORY_MB),
        variables,
        concurrency: concurrency.map_or(CONCURRENCY, |limit| limit.value as usize),
        queue: queue.map_or(QUEUE, |queue| queue.value as usize),
        log_prefix: if several {
            format!("{} | ", name.value)
        } else {
            String::new()
        },
        lifecycle,
        logging,
        layers,
        name: name.value,
    };
    Some((spec, origin))
}

fn open(
    code: &Found<String>,
    command: Option<Found<Vec<String>>>,
    project: &Path,
    problems: &Problems,
) -> Option<Code> {
    let mut opened = match Code::open(&project.join(&code.value), &task_folder(project)) {
        Ok(opened) => opened,
        Err(error) => {
            problems.add(code.place.clone(), &code.key, error.to_string());
            return None;
        }
    };
    if let Some(command) = command {
        if command.value.is_empty() {
            problems.add(command.place, &command.key, "must name a program");
        }
        opened.entry = Entry::Command(command.value);
    }
    Some(opened)
}

/// `watch`: whether a change restarts the function, and which do not.
fn read_watch(table: &mut Reader<'_>, problems: &Problems) -> (bool, Vec<String>) {
    let Some((watch, settings)) = table.switch("watch") else {
        return (false, Vec::new());
    };
    let Some(mut settings) = settings else {
        return (watch, Vec::new());
    };
    let ignore = settings.texts("ignore");
    settings.finish();
    let Some(ignore) = ignore else {
        return (watch, Vec::new());
    };
    if let Err(error) = crate::watch::Ignore::new(&ignore.value) {
        problems.add(ignore.place, &ignore.key, error.to_string());
    }
    (watch, ignore.value)
}

/// `env-file`, `pass-environment` and `environment`: where the variables come from, and what they are now.
fn read_variables(
    table: &mut Reader<'_>,
    project: &Path,
    problems: &Problems,
) -> (VariableSources, Variables) {
    let mut sources = VariableSources::default();
    let mut place = (table.place(), table.path().to_owned());
    let files = table.text_or_texts("env-file");
    if let Some(files) = &files {
        place = (files.place.clone(), files.key.clone());
        sources.files = files.value.iter().map(|file| project.join(file)).collect();
    }
    if let Some(passed) = table.texts("pass-environment") {
        let names = passed.value.iter();
        for name in names.filter(|name| is_reserved_variable(name)) {
            let message = format!("{name} is reserved by Lambda, which sets it itself");
            problems.add(passed.place.clone(), &passed.key, message);
        }
        sources.passed = passed.value;
    }
    if let Some(own) = table.table("environment") {
        place = (own.place(), own.path().to_owned());
        sources.own = read_own_variables(own, problems);
    }
    let (variables, mistakes) = sources.read();
    if let Some(files) = files {
        for mistake in mistakes {
            problems.add(files.place.clone(), &files.key, mistake);
        }
    }
    if let Err(message) = check_size(&variables) {
        problems.add(place.0, &place.1, message);
    }
    (sources, variables.into())
}

fn read_own_variables(table: Reader<'_>, problems: &Problems) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (key, value) in table.remaining_texts() {
        let legal =
            !key.value.is_empty() && !key.value.contains(['=', '\0']) && !value.contains('\0');
        if is_reserved_variable(&key.value) {
            problems.add(
                key.place,
                &key.key,
                "is reserved by Lambda, which sets it itself",
            );
        } else if !legal {
            problems.add(key.place, &key.key, "is no legal environment variable");
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
    Ok(FunctionSpec {
        name: if name.is_empty() {
            "function".to_owned()
        } else {
            name
        },
        code,
        handler: String::new(),
        version: VERSION.to_owned(),
        timeout: MAX_TIMEOUT,
        memory_mb: MEMORY_MB,
        variables: Variables::default(),
        concurrency: 1,
        queue: 0,
        log_prefix: String::new(),
        lifecycle: Lifecycle::default(),
        logging: Logging::default(),
        layers: Vec::new(),
    })
}
