//! Changes that belong together.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A burst of changes ends when nothing has changed for this long. Builds write many files.
pub const QUIET: Duration = Duration::from_millis(150);

/// The same for code that is interpreted, which changes when an editor saves a file, in several steps. If more changes
/// follow, there is another restart.
pub const QUIET_OF_SCRIPTS: Duration = Duration::from_millis(25);

/// The same for interpreted code of which one file has changed and is complete: closed after writing, or moved to its
/// place. If a program writes several files, the next one usually follows within this time.
const QUIET_OF_ONE_COMPLETE_SCRIPT: Duration = Duration::from_millis(10);

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
    /// Whether only one file has changed, and the last change completed it.
    is_one_complete: bool,
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

    /// Records a change, which may complete the file.
    pub fn record(&mut self, file: &Path, is_complete: bool) {
        let now = Instant::now();
        match &mut self.changes {
            Some(changes) => {
                changes.last = now;
                changes.is_one_complete = is_complete && changes.file == file;
            }
            None => {
                self.changes = Some(Changes {
                    first: now,
                    last: now,
                    is_one_complete: is_complete,
                    file: file.to_owned(),
                });
            }
        }
    }

    /// When it is time to act. `None` if nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        let changes = self.changes.as_ref()?;
        let quiet = match changes.is_one_complete {
            true if self.quiet == QUIET_OF_SCRIPTS => QUIET_OF_ONE_COMPLETE_SCRIPT,
            _ => self.quiet,
        };
        Some((changes.last + quiet).min(changes.first + MAX_BURST))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_is_complete_is_acted_on_sooner_than_what_may_be_in_the_middle_of_a_change() {
        let quiet = |of: Duration, changes: &[(&str, bool)]| {
            let mut burst = Burst::new(of);
            for (file, is_complete) in changes {
                burst.record(Path::new(file), *is_complete);
            }
            let due = burst.due().unwrap();
            due - burst.changes.unwrap().last
        };
        let (one, many) = (QUIET_OF_ONE_COMPLETE_SCRIPT, QUIET_OF_SCRIPTS);
        assert_eq!(quiet(many, &[("a", true)]), one);
        assert_eq!(quiet(many, &[("a", false), ("a", true)]), one);
        assert_eq!(quiet(many, &[("a", true), ("a", false)]), many);
        assert_eq!(quiet(many, &[("a", true), ("b", true)]), many);
        assert_eq!(quiet(QUIET, &[("a", true)]), QUIET, "a build goes on");
    }
}
