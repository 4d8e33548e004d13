//! The folders that the operating system is asked to watch.
//!
//! A file is watched by its folder: editors and linkers replace files, and a watch would stay with the old one. A folder
//! that is replaced or comes later is noticed by its identity, which costs a look at each folder from time to time.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Device and number.
type Identity = (u64, u64);

pub struct Places {
    watcher: RecommendedWatcher,
    places: BTreeMap<PathBuf, Place>,
}

struct Place {
    mode: RecursiveMode,
    /// Of the folder that is being watched; none if there is none.
    watched: Option<Identity>,
}

impl Places {
    /// Watches everything that these files and folders need.
    pub fn watch<'a>(
        watcher: RecommendedWatcher,
        targets: impl Iterator<Item = &'a PathBuf>,
    ) -> anyhow::Result<Self> {
        let mut places = Self {
            watcher,
            places: places(targets),
        };
        for (path, place) in &mut places.places {
            place.begin(path, &mut places.watcher).with_context(|| {
                format!(
                    "can not watch {} (on Linux the limit is fs.inotify.max_user_watches)",
                    path.display()
                )
            })?;
        }
        Ok(places)
    }

    /// A folder that was watched is gone, even if another one has its name and number by now.
    pub fn lost(&mut self, path: &Path) {
        if let Some(place) = self.places.get_mut(path) {
            place.watched = None;
        }
    }

    /// Watches the folders that have been replaced or have come back; returns these.
    pub fn look_again(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (path, place) in &mut self.places {
            if identity(path) == place.watched {
                continue;
            }
            let _it_is_gone = self.watcher.unwatch(path);
            place.watched = None;
            // If this fails, the folder has just gone again; the next look tells.
            if place.begin(path, &mut self.watcher).is_ok() {
                changed.push(path.clone());
            }
        }
        changed
    }
}

impl Place {
    fn begin(&mut self, path: &Path, watcher: &mut RecommendedWatcher) -> notify::Result<()> {
        let identity = identity(path);
        watcher.watch(path, self.mode)?;
        self.watched = identity;
        Ok(())
    }
}

fn places<'a>(targets: impl Iterator<Item = &'a PathBuf>) -> BTreeMap<PathBuf, Place> {
    let mut places = BTreeMap::new();
    let mut add = |path: &Path, mode| {
        let place = Place {
            mode,
            watched: None,
        };
        places.insert(path.to_owned(), place);
    };
    let (folders, files): (Vec<_>, Vec<_>) = targets.partition(|target| target.is_dir());
    for parent in files.iter().filter_map(|file| file.parent()) {
        // The watcher must not be told two things about one folder.
        if !folders.iter().any(|folder| parent.starts_with(folder)) {
            add(parent, RecursiveMode::NonRecursive);
        }
    }
    for folder in folders {
        add(folder, RecursiveMode::Recursive);
    }
    places
}

fn identity(path: &Path) -> Option<Identity> {
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}
