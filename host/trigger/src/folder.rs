//! Buckets that are plain folders: what happens to the files in them becomes changes of objects.
//!
//! The operating system says which file was written and closed, renamed or removed; the object store compares it with what
//! it knows. At the start, after new folders, and whenever the system has forgotten some of what happened, the whole folder
//! is compared. So a change may be noticed twice and is told once.
//!
//! On failure: a folder that can not be watched or read is said in the log, with what to do; its bucket can be used all
//! the same, and what was missed is noticed at the next start.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lambkin_http::StopSignal;
use lambkin_store::object::{Folder, Notice, Objects};
use notify::event::{AccessKind, AccessMode, CreateKind};
use notify::{Event, EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{Instant, timeout};

use crate::limits::{GATHER, QUIET};

/// A bucket's folder, ready to be watched.
#[derive(Debug)]
pub struct FolderWatch {
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
    /// Relative to the folder; each stands for what was below it, too.
    files: BTreeSet<PathBuf>,
}

impl FolderWatch {
    /// Watches until the signal comes.
    pub async fn serve(self, mut stop: StopSignal) {
        let (sender, mut events) = mpsc::unbounded_channel();
        // Held as long as it is to watch.
        let _watcher = match self.watch(sender) {
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
        loop {
            self.compare(std::mem::take(&mut changed)).await;
            tokio::select! {
                () = stop.stopped() => return,
                next = self.next(&mut events) => match next {
                    Some(next) => changed = next,
                    None => return stop.stopped().await,
                },
            }
        }
    }

    fn watch(
        &self,
        sender: mpsc::UnboundedSender<notify::Result<Event>>,
    ) -> notify::Result<impl Watcher + use<>> {
        let tell = move |event| {
            // Nobody listens once the host stops.
            let _stopped = sender.send(event);
        };
        let mut watcher = notify::recommended_watcher(tell)?;
        watcher.watch(&self.folder, RecursiveMode::Recursive)?;
        Ok(watcher)
    }

    /// What has changed next; a burst of changes at once. `None` if there is no watcher.
    async fn next(&self, events: &mut UnboundedReceiver<notify::Result<Event>>) -> Option<Changed> {
        let mut changed = Changed::default();
        loop {
            changed.note(events.recv().await?, &self.folder);
            while let Ok(event) = events.try_recv() {
                changed.note(event, &self.folder);
            }
            if changed.everything || changed.unsettled {
                // A folder that is being filled is better compared once than at each file, but not only when it is full.
                // A file that is gone may be back at once: so many an editor saves.
                let latest = Instant::now() + GATHER;
                while Instant::now() < latest
                    && let Ok(event) = timeout(QUIET, events.recv()).await
                {
                    changed.note(event?, &self.folder);
                }
            }
            if changed.everything || !changed.files.is_empty() {
                return Some(changed);
            }
        }
    }

    async fn compare(&self, changed: Changed) {
        let notices = notices();
        if changed.everything {
            let synced = self.objects.sync_folder(&self.bucket, &notices).await;
            return self.complain(&self.folder, synced.err());
        }
        for file in &changed.files {
            let synced = self.objects.sync_file(&self.bucket, file, &notices).await;
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

impl Changed {
    fn note(&mut self, event: notify::Result<Event>, folder: &Path) {
        let Ok(event) = event else {
            self.everything = true;
            return;
        };
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
            // Whoever writes a file closes it; before that it is not whole.
            EventKind::Create(_) | EventKind::Modify(notify::event::ModifyKind::Data(_)) => {
                !cfg!(target_os = "linux")
            }
            EventKind::Modify(notify::event::ModifyKind::Metadata(_)) => false,
            _ => true,
        };
        if !files {
            return;
        }
        for path in event.paths {
            if path.is_dir() {
                self.everything = true;
            } else if let Ok(relative) = path.strip_prefix(folder)
                && !relative.as_os_str().is_empty()
            {
                self.unsettled |= !path.exists();
                self.files.insert(relative.to_owned());
            }
        }
    }
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
    use notify::event::{ModifyKind, RemoveKind, RenameMode};

    use super::*;

    /// What is to be compared after something has happened to a file of this crate's folder.
    fn noted(kind: EventKind, file: &str) -> Changed {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut changed = Changed::default();
        let event = Event::new(kind).add_path(folder.join(file));
        changed.note(Ok(event), folder);
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
