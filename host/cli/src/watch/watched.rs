//! A function that is watched: what belongs to it, and the changes since it last started.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambkin_lambda::Function;

use super::ignore::Ignore;
use crate::config::Origin;

/// A burst of changes is over when nothing has changed for this long: editors save in several steps, builds write many
/// files.
const QUIET: Duration = Duration::from_millis(150);

/// A burst that goes on does not hold up a restart for longer than this.
const LONGEST: Duration = Duration::from_secs(2);

/// A function and what it is made of.
pub struct Watched {
    function: Arc<Function>,
    origin: Origin,
    ignore: Ignore,
    targets: Vec<PathBuf>,
    burst: Option<Burst>,
}

/// Changes that are to be one restart.
struct Burst {
    first: Instant,
    last: Instant,
    file: PathBuf,
}

impl Watched {
    pub fn new(function: Arc<Function>, origin: Origin) -> anyhow::Result<Self> {
        // As the system's events name them: without links, and from the root.
        let canonical = |path: &PathBuf| path.canonicalize();
        Ok(Self {
            ignore: Ignore::new(&origin.ignore)?,
            targets: origin.paths().map(canonical).collect::<Result<_, _>>()?,
            function,
            origin,
            burst: None,
        })
    }

    /// Files and folders, without links.
    pub fn targets(&self) -> &[PathBuf] {
        &self.targets
    }

    /// Notes a change, if it is one of this function.
    pub fn note(&mut self, path: &Path) {
        let concerns = |target: &PathBuf| {
            path.strip_prefix(target)
                .is_ok_and(|below| !self.ignore.covers(below))
        };
        if !self.targets.iter().any(concerns) {
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

    /// Notes that anything in a folder may have changed.
    pub fn note_replaced(&mut self, folder: &Path) {
        let inside = |target: &&PathBuf| target.starts_with(folder);
        if let Some(target) = self.targets.iter().find(inside).cloned() {
            self.note(&target);
        }
    }

    /// When the function is to restart.
    pub fn due(&self) -> Option<Instant> {
        let burst = self.burst.as_ref()?;
        Some((burst.last + QUIET).min(burst.first + LONGEST))
    }

    /// Restarts the function if it is time; what there is to say about that.
    pub fn restart_if_due(&mut self) -> Option<String> {
        if self.due()? > Instant::now() {
            return None;
        }
        let burst = self.burst.take()?;
        let spec = self.function.spec();
        let name = &spec.name;
        Some(match self.origin.renew(spec) {
            Ok(()) => {
                self.function.retire_environments();
                format!(
                    "function {name} restarts: {} has changed",
                    shown(&burst.file)
                )
            }
            // Nothing is lost: whatever puts it right is another change.
            Err(error) => format!("function {name} stays as it was: {error}"),
        })
    }
}

/// As it is seen from where lambkin was started.
fn shown(path: &Path) -> std::path::Display<'_> {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    here.ok()
        .and_then(|here| path.strip_prefix(here).ok())
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(path)
        .display()
}
