//! Watching the folders of buckets: changes of files become changes of objects.
//!
//! The operating system reports which file was written and closed, renamed or removed. The object store compares such a
//! file with its row. The whole folder is compared at the start, after a folder has appeared in it, and when the
//! operating system has lost events. A change may thus be noticed twice; the store records it once. Files that changed
//! just before a comparison of the whole folder, perhaps without being complete, are compared a moment later.
//!
//! On failure: a folder that cannot be watched or read is logged, with what to do. Its bucket stays usable, and the
//! next start notices what was missed. An entry that cannot be an object, or cannot be read, is left out and logged once.
//! A subfolder that cannot be watched is logged, and the others are watched. If the folder itself is removed or moved
//! away, its objects stay as they are until it is back.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lambkin_store::object::{Folder, FolderEvents, LeftOut, ObjectEvent, Objects};
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::limits::{
    FOLDER_BURST, FOLDER_QUIET, LEFT_OUT_LINES, MISSING_FOLDER_PAUSE, OPEN_FILE_TIMEOUT,
};

/// The watcher of one bucket's folder.
#[derive(Debug)]
pub struct FolderWatcher {
    /// The bucket's name.
    pub bucket: String,
    /// The folder.
    pub folder: PathBuf,
    /// The object store, which compares files with its rows.
    pub objects: Objects,
}

/// The entries whose omission has been logged, with the reason.
type Said = HashMap<PathBuf, String>;

/// What has to be compared.
#[derive(Debug, Default)]
struct Changed {
    everything: bool,
    /// A file has gone. Often more follows at once: many editors save by replacing the file.
    unsettled: bool,
    /// Paths that were written, renamed or removed, relative to the folder. A folder's path stands for all files below
    /// it.
    files: BTreeSet<PathBuf>,
    /// Files with new times or permissions, which were perhaps not written.
    touched: BTreeSet<PathBuf>,
    /// The folder itself was removed or moved away.
    gone: bool,
}

/// Files that were created and not closed yet, relative to the folder, each with the time of its last event.
#[derive(Debug, Default)]
struct OpenFiles(HashMap<PathBuf, Instant>);

/// Why watching has ended.
enum Ended {
    Stopped,
    Gone,
}

impl FolderWatcher {
    /// Watches until `stop` is cancelled.
    pub async fn serve(self, stop: CancellationToken) {
        while let Ended::Gone = self.watch_until_gone(&stop).await {
            if !self.folder.is_dir() {
                tracing::error!(
                    "bucket {}: the folder {} no longer exists; its changes are noticed once it exists again",
                    self.bucket,
                    self.folder.display()
                );
            }
            while !self.folder.is_dir() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(MISSING_FOLDER_PAUSE) => {}
                }
            }
            tracing::info!("bucket {}: the folder exists again", self.bucket);
        }
    }

    async fn watch_until_gone(&self, stop: &CancellationToken) -> Ended {
        let (sender, mut events) = mpsc::unbounded_channel();
        // Events name real paths, and the folder may be a link.
        let folder = fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let mut said = Said::new();
        // Watching ends when the watcher is dropped.
        let mut watcher = match watcher(sender) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                self.not_watched(&self.folder, &error);
                None
            }
        };
        let mut is_partial = self.watch(watcher.as_mut(), &folder, &mut said);
        let mut changed = Changed {
            everything: true,
            ..Changed::default()
        };
        let mut open_files = OpenFiles::default();
        loop {
            if changed.everything && is_partial {
                // A folder in one that is watched alone is not watched by itself.
                is_partial = self.watch(watcher.as_mut(), &folder, &mut said);
            }
            let again = self
                .compare(std::mem::take(&mut changed), &mut open_files, &mut said)
                .await;
            tokio::select! {
                () = stop.cancelled() => return Ended::Stopped,
                next = next(&mut events, &folder, &mut open_files, again) => match next {
                    Some(next) if next.gone => return Ended::Gone,
                    Some(next) => changed = next,
                    None => {
                        stop.cancelled().await;
                        return Ended::Stopped;
                    }
                },
            }
        }
    }

    /// Watches a folder and all below it. Returns whether some folder could not be watched together with its subfolders.
    fn watch(
        &self,
        watcher: Option<&mut RecommendedWatcher>,
        folder: &Path,
        said: &mut Said,
    ) -> bool {
        let Some(watcher) = watcher else {
            return false;
        };
        let mut folders = vec![folder.to_owned()];
        let mut is_partial = false;
        while let Some(folder) = folders.pop() {
            // One subfolder that cannot be read makes the whole attempt fail.
            let Err(error) = watcher.watch(&folder, RecursiveMode::Recursive) else {
                continue;
            };
            is_partial = true;
            if !is_refused(&error) || watcher.watch(&folder, RecursiveMode::NonRecursive).is_err() {
                let reason = error.to_string();
                if said.insert(folder.clone(), reason.clone()) != Some(reason) {
                    self.not_watched(&folder, &error);
                }
                continue;
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let is_folder =
                |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
            folders.extend(entries.filter(is_folder).map(|entry| entry.path()));
        }
        is_partial
    }

    fn not_watched(&self, folder: &Path, error: &notify::Error) {
        let advice = if is_refused(error) {
            "this user needs the permission to read it"
        } else {
            "on Linux, fs.inotify.max_user_watches or fs.inotify.max_user_instances may have to be raised"
        };
        tracing::error!(
            "bucket {}: cannot watch the folder {}: {error}; {advice}",
            self.bucket,
            folder.display()
        );
    }

    /// Returns the files that have to be compared again a moment later.
    async fn compare(
        &self,
        changed: Changed,
        open_files: &mut OpenFiles,
        said: &mut Said,
    ) -> BTreeSet<PathBuf> {
        let unfinished = open_files.unfinished();
        if changed.everything {
            let folder_events = FolderEvents {
                written: changed.files,
                unfinished,
                quiet: FOLDER_QUIET,
            };
            let synced = self.objects.sync_folder(&self.bucket, &folder_events).await;
            let (again, left_out) = match synced {
                Ok(synced) => (synced.again, Ok(synced.left_out)),
                Err(error) => (BTreeSet::new(), Err(error)),
            };
            self.report(&self.folder, left_out, said);
            return again;
        }
        // An event of its close will follow for a file that is open again.
        let is_whole = |file: &&PathBuf| !unfinished.contains(*file);
        for file in changed.files.iter().filter(is_whole) {
            let synced = self.objects.sync_file(&self.bucket, file, true).await;
            self.report(&self.folder.join(file), synced, said);
        }
        let touched = changed.touched.difference(&changed.files);
        for file in touched.filter(is_whole) {
            let synced = self.objects.sync_file(&self.bucket, file, false).await;
            self.report(&self.folder.join(file), synced, said);
        }
        BTreeSet::new()
    }

    fn report(
        &self,
        path: &Path,
        synced: Result<Vec<LeftOut>, impl std::fmt::Display>,
        said: &mut Said,
    ) {
        let left_out = match synced {
            Ok(left_out) => left_out,
            Err(error) => {
                return tracing::error!(
                    "bucket {}: cannot compare {} with its object; changes of it are missed: {error}",
                    self.bucket,
                    path.display()
                );
            }
        };
        for LeftOut { path, reason } in left_out {
            if said.len() < LEFT_OUT_LINES && said.get(&path) != Some(&reason) {
                tracing::warn!(
                    "bucket {}: {} {reason}; it is not an object",
                    self.bucket,
                    self.folder.join(&path).display()
                );
                said.insert(path, reason);
                if said.len() == LEFT_OUT_LINES {
                    tracing::warn!(
                        "bucket {}: further entries are left out silently",
                        self.bucket
                    );
                }
            }
        }
    }
}

/// Whether the permission to read a folder is missing.
fn is_refused(error: &notify::Error) -> bool {
    matches!(&error.kind, notify::ErrorKind::Io(error) if error.kind() == io::ErrorKind::PermissionDenied)
}

fn watcher(sender: UnboundedSender<notify::Result<Event>>) -> notify::Result<RecommendedWatcher> {
    let forward = move |event| {
        let _ = sender.send(event); // the watcher was stopped
    };
    // The targets of links are not in the bucket, and may be the whole disk.
    let config = notify::Config::default().with_follow_symlinks(false);
    RecommendedWatcher::new(forward, config)
}

/// Waits for changes, and gathers those of a burst. `again` are files that have to be compared again. `None` if there
/// is no watcher.
async fn next(
    events: &mut UnboundedReceiver<notify::Result<Event>>,
    folder: &Path,
    open_files: &mut OpenFiles,
    again: BTreeSet<PathBuf>,
) -> Option<Changed> {
    let mut changed = Changed {
        touched: again,
        ..Changed::default()
    };
    if !changed.touched.is_empty() {
        gather(&mut changed, events, folder, open_files).await?;
    }
    while changed.is_empty() {
        changed.record(events.recv().await?, folder, open_files);
        while let Ok(event) = events.try_recv() {
            changed.record(event, folder, open_files);
        }
        if changed.everything || changed.unsettled {
            // Comparing a folder once per burst is cheaper than once per file, and a file that has gone may come back
            // at once.
            gather(&mut changed, events, folder, open_files).await?;
        }
    }
    Some(changed)
}

/// Gathers events until none follows for a moment. The bound makes progress visible while a large folder is being
/// filled. `None` if there is no watcher.
async fn gather(
    changed: &mut Changed,
    events: &mut UnboundedReceiver<notify::Result<Event>>,
    folder: &Path,
    open_files: &mut OpenFiles,
) -> Option<()> {
    let latest = Instant::now() + FOLDER_BURST;
    while Instant::now() < latest
        && let Ok(event) = timeout(FOLDER_QUIET, events.recv()).await
    {
        changed.record(event?, folder, open_files);
    }
    Some(())
}

impl Changed {
    fn is_empty(&self) -> bool {
        !self.everything && !self.gone && self.files.is_empty() && self.touched.is_empty()
    }

    fn record(&mut self, event: notify::Result<Event>, folder: &Path, open_files: &mut OpenFiles) {
        let Ok(event) = event else {
            self.everything = true;
            return;
        };
        open_files.record(&event, folder);
        let files = match event.kind {
            _ if event.need_rescan() => {
                self.everything = true;
                return;
            }
            // Files created in it before it was watched had no events.
            EventKind::Create(CreateKind::Folder) => {
                self.everything = true;
                return;
            }
            EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
            // On Linux a file is complete when it is closed, which is an event of its own. A link is not closed.
            EventKind::Create(_) => {
                !cfg!(target_os = "linux") || event.paths.iter().any(|path| is_link(path))
            }
            EventKind::Modify(ModifyKind::Data(_)) => !cfg!(target_os = "linux"),
            EventKind::Modify(ModifyKind::Metadata(_)) => {
                let files = event.paths.iter().filter(|path| path.is_file());
                let relative = files.filter_map(|path| path.strip_prefix(folder).ok());
                self.touched.extend(relative.map(Path::to_owned));
                return;
            }
            _ => true,
        };
        if !files {
            return;
        }
        for path in event.paths {
            if path == folder {
                self.gone = true;
            } else if path.is_dir() {
                self.everything = true;
            } else if let Ok(relative) = path.strip_prefix(folder) {
                self.unsettled |= !path.exists();
                self.files.insert(relative.to_owned());
            }
        }
    }
}

impl OpenFiles {
    /// Records only files on Linux, as only Linux reports that a file was closed.
    fn record(&mut self, event: &Event, folder: &Path) {
        if event.need_rescan() {
            return self.0.clear();
        }
        let begins = match event.kind {
            EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => true,
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(_))
            | EventKind::Remove(_) => false,
            _ => return,
        };
        // Setting a file's times is reported like a write without a close, so writes count only after a creation.
        let is_new = event.kind == EventKind::Create(CreateKind::File);
        let now = Instant::now();
        for path in &event.paths {
            let Ok(relative) = path.strip_prefix(folder) else {
                continue;
            };
            if !begins {
                self.0.remove(relative);
            } else if let Some(last) = self.0.get_mut(relative) {
                *last = now;
            } else if is_new && cfg!(target_os = "linux") && !is_link(path) {
                self.0.insert(relative.to_owned(), now);
            }
        }
    }

    fn unfinished(&mut self) -> BTreeSet<PathBuf> {
        self.0.retain(|_, last| last.elapsed() < OPEN_FILE_TIMEOUT);
        self.0.keys().cloned().collect()
    }
}

/// Whether the path is a symbolic or hard link, so that the file may have been written long ago.
fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink() || about.nlink() > 1)
}

/// The folder that a bucket shows, for [`Objects::define`]. Its events are those of `wit/object-trigger` for changes
/// that no service made; plugins translate them.
pub fn watched_folder(path: &Path) -> Folder {
    let event = |name: &str| ObjectEvent {
        name: name.to_owned(),
        extra: Vec::new(),
    };
    Folder {
        path: path.to_owned(),
        created: event("file-written"),
        removed: event("file-removed"),
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{RemoveKind, RenameMode};

    use super::*;

    /// What has to be compared after this event of a file in this crate's folder.
    fn changed_by(kind: EventKind, file: &str) -> Changed {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut changed = Changed::default();
        let event = Event::new(kind).add_path(folder.join(file));
        changed.record(Ok(event), folder, &mut OpenFiles::default());
        changed
    }

    #[test]
    fn a_removed_file_is_compared_alone_after_a_pause() {
        for kind in [
            EventKind::Remove(RemoveKind::File),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
        ] {
            let changed = changed_by(kind, "src/gone.rs");
            assert!(changed.unsettled && !changed.everything);
            assert!(changed.files.contains(Path::new("src/gone.rs")));
        }
    }

    #[test]
    fn a_new_folder_has_everything_compared_as_its_files_may_have_had_no_events() {
        for kind in [
            EventKind::Create(CreateKind::Folder),
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
        ] {
            assert!(changed_by(kind, "src").everything);
        }
    }
}
