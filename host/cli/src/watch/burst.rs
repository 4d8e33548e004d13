//! Changes that belong together.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A burst of changes ends when nothing has changed for this long. Builds write many files.
pub const QUIET: Duration = Duration::from_millis(150);

/// The same for code that is interpreted, which changes when an editor saves a file, in several steps. If more changes
/// follow, there is another restart.
pub const QUIET_OF_SCRIPTS: Duration = Duration::from_millis(25);

/// The longest time for which a burst postpones what it causes.
const MAX_BURST: Duration = Duration::from_secs(2);

/// Changes that are acted on together.
#[derive(Debug)]
pub struct Burst {
    quiet: Duration,
    changes: Option<Changes>,
}

#[derive(Debug)]
struct Changes {
    first: Instant,
    last: Instant,
    /// The first changed file.
    file: PathBuf,
}

impl Burst {
    /// A burst that ends when nothing has changed for `quiet`.
    pub fn new(quiet: Duration) -> Self {
        Self {
            quiet,
            changes: None,
        }
    }

    pub fn record(&mut self, file: &Path) {
        let now = Instant::now();
        match &mut self.changes {
            Some(changes) => changes.last = now,
            None => {
                self.changes = Some(Changes {
                    first: now,
                    last: now,
                    file: file.to_owned(),
                });
            }
        }
    }

    /// When it is time to act. `None` if nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        let changes = self.changes.as_ref()?;
        Some((changes.last + self.quiet).min(changes.first + MAX_BURST))
    }

    /// The first changed file, if it is time to act on it. This ends the burst.
    pub fn take_due(&mut self) -> Option<PathBuf> {
        if self.due()? > Instant::now() {
            return None;
        }
        self.changes.take().map(|changes| changes.file)
    }
}

/// The path relative to the current folder, if it is below it.
pub fn shown(path: &Path) -> std::path::Display<'_> {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    here.ok()
        .and_then(|here| path.strip_prefix(here).ok())
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(path)
        .display()
}
