//! The interpreter for a function, in the order that its users expect.
//!
//! 1. The one that the configuration or a variable such as `LAMBKIN_PYTHON` names.
//! 2. The project's: `.venv` or `venv`, `node_modules/node`.
//! 3. The one of the shell: `VIRTUAL_ENV`, `CONDA_PREFIX`, `JAVA_HOME`, `DOTNET_ROOT`.
//! 4. Those that version managers have installed; first the version that a variable such as `PYENV_VERSION` or the
//!    project's `.python-version`, `.tool-versions` and so on name, else the newest that fits.
//! 5. Those in `PATH`, without the version managers' shims.
//!
//! Without a version that the runtime or the project names, a version manager's default is preferred; without one,
//! 5 comes before 4.
//!
//! The first that fits the runtime is taken. If the one of 1 and 2 does not fit, the search ends: its packages are what
//! the developer wants. So it does if 4 names another version than the runtime. If no interpreter fits exactly, Node and
//! Java may be newer, and the nearest version is taken.
//!
//! What a file of the project asks for and does not get is never passed over silently: a note says what the file says, why
//! that is not used, and what is. On failure: a text with one line for each fact, and the commands that install what is
//! missing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::advice;
use crate::candidates::{Places, Search};
use crate::found::Found;
use crate::id::{Language, Runtime};
use crate::machine::Machine;
use crate::project;
use crate::requirement::Requirement;
use crate::stores::{self, Meaning, program_name};
use crate::version::{Fit, Version};

/// Finds the interpreter of a runtime. Returns it with notes for the developer.
pub(crate) fn find(runtime: &Runtime, places: &Places<'_>) -> Result<(Found, Vec<String>), String> {
    let language = runtime.language;
    let machine = places.machine;
    let of_project = project::of_shell(language, machine)
        .or_else(|| project::wish(language, places.code, places.project));
    // A version manager's default is how the developer's other programs start.
    let default = || stores::default_version(language, machine);
    let wish = match of_project {
        None if runtime.version.is_none() => default(),
        wish => wish,
    };
    let wish = wish.map(|wish| {
        let meaning = stores::meaning(&wish, language, machine);
        (wish, meaning)
    });
    let mut passed = Vec::new();
    let wish = match wish {
        // As if the project said nothing.
        Some((wish, Meaning::Missing(None))) if runtime.version.is_none() => {
            passed.push(advice::unknown_version(&wish, language));
            default().map(|wish| {
                let meaning = stores::meaning(&wish, language, machine);
                (wish, meaning)
            })
        }
        wish => wish,
    };
    let mut search = Search {
        runtime,
        places,
        wish,
        passed,
    };
    let found = search.run().map_err(|mut text| {
        for passed in &search.passed {
            let _ = write!(text, "\n{passed}");
        }
        text
    })?;
    search.passed.extend(search.unmet_wish(&found));
    let used = format!(
        "{} {} at {} ({}) is used",
        language.name(),
        found.version,
        found.program.display(),
        found.rule
    );
    let notes = search.passed.iter();
    let notes = notes.map(|passed| format!("{passed}; {used}")).collect();
    Ok((found, notes))
}

/// All interpreters of a language, apart from those of projects.
pub(crate) fn all(language: Language, machine: &Machine) -> Vec<Found> {
    let runtime = Runtime::any(language);
    let no_project = Path::new("/");
    let places = Places {
        machine,
        code: no_project,
        project: no_project,
        named: None,
        checks_versions: true,
        is_configured: true,
    };
    let mut search = Search {
        runtime: &runtime,
        places: &places,
        wish: None,
        passed: Vec::new(),
    };
    let mut all = search.of_shell();
    all.extend(stores::installed(language, machine));
    all.extend(search.of_path());
    all
}

impl Search<'_> {
    fn run(&mut self) -> Result<Found, String> {
        let mut judged = Judged::default();
        if let Some(named) = self.named()? {
            self.judge(vec![named], &mut judged)?;
        } else {
            let mut own: Vec<Found> = self.of_project().into_iter().collect();
            own.extend(self.of_shell());
            self.judge(own, &mut judged)?;
            if judged.fits.is_none() {
                self.check_wish()?;
                let rest = self.of_machine();
                self.judge(rest, &mut judged)?;
            }
        }
        let Judged {
            fits,
            newer,
            others,
        } = judged;
        fits.or(newer).ok_or_else(|| self.mismatch(&others))
    }

    /// Looks for the first that fits. Fails if one that is binding does not.
    fn judge(&self, all: Vec<Found>, judged: &mut Judged) -> Result<(), String> {
        for found in all {
            if judged.fits.is_some() {
                break;
            }
            match self.fit(&found) {
                Fit::Same => judged.fits = Some(found),
                Fit::Newer if found.is_binding => judged.fits = Some(found),
                Fit::Newer => {
                    let best = judged.newer.as_ref();
                    if best.is_none_or(|best| self.distance(&found) < self.distance(best)) {
                        judged.newer = Some(found);
                    }
                }
                Fit::Other if found.is_binding => return Err(self.mismatch(&[found])),
                Fit::Other => judged.others.push(found),
            }
        }
        Ok(())
    }

    fn fit(&self, found: &Found) -> Fit {
        let is_wished = match &self.wish {
            Some((_, Meaning::Range(range, _))) => range.accepts(&found.version),
            _ => false,
        };
        match self.wanted() {
            Some(_) if self.runtime.version.is_none() && is_wished => Fit::Same,
            Some(wanted) if self.places.checks_versions => {
                found.version.fit(self.runtime.language, &wanted)
            }
            _ => Fit::Same,
        }
    }

    /// How far a newer interpreter is from what is asked for: one that the project asks for first, then by versions, as
    /// each newer one has dropped more of what the code may use.
    fn distance(&self, found: &Found) -> (bool, u32) {
        let is_wished = match &self.wish {
            Some((_, Meaning::Range(range, _))) => range.accepts(&found.version),
            Some((_, Meaning::Program(wished))) => wished.program == found.program,
            // They are in that order.
            Some((_, Meaning::Newest { .. } | Meaning::Machine)) => return (false, 0),
            _ => false,
        };
        (!is_wished, found.version.major)
    }

    /// Fails if the project names a version that the runtime does not have.
    fn check_wish(&self) -> Result<(), String> {
        let language = self.runtime.language;
        let (Some(wanted), Some((wish, meaning))) = (&self.runtime.version, &self.wish) else {
            return Ok(());
        };
        let named = match meaning {
            Meaning::Range(range, _) if has_version_of(range, language, wanted) => None,
            Meaning::Range(_, version) | Meaning::Missing(version) => version.as_ref(),
            _ => None,
        };
        let contradicts = |named: &Version| named.fit(language, wanted) == Fit::Other;
        if !self.places.checks_versions || !wish.is_strict || !named.is_some_and(contradicts) {
            return Ok(());
        }
        let all = all(language, self.places.machine);
        let named = named.cloned();
        Err(advice::contradiction(
            self.runtime,
            wanted,
            wish,
            named.as_ref(),
            &all,
            self.places.is_configured,
        ))
    }

    /// What the project asks for and does not get, if that is so.
    fn unmet_wish(&self, found: &Found) -> Option<String> {
        let (wish, meaning) = self.wish.as_ref()?;
        let language = self.runtime.language;
        let is_default = !wish.is_strict && Path::new(&wish.source).is_absolute();
        if is_default || (found.is_binding && found.rule == "interpreter") {
            return None;
        }
        let reason = match meaning {
            Meaning::Range(range, version) => {
                let is_near = |version: &Version| found.version.fit(language, version) == Fit::Same;
                // An environment has the version that it was made with.
                let is_met = range.accepts(&found.version)
                    || (found.is_binding && version.as_ref().is_some_and(is_near));
                if is_met {
                    return None;
                }
                let installed = stores::installed(language, self.places.machine);
                let mut all = installed.iter();
                match all.any(|found| range.accepts(&found.version)) {
                    true if self.runtime.version.is_some() => {
                        format!("which is not the version of runtime {}", self.runtime.id)
                    }
                    true => "which is installed elsewhere".to_owned(),
                    false => "which is not installed".to_owned(),
                }
            }
            Meaning::Missing(_) if !found.is_binding => {
                return Some(advice::unknown_version(wish, language));
            }
            Meaning::Machine if !found.is_binding && found.rule != "PATH" => {
                "but PATH has none that fits".to_owned()
            }
            Meaning::Newest { .. } if self.runtime.version.is_some() => {
                let installed = stores::installed(language, self.places.machine);
                let newest = installed.first()?;
                if newest.version.fit(language, &found.version) == Fit::Same {
                    return None;
                }
                format!(
                    "which is {}, not the version of runtime {}",
                    newest.version, self.runtime.id
                )
            }
            _ => return None,
        };
        Some(format!("{} says {}, {reason}", wish.source, wish.text))
    }

    /// The interpreters of version managers and of `PATH`, in the order in which they are preferred.
    fn of_machine(&self) -> Vec<Found> {
        let (language, machine) = (self.runtime.language, self.places.machine);
        let mut installed = stores::installed(language, machine);
        let mut in_path = self.of_path();
        let mut all = Vec::new();
        // Without any wish, it is what the shell would run.
        let mut path_first = self.runtime.version.is_none();
        match &self.wish {
            Some((_, Meaning::Program(found))) => all.push(found.clone()),
            Some((_, Meaning::Machine)) => path_first = true,
            Some((_, Meaning::Newest { is_lts })) => {
                installed.append(&mut in_path);
                installed.sort_by(|one, other| other.version.cmp(&one.version));
                // Stable: the newest first among the rest.
                installed.sort_by_key(|found| *is_lts && found.version.major % 2 != 0);
            }
            Some((wish, Meaning::Range(range, _))) => {
                installed.sort_by_key(|found| !range.accepts(&found.version));
                in_path.sort_by_key(|found| !range.accepts(&found.version));
                let is_met = |found: &[Found]| {
                    let first = found.first();
                    first.is_some_and(|found| range.accepts(&found.version))
                };
                let is_range = !wish.is_strict && !Path::new(&wish.source).is_absolute();
                path_first = !is_met(&installed) || (is_range && is_met(&in_path));
                // Any version of the runtime is nearer than one of PATH that does not fit.
                path_first &= self.runtime.version.is_none();
            }
            _ => {}
        }
        if path_first {
            all.extend(in_path);
            all.extend(installed);
        } else {
            all.extend(installed);
            all.extend(in_path);
        }
        all
    }

    /// The interpreter that the configuration or a variable names. Fails if it cannot be used.
    fn named(&self) -> Result<Option<Found>, String> {
        let (language, machine) = (self.runtime.language, self.places.machine);
        let variable = advice::variable(language);
        let (path, rule) = match (self.places.named, machine.variable(variable)) {
            (Some(path), _) => (path, "interpreter"),
            (None, Some(path)) => (Path::new(path), variable),
            (None, None) => return Ok(None),
        };
        let is_shim = path.is_absolute()
            && path
                .parent()
                .is_some_and(|folder| machine.has_shims(folder));
        let programs = match path.file_name() {
            Some(name) if is_shim || path.components().count() == 1 => {
                self.programs_named(&name.to_string_lossy())
            }
            _ => {
                let program = self.places.project.join(path);
                program.is_file().then_some(program).into_iter().collect()
            }
        };
        if programs.is_empty() {
            let mut text = format!("{rule} = {path:?}: there is no such program");
            let shim = path
                .file_name()
                .and_then(|name| machine.shim(&name.to_string_lossy()));
            if let Some(shim) = shim {
                let _ = write!(
                    text,
                    "; {} is a version manager's shim, which starts an installed version, and none has it",
                    shim.display()
                );
            }
            return Err(text + &self.instead());
        }
        let mut found = Vec::new();
        let mut mistake = None;
        for program in programs {
            let asked = self.ask(&program);
            let asked = match (asked, self.wanted()) {
                // It is what the developer has named.
                (Err(_), Some(wanted)) if machine.avoids(&program) => Ok(wanted),
                (asked, _) => asked,
            };
            match asked {
                Ok(version) => found.push(Found {
                    program,
                    version,
                    rule: rule.to_owned(),
                    is_binding: true,
                }),
                Err(text) => mistake = mistake.or(Some(format!("{rule} = {path:?}: {text}"))),
            }
        }
        let fits = found.iter().position(|found| self.fit(found) == Fit::Same);
        let mut found = found.into_iter();
        match (found.nth(fits.unwrap_or(0)), mistake) {
            (Some(found), _) => Ok(Some(found)),
            (None, Some(text)) => Err(text + &self.instead()),
            (None, None) => Ok(None),
        }
    }

    /// The programs that a name stands for. A version manager's shim, if the shell would run one, stands for the versions
    /// that it could start.
    fn programs_named(&self, name: &str) -> Vec<PathBuf> {
        let (language, machine) = (self.runtime.language, self.places.machine);
        let mut installed = stores::programs_named(name, language, machine);
        if let Some((_, Meaning::Range(range, _))) = &self.wish {
            installed.sort_by_key(|found| !range.accepts(&found.version));
        }
        let installed = installed.into_iter().map(|found| found.program);
        let in_path = machine.in_path(name);
        if machine.shim(name).is_some() {
            installed.chain(in_path).collect()
        } else {
            in_path.chain(installed).collect()
        }
    }

    /// What would be used if the configuration named no interpreter.
    fn instead(&self) -> String {
        let language = self.runtime.language;
        let places = Places {
            named: None,
            ..*self.places
        };
        // Without the variable that names it, nothing is looked for: it is still set.
        let found = self
            .places
            .named
            .and_then(|_| find(self.runtime, &places).ok());
        match found {
            Some((found, _)) => format!(
                "\nleave `interpreter` out to run {} {} at {} ({}), or write the path of another one",
                language.name(),
                found.version,
                found.program.display(),
                found.rule
            ),
            None => format!(
                "\nwrite the path of one, such as \"/path/to/{}\"",
                program_name(language)
            ),
        }
    }

    fn mismatch(&self, others: &[Found]) -> String {
        let source = self.wish.as_ref().map(|(wish, _)| wish.source.as_str());
        let mut text = advice::mismatch(self.runtime, self.wanted().as_ref(), source, others);
        text.push_str(&match self.places.is_configured {
            true => advice::other_keys(self.runtime, others),
            false => advice::other_arguments(self.runtime, others),
        });
        text
    }
}

/// The outcome of a search.
#[derive(Debug, Default)]
struct Judged {
    fits: Option<Found>,
    /// The one with the nearest of the newer versions.
    newer: Option<Found>,
    others: Vec<Found>,
}

/// Whether a range has versions that fit one.
fn has_version_of(range: &Requirement, language: Language, wanted: &Version) -> bool {
    const LAST: u32 = u32::MAX;
    let minors = match language {
        Language::Python | Language::Ruby => [wanted.minor, wanted.minor],
        _ => [wanted.minor, LAST],
    };
    let [first, last] = minors;
    let mut ends = [(first, wanted.patch), (last, LAST)].into_iter();
    ends.any(|(minor, patch)| {
        range.accepts(&Version {
            major: wanted.major,
            minor,
            patch,
        })
    })
}
