//! Changes that belong together.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A burst of changes ends when nothing has changed for this long. Editors save in several steps, and builds write many
/// files.
const QUIET: Duration = Duration::from_millis(150);

/// The longest time for which a burst postpones what it causes.
const MAX_BURST: Duration = Duration::from_secs(2);

/// Changes that are acted on together.
#[derive(Debug, Default)]
pub struct Burst(Option<Changes>);

#[derive(Debug)]
struct Changes {
    first: Instant,
    last: Instant,
    /// The first changed file.
    file: PathBuf,
}

impl Burst {
    pub fn record(&mut self, file: &Path) {
        let now = Instant::now();
        match &mut self.0 {
            Some(changes) => changes.last = now,
            None => {
                self.0 = Some(Changes {
                    first: now,
                    last: now,
                    file: file.to_owned(),
                });
            }
        }
    }

    /// When it is time to act. `None` if nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        let changes = self.0.as_ref()?;
        Some((changes.last + QUIET).min(changes.first + MAX_BURST))
    }

    /// The first changed file, if it is time to act on it. This ends the burst.
    pub fn take_due(&mut self) -> Option<PathBuf> {
        if self.due()? > Instant::now() {
            return None;
        }
        self.0.take().map(|changes| changes.file)
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
