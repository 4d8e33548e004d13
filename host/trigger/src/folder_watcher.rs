//! Buckets that are plain folders: what happens to the files in them becomes changes of objects.
//!
//! The operating system says which file was written and closed, renamed or removed; the object store compares it with what
//! it knows. At the start, after new folders, and whenever the system has forgotten some of what happened, the whole folder
//! is compared. So a change may be noticed twice and is told once.
//!
//! On failure: a folder that can not be watched or read is said in the log, with what to do; its bucket can be used all
//! the same, and what was missed is noticed at the next start. A folder that is removed or moved away is waited for; until
//! it is there again its objects are left as they are.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lambkin_store::object::{Folder, Heard, Notice, Objects};
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{Event, EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::limits::{FOLDER_PAUSE, GATHER, QUIET, WRITING};

/// A bucket's folder, ready to be watched.
#[derive(Debug)]
pub struct FolderWatcher {
    /// The bucket's name.
    pub bucket: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Where its objects are.
    pub objects: Objects,
}

/// What is to be compared.
#[derive(Debug, Default)]
struct Changed {
    everything: bool,
    /// Whether something is gone, so that more is likely to follow.
    unsettled: bool,
    /// What somebody has written, renamed or removed, relative to the folder; each stands for what was below it, too.
    files: BTreeSet<PathBuf>,
    /// What has another time or other rights and was perhaps not written.
    touched: BTreeSet<PathBuf>,
    /// The folder itself is no longer where it was.
    gone: bool,
}

/// Files that somebody has begun to write and not closed, relative to the folder, with the time of the last word of it.
#[derive(Debug, Default)]
struct Writing(HashMap<PathBuf, Instant>);

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
                    "bucket {}: its folder {} is no longer there; changes are noticed when it is there again",
                    self.bucket,
                    self.folder.display()
                );
            }
            while !self.folder.is_dir() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(FOLDER_PAUSE) => {}
                }
            }
            tracing::info!("bucket {}: its folder is there again", self.bucket);
        }
    }

    async fn watch_until_gone(&self, stop: &CancellationToken) -> Ended {
        let (sender, mut events) = mpsc::unbounded_channel();
        // The bucket's folder may be a link.
        let folder = fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        // Held as long as it is to watch.
        let _watcher = match watch(&folder, sender) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::error!(
                    "bucket {}: the folder {} can not be watched: {error}; on Linux the limits are \
                     fs.inotify.max_user_watches and max_user_instances",
                    self.bucket,
                    self.folder.display()
                );
                None
            }
        };
        let mut changed = Changed {
            everything: true,
            ..Changed::default()
        };
        let mut writing = Writing::default();
        loop {
            self.compare(std::mem::take(&mut changed), &mut writing)
                .await;
            tokio::select! {
                () = stop.cancelled() => return Ended::Stopped,
                next = next(&mut events, &folder, &mut writing) => match next {
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

    async fn compare(&self, changed: Changed, writing: &mut Writing) {
        let notices = notices();
        let unfinished = writing.unfinished();
        if changed.everything {
            let heard = Heard {
                written: changed.files,
                unfinished,
            };
            let synced = self
                .objects
                .sync_folder(&self.bucket, &heard, &notices)
                .await;
            return self.complain(&self.folder, synced.err());
        }
        // Who is at it again will be heard of again.
        let is_whole = |file: &&PathBuf| !unfinished.contains(*file);
        for file in changed.files.iter().filter(is_whole) {
            let synced = self.objects.sync_file(&self.bucket, file, &notices).await;
            self.complain(&self.folder.join(file), synced.err());
        }
        let touched = changed.touched.difference(&changed.files);
        for file in touched.filter(is_whole) {
            let synced = self
                .objects
                .sync_touched(&self.bucket, file, &notices)
                .await;
            self.complain(&self.folder.join(file), synced.err());
        }
    }

    fn complain(&self, path: &Path, error: Option<impl std::fmt::Display>) {
        if let Some(error) = error {
            tracing::error!(
                "bucket {}: changes of {} are not noticed: {error}",
                self.bucket,
                path.display()
            );
        }
    }
}

fn watch(
    folder: &Path,
    sender: mpsc::UnboundedSender<notify::Result<Event>>,
) -> notify::Result<impl Watcher + use<>> {
    let tell = move |event| {
        // Nobody listens once the host stops.
        let _stopped = sender.send(event);
    };
    // What links lead to is not in the bucket, and may be the whole disk.
    let config = notify::Config::default().with_follow_symlinks(false);
    let mut watcher = notify::RecommendedWatcher::new(tell, config)?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// What has changed next; a burst of changes at once. `None` if there is no watcher.
async fn next(
    events: &mut UnboundedReceiver<notify::Result<Event>>,
    folder: &Path,
    writing: &mut Writing,
) -> Option<Changed> {
    let mut changed = Changed::default();
    loop {
        changed.note(events.recv().await?, folder, writing);
        while let Ok(event) = events.try_recv() {
            changed.note(event, folder, writing);
        }
        if changed.everything || changed.unsettled {
            // A folder that is being filled is better compared once than at each file, but not only when it is full.
            // A file that is gone may be back at once: so many an editor saves.
            let latest = Instant::now() + GATHER;
            while Instant::now() < latest
                && let Ok(event) = timeout(QUIET, events.recv()).await
            {
                changed.note(event?, folder, writing);
            }
        }
        let files = changed.files.len() + changed.touched.len();
        if changed.everything || changed.gone || files > 0 {
            return Some(changed);
        }
    }
}

impl Changed {
    fn note(&mut self, event: notify::Result<Event>, folder: &Path, writing: &mut Writing) {
        let Ok(event) = event else {
            self.everything = true;
            return;
        };
        writing.note(&event, folder);
        let files = match event.kind {
            _ if event.need_rescan() => {
                self.everything = true;
                return;
            }
            // Files may have come with it, unseen.
            EventKind::Create(CreateKind::Folder) => {
                self.everything = true;
                return;
            }
            EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
            // Whoever writes a file closes it; before that it is not whole. A link is nobody's to close.
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

impl Writing {
    /// Only Linux tells of the end, so only there anybody is said to be writing.
    fn note(&mut self, event: &Event, folder: &Path) {
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
        // A time that is set looks like a write that nobody ends.
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
        self.0.retain(|_, last| last.elapsed() < WRITING);
        self.0.keys().cloned().collect()
    }
}

/// Whether it is another name of a file that may have been written long ago.
fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink() || about.nlink() > 1)
}

fn notices() -> Folder {
    let notice = |event: &str| Notice {
        event: event.to_owned(),
        extra: Vec::new(),
    };
    Folder {
        created: notice("ObjectCreated:Put"),
        removed: notice("ObjectRemoved:Delete"),
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{RemoveKind, RenameMode};

    use super::*;

    /// What is to be compared after something has happened to a file of this crate's folder.
    fn noted(kind: EventKind, file: &str) -> Changed {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut changed = Changed::default();
        let event = Event::new(kind).add_path(folder.join(file));
        changed.note(Ok(event), folder, &mut Writing::default());
        changed
    }

    #[test]
    fn a_file_that_is_gone_is_compared_when_it_does_not_come_back_and_alone() {
        for kind in [
            EventKind::Remove(RemoveKind::File),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
        ] {
            let changed = noted(kind, "src/gone.rs");
            assert!(changed.unsettled && !changed.everything);
            assert!(changed.files.contains(Path::new("src/gone.rs")));
        }
    }

    #[test]
    fn a_folder_that_comes_has_everything_compared_as_its_files_may_have_come_unseen() {
        for kind in [
            EventKind::Create(CreateKind::Folder),
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
        ] {
            assert!(noted(kind, "src").everything);
        }
    }
}
