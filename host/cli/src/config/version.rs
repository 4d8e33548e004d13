//! The keys that each version of a function can set: code, variables, limits, environments and logs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambkin_lambda::{Code, Entry, FunctionSpec, Variables, is_reserved_variable};

use super::bundle;
use super::debug;
use super::function_inputs::{FunctionInputs, VariableSources, check_size};
use super::ignore::Ignore;
use super::image;
use super::key::{self, Key, Kind, Table};
use super::lifecycle;
use super::listeners::Listeners;
use super::managed;
use super::reader::{Diagnostics, Reader, Spanned};
use super::sandbox;

/// The version that is not published.
pub const LATEST: &str = "$LATEST";

/// `[functions.NAME.versions.N]`
pub const TABLE: Table = Table::new(&[
    &[Key::optional(
        "code",
        Kind::Text,
        "The code of the version, if it is not the code of the function.",
    )],
    image::KEYS,
    KEYS,
    managed::KEYS,
    bundle::KEYS,
    sandbox::KEYS,
    lifecycle::KEYS,
    debug::KEYS,
]);

pub const KEYS: &[Key] = &[
    Key::optional(
        "command",
        Kind::Texts,
        "A program and its arguments to start instead of a `bootstrap`, in the folder of the code.",
    ),
    Key::with_default(
        "handler",
        Kind::Text,
        "\"\"",
        "The handler, such as `app.handler`, passed to the runtime in `_HANDLER`. Left out in code of a managed runtime, \
         it is the function with a usual name in a file with a usual name.",
    ),
    Key::with_default(
        "unpacked-limit",
        Kind::Integer {
            min: 1,
            max: 1_048_576,
            unit: "MB",
        },
        "250",
        "The maximum size of each unpacked `.zip`, of the code or of a layer. On AWS it is 250 MB for all together.",
    ),
    Key::with_default(
        "timeout",
        Kind::Number {
            max: 900.0,
            unit: "seconds",
        },
        "3",
        "The maximum duration of an invocation.",
    ),
    Key::with_default(
        "memory",
        Kind::Integer {
            min: 128,
            max: 10_240,
            unit: "MB",
        },
        "128",
        "The memory limit of an environment. An environment that exceeds it is killed, as on AWS, unless \
         `enforce-memory` is `false`.",
    ),
    Key::optional(
        "environment",
        Kind::Entries {
            name: "VARIABLE",
            pattern: "^[^=\\u0000]+$",
            entry: key::Entry::Text,
        },
        "Environment variables. All variables of a function together can have 4 KB, names included. The variables that \
         Lambda reserves are refused.",
    ),
    Key::optional(
        "env-file",
        Kind::TextOrTexts,
        "One or more files of `KEY=VALUE` lines, in the format of dotenv, as section *Env files* describes. Later files \
         override earlier ones, and `environment` overrides all of them.",
    ),
    Key::with_default(
        "pass-environment",
        Kind::Texts,
        "[]",
        "Names of variables to copy from the environment in which Lambkin was started. Variables that are not set \
         there are left out. They override `env-file`, and `environment` overrides them.",
    ),
    Key::with_default(
        "watch",
        Kind::FlagOrTable(&Table::new(&[WATCH_KEYS])),
        "false",
        "Whether a change of the code, of a layer or of an env-file restarts the function. A table stands for `true`.",
    ),
    Key::with_default(
        "layers",
        Kind::Texts,
        "[]",
        "Up to 5 folders or `.zip` archives that take the place of `/opt`. Their `bin` and `lib` folders are on the \
         search paths, a `bootstrap` in them is found, and the programs in their `extensions` folders are started.",
    ),
    Key::with_default(
        "concurrency",
        Kind::Integer {
            min: 0,
            max: 10_000,
            unit: "environments",
        },
        "32",
        "The maximum number of concurrent environments (processes). With 0, every call is throttled.",
    ),
    Key::with_default(
        "queue",
        Kind::Integer {
            min: 0,
            max: 1_000_000,
            unit: "calls",
        },
        "1000",
        "The maximum number of calls that wait while all environments are busy; further calls get status 429. On AWS \
         it is 0.",
    ),
];

const WATCH_KEYS: &[Key] = &[Key::with_default(
    "ignore",
    Kind::Texts,
    "[]",
    "Patterns of files whose changes are ignored, in addition to the built-in ones, such as `[\"*.log\", \"/data\"]`.",
)];

/// A version of a function, and where its code and variables come from.
#[derive(Debug, Clone)]
pub struct Version {
    pub spec: FunctionSpec,
    pub inputs: FunctionInputs,
}

/// The folder into which the archives of a project are unpacked.
pub fn task_folder(project: &Path) -> PathBuf {
    project.join(".lambkin").join("code")
}

/// Reads the keys that each version can set. Those that are left out keep the values of `base`.
pub fn read_version_keys(
    table: &mut Reader<'_>,
    base: Version,
    project: &Path,
    listeners: &mut Listeners,
    diagnostics: &Diagnostics,
) -> Version {
    let Version {
        spec: base,
        mut inputs,
    } = base;
    let base = read_image(table, base, &mut inputs, project, diagnostics);
    let code = table.text("code");
    let command = table.texts("command");
    let handler = table.text("handler");
    let timeout = table.number("timeout");
    let memory = table.integer("memory");
    let concurrency = table.integer("concurrency");
    let queue = table.integer("queue");
    if base.reserved_concurrency {
        for other in concurrency.iter().chain(&queue) {
            let message = "cannot be combined with `reserved-concurrency`, which is a limit without a queue; remove \
                           one of them";
            diagnostics.add(other.span.clone(), &other.key, message);
        }
    }
    if let Some(limit) = table.integer("unpacked-limit") {
        inputs.unpacked_limit = limit.value * 1024 * 1024;
    }
    if let Some(code) = &code {
        inputs.code = project.join(&code.value);
    }
    read_watch(table, &mut inputs, diagnostics);
    let variables = read_variables(table, &mut inputs.variables, project, diagnostics);
    let layers = lifecycle::read_layers(table, base.layers, &mut inputs, project, diagnostics);
    managed::read(table, &mut inputs.runtime, project, diagnostics);
    bundle::read(table, &mut inputs.runtime.bundle, diagnostics);
    let sandbox = match inputs.image {
        Some(_) => sandbox::read_with_image(table, diagnostics),
        None => sandbox::read(table),
    };
    inputs.sandbox = sandbox.or(inputs.sandbox);
    let tmp = table.integer("ephemeral-storage");
    let tmp = tmp.and_then(|tmp| u32::try_from(tmp.value).ok());
    let memory = memory.and_then(|memory| u32::try_from(memory.value).ok());
    let mut spec = FunctionSpec {
        code: read_code(
            code,
            command,
            base.code,
            inputs.unpacked_limit,
            project,
            diagnostics,
        ),
        handler: handler.map_or(base.handler, |handler| handler.value),
        timeout: timeout.map_or(base.timeout, |timeout| {
            Duration::from_secs_f64(timeout.value)
        }),
        memory_mb: memory.unwrap_or(base.memory_mb),
        variables,
        concurrency: concurrency.map_or(base.concurrency, |limit| limit.value as usize),
        queue: queue.map_or(base.queue, |queue| queue.value as usize),
        lifecycle: lifecycle::read(table, base.lifecycle, diagnostics),
        logging: lifecycle::read_logging(table, base.logging),
        layers,
        tmp_mb: tmp.unwrap_or(base.tmp_mb),
        ..base
    };
    debug::read(table, &mut spec, listeners, diagnostics);
    Version { spec, inputs }
}

/// Reads `image` and `image-config`. Returns `base` with the image, without what an image replaces.
fn read_image(
    table: &mut Reader<'_>,
    base: FunctionSpec,
    inputs: &mut FunctionInputs,
    project: &Path,
    diagnostics: &Diagnostics,
) -> FunctionSpec {
    let before = inputs.image.take();
    let was_image = before.is_some();
    let Some((image, code)) = image::read(table, before, project, diagnostics) else {
        return base;
    };
    inputs.image = Some(image);
    if was_image {
        return FunctionSpec {
            code: code.unwrap_or(base.code),
            ..base
        };
    }
    inputs.code = PathBuf::new();
    inputs.layers = Vec::new();
    inputs.runtime = managed::RuntimeSettings::default();
    inputs.sandbox = None;
    FunctionSpec {
        code: code.unwrap_or(base.code),
        handler: String::new(),
        layers: Vec::new(),
        ..base
    }
}

/// Reads the code that `code` and `command` name. Each of them can be left out.
fn read_code(
    code: Option<Spanned<String>>,
    command: Option<Spanned<Vec<String>>>,
    base: Code,
    unpacked_limit: u64,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Code {
    let opened = code.and_then(|code| {
        let opened = Code::open(
            &project.join(&code.value),
            &task_folder(project),
            unpacked_limit,
        );
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

/// Reads `watch`.
fn read_watch(table: &mut Reader<'_>, inputs: &mut FunctionInputs, diagnostics: &Diagnostics) {
    let Some((watch, settings)) = table.flag_or_table("watch") else {
        return;
    };
    inputs.watch = watch;
    let Some(mut settings) = settings else {
        return;
    };
    if let Some(ignore) = settings.texts("ignore") {
        if let Err(error) = Ignore::new(&ignore.value) {
            diagnostics.add(ignore.span, &ignore.key, error.to_string());
        }
        inputs.ignore = ignore.value;
    }
    settings.finish();
}

/// Reads `env-file`, `pass-environment` and `environment`, and the variables that they give now.
fn read_variables(
    table: &mut Reader<'_>,
    sources: &mut VariableSources,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Variables {
    let mut at = (table.span(), table.path().to_owned());
    let files = table.texts("env-file");
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
    if let Some(own) = table.text_entries("environment") {
        at = (own.span, own.key);
        sources.own = check_own_variables(own.value, diagnostics);
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

fn check_own_variables(
    own: Vec<(Spanned<String>, String)>,
    diagnostics: &Diagnostics,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (key, value) in own {
        let legal =
            !key.value.is_empty() && !key.value.contains(['=', '\0']) && !value.contains('\0');
        if is_reserved_variable(&key.value) {
            diagnostics.add(
                key.span,
                &key.key,
                "is reserved by Lambda, which sets it itself",
            );
        } else if !legal {
            let message = "cannot be an environment variable: names are not empty and have no `=`, and neither names \
                           nor values have a null character";
            diagnostics.add(key.span, &key.key, message);
        } else {
            variables.insert(key.value, value);
        }
    }
    variables
}
