//! What a project says about the versions of its interpreters, in the files that version managers read.
//!
//! The nearest folder decides, and in a folder the file that the language's own managers read comes before those of
//! managers of many languages, and these before `package.json`. Files are read as far as their managers define them;
//! what is in them is interpreted by `stores`. On failure: a file that cannot be read or parsed says nothing; one that is no
//! regular file, or too long, is warned about.

use std::path::{Path, PathBuf};

use lambkin_files::{read_small, read_small_text};

use crate::id::Language;
use crate::machine::Machine;

/// What a file or a variable says about a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// As written: `3.13.1`, `lts/jod`, `myenv`.
    pub text: String,
    /// The file, or the variable.
    pub source: String,
    /// Whether another version is a mistake. `engines` of `package.json` and the defaults of version managers are
    /// preferences.
    pub is_strict: bool,
}

/// The folder of the code and those above it, up to the project's. Only the code's folder if it is outside.
pub(crate) fn folders<'a>(code: &'a Path, project: &'a Path) -> impl Iterator<Item = &'a Path> {
    let is_inside = code.starts_with(project);
    code.ancestors()
        .take_while(move |folder| *folder == code || (is_inside && folder.starts_with(project)))
}

/// The names of a language's tool in files of several languages.
pub(crate) fn tools(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => &["python"],
        Language::Node => &["nodejs", "node"],
        Language::Ruby => &["ruby"],
        Language::Java => &["java"],
        Language::Dotnet | Language::Custom => &[],
    }
}

/// The version that a variable of the shell names, as `pyenv shell` sets it.
pub(crate) fn of_shell(language: Language, machine: &Machine) -> Option<Wish> {
    let variables: &[&str] = match language {
        Language::Python => &[
            "PYENV_VERSION",
            "ASDF_PYTHON_VERSION",
            "MISE_PYTHON_VERSION",
        ],
        Language::Node => &["NODENV_VERSION", "ASDF_NODEJS_VERSION", "MISE_NODE_VERSION"],
        Language::Ruby => &["RBENV_VERSION", "ASDF_RUBY_VERSION", "MISE_RUBY_VERSION"],
        Language::Java => &["JENV_VERSION", "ASDF_JAVA_VERSION", "MISE_JAVA_VERSION"],
        Language::Dotnet | Language::Custom => &[],
    };
    variables.iter().find_map(|variable| {
        // Several versions are separated by colons or blanks; the first one is started.
        let text = machine.variable(variable)?;
        let text = text.split([':', ' ']).next()?;
        Some(Wish {
            text: text.to_owned(),
            source: (*variable).to_owned(),
            is_strict: true,
        })
    })
}

/// The version that the nearest file names which version managers read.
pub(crate) fn wish(language: Language, code: &Path, project: &Path) -> Option<Wish> {
    let own_files: &[&str] = match language {
        Language::Python => &[".python-version"],
        Language::Node => &[".nvmrc", ".node-version"],
        Language::Ruby => &[".ruby-version"],
        Language::Java => &[".java-version", ".sdkmanrc"],
        Language::Dotnet | Language::Custom => return None,
    };
    let strict = |text: String, file: PathBuf| Wish {
        text: from_folder_of(&file, text),
        source: shown(&file, project),
        is_strict: true,
    };
    for folder in folders(code, project) {
        for name in own_files {
            let file = folder.join(name);
            let text = read_small_text(&file);
            if let Some(text) = text.and_then(|text| of_own_file(&text, name)) {
                return Some(strict(text, file));
            }
        }
        if let Some((text, file)) = of_tool_files(folder, tools(language)) {
            return Some(strict(text, file));
        }
        let (text, file) = match language {
            Language::Ruby => (of_gemfile(&folder.join("Gemfile.lock")), "Gemfile.lock"),
            Language::Node => (of_volta(&folder.join("package.json"), 0), "package.json"),
            _ => (None, ""),
        };
        if let Some(text) = text {
            return Some(strict(text, folder.join(file)));
        }
    }
    (language == Language::Node)
        .then(|| of_engines(code, project))
        .flatten()
}

/// The text of a file, with a path that starts at the file's folder. `path:` is mise's.
fn from_folder_of(file: &Path, text: String) -> String {
    match (text.strip_prefix("path:"), file.parent()) {
        (Some(path), Some(folder)) => format!("path:{}", folder.join(path).display()),
        _ => text,
    }
}

/// A path relative to the project.
pub(crate) fn shown(path: &Path, project: &Path) -> String {
    let below = path.strip_prefix(project).unwrap_or(path);
    below.display().to_string()
}

/// The version in the first line that has one; in `.sdkmanrc`, in the line of Java.
fn of_own_file(text: &str, name: &str) -> Option<String> {
    let lines = text.trim_start_matches('\u{feff}').lines();
    let mut lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
    let found = if name == ".sdkmanrc" {
        lines.find_map(|line| {
            Some(
                line.strip_prefix("java")?
                    .trim_start()
                    .strip_prefix('=')?
                    .trim(),
            )
        })
    } else {
        lines.find(|line| !line.is_empty())
    };
    found.map(str::to_owned)
}

/// The version in the files of asdf and mise in a folder.
pub(crate) fn of_tool_files(folder: &Path, tools: &[&str]) -> Option<(String, PathBuf)> {
    const FILES: [&str; 8] = [
        "mise.local.toml",
        "mise.toml",
        ".mise.local.toml",
        ".mise.toml",
        ".mise/config.toml",
        ".config/mise.toml",
        ".config/mise/config.toml",
        ".tool-versions",
    ];
    FILES.iter().find_map(|name| {
        let file = folder.join(name);
        let text = read_small_text(&file)?;
        let found = match name.ends_with(".toml") {
            true => of_mise(&text, tools),
            false => text.lines().find_map(|line| of_asdf(line, tools)),
        };
        Some((found?, file))
    })
}

/// `python 3.13.1 3.12.0` of `.tool-versions`: the first is started.
fn of_asdf(line: &str, tools: &[&str]) -> Option<String> {
    let mut words = line.split('#').next()?.split_whitespace();
    let is_tool = tools.contains(&words.next()?);
    is_tool.then(|| words.next().map(str::to_owned)).flatten()
}

/// `python = "3.13"`, `["3.13", "3.12"]` or `{ version = "3.13" }` below `[tools]` of `mise.toml`.
pub(crate) fn of_mise(text: &str, tools: &[&str]) -> Option<String> {
    let table = toml::de::DeTable::parse(text).ok()?;
    let all = table.get_ref().get("tools")?.get_ref();
    tools.iter().find_map(|tool| {
        let names = [(*tool).to_owned(), format!("core:{tool}")];
        let value = names
            .iter()
            .find_map(|name| all.get(name.as_str()))?
            .get_ref();
        let text = |value: &toml::de::DeValue<'_>| value.as_str().map(str::to_owned);
        text(value)
            .or_else(|| text(value.get(0)?.get_ref()))
            .or_else(|| text(value.get("version")?.get_ref()))
    })
}

fn json(file: &Path) -> Option<serde_json::Value> {
    serde_json::from_slice(&read_small(file)?).ok()
}

/// `volta.node` of a `package.json`, or of the file that it extends.
fn of_volta(file: &Path, depth: usize) -> Option<String> {
    /// Files that extend each other in a circle are a mistake.
    const MAX_DEPTH: usize = 8;
    let package = json(file)?;
    let volta = package.get("volta")?;
    if let Some(version) = volta.get("node").and_then(|version| version.as_str()) {
        return Some(version.to_owned());
    }
    let base = volta.get("extends")?.as_str()?;
    (depth < MAX_DEPTH)
        .then(|| of_volta(&file.parent()?.join(base), depth + 1))
        .flatten()
}

/// `devEngines` and `engines` of the nearest `package.json` that has them. npm only warns about other versions.
fn of_engines(code: &Path, project: &Path) -> Option<Wish> {
    folders(code, project).find_map(|folder| {
        let file = folder.join("package.json");
        let package = json(&file)?;
        let runtime = package.pointer("/devEngines/runtime");
        let runtime =
            runtime.filter(|one| one.get("name").and_then(|name| name.as_str()) == Some("node"));
        let text = runtime
            .and_then(|runtime| runtime.get("version"))
            .or_else(|| package.pointer("/engines/node"))?;
        Some(Wish {
            text: text.as_str()?.to_owned(),
            source: format!("{} (engines)", shown(&file, project)),
            is_strict: false,
        })
    })
}

fn of_gemfile(file: &Path) -> Option<String> {
    let text = read_small_text(file)?;
    let (_, rest) = text.split_once("RUBY VERSION")?;
    let line = rest.lines().find(|line| !line.trim().is_empty())?;
    // `ruby 3.4.1p0`
    let version = line.trim().strip_prefix("ruby ")?;
    Some(version.split('p').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_file_of_a_version_manager_names_the_version() {
        let project = tempfile::tempdir().unwrap();
        let code = project.path().join("functions/api");
        fs::create_dir_all(&code).unwrap();
        let wished = |language| {
            let wish = wish(language, &code, project.path())?;
            Some(format!("{} {}", wish.source, wish.text))
        };
        let found = |text: &str| Some(text.to_owned());
        assert_eq!(wished(Language::Python), None);
        let write = |name: &str, text: &str| {
            let file = project.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write("package.json", r#"{"engines": {"node": ">=18"}}"#);
        assert_eq!(wished(Language::Node), found("package.json (engines) >=18"));
        write(
            ".tool-versions",
            "nodejs 20.1.0 # ours\npython 3.12.1 3.11.0\n",
        );
        assert_eq!(wished(Language::Python), found(".tool-versions 3.12.1"));
        assert_eq!(wished(Language::Node), found(".tool-versions 20.1.0"));
        write(
            "functions/package.json",
            r#"{"volta": {"extends": "../base.json"}}"#,
        );
        write("base.json", r#"{"volta": {"node": "22.3.0"}}"#);
        assert_eq!(
            wished(Language::Node),
            found("functions/package.json 22.3.0")
        );
        write("functions/.python-version", "# ours\nmyenv\n");
        assert_eq!(
            wished(Language::Python),
            found("functions/.python-version myenv")
        );
        write("functions/.nvmrc", "lts/*\n");
        assert_eq!(wished(Language::Node), found("functions/.nvmrc lts/*"));
        write("Gemfile.lock", "GEM\n\nRUBY VERSION\n   ruby 3.4.1p0\n");
        assert_eq!(wished(Language::Ruby), found("Gemfile.lock 3.4.1"));
        write(
            "functions/api/.config/mise/config.toml",
            "[tools]\nnode = ['22', '20']\n",
        );
        assert_eq!(
            wished(Language::Node),
            found("functions/api/.config/mise/config.toml 22")
        );
        write(".sdkmanrc", "# enabled\ngradle=8.5\njava = 21.0.2-tem\n");
        assert_eq!(wished(Language::Java), found(".sdkmanrc 21.0.2-tem"));
    }

    #[test]
    fn tools_of_mise_have_several_forms() {
        let of = |text: &str| of_mise(text, &["node", "nodejs"]);
        assert_eq!(of("[tools]\nnode = '22'\n").unwrap(), "22");
        assert_eq!(of("tools.nodejs = ['lts']\n").unwrap(), "lts");
        assert_eq!(of("[tools.node]\nversion = '22.1'\n").unwrap(), "22.1");
        assert_eq!(of("[tools]\n'core:node' = '24'\n").unwrap(), "24");
        for other in [
            "[env]\nnode = '22'\n",
            "[tools]\nnode = 22\n",
            "[tools",
            "tools = 1",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn broken_files_say_nothing() {
        let project = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| fs::write(project.path().join(name), text).unwrap();
        write(".nvmrc", b"\xff\xfe");
        write(
            "package.json",
            br#"{"volta": {"extends": "package.json"}, "engines": {"node": 1}}"#,
        );
        write("mise.toml", b"[[tools]");
        assert_eq!(wish(Language::Node, project.path(), project.path()), None);
    }

    #[test]
    fn files_above_the_project_do_not_count() {
        let outside = tempfile::tempdir().unwrap();
        let project = outside.path().join("project");
        fs::create_dir(&project).unwrap();
        fs::write(outside.path().join(".python-version"), "3.9").unwrap();
        assert_eq!(wish(Language::Python, &project, &project), None);
    }
}
