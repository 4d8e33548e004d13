//! The folders that the operating system is asked to watch.
//!
//! A file or a link is watched through its folder: editors and linkers replace files, and a watch of the file itself
//! would stay with the old one. A folder that is replaced or created later is found by comparing device and inode from
//! time to time.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::watched::Target;

/// Device and inode.
type Identity = (u64, u64);

/// The watched folders.
pub struct Folders {
    watcher: RecommendedWatcher,
    folders: BTreeMap<PathBuf, Folder>,
}

struct Folder {
    mode: RecursiveMode,
    /// The folder that is being watched; `None` if there is none at this path.
    watched: Option<Identity>,
}

impl Folders {
    pub fn new(watcher: RecommendedWatcher) -> Self {
        Self {
            watcher,
            folders: BTreeMap::new(),
        }
    }

    /// Watches the folders that cover these paths, and no others. Adds lines for the log about those that cannot be
    /// watched; a folder that does not exist now is awaited. Returns whether a folder was added.
    pub fn watch(
        &mut self,
        targets: impl Iterator<Item = Target>,
        lines: &mut Vec<String>,
    ) -> bool {
        let wanted = folders_of(targets);
        let watcher = &mut self.watcher;
        self.folders.retain(|path, folder| {
            let is_wanted = wanted.get(path) == Some(&folder.mode);
            if !is_wanted {
                let _ = watcher.unwatch(path); // it may have been removed
            }
            is_wanted
        });
        let mut is_added = false;
        for (path, mode) in wanted {
            if self.folders.contains_key(&path) {
                continue;
            }
            let mut folder = Folder {
                mode,
                watched: None,
            };
            if let Err(error) = folder.watch(&path, &mut self.watcher)
                && path.exists()
            {
                lines.push(format!(
                    "cannot watch {} (on Linux, fs.inotify.max_user_watches may have to be raised): {error}",
                    path.display()
                ));
                // It is not attempted again until it is replaced.
                folder.watched = identity(&path);
            }
            self.folders.insert(path, folder);
            is_added = true;
        }
        is_added
    }

    /// Records that a folder has been removed, even if a new one has got its path and inode.
    pub fn removed(&mut self, path: &Path) {
        if let Some(folder) = self.folders.get_mut(path) {
            folder.watched = None;
        }
    }

    /// Watches the folders that have been replaced or created again, and returns their paths.
    pub fn rewatch_replaced(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (path, folder) in &mut self.folders {
            if identity(path) == folder.watched {
                continue;
            }
            let _ = self.watcher.unwatch(path); // it is no longer watched
            folder.watched = None;
            // This fails if the folder has just been removed again; the next comparison finds out.
            if folder.watch(path, &mut self.watcher).is_ok() {
                changed.push(path.clone());
            }
        }
        changed
    }
}

impl Folder {
    fn watch(&mut self, path: &Path, watcher: &mut RecommendedWatcher) -> notify::Result<()> {
        let identity = identity(path);
        watcher.watch(path, self.mode)?;
        self.watched = identity;
        Ok(())
    }
}

fn folders_of(targets: impl Iterator<Item = Target>) -> BTreeMap<PathBuf, RecursiveMode> {
    let (deep, files): (Vec<_>, Vec<_>) =
        targets.partition(|target| target.is_deep && target.path.is_dir());
    let mut wanted = BTreeMap::new();
    for Target { path, .. } in &files {
        // A folder that has too many folders is watched by itself, anything else through its folder.
        let is_folder = path.is_dir() && !path.is_symlink();
        let Some(folder) = (if is_folder {
            Some(path.as_path())
        } else {
            path.parent()
        }) else {
            continue;
        };
        // A second watch of a folder would replace the first.
        if !deep.iter().any(|deep| folder.starts_with(&deep.path)) {
            wanted.insert(folder.to_owned(), RecursiveMode::NonRecursive);
        }
    }
    for Target { path, .. } in &deep {
        let is_covered = |other: &Target| *path != other.path && path.starts_with(&other.path);
        if !deep.iter().any(is_covered) {
            wanted.insert(path.clone(), RecursiveMode::Recursive);
        }
    }
    wanted
}

fn identity(path: &Path) -> Option<Identity> {
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}
