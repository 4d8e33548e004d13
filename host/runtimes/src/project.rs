//! What a project says about the versions of its interpreters.

use std::fs;
use std::path::{Path, PathBuf};

use crate::id::Language;
use crate::version::Version;

/// A version that a file of the project names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub version: Version,
    pub file: PathBuf,
}

/// The folder of the code and those above it, up to the project's. Only the code's folder if it is outside.
pub(crate) fn folders<'a>(code: &'a Path, project: &'a Path) -> impl Iterator<Item = &'a Path> {
    let is_inside = code.starts_with(project);
    code.ancestors()
        .take_while(move |folder| *folder == code || (is_inside && folder.starts_with(project)))
}

/// The version that the nearest file names which version managers read.
pub(crate) fn wish(language: Language, code: &Path, project: &Path) -> Option<Wish> {
    let (files, tool): (&[&str], &[&str]) = match language {
        Language::Python => (&[".python-version"], &["python"]),
        Language::Node => (&[".nvmrc", ".node-version"], &["nodejs", "node"]),
        Language::Ruby => (&[".ruby-version"], &["ruby"]),
        Language::Java => (&[".java-version", ".sdkmanrc"], &["java"]),
        Language::Dotnet | Language::Custom => return None,
    };
    for folder in folders(code, project) {
        for name in files {
            let file = folder.join(name);
            if let Some(version) = fs::read_to_string(&file)
                .ok()
                .and_then(|text| first_line(&text).and_then(Version::first_in))
            {
                return Some(Wish { version, file });
            }
        }
        for name in [".tool-versions", "mise.toml", ".mise.toml"] {
            let file = folder.join(name);
            let text = fs::read_to_string(&file).unwrap_or_default();
            if let Some(version) = text.lines().find_map(|line| of_tool(line, tool)) {
                return Some(Wish { version, file });
            }
        }
        if language == Language::Ruby
            && let Some(wish) = of_gemfile(&folder.join("Gemfile.lock"))
        {
            return Some(wish);
        }
    }
    None
}

fn first_line(text: &str) -> Option<&str> {
    let lines = text.lines().map(str::trim);
    lines
        .into_iter()
        .find(|line| !line.is_empty() && !line.starts_with('#'))
}

/// `python 3.13.1` of `.tool-versions`, `python = "3.13"` of `mise.toml`.
fn of_tool(line: &str, tools: &[&str]) -> Option<Version> {
    let (name, rest) = line.trim().split_once([' ', '=', '\t'])?;
    let is_tool = tools.contains(&name.trim_matches('"'));
    is_tool.then(|| Version::first_in(rest)).flatten()
}

fn of_gemfile(file: &Path) -> Option<Wish> {
    let text = fs::read_to_string(file).ok()?;
    let (_, rest) = text.split_once("RUBY VERSION")?;
    let version = Version::first_in(rest)?;
    Some(Wish {
        version,
        file: file.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_of_a_version_manager_names_the_version() {
        let project = tempfile::tempdir().unwrap();
        let code = project.path().join("functions/api");
        fs::create_dir_all(&code).unwrap();
        let wished =
            |language| wish(language, &code, project.path()).map(|wish| wish.version.to_string());
        assert_eq!(wished(Language::Python), None);
        let write = |name: &str, text: &str| fs::write(project.path().join(name), text).unwrap();
        write(".tool-versions", "nodejs 20.1.0\npython 3.12.1\n");
        assert_eq!(wished(Language::Python).unwrap(), "3.12.1");
        assert_eq!(wished(Language::Node).unwrap(), "20.1.0");
        write("functions/.python-version", "# ours\n3.13\n");
        assert_eq!(wished(Language::Python).unwrap(), "3.13.0");
        write("functions/.nvmrc", "lts/*\n");
        assert_eq!(wished(Language::Node).unwrap(), "20.1.0");
        write("Gemfile.lock", "GEM\n\nRUBY VERSION\n   ruby 3.4.1p0\n");
        assert_eq!(wished(Language::Ruby).unwrap(), "3.4.1");
        write("functions/mise.toml", "[tools]\nnode = \"22\"\n");
        assert_eq!(wished(Language::Node).unwrap(), "22.0.0");
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
