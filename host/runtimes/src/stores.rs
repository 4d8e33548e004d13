//! The interpreters that version managers have installed, and what they call them.
//!
//! Contract: folders of versions are listed as their managers lay them out; no program of theirs is run, apart from an
//! interpreter that is asked for its version because its folder's name does not tell it. Other implementations, such as
//! PyPy, and environments of other projects are taken only if they are asked for by name. On failure: what is not there
//! or has another layout is left out.

use std::fs;
use std::path::{Component, Path, PathBuf};

use lambkin_files::{read_small, read_small_text};

use crate::found::Found;
use crate::id::Language;
use crate::machine::Machine;
use crate::project::{Wish, of_mise, of_tool_files, tools};
use crate::requirement::Requirement;
use crate::version::Version;

/// A version manager's folder of versions, each of which is a folder named after its version.
struct Store {
    manager: &'static str,
    folder: Option<PathBuf>,
    /// The interpreter in a version's folder.
    program: &'static str,
}

/// What a wish turns out to mean on this machine.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// Versions in this range, the newest first; such as the first one, as far as that is known.
    Range(Requirement, Option<Version>),
    /// The interpreter of that name, such as one of an environment.
    Program(Found),
    /// The one in `PATH`.
    Machine,
    /// The newest one; only those with long-term support, if the flag is set.
    Newest { is_lts: bool },
    /// There is none of that name. The version is the one that the name tells.
    Missing(Option<Version>),
}

/// The lines of Node.js with long-term support, by their code names.
const LTS: [(&str, u32); 11] = [
    ("argon", 4),
    ("boron", 6),
    ("carbon", 8),
    ("dubnium", 10),
    ("erbium", 12),
    ("fermium", 14),
    ("gallium", 16),
    ("hydrogen", 18),
    ("iron", 20),
    ("jod", 22),
    ("krypton", 24),
];

/// How often an alias may lead to another one.
const MAX_ALIASES: usize = 8;

/// The interpreters that version managers have installed, newest first.
pub(crate) fn installed(language: Language, machine: &Machine) -> Vec<Found> {
    let mut found: Vec<Found> = stores(language, machine)
        .iter()
        .flat_map(|store| versions_in(store, language))
        .collect();
    found.sort_by(|one, other| other.version.cmp(&one.version));
    found
}

/// The programs of this name, such as `python3.12`, beside the interpreters that version managers have installed.
pub(crate) fn programs_named(name: &str, language: Language, machine: &Machine) -> Vec<Found> {
    let installed = installed(language, machine).into_iter();
    let named = installed.filter_map(|found| {
        let program = found.program.with_file_name(name);
        program.is_file().then_some(Found { program, ..found })
    });
    named.collect()
}

/// The version that a version manager starts where the project names none.
pub(crate) fn default_version(language: Language, machine: &Machine) -> Option<Wish> {
    let files: &[(&str, &str, &str)] = match language {
        Language::Python => &[("PYENV_ROOT", ".pyenv", "version")],
        Language::Node => &[
            ("NVM_DIR", ".nvm", "alias/default"),
            ("NODENV_ROOT", ".nodenv", "version"),
        ],
        Language::Ruby => &[("RBENV_ROOT", ".rbenv", "version")],
        Language::Java => &[("JENV_ROOT", ".jenv", "version")],
        Language::Dotnet | Language::Custom => &[],
    };
    let preference = |text: &str, source: PathBuf| Wish {
        text: text.trim().to_owned(),
        source: source.display().to_string(),
        is_strict: false,
    };
    let of_own = files.iter().find_map(|(variable, below_home, name)| {
        let file = machine.folder(variable, below_home)?.join(name);
        let text = read_small_text(&file)?;
        Some(preference(text.lines().next()?, file))
    });
    let of_volta = || {
        let file = machine
            .folder("VOLTA_HOME", ".volta")?
            .join("tools/user/platform.json");
        let platform: serde_json::Value = serde_json::from_slice(&read_small(&file)?).ok()?;
        Some(preference(
            platform.pointer("/node/runtime")?.as_str()?,
            file,
        ))
    };
    let of_fnm = || {
        let link = fnm(machine)?.join("aliases/default");
        Some(preference(fnm_version(&link)?.as_str(), link))
    };
    let of_mise_settings = || {
        let file = machine
            .folder("MISE_CONFIG_DIR", ".config/mise")?
            .join("config.toml");
        let text = of_mise(&read_small_text(&file)?, tools(language))?;
        Some(preference(&text, file))
    };
    let of_home = || {
        let (text, file) = of_tool_files(Path::new(machine.variable("HOME")?), tools(language))?;
        Some(preference(&text, file))
    };
    let of_node = || {
        of_fnm()
            .or_else(of_volta)
            .filter(|_| language == Language::Node)
    };
    of_own
        .or_else(of_node)
        .or_else(of_mise_settings)
        .or_else(of_home)
}

/// The names of the version managers that are looked at, for messages.
pub(crate) fn managers(language: Language) -> &'static str {
    match language {
        Language::Node => "nvm, fnm, volta, nodenv, n, mise, asdf",
        Language::Python => "pyenv, uv, mise, asdf",
        Language::Ruby => "rbenv, rvm, ruby-install, mise, asdf",
        Language::Java => "sdkman, jenv, /usr/lib/jvm, mise, asdf",
        Language::Dotnet | Language::Custom => "none",
    }
}

/// What a wish means: a version, a range, an alias of a version manager, or the name of an installed interpreter.
pub(crate) fn meaning(wish: &Wish, language: Language, machine: &Machine) -> Meaning {
    let mut text = wish.text.clone();
    for _ in 0..MAX_ALIASES {
        match text.as_str() {
            "system" | "default-system" => return Meaning::Machine,
            "latest" | "newest" => return Meaning::Newest { is_lts: false },
            "node" | "stable" | "current" if language == Language::Node => {
                return Meaning::Newest { is_lts: false };
            }
            "lts" | "lts/*" | "lts-latest" | "--lts" if language == Language::Node => {
                return Meaning::Newest { is_lts: true };
            }
            _ => {}
        }
        if let Some(found) = named(&text, language, machine) {
            return Meaning::Program(found);
        }
        match alias(&text, language, machine) {
            Some(next) => text = next,
            None => break,
        }
    }
    let plain = without_tool(&text, language);
    match Requirement::parse(plain) {
        Some(range) if !plain.contains('/') => Meaning::Range(range, Version::first_in(plain)),
        _ if language == Language::Java => match Version::first_in(&text).map(Version::of_java) {
            // The names of distributions: `temurin-21.0.2`, `21.0.2-tem`.
            Some(version) => Meaning::Range(major(&version), Some(version)),
            None => Meaning::Missing(None),
        },
        _ => {
            let implementation = text.strip_prefix("pypy").or(text.strip_prefix("jruby-"));
            Meaning::Missing(implementation.and_then(Version::first_in))
        }
    }
}

fn major(version: &Version) -> Requirement {
    Requirement::parse(&version.major.to_string()).unwrap_or_else(Requirement::any)
}

/// The text without the name of the tool, which some managers write before the version: `python-3.13`, `v22.1.0`.
fn without_tool(text: &str, language: Language) -> &str {
    let names: &[&str] = match language {
        Language::Python => &["cpython", "python"],
        Language::Node => &["nodejs", "node"],
        Language::Ruby => &["ruby"],
        Language::Java => {
            return text.strip_prefix("1.").unwrap_or(text);
        }
        Language::Dotnet | Language::Custom => &[],
    };
    let rest = names.iter().find_map(|name| text.strip_prefix(name));
    rest.map_or(text, |rest| rest.trim_start_matches(['-', '@']))
}

/// The version that nvm or fnm calls so, or Node.js itself.
fn alias(text: &str, language: Language, machine: &Machine) -> Option<String> {
    if language != Language::Node || !is_name(text) {
        return None;
    }
    let nvm = machine.folder("NVM_DIR", ".nvm")?.join("alias").join(text);
    let of_nvm = read_small_text(&nvm);
    let of_nvm = of_nvm.and_then(|text| Some(text.lines().next()?.trim().to_owned()));
    let of_fnm = || fnm_version(&fnm(machine)?.join("aliases").join(text));
    let of_node = || {
        let name = text.strip_prefix("lts/").or(text.strip_prefix("lts-"))?;
        let (_, major) = LTS
            .iter()
            .find(|(code, _)| code.eq_ignore_ascii_case(name))?;
        Some(major.to_string())
    };
    of_nvm
        .or_else(of_fnm)
        .or_else(of_node)
        .filter(|next| next != text)
}

/// fnm's folder: where it is by default, or was once.
fn fnm(machine: &Machine) -> Option<PathBuf> {
    let places = [
        ".local/share/fnm",
        ".fnm",
        "Library/Application Support/fnm",
    ];
    let mut folders = places
        .iter()
        .filter_map(|place| machine.folder("FNM_DIR", place));
    folders.find(|folder| folder.is_dir())
}

/// The version that an alias of fnm, a link to its folder, stands for.
fn fnm_version(link: &Path) -> Option<String> {
    let target = fs::canonicalize(link).ok()?;
    let folder = match target.file_name()? {
        name if name == "installation" => target.parent()?,
        _ => &target,
    };
    Some(folder.file_name()?.to_string_lossy().into_owned())
}

/// Whether a text can be the name of a file below a folder.
fn is_name(text: &str) -> bool {
    let mut parts = Path::new(text).components();
    !text.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// The interpreter that a version manager calls so, unless the name is that of a version: an environment, or another
/// implementation, of which the newest is taken.
fn named(text: &str, language: Language, machine: &Machine) -> Option<Found> {
    if let Some(folder) = text.strip_prefix("path:") {
        return found_in(Path::new(folder), "bin", language, machine, "path:");
    }
    let is_version =
        text.starts_with(|first: char| first.is_ascii_digit() || "v<>=^~*".contains(first));
    if !is_name(text) || (is_version && !text.contains('/')) {
        return None;
    }
    stores(language, machine).iter().find_map(|store| {
        let all = store.folder.as_ref()?;
        let exact = all.join(text);
        let longer = || {
            let names = fs::read_dir(all).into_iter().flatten().flatten();
            let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
            let is_longer = |name: &String| {
                name.strip_prefix(text)
                    .is_some_and(|rest| rest.starts_with(['-', '.']))
            };
            let newest = names
                .filter(is_longer)
                .max_by_key(|name| Version::first_in(name));
            newest.map(|name| all.join(name))
        };
        let folder = Some(exact)
            .filter(|folder| folder.is_dir())
            .or_else(longer)?;
        found_in(&folder, store.program, language, machine, store.manager)
    })
}

/// The interpreter in the folder of an environment or of an implementation.
fn found_in(
    folder: &Path,
    program: &str,
    language: Language,
    machine: &Machine,
    rule: &str,
) -> Option<Found> {
    let program = match program {
        "bin" => folder.join("bin").join(program_name(language)),
        program => folder.join(program),
    };
    let told = || Version::of_program(&machine.told(&program, version_argument(language))?);
    let (_, version) = program.is_file().then(told).flatten()?;
    Some(Found {
        program,
        version,
        rule: rule.to_owned(),
        is_binding: true,
    })
}

/// The argument with which an interpreter prints its version.
pub(crate) fn version_argument(language: Language) -> &'static str {
    match language {
        Language::Java => "-version",
        _ => "--version",
    }
}

/// The usual name of an interpreter.
pub(crate) fn program_name(language: Language) -> &'static str {
    match language {
        Language::Node => "node",
        Language::Python => "python3",
        Language::Ruby => "ruby",
        Language::Java => "java",
        Language::Dotnet | Language::Custom => "dotnet",
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
    let fixed = |manager, folder: &str, program| Store {
        manager,
        folder: Some(PathBuf::from(folder)),
        program,
    };
    let program = match language {
        Language::Node => "bin/node",
        Language::Python => "bin/python",
        Language::Ruby => "bin/ruby",
        Language::Java => "bin/java",
        Language::Dotnet | Language::Custom => return Vec::new(),
    };
    let mut all = match language {
        Language::Python => vec![
            store("pyenv", "PYENV_ROOT", ".pyenv", "versions", program),
            store(
                "uv",
                "UV_PYTHON_INSTALL_DIR",
                ".local/share/uv/python",
                "",
                "bin/python3",
            ),
        ],
        Language::Node => vec![
            store("nvm", "NVM_DIR", ".nvm", "versions/node", program),
            store("nvm", "NVM_DIR", ".config/nvm", "versions/node", program),
            Store {
                manager: "fnm",
                folder: fnm(machine).map(|folder| folder.join("node-versions")),
                program: "installation/bin/node",
            },
            store("volta", "VOLTA_HOME", ".volta", "tools/image/node", program),
            store("nodenv", "NODENV_ROOT", ".nodenv", "versions", program),
            store("n", "N_PREFIX", "n", "n/versions/node", program),
            fixed("n", "/usr/local/n/versions/node", program),
        ],
        Language::Ruby => vec![
            store("rbenv", "RBENV_ROOT", ".rbenv", "versions", program),
            store("rvm", "rvm_path", ".rvm", "rubies", program),
            store("ruby-install", "RUBIES", ".rubies", "", program),
            fixed("ruby-install", "/opt/rubies", program),
        ],
        _ => vec![
            store(
                "sdkman",
                "SDKMAN_DIR",
                ".sdkman",
                "candidates/java",
                program,
            ),
            store("jenv", "JENV_ROOT", ".jenv", "versions", program),
            fixed("/usr/lib/jvm", "/usr/lib/jvm", program),
        ],
    };
    // `installs` of mise and asdf have one folder for each tool.
    for tool in tools(language) {
        let rest = format!("installs/{tool}");
        all.push(store(
            "mise",
            "MISE_DATA_DIR",
            ".local/share/mise",
            &rest,
            program,
        ));
        all.push(store("asdf", "ASDF_DATA_DIR", ".asdf", &rest, program));
    }
    // Two managers may have the same folder.
    let mut seen: Vec<PathBuf> = Vec::new();
    all.retain(|store| match &store.folder {
        Some(folder) if !seen.contains(folder) => {
            seen.push(folder.clone());
            true
        }
        _ => false,
    });
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

/// The version of the interpreter that is installed in a folder, without running it. `None` for other implementations
/// than AWS's, and for environments of projects.
pub(crate) fn version_of(language: Language, folder: &Path) -> Option<Version> {
    if language == Language::Java {
        if let Some(text) = read_small_text(&folder.join("release"))
            && let Some((_, rest)) = text.split_once("JAVA_VERSION=")
        {
            return Version::first_in(rest).map(Version::of_java);
        }
        let name = folder.file_name()?.to_string_lossy().into_owned();
        return Version::first_in(&name).map(Version::of_java);
    }
    // Managers make links such as `3.13` and `latest` to their versions, and pyenv to environments.
    let real = fs::canonicalize(folder).ok()?;
    if real.join("pyvenv.cfg").is_file() {
        return None;
    }
    let name = real.file_name()?.to_string_lossy().into_owned();
    let version = without_tool(&name, language).trim_start_matches('v');
    let numbers = version.split('-').next()?;
    // Builds of Python without the global lock, `3.13t` and `3.13.1+freethreaded`, load other packages.
    let is_plain = version.starts_with(|first: char| first.is_ascii_digit())
        && !numbers.ends_with('t')
        && !numbers.contains('+');
    is_plain.then(|| Version::first_in(version)).flatten()
}
