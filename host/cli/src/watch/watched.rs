//! A watched function: its files, and their changes since it was last restarted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lambkin_lambda::{Entry, Function, MadeFrom};

use super::burst::{Burst, QUIET, QUIET_OF_SCRIPTS, shown};
use super::links::{self, MAX_WATCHED_FOLDERS};
use super::output;
use crate::config::{FunctionInputs, Ignore, Renewed};

/// A watched function.
pub struct Watched {
    function: Arc<Function>,
    inputs: FunctionInputs,
    ignore: Ignore,
    /// The folder that links in the code may lead to.
    project: PathBuf,
    /// The code, the layers and the env-files, as paths without links, in the order of the inputs' paths.
    targets: Vec<PathBuf>,
    /// Files and folders of the project that links in the targets lead to.
    linked: Vec<PathBuf>,
    /// The links on the way to the targets.
    links: BTreeSet<PathBuf>,
    /// Folders with too many folders to watch them all.
    too_large: BTreeSet<PathBuf>,
    burst: Burst,
    written: WrittenByCalls,
}

/// A file whose changes come with the function's own calls: whatever writes it restarts the function each time.
#[derive(Debug, Default)]
struct WrittenByCalls {
    /// Whether the first change of the burst came with a call.
    is_with_call: bool,
    /// The file that caused the last restart, if its change came with a call.
    last: Option<PathBuf>,
    is_said: bool,
}

/// A change comes with a call if the function was active within this time. Reports of changes are a little late.
const WITH_CALL: Duration = Duration::from_millis(100);

/// A path to watch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub path: PathBuf,
    /// Whether everything below the path is watched, if it is a folder.
    pub is_deep: bool,
}

impl Watched {
    /// `project` is the folder that links in the code may lead to. Finds the targets, but not yet the links in them.
    pub fn new(
        function: Arc<Function>,
        inputs: FunctionInputs,
        project: PathBuf,
    ) -> anyhow::Result<Self> {
        let quiet = match function.spec().code.entry {
            Entry::Managed(_) => QUIET_OF_SCRIPTS,
            _ => QUIET,
        };
        let mut watched = Self {
            ignore: Ignore::new(&inputs.ignore)?,
            targets: inputs
                .paths()
                .map(|path| path.canonicalize())
                .collect::<Result<_, _>>()?,
            function,
            inputs,
            project,
            linked: Vec::new(),
            links: BTreeSet::new(),
            too_large: BTreeSet::new(),
            burst: Burst::new(quiet),
            written: WrittenByCalls::default(),
        };
        watched.find_links_on_the_way();
        Ok(watched)
    }

    /// The paths to watch, which have no links in them.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        let deep = self.targets.iter().chain(&self.linked);
        let deep = deep.map(|path| Target {
            path: path.clone(),
            is_deep: !self.too_large.contains(path),
        });
        let links = self.links.iter().map(|path| Target {
            path: path.clone(),
            is_deep: false,
        });
        deep.chain(links)
    }

    /// Finds the targets and the links in them again. Returns lines for the log.
    pub fn locate(&mut self) -> Vec<String> {
        for (target, path) in self.targets.iter_mut().zip(self.inputs.paths()) {
            // One that does not exist now is awaited where it was.
            if let Ok(found) = path.canonicalize() {
                *target = found;
            }
        }
        self.find_links_on_the_way();
        let mut lines = Vec::new();
        self.linked.clear();
        for target in self.targets.iter().filter(|target| target.is_dir()) {
            let found = links::below(target, &self.project, &self.ignore);
            if found.is_too_large && self.too_large.insert(target.clone()) {
                lines.push(format!(
                    "function {}: {} has more than {MAX_WATCHED_FOLDERS} folders, so only files in it, and none in its \
                     folders, are watched",
                    self.function.spec().name,
                    shown(target)
                ));
            }
            self.linked.extend(found.targets);
        }
        self.linked.extend(self.bundled_from_elsewhere());
        lines
    }

    /// The files outside of the targets from which the code was bundled.
    fn bundled_from_elsewhere(&self) -> Vec<PathBuf> {
        let Entry::Managed(managed) = &self.function.spec().code.entry else {
            return Vec::new();
        };
        let inputs = managed.made_from.as_ref().map(MadeFrom::inputs);
        let inputs = inputs.into_iter().flatten();
        let known = |path: &PathBuf| self.targets.iter().any(|target| path.starts_with(target));
        inputs.filter(|path| !known(path)).collect()
    }

    fn find_links_on_the_way(&mut self) {
        // Those of the project's own path concern everything.
        let of_project = links::on_path(&self.project);
        let paths = self.inputs.paths().flat_map(|path| links::on_path(path));
        self.links = paths.filter(|link| !of_project.contains(link)).collect();
    }

    /// Records files that were changed after a time, at which nothing was watched yet.
    pub fn record_since(&mut self, time: SystemTime) {
        let all = self.targets.iter().chain(&self.linked);
        let mut changed = all.filter_map(|target| links::changed_since(target, time, &self.ignore));
        if let Some(path) = changed.next() {
            drop(changed);
            self.burst.record(&path, false);
        }
    }

    /// Records a change, if the path belongs to this function and is not ignored. It may complete the file.
    pub fn record(&mut self, path: &Path, is_complete: bool) {
        let contains = |target: &PathBuf| {
            path.strip_prefix(target)
                .is_ok_and(|below| !self.ignore.covers(below))
        };
        let is_ours =
            self.links.contains(path) || self.targets.iter().chain(&self.linked).any(contains);
        if is_ours && !output::is_own(path) {
            if self.burst.due().is_none() {
                self.written.is_with_call = self.function.was_active_within(WITH_CALL);
            }
            self.burst.record(path, is_complete);
        }
    }

    /// Records that any file in a folder may have changed.
    pub fn record_replaced(&mut self, folder: &Path) {
        let mut all = self.targets.iter().chain(&self.linked).chain(&self.links);
        if let Some(target) = all.find(|target| target.starts_with(folder)).cloned() {
            self.burst.record(&target, false);
        }
    }

    /// When the function is due to restart. `None` if nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        self.burst.due()
    }

    /// What to do if the function itself writes the file that restarts it: said once, when that happens a second time.
    fn hint_at_own_writes(&mut self, file: &Path) -> String {
        let is_with_call = std::mem::take(&mut self.written.is_with_call);
        let last = self.written.last.take();
        if is_with_call {
            self.written.last = Some(file.to_owned());
        }
        if !is_with_call || last.as_deref() != Some(file) || self.written.is_said {
            return String::new();
        }
        self.written.is_said = true;
        let mut targets = self.targets.iter();
        let below = targets.find_map(|target| file.strip_prefix(target).ok());
        format!(
            ", again during a call; if the function itself writes the file, each call restarts it, unless the file is \
             ignored: watch = {{ ignore = [\"/{}\"] }}",
            below.unwrap_or(file).display()
        )
    }

    /// Whether no way was found to start the function when the configuration was read, which may be different now.
    pub fn cannot_start(&self) -> bool {
        matches!(&self.function.spec().code.entry, Entry::Managed(managed) if managed.command.is_err())
    }

    /// Restarts the function if it is due. Returns the line for the log.
    pub fn restart_if_due(&mut self) -> Option<String> {
        let file = self.burst.take_due()?;
        let hint = self.hint_at_own_writes(&file);
        let spec = self.function.spec();
        let name = &spec.name;
        Some(match self.inputs.renew(spec) {
            Ok(Renewed::Same) => format!(
                "function {name} stays as it is: {} has changed, and the bundle has not",
                shown(&file)
            ),
            Ok(Renewed::Failing(why)) => {
                self.function.retire_environments();
                format!(
                    "function {name}: {} has changed, and calls fail until this is corrected: {why}",
                    shown(&file)
                )
            }
            Ok(Renewed::Changed) => {
                self.function.retire_environments();
                format!(
                    "function {name} restarts: {} has changed{hint}",
                    shown(&file)
                )
            }
            // Correcting the mistake will be another change, and another attempt.
            Err(error) => format!("function {name} stays as it was: {error}"),
        })
    }
}
