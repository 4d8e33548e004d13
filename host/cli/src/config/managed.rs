//! The keys of managed runtimes, and how a function without a `bootstrap` of its own is started.
//!
//! An unknown runtime is a mistake in the file. An interpreter that is missing or has the wrong version is not: other
//! functions run without it. The function's calls then fail with what [`prepare`] found out, which `lambkin serve` and
//! `lambkin check` say as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lambkin_lambda::{DEBUG_PORT, Entry, FunctionSpec, MadeFrom, Managed};
use lambkin_runtimes::{
    BundleChoice, Bundled, Bundler, ClientChoice, Debug, Guess, Language, Machine, Request,
    Runtime, guess_file, guess_folder, guess_handler, guess_other_language, has_jars,
    runtime_names, similar_runtime,
};

use super::bundle::BundleSettings;
use super::handler;
use super::key::{Key, Kind};
use super::reader::{Diagnostics, Reader};
use super::suggest::nearest;
use crate::cache;

pub const KEYS: &[Key] = &[
    Key::optional(
        "runtime",
        Kind::Text,
        "The runtime, by AWS's id: `python3.13`, `nodejs22.x`, `ruby3.4`, `java21`, `dotnet8`, `provided.al2023` and so \
         on. Left out, code without a `bootstrap` has the runtime of the file that `handler` names and of the \
         interpreter that is found, which is printed. See section *Managed runtimes*.",
    ),
    Key::optional(
        "interpreter",
        Kind::Text,
        "The interpreter of the runtime: a path that starts at the folder of `lambkin.toml`, or a name in `PATH`. Left \
         out, it is searched as section *Managed runtimes* describes.",
    ),
    Key::with_default(
        "client",
        Kind::Choice(&["auto", "embedded", "project"]),
        "\"auto\"",
        "What calls the handler: AWS's runtime interface client, which the project must have (`project`), Lambkin's own \
         (`embedded`), or AWS's if the project has it (`auto`).",
    ),
    Key::with_default(
        "version-check",
        Kind::Choice(&["on", "warn", "off"]),
        "\"on\"",
        "What an interpreter means whose version differs from that of the runtime: it is refused, or it is used and a note \
         says so, or it is used. Left out, the key of the same name at the top of `lambkin.toml` applies.",
    ),
    Key::optional(
        "sdk",
        Kind::Text,
        "A folder with packages that AWS's runtimes bundle, such as boto3 or `node_modules` with `@aws-sdk`. It is \
         searched last.",
    ),
];

/// The key of the whole file.
pub const DEFAULT_KEYS: &[Key] = &[Key::with_default(
    "version-check",
    Kind::Choice(&["on", "warn", "off"]),
    "\"on\"",
    "`version-check` of the functions that do not have it. It is `\"warn\"` for templates and other projects.",
)];

/// What a wrong version of an interpreter means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VersionCheck {
    /// The function is not started.
    #[default]
    On,
    /// The function is started, and a note says so.
    Warn,
    /// Nothing.
    Off,
}

/// Reads `version-check` of the file or of a function.
pub fn read_version_check(table: &mut Reader<'_>) -> Option<VersionCheck> {
    Some(match table.choice("version-check")?.value {
        "off" => VersionCheck::Off,
        "warn" => VersionCheck::Warn,
        _ => VersionCheck::On,
    })
}

/// How a function's managed runtime is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuntimeSettings {
    pub runtime: Option<Runtime>,
    pub interpreter: Option<PathBuf>,
    pub client: ClientChoice,
    /// If the function says it.
    pub version_check: Option<VersionCheck>,
    pub sdk: Option<PathBuf>,
    /// Whether the function may get a sandbox. Then no program of its project is run outside of it.
    pub is_sandboxed: bool,
    pub bundle: BundleSettings,
}

/// Reads the keys. Those that are left out keep their values.
pub fn read(
    table: &mut Reader<'_>,
    settings: &mut RuntimeSettings,
    project: &Path,
    diagnostics: &Diagnostics,
) {
    if let Some(runtime) = table.text("runtime") {
        match read_name(&runtime.value) {
            Ok(known) => settings.runtime = Some(known),
            Err(message) => diagnostics.add(runtime.span, &runtime.key, message),
        }
    }
    if let Some(interpreter) = table.text("interpreter") {
        settings.interpreter = Some(PathBuf::from(interpreter.value));
    }
    if let Some(client) = table.choice("client") {
        settings.client = match client.value {
            "embedded" => ClientChoice::Embedded,
            "project" => ClientChoice::Project,
            _ => ClientChoice::Auto,
        };
    }
    settings.version_check = read_version_check(table).or(settings.version_check);
    if let Some(sdk) = table.text("sdk") {
        let folder = project.join(&sdk.value);
        match std::path::absolute(&folder) {
            Ok(folder) if folder.is_dir() => settings.sdk = Some(folder),
            _ => diagnostics.add(
                sdk.span,
                &sdk.key,
                format!("{} is not a folder", folder.display()),
            ),
        }
    }
}

/// The runtime with this id, or a message that names the nearest one.
pub fn read_name(id: &str) -> Result<Runtime, String> {
    Runtime::parse(id).ok_or_else(|| {
        let hint = match similar_runtime(id).or_else(|| nearest(id, runtime_names())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "the runtimes are: {}",
                runtime_names().collect::<Vec<_>>().join(", ")
            ),
        };
        format!("{id:?} is not the id of a runtime of AWS Lambda; {hint}")
    })
}

/// The machine that this program runs on.
pub fn machine() -> Machine {
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Machine::new(variables, cache::folder_or_temporary())
}

/// The folder of the repository that a folder without links belongs to, or the folder itself. A repository of the whole
/// home folder, such as one of settings, is the user's own.
fn repository_of(folder: &Path) -> &Path {
    const MARKS: [&str; 4] = [".git", ".hg", ".jj", ".svn"];
    let home = std::env::var_os("HOME").and_then(|home| Path::new(&home).canonicalize().ok());
    let is_users = |folder: &Path| home.as_ref().is_some_and(|home| home.starts_with(folder));
    let above = folder.ancestors().take_while(|folder| !is_users(folder));
    let is_repository = |folder: &&Path| {
        let mut marks = MARKS.iter();
        marks.any(|mark| folder.join(mark).symlink_metadata().is_ok())
    };
    // The outermost: a repository may have others in it.
    above.filter(is_repository).last().unwrap_or(folder)
}

/// What was found out about a function's runtime.
#[derive(Debug, Default)]
pub struct Findings {
    /// What the developer should know.
    pub notes: Vec<String>,
    /// Why calls will fail, although the runtime starts.
    pub problem: Option<String>,
    /// What makes the code whenever its source changes, if it is bundled.
    pub bundler: Option<Bundler>,
}

/// Finds out how a function is started whose code has a handler instead of a `bootstrap`; others stay as they are.
pub fn prepare(spec: &mut FunctionSpec, settings: &RuntimeSettings, project: &Path) -> Findings {
    let (code, layers) = (spec.code.source_root(), spec.layer_folders());
    let Some((runtime, guess)) = runtime_of(spec, settings) else {
        if let Some(reason) = no_handler(spec, settings, &code) {
            spec.code.entry = unusable(reason, code);
        }
        return Findings::default();
    };
    // The current folder, in which a relative path would be taken for one that starts at the code.
    let project = match project.as_os_str().is_empty() {
        true => Path::new("."),
        false => project,
    };
    let project = std::path::absolute(project).unwrap_or_else(|_| project.to_owned());
    let project = project.canonicalize().unwrap_or(project);
    if spec.handler.is_empty() {
        spec.handler = match &guess {
            Some(guess) => guess.handler.clone(),
            None => default_handler(runtime.language).to_owned(),
        };
    }
    if let Some(reason) = mismatch(spec, settings, &runtime, &code) {
        spec.code.entry = unusable(reason, code);
        return Findings::default();
    }
    let check = settings.version_check.unwrap_or_default();
    let own = spec.variables.get();
    let file = match &spec.code.entry {
        Entry::File(file) => file.canonicalize().ok(),
        _ => None,
    };
    let request = Request {
        runtime: &runtime,
        handler: &spec.handler,
        code: &code,
        file: file.as_deref(),
        project: &project,
        interpreter: settings.interpreter.as_deref(),
        client: settings.client,
        checks_version: check != VersionCheck::Off,
        is_configured: spec.is_configured,
        sdk: settings.sdk.as_deref(),
        layers: &layers,
        memory_mb: spec.memory_mb,
        node_options: own.get("NODE_OPTIONS").map_or("", String::as_str),
        has_python_path: own.contains_key("PYTHONPATH"),
        bundle: (
            // An archive is what is deployed.
            match spec.code.archive {
                Some(_) => BundleChoice::Never,
                None => settings.bundle.choice,
            },
            &settings.bundle.options,
        ),
        debug: spec.debug.map(|debug| Debug {
            port: DEBUG_PORT,
            wait: debug.wait,
        }),
        machine: &match settings.is_sandboxed {
            true => machine().avoiding(&[repository_of(&project), repository_of(&code)]),
            false => machine(),
        },
    };
    let mut prepared = lambkin_runtimes::prepare(&request);
    if let (VersionCheck::Warn, Err(reason)) = (check, &prepared) {
        let advice = reason.to_string();
        let advice = advice.lines().find(|line| line.starts_with("install it"));
        let lenient = Request {
            checks_version: false,
            ..request
        };
        if let Ok(mut other) = lambkin_runtimes::prepare(&lenient) {
            match (other.notes.first_mut(), advice) {
                // It says which version runs the function.
                (Some(note), Some(advice)) => note.push_str(&format!("; {advice}")),
                (None, Some(advice)) => other.notes.push(advice.to_owned()),
                _ => {}
            }
            prepared = Ok(other);
        }
    }
    let of_layers = spec.layers.iter().cloned().zip(layers.iter().cloned());
    let of_code = match &spec.code.entry {
        // The link to the code that is made was never resolved.
        Entry::Managed(Managed {
            made_from: Some(_), ..
        }) => None,
        _ => Some((spec.code.task_root.clone(), code.clone())),
    };
    let links = of_code.into_iter().chain(of_layers).collect();
    let mut findings = Findings::default();
    let managed = match prepared {
        Ok(prepared) => {
            findings.notes = prepared.notes;
            if let (None, Some(guess)) = (&settings.runtime, &guess) {
                findings.notes.push(format!(
                    "{} runs as runtime {} with handler {}: {}",
                    guess.file, prepared.runtime, spec.handler, prepared.interpreter
                ));
            }
            if prepared.handler_is_missing {
                findings.problem =
                    Some(handler::explain(&code, &spec.handler).unwrap_or_else(|| {
                        format!(
                            "no file in {} has the module of handler {:?}",
                            code.display(),
                            spec.handler
                        )
                    }));
            }
            let mut managed = Managed {
                command: Ok(prepared.command),
                interpreter: prepared.interpreter,
                variables: prepared.variables,
                code: code.clone(),
                client: prepared.client,
                folders: prepared.folders,
                links,
                made_from: None,
            };
            if let Some(bundler) = prepared.bundler {
                let made_from = MadeFrom::new(code.clone());
                match make(&bundler, &made_from) {
                    Ok(made) if made.warnings.is_empty() => {}
                    Ok(made) => findings.notes.push(made.warnings),
                    Err(problem) => findings.problem = Some(problem),
                }
                managed.code = bundler.link();
                spec.code.task_root = bundler.link();
                managed.made_from = Some(made_from);
                findings.bundler = Some(bundler);
            }
            managed
        }
        Err(reason) => Managed {
            command: Err(reason),
            interpreter: String::new(),
            variables: BTreeMap::new(),
            code: code.clone(),
            client: None,
            folders: Vec::new(),
            links,
            made_from: None,
        },
    };
    spec.code.entry = Entry::Managed(managed);
    let prefix = |note| format!("function {}: {note}", spec.name);
    findings.notes = findings.notes.into_iter().map(prefix).collect();
    findings
}

/// The code of a function that cannot be started for this reason.
fn unusable(reason: String, code: PathBuf) -> Entry {
    Entry::Managed(Managed {
        command: Err(reason),
        interpreter: String::new(),
        variables: BTreeMap::new(),
        code,
        client: None,
        folders: Vec::new(),
        links: Vec::new(),
        made_from: None,
    })
}

/// Why a runtime cannot run the code whatever is installed: a handler that nobody has named, or code of another language.
fn mismatch(
    spec: &FunctionSpec,
    settings: &RuntimeSettings,
    runtime: &Runtime,
    code: &Path,
) -> Option<String> {
    if spec.handler.is_empty() {
        let id = match &settings.runtime {
            Some(runtime) => format!("runtime {}", runtime.id),
            None => "code of Java".to_owned(),
        };
        return Some(format!(
            "{id} needs a handler, the class and its method: {}",
            java_handler(spec)
        ));
    }
    let of_file = match &spec.code.entry {
        Entry::File(file) => guess_file(file).filter(|guess| guess.language != runtime.language),
        // A layer or a path of its own may have the module in the runtime's language.
        _ if !spec.layers.is_empty() || spec.variables.get().contains_key("PYTHONPATH") => None,
        _ => guess_other_language(code, &spec.handler, runtime.language),
    };
    let guess = of_file?;
    let language = match guess.language {
        Language::Node if guess.file.ends_with("ts") || guess.file.ends_with("tsx") => "TypeScript",
        Language::Node => "JavaScript",
        language => language.name(),
    };
    Some(format!(
        "{} is {language}, but the runtime is {}",
        guess.file, runtime.id
    ))
}

/// Makes code with a bundler. Environments that start from now on run it, or fail with what the bundler says.
pub fn make(bundler: &Bundler, made_from: &MadeFrom) -> Result<Bundled, String> {
    let made = bundler.build();
    match &made {
        Ok(made) => made_from.succeeded(made.inputs.clone()),
        Err(problem) => made_from.failed(problem.clone()),
    }
    made
}

/// Why the code of a function without a bootstrap and a runtime, which has handlers, cannot be run.
fn no_handler(spec: &FunctionSpec, settings: &RuntimeSettings, code: &Path) -> Option<String> {
    let is_searched = matches!(spec.code.entry, Entry::Search | Entry::Managed(_));
    if !is_searched || settings.runtime.is_some() || has_bootstrap(spec) {
        return None;
    }
    if spec.handler.is_empty() && has_jars(code) {
        return Some(format!(
            "{} has jars, whose handler has to be named, a class and its method: {}",
            code.display(),
            java_handler(spec)
        ));
    }
    let mut reason = handler::explain(code, &spec.handler)?;
    if spec.handler.is_empty() {
        reason.push_str(match spec.is_configured {
            true => "\nset `handler` to one of them",
            false => "\nname one of them: --handler HANDLER",
        });
    }
    Some(reason)
}

/// How a handler of Java is named.
fn java_handler(spec: &FunctionSpec) -> &'static str {
    match spec.is_configured {
        true => "handler = \"example.Hello::handleRequest\"",
        false => "--handler example.Hello::handleRequest",
    }
}

/// The language of a function that has no bootstrap.
pub fn language(spec: &FunctionSpec, settings: &RuntimeSettings) -> Option<Language> {
    runtime_of(spec, settings).map(|(runtime, _)| runtime.language)
}

/// The runtime of a function that has no bootstrap, and what its code looks like.
fn runtime_of(spec: &FunctionSpec, settings: &RuntimeSettings) -> Option<(Runtime, Option<Guess>)> {
    let guess = match &spec.code.entry {
        Entry::Command(_) | Entry::Image(_) => return None,
        // A script that can be executed is a bootstrap, unless a runtime is asked for.
        Entry::File(_) if settings.runtime.is_none() && spec.check_program().is_ok() => {
            return None;
        }
        Entry::File(file) => guess_file(file),
        Entry::Search | Entry::Managed(_) if settings.runtime.is_none() && has_bootstrap(spec) => {
            return None;
        }
        Entry::Search | Entry::Managed(_) => {
            let code = spec.code.source_root();
            match spec.handler.as_str() {
                "" => guess_folder(&code),
                handler => guess_handler(&code, handler),
            }
        }
    };
    match (&settings.runtime, guess) {
        (Some(runtime), _) if runtime.language == Language::Custom => None,
        (Some(runtime), guess) => {
            let guess = guess.filter(|guess| guess.language == runtime.language);
            Some((runtime.clone(), guess))
        }
        (None, guess) => guess.map(|guess| (Runtime::any(guess.language), Some(guess))),
    }
}

/// Whether there is a bootstrap, even one that cannot be executed, which is then explained.
fn has_bootstrap(spec: &FunctionSpec) -> bool {
    let code = spec.code.source_root();
    let machine = ["/opt", "/var/runtime"].map(PathBuf::from);
    let mut folders = std::iter::once(&code).chain(&spec.layers).chain(&machine);
    folders.any(|folder| folder.join("bootstrap").symlink_metadata().is_ok())
}

/// The handler of functions for which none is configured, as AWS's console makes them.
fn default_handler(language: Language) -> &'static str {
    match language {
        Language::Node => "index.handler",
        // It is in a package of the developer's choice.
        Language::Java => "",
        _ => "lambda_function.lambda_handler",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_project_belongs_to_the_outermost_repository() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let project = folder.join("repository/inner/project");
        fs::create_dir_all(&project).unwrap();
        assert_eq!(repository_of(&project), project);
        fs::create_dir(folder.join("repository/inner/.hg")).unwrap();
        assert_eq!(repository_of(&project), folder.join("repository/inner"));
        // Of a worktree or a submodule, it is a file.
        fs::write(folder.join("repository/.git"), "gitdir: elsewhere").unwrap();
        assert_eq!(repository_of(&project), folder.join("repository"));
    }
}
