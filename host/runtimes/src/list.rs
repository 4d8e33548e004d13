//! All interpreters of a machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::advice;
use crate::find;
use crate::id::{Language, Runtime, runtime_names};
use crate::machine::Machine;

/// The interpreters of one language.
#[derive(Debug)]
pub struct Interpreters {
    /// The language's name.
    pub language: &'static str,
    /// Those that are found, in the order in which they are preferred. Each program is listed once.
    pub found: Vec<Interpreter>,
    /// The commands that install one, if there is none.
    pub install: Option<String>,
}

/// An interpreter that functions can run in.
#[derive(Debug)]
pub struct Interpreter {
    /// Its file.
    pub program: PathBuf,
    /// Its version.
    pub version: String,
    /// Where it was found: a version manager, a variable or `PATH`.
    pub rule: String,
    /// The id that a runtime of this version has, such as `python3.13`, whether or not AWS offers it.
    pub runtime: String,
}

/// The interpreters of every language, apart from those that belong to projects.
pub fn interpreters(machine: &Machine) -> Vec<Interpreters> {
    let languages = [
        Language::Python,
        Language::Node,
        Language::Ruby,
        Language::Java,
        Language::Dotnet,
    ];
    languages
        .into_iter()
        .map(|language| of_language(language, machine))
        .collect()
}

fn of_language(language: Language, machine: &Machine) -> Interpreters {
    let mut seen = BTreeSet::new();
    let mut all = find::all(language, machine);
    all.retain(|found| {
        let real = fs::canonicalize(&found.program);
        seen.insert(real.unwrap_or_else(|_| found.program.clone()))
    });
    let found: Vec<Interpreter> = all
        .into_iter()
        .map(|found| Interpreter {
            runtime: Runtime::of(language, &found.version).id,
            version: found.version.to_string(),
            rule: found.rule,
            program: found.program,
        })
        .collect();
    let newest = runtime_names()
        .filter_map(Runtime::parse)
        .find(|runtime| runtime.language == language);
    let install = newest.and_then(|runtime| advice::install(language, runtime.version.as_ref()));
    Interpreters {
        language: language.name(),
        install: install.filter(|_| found.is_empty()),
        found,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn each_interpreter_is_listed_once_and_missing_ones_with_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let node = bin.join("node");
        fs::write(&node, "#!/bin/sh\necho v22.1.0\n").unwrap();
        fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&node, bin.join("nodejs")).unwrap();
        let variables = BTreeMap::from([
            ("PATH".to_owned(), bin.display().to_string()),
            ("HOME".to_owned(), folder.path().display().to_string()),
        ]);
        let machine = Machine::new(variables, folder.path().join("cache"));
        let all = interpreters(&machine);
        let of = |name| all.iter().find(|one| one.language == name).unwrap();
        let [found] = of("Node").found.as_slice() else {
            panic!("{all:?}");
        };
        assert_eq!(
            (found.version.as_str(), found.runtime.as_str()),
            ("22.1.0", "nodejs22.x")
        );
        assert_eq!((found.rule.as_str(), &found.program), ("PATH", &node));
        assert_eq!(of("Node").install, None);
        let install = of("Ruby").install.clone().unwrap();
        assert!(install.starts_with("mise install ruby@"), "{install}");
    }
}
