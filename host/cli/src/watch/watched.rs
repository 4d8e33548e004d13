//! A watched function: its files, and their changes since it was last restarted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambkin_lambda::Function;

use crate::config::{FunctionInputs, Ignore};

/// A burst of changes ends when nothing has changed for this long. Editors save in several steps, and builds write many
/// files.
const QUIET: Duration = Duration::from_millis(150);

/// The longest time for which a burst postpones a restart.
const MAX_BURST: Duration = Duration::from_secs(2);

/// A watched function.
pub struct Watched {
    function: Arc<Function>,
    inputs: FunctionInputs,
    ignore: Ignore,
    targets: Vec<PathBuf>,
    burst: Option<Burst>,
}

/// Changes that cause one restart.
struct Burst {
    first: Instant,
    last: Instant,
    /// The first changed file.
    file: PathBuf,
}

impl Watched {
    pub fn new(function: Arc<Function>, inputs: FunctionInputs) -> anyhow::Result<Self> {
        // Events contain absolute paths without links.
        let canonical = |path: &PathBuf| path.canonicalize();
        Ok(Self {
            ignore: Ignore::new(&inputs.ignore)?,
            targets: inputs.paths().map(canonical).collect::<Result<_, _>>()?,
            function,
            inputs,
            burst: None,
        })
    }

    /// The function's files and folders, as absolute paths without links.
    pub fn targets(&self) -> &[PathBuf] {
        &self.targets
    }

    /// Records a change, if the path belongs to this function and is not ignored.
    pub fn record(&mut self, path: &Path) {
        let contains = |target: &PathBuf| {
            path.strip_prefix(target)
                .is_ok_and(|below| !self.ignore.covers(below))
        };
        if !self.targets.iter().any(contains) {
            return;
        }
        let now = Instant::now();
        match &mut self.burst {
            Some(burst) => burst.last = now,
            None => {
                self.burst = Some(Burst {
                    first: now,
                    last: now,
                    file: path.to_owned(),
                });
            }
        }
    }

    /// Records that any file in a folder may have changed.
    pub fn record_replaced(&mut self, folder: &Path) {
        let inside = |target: &&PathBuf| target.starts_with(folder);
        if let Some(target) = self.targets.iter().find(inside).cloned() {
            self.record(&target);
        }
    }

    /// When the function is due to restart. `None` if nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        let burst = self.burst.as_ref()?;
        Some((burst.last + QUIET).min(burst.first + MAX_BURST))
    }

    /// Restarts the function if it is due. Returns the line for the log.
    pub fn restart_if_due(&mut self) -> Option<String> {
        if self.due()? > Instant::now() {
            return None;
        }
        let burst = self.burst.take()?;
        let spec = self.function.spec();
        let name = &spec.name;
        Some(match self.inputs.renew(spec) {
            Ok(()) => {
                self.function.retire_environments();
                format!(
                    "function {name} restarts: {} has changed",
                    shown(&burst.file)
                )
            }
            // Correcting the mistake will be another change, and another attempt.
            Err(error) => format!("function {name} stays as it was: {error}"),
        })
    }
}

/// The path relative to the current folder, if it is below it.
fn shown(path: &Path) -> std::path::Display<'_> {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    here.ok()
        .and_then(|here| path.strip_prefix(here).ok())
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(path)
        .display()
}
