//! The interpreter for a function, in the order that its users expect.
//!
//! 1. The one that the configuration or a variable such as `LAMBKIN_PYTHON` names.
//! 2. The project's: `.venv` or `venv`, `node_modules/node`.
//! 3. The one of the shell: `VIRTUAL_ENV`, `CONDA_PREFIX`, `JAVA_HOME`, `DOTNET_ROOT`.
//! 4. Those that version managers have installed; first the version that the project's `.python-version`,
//!    `.tool-versions` and so on name, else the newest that fits.
//! 5. Those in `PATH`, without the version managers' shims.
//!
//! Without a version that the runtime or the project names, a version manager's default counts as named; without one,
//! 5 comes before 4.
//!
//! The first that fits the runtime is taken. If the one of 1 and 2 does not fit, the search ends: its packages are what
//! the developer wants. Newer versions of Node and Java are taken if no interpreter fits exactly.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::found::Found;
use crate::id::{Language, Runtime};
use crate::machine::Machine;
use crate::project::{self, Wish};
use crate::stores;
use crate::version::{Fit, Version};

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    pub machine: &'a Machine,
    /// The folder of the code.
    pub code: &'a Path,
    /// The folder of the project, above which nothing is looked for.
    pub project: &'a Path,
    /// The interpreter that the configuration names.
    pub named: Option<&'a Path>,
    /// Whether versions matter.
    pub checks_versions: bool,
}

/// Finds the interpreter of a runtime. An error has one line for each fact.
pub(crate) fn find(runtime: &Runtime, places: &Places<'_>) -> Result<Found, String> {
    let language = runtime.language;
    let mut wish = project::wish(language, places.code, places.project);
    let is_default = wish.is_none() && runtime.version.is_none();
    if is_default {
        wish = stores::default_version(language, places.machine);
    }
    // The version that a manager starts elsewhere is no reason to refuse the project's own environment.
    let named = named(language, places)?;
    let accepts_own = is_default && named.is_none();
    // A runtime that was guessed has the version that the project names.
    let wished = wish.as_ref().map(|wish| wish.version.clone());
    let wanted = runtime.version.clone().or_else(|| wished.clone());
    let mut newer = None;
    let mut others = Vec::new();
    let found = match named {
        Some(named) => vec![named],
        None => candidates(language, places, wished.as_ref(), wanted.as_ref()),
    };
    for found in found {
        let fit = match &wanted {
            Some(_) if found.is_binding && accepts_own => Fit::Same,
            Some(wanted) if places.checks_versions => found.version.fit(language, wanted),
            _ => Fit::Same,
        };
        match fit {
            Fit::Same => return Ok(found),
            Fit::Newer if found.is_binding => return Ok(found),
            Fit::Newer => newer = newer.or(Some(found)),
            Fit::Other if found.is_binding => {
                return Err(mismatch(runtime, &[found], wanted.as_ref(), wish.as_ref()));
            }
            Fit::Other => others.push(found),
        }
    }
    newer.ok_or_else(|| mismatch(runtime, &others, wanted.as_ref(), wish.as_ref()))
}

/// The interpreters in the order in which they are preferred, where none is named.
fn candidates(
    language: Language,
    places: &Places<'_>,
    wished: Option<&Version>,
    wanted: Option<&Version>,
) -> Vec<Found> {
    let machine = places.machine;
    let mut all = Vec::new();
    all.extend(of_project(language, places));
    all.extend(of_shell(language, machine));
    let mut installed = stores::installed(language, machine);
    if let Some(wished) = wished {
        // A stable sort: the newest first among the rest.
        installed.sort_by_key(|found| !found.version.to_string().starts_with(&prefix(wished)));
    }
    let in_path = of_path(language, machine, wanted);
    // Without any wish, it is what the shell would run.
    if wanted.is_none() {
        all.extend(in_path);
        all.extend(installed);
    } else {
        all.extend(installed);
        all.extend(in_path);
    }
    all
}

/// All interpreters of a language, apart from those of projects.
pub(crate) fn all(language: Language, machine: &Machine) -> Vec<Found> {
    let mut all = of_shell(language, machine);
    all.extend(stores::installed(language, machine));
    all.extend(of_path(language, machine, None));
    all
}

/// `3.12` of 3.12.0, which a file names to accept any patch.
fn prefix(version: &Version) -> String {
    let text = version.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The variable that names the interpreter of a language.
fn variable(language: Language) -> &'static str {
    match language {
        Language::Node => "LAMBKIN_NODE",
        Language::Python => "LAMBKIN_PYTHON",
        Language::Ruby => "LAMBKIN_RUBY",
        Language::Java => "LAMBKIN_JAVA",
        Language::Dotnet | Language::Custom => "LAMBKIN_DOTNET",
    }
}

/// The interpreter that the configuration or a variable names. Fails if it cannot be used.
fn named(language: Language, places: &Places<'_>) -> Result<Option<Found>, String> {
    let variable = variable(language);
    let (path, rule) = match (places.named, places.machine.variable(variable)) {
        (Some(path), _) => (path, "interpreter"),
        (None, Some(path)) => (Path::new(path), variable),
        (None, None) => return Ok(None),
    };
    let program = if path.components().count() == 1 {
        let name = path.to_string_lossy();
        places.machine.in_path(&name).next()
    } else {
        Some(places.project.join(path)).filter(|program| program.is_file())
    };
    let Some(program) = program else {
        return Err(format!("{rule} = {path:?}: there is no such program"));
    };
    let Some(version) = version(language, &program, places.machine) else {
        return Err(format!(
            "{rule} = {path:?}: does not tell its version when it is run with {}",
            version_argument(language)
        ));
    };
    Ok(Some(Found {
        program,
        version,
        rule: rule.to_owned(),
        is_binding: true,
    }))
}

fn of_project(language: Language, places: &Places<'_>) -> Option<Found> {
    let mut folders = project::folders(places.code, places.project);
    let (names, program): (&[&str], _) = match language {
        Language::Python => (&[".venv", "venv"], "bin/python"),
        Language::Node => (&["node_modules/node"], "bin/node"),
        _ => return None,
    };
    folders.find_map(|folder| {
        names.iter().find_map(|name| {
            let found = folder.join(name);
            let program = found.join(program);
            if !program.is_file() {
                return None;
            }
            Some(Found {
                version: environment_version(&found)
                    .or_else(|| version(language, &program, places.machine))?,
                rule: shown(&found, places.project),
                program,
                is_binding: true,
            })
        })
    })
}

/// The version in `pyvenv.cfg`, which `venv` calls `version` and other tools `version_info`.
fn environment_version(environment: &Path) -> Option<Version> {
    let text = fs::read_to_string(environment.join("pyvenv.cfg")).ok()?;
    let mut entries = text.lines().filter_map(|line| line.split_once('='));
    let version = entries.find(|(key, _)| matches!(key.trim(), "version" | "version_info"))?;
    Version::first_in(version.1)
}

fn of_shell(language: Language, machine: &Machine) -> Vec<Found> {
    let variables: &[(&str, &str)] = match language {
        Language::Python => &[
            ("VIRTUAL_ENV", "bin/python"),
            ("CONDA_PREFIX", "bin/python"),
        ],
        Language::Java => &[("JAVA_HOME", "bin/java")],
        Language::Dotnet => &[("DOTNET_ROOT", "dotnet")],
        _ => &[],
    };
    let mut all = Vec::new();
    for (variable, program) in variables {
        let Some(folder) = machine.variable(variable).map(PathBuf::from) else {
            continue;
        };
        let program = folder.join(program);
        if !program.is_file() {
            continue;
        }
        let known = match language {
            Language::Java => stores::version_of(language, &folder),
            _ => environment_version(&folder),
        };
        if let Some(version) = known.or_else(|| version(language, &program, machine)) {
            all.push(Found {
                program,
                version,
                rule: (*variable).to_owned(),
                // A shell always has a base environment of conda; an activated one is the developer's choice.
                is_binding: *variable == "VIRTUAL_ENV",
            });
        }
    }
    all
}

fn of_path(language: Language, machine: &Machine, wanted: Option<&Version>) -> Vec<Found> {
    let names: Vec<String> = match language {
        Language::Python => {
            let minor = wanted.map(|version| format!("python{}", version.short(language)));
            // Those of all versions that AWS has or had, newest first.
            let versioned = (8..=20).rev().map(|minor| format!("python3.{minor}"));
            let plain = ["python3".to_owned(), "python".to_owned()];
            minor.into_iter().chain(plain).chain(versioned).collect()
        }
        Language::Node => vec!["node".to_owned(), "nodejs".to_owned()],
        Language::Ruby => vec!["ruby".to_owned()],
        Language::Java => vec!["java".to_owned()],
        Language::Dotnet => vec!["dotnet".to_owned()],
        Language::Custom => Vec::new(),
    };
    let programs = names.iter().flat_map(|name| machine.in_path(name));
    programs
        .filter_map(|program| {
            Some(Found {
                version: version(language, &program, machine)?,
                program,
                rule: "PATH".to_owned(),
                is_binding: false,
            })
        })
        .collect()
}

fn version_argument(language: Language) -> &'static str {
    match language {
        Language::Java => "-version",
        _ => "--version",
    }
}

fn version(language: Language, program: &Path, machine: &Machine) -> Option<Version> {
    let version = machine.version(program, version_argument(language))?;
    Some(match language {
        Language::Java => version.of_java(),
        _ => version,
    })
}

fn shown(path: &Path, project: &Path) -> String {
    path.strip_prefix(project)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn mismatch(
    runtime: &Runtime,
    others: &[Found],
    wanted: Option<&Version>,
    wish: Option<&Wish>,
) -> String {
    let language = runtime.language;
    let name = language.name();
    let asks = match (&runtime.version, wish) {
        (Some(_), _) => format!("runtime {}", runtime.id),
        (None, Some(wish)) => format!("{}", wish.file.display()),
        (None, None) => name.to_owned(),
    };
    let short = wanted.map_or_else(String::new, |wanted| wanted.short(language));
    let needed = format!("{name} {short}");
    let needed = needed.trim_end();
    let mut text = match others {
        [] if wanted.is_none() => format!("no {name} was found"),
        [] => format!("{asks} needs {needed}, and no {name} was found"),
        [found, ..] => format!(
            "{asks} needs {needed}; found {name} {} at {} ({})",
            found.version,
            found.program.display(),
            found.rule
        ),
    };
    if !others.first().is_some_and(|found| found.is_binding) {
        let _ = write!(text, " (looked at: {}, PATH)", stores::managers(language));
    }
    match others {
        [found, ..]
            if found.is_binding && language == Language::Python && found.rule != "interpreter" =>
        {
            let _ = write!(
                text,
                "\nmake it anew: uv venv --python {short} {0} | python{short} -m venv --clear {0}",
                found
                    .program
                    .parent()
                    .and_then(Path::parent)
                    .unwrap_or(&found.program)
                    .display()
            );
        }
        _ => {
            if let Some(commands) = install(language, wanted) {
                let _ = write!(text, "\ninstall it: {commands}");
            }
        }
    }
    match others {
        [found, ..] => {
            let own = Runtime::of(language, &found.version);
            let _ = write!(
                text,
                "\nor set runtime = \"{}\", interpreter = \"/path/to/{}\", or version-check = \"off\"",
                own.id,
                program_name(language)
            );
        }
        [] => {
            let _ = write!(
                text,
                "\nor set interpreter = \"/path/to/{}\"",
                program_name(language)
            );
        }
    }
    text
}

fn program_name(language: Language) -> &'static str {
    match language {
        Language::Node => "node",
        Language::Python => "python3",
        Language::Ruby => "ruby",
        Language::Java => "java",
        Language::Dotnet | Language::Custom => "dotnet",
    }
}

/// The commands that install a version, as a line.
pub(crate) fn install(language: Language, wanted: Option<&Version>) -> Option<String> {
    let version = wanted?.short(language);
    Some(match language {
        Language::Node => {
            format!("fnm install {version} | nvm install {version} | mise install node@{version}")
        }
        Language::Python => {
            format!(
                "uv python install {version} | pyenv install {version} | mise install python@{version}"
            )
        }
        Language::Ruby => format!(
            "mise install ruby@{version} | rbenv install -l, then rbenv install {version}.N"
        ),
        Language::Java => {
            format!("mise install java@{version} | apt-get install openjdk-{version}-jdk-headless")
        }
        Language::Dotnet => {
            format!("mise install dotnet@{version} | https://dotnet.microsoft.com/download")
        }
        Language::Custom => return None,
    })
}
