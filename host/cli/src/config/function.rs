//! `[functions.NAME]`: what is run, and how.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambkin_lambda::limits::{MAX_TIMEOUT, VARIABLES_BYTES};
use lambkin_lambda::{
    Code, CodeError, Entry, FunctionSpec, is_function_name, is_reserved_variable,
};

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
) -> Option<FunctionSpec> {
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
    let variables = table
        .table("environment")
        .map(|variables| read_variables(variables, problems));
    let code = code.and_then(|code| open(&code, command, project, problems));
    table.finish();
    Some(FunctionSpec {
        code: code?,
        handler: handler.map_or(String::new(), |handler| handler.value),
        version: VERSION.to_owned(),
        timeout: timeout.map_or(TIMEOUT, |timeout| Duration::from_secs_f64(timeout.value)),
        memory_mb: memory
            .and_then(|memory| u32::try_from(memory.value).ok())
            .unwrap_or(MEMORY_MB),
        variables: variables.unwrap_or_default(),
        exact_variables: false,
        runtime_api: None,
        concurrency: concurrency.map_or(CONCURRENCY, |limit| limit.value as usize),
        queue: queue.map_or(QUEUE, |queue| queue.value as usize),
        log_prefix: if several {
            format!("{} | ", name.value)
        } else {
            String::new()
        },
        name: name.value,
    })
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

fn read_variables(table: Reader<'_>, problems: &Problems) -> BTreeMap<String, String> {
    let (place, path) = (table.place(), table.path().to_owned());
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
    let bytes: usize = variables
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > VARIABLES_BYTES {
        let message = format!(
            "the variables are {bytes} bytes, more than Lambda's limit of {VARIABLES_BYTES}"
        );
        problems.add(place, &path, message);
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
        variables: BTreeMap::new(),
        exact_variables: false,
        runtime_api: None,
        concurrency: 1,
        queue: 0,
        log_prefix: String::new(),
    })
}
