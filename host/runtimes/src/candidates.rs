//! Where interpreters may be: in the project, where the shell's variables lead, and in `PATH`; and what they say about their
//! versions. Those of version managers are found by `stores`.
//!
//! On failure: a program that is no interpreter of the language, or cannot be asked, is left out; so is an environment
//! without one, which is noted.

use std::path::{Path, PathBuf};

use crate::advice;
use crate::environment::{self, unusable};
use crate::found::Found;
use crate::id::{Language, Runtime};
use crate::machine::Machine;
use crate::project::{self, Wish, shown};
use crate::stores::{self, Meaning, version_argument};
use crate::version::Version;

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
    /// Whether advice can name keys of a configuration file.
    pub is_configured: bool,
}

/// What is looked for.
pub(crate) struct Search<'a> {
    pub runtime: &'a Runtime,
    pub places: &'a Places<'a>,
    /// What the project, the shell or a version manager asks for, and what that means.
    pub wish: Option<(Wish, Meaning)>,
    /// What was passed over, and why.
    pub passed: Vec<String>,
}

impl Search<'_> {
    /// The version that is needed: the runtime's; that of a runtime that was guessed is the one that the project names.
    pub fn wanted(&self) -> Option<Version> {
        self.runtime.version.clone().or_else(|| match &self.wish {
            Some((wish, Meaning::Range(_, version))) if wish.is_strict => version.clone(),
            _ => None,
        })
    }

    /// The version of a program, or why it is not an interpreter of the language.
    pub fn ask(&self, program: &Path) -> Result<Version, String> {
        let language = self.runtime.language;
        let (name, argument) = (language.name(), version_argument(language));
        if self.places.machine.avoids(program) {
            return environment::version_of_file(language, program).ok_or_else(|| {
                format!(
                    "{} is or may be a program of the project, which runs in its sandbox only, so that it cannot be asked for its \
                     version",
                    program.display()
                )
            });
        }
        let Some(told) = self.places.machine.told(program, argument) else {
            return Err(format!(
                "{} is not {name}: `{argument}` fails",
                program.display()
            ));
        };
        match Version::of_program(&told) {
            Some((found, version)) if found == language => Ok(version),
            Some((found, version)) => Err(format!(
                "{} is {} {version}, not {name}; {} if the code is for {}",
                program.display(),
                found.name(),
                advice::runtime(&Runtime::of(found, &version).id, self.places.is_configured),
                found.name()
            )),
            None => Err(format!(
                "{} is not {name}: to `{argument}` it says {:?}",
                program.display(),
                told.lines().next().unwrap_or_default()
            )),
        }
    }

    /// The interpreter of the project itself.
    pub fn of_project(&mut self) -> Option<Found> {
        let language = self.runtime.language;
        let (code, project) = (self.places.code, self.places.project);
        let (names, program): (&[&str], _) = match language {
            Language::Python => (&[".venv", "venv"], "bin/python"),
            Language::Node => (&["node_modules/node"], "bin/node"),
            _ => return None,
        };
        let environments = project::folders(code, project)
            .flat_map(|folder| names.iter().map(|name| folder.join(name)))
            .collect::<Vec<_>>();
        environments.into_iter().find_map(|environment| {
            let program = environment.join(program);
            let name = shown(&environment, project);
            self.in_environment(&environment, program, &name, true)
        })
    }

    /// The interpreter of an environment. One that is there and has none is noted.
    fn in_environment(
        &mut self,
        environment: &Path,
        program: PathBuf,
        rule: &str,
        is_binding: bool,
    ) -> Option<Found> {
        if let Some(reason) = unusable(environment, &program) {
            self.passed.push(format!("{rule} is not used: {reason}"));
            return None;
        }
        if !program.is_file() {
            return None;
        }
        let version = environment::version(environment).or_else(|| self.ask(&program).ok())?;
        Some(Found {
            program,
            version,
            rule: rule.to_owned(),
            is_binding,
        })
    }

    /// The interpreters that variables of the shell lead to.
    pub fn of_shell(&mut self) -> Vec<Found> {
        let (language, machine) = (self.runtime.language, self.places.machine);
        let variables: &[(&str, &str)] = match language {
            Language::Python => &[
                ("VIRTUAL_ENV", "bin/python"),
                ("CONDA_PREFIX", "bin/python"),
            ],
            Language::Node => &[("NVM_BIN", "node"), ("FNM_MULTISHELL_PATH", "bin/node")],
            Language::Java => &[("JAVA_HOME", "bin/java")],
            Language::Dotnet => &[("DOTNET_ROOT", "dotnet")],
            _ => &[],
        };
        // A shell's version of Node.js is what `nvm use` has chosen; a file of the project chooses for the project.
        if language == Language::Node && self.wish.as_ref().is_some_and(|(wish, _)| wish.is_strict)
        {
            return Vec::new();
        }
        let set = variables.iter().filter_map(|(variable, program)| {
            Some((
                *variable,
                PathBuf::from(machine.variable(variable)?),
                *program,
            ))
        });
        let set: Vec<_> = set.collect();
        let found = set.into_iter().filter_map(|(variable, folder, program)| {
            let program = folder.join(program);
            // A shell always has a base environment of conda; an activated one is the developer's choice.
            let is_binding = variable == "VIRTUAL_ENV";
            if language == Language::Java && program.is_file() {
                let version =
                    stores::version_of(language, &folder).or_else(|| self.ask(&program).ok())?;
                return Some(Found {
                    program,
                    version,
                    rule: variable.to_owned(),
                    is_binding,
                });
            }
            self.in_environment(&folder, program, variable, is_binding)
        });
        found.collect()
    }

    /// The interpreters in `PATH`, without the shims of version managers.
    pub fn of_path(&self) -> Vec<Found> {
        let (language, machine) = (self.runtime.language, self.places.machine);
        let names: Vec<String> = match language {
            Language::Python => {
                let wanted = self.wanted();
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
                    version: self.ask(&program).ok()?,
                    program,
                    rule: "PATH".to_owned(),
                    is_binding: false,
                })
            })
            .collect()
    }
}
