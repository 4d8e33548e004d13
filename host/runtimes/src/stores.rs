//! The folders in which version managers keep the interpreters that they install.

use std::fs;
use std::path::{Path, PathBuf};

use crate::found::Found;
use crate::id::Language;
use crate::machine::Machine;
use crate::project::Wish;
use crate::version::Version;

/// A version manager's folder of versions, each of which is a folder named after its version.
struct Store {
    manager: &'static str,
    folder: Option<PathBuf>,
    /// The interpreter in a version's folder.
    program: &'static str,
}

/// The interpreters that version managers have installed, newest first.
pub(crate) fn installed(language: Language, machine: &Machine) -> Vec<Found> {
    let mut found: Vec<Found> = stores(language, machine)
        .iter()
        .flat_map(|store| versions_in(store, language))
        .collect();
    found.sort_by(|one, other| other.version.cmp(&one.version));
    found
}

/// The version that a version manager starts where the project names none.
pub(crate) fn default_version(language: Language, machine: &Machine) -> Option<Wish> {
    let files: &[(&str, &str, &str)] = match language {
        Language::Python => &[("PYENV_ROOT", ".pyenv", "version")],
        Language::Node => &[("NVM_DIR", ".nvm", "alias/default")],
        Language::Ruby => &[("RBENV_ROOT", ".rbenv", "version")],
        _ => &[],
    };
    files.iter().find_map(|(variable, below_home, name)| {
        let file = machine.folder(variable, below_home)?.join(name);
        let version = Version::first_in(fs::read_to_string(&file).ok()?.lines().next()?)?;
        Some(Wish { version, file })
    })
}

/// The names of the version managers that are looked at, for messages.
pub(crate) fn managers(language: Language) -> &'static str {
    match language {
        Language::Node => "nvm, fnm, volta, mise, asdf",
        Language::Python => "pyenv, uv, mise, asdf",
        Language::Ruby => "rbenv, ruby-install, mise, asdf",
        Language::Java => "sdkman, /usr/lib/jvm, mise, asdf",
        Language::Dotnet | Language::Custom => "none",
    }
}

fn stores(language: Language, machine: &Machine) -> Vec<Store> {
    let store = |manager, variable: &str, below_home: &str, rest: &str, program| Store {
        manager,
        folder: machine
            .folder(variable, below_home)
            .map(|folder| folder.join(rest)),
        program,
    };
    // `installs` of mise and asdf have one folder for each tool.
    let installs = |tools: &[&str], program| {
        let mut both = Vec::new();
        for tool in tools {
            let rest = format!("installs/{tool}");
            both.push(store(
                "mise",
                "MISE_DATA_DIR",
                ".local/share/mise",
                &rest,
                program,
            ));
            both.push(store("asdf", "ASDF_DATA_DIR", ".asdf", &rest, program));
        }
        both
    };
    let (mut all, tools) = match language {
        Language::Python => (
            vec![
                store("pyenv", "PYENV_ROOT", ".pyenv", "versions", "bin/python"),
                store(
                    "uv",
                    "UV_PYTHON_INSTALL_DIR",
                    ".local/share/uv/python",
                    "",
                    "bin/python3",
                ),
            ],
            installs(&["python"], "bin/python"),
        ),
        Language::Node => (
            vec![
                store("nvm", "NVM_DIR", ".nvm", "versions/node", "bin/node"),
                store(
                    "fnm",
                    "FNM_DIR",
                    ".local/share/fnm",
                    "node-versions",
                    "installation/bin/node",
                ),
                store(
                    "volta",
                    "VOLTA_HOME",
                    ".volta",
                    "tools/image/node",
                    "bin/node",
                ),
            ],
            installs(&["node", "nodejs"], "bin/node"),
        ),
        Language::Ruby => (
            vec![
                store("rbenv", "RBENV_ROOT", ".rbenv", "versions", "bin/ruby"),
                store("ruby-install", "RUBIES", ".rubies", "", "bin/ruby"),
            ],
            installs(&["ruby"], "bin/ruby"),
        ),
        Language::Java => (
            vec![
                store(
                    "sdkman",
                    "SDKMAN_DIR",
                    ".sdkman",
                    "candidates/java",
                    "bin/java",
                ),
                Store {
                    manager: "/usr/lib/jvm",
                    folder: Some(PathBuf::from("/usr/lib/jvm")),
                    program: "bin/java",
                },
            ],
            installs(&["java"], "bin/java"),
        ),
        Language::Dotnet | Language::Custom => (Vec::new(), Vec::new()),
    };
    all.extend(tools);
    all
}

fn versions_in(store: &Store, language: Language) -> Vec<Found> {
    let entries = store
        .folder
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let versions = entries.flatten().flatten().filter_map(|entry| {
        let folder = entry.path();
        let program = folder.join(store.program);
        let version = version_of(language, &folder)?;
        program.is_file().then(|| Found {
            program,
            version,
            rule: store.manager.to_owned(),
            is_binding: false,
        })
    });
    versions.collect()
}

/// The version of the interpreter that is installed in a folder, without running it.
pub(crate) fn version_of(language: Language, folder: &Path) -> Option<Version> {
    if language == Language::Java
        && let Ok(text) = fs::read_to_string(folder.join("release"))
        && let Some((_, rest)) = text.split_once("JAVA_VERSION=")
    {
        return Version::first_in(rest).map(Version::of_java);
    }
    Version::first_in(&folder.file_name()?.to_string_lossy())
}
