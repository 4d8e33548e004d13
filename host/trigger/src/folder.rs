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
    /// Relative to the folder.
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
            files: BTreeSet::new(),
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
            if changed.everything {
                // A folder that is being filled is better compared once than at each file, but not only when it is full.
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
                // A folder that was moved away looks like a file that is gone.
                self.everything |= !path.exists();
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
