//! Buckets that show a plain folder: its files are the objects.
//!
//! A key is a file's path below the folder. Rows mirror the files; a file is known again by its stamp (time of change, size,
//! inode), so what has not changed is not read again, and what the host itself writes is not taken for somebody else's
//! change: row and file change under one lock that `sync` takes, too. Its entity tag is the MD5 of its bytes, its time the
//! file's.
//!
//! No objects are: hidden files (and all in hidden folders), editors' and browsers' files on their way (see `path`), what is
//! no regular file, what has a name that is no UTF-8, and links that lead out of the folder or to folders.
//!
//! A write comes in as a hidden file beside the others and is renamed over what it replaces; that is kept under another
//! name until the row is committed, and comes back if it can not be. A kill between the two leaves a changed file, which
//! is found like any other change.
//!
//! A stamp also changes when nobody has written: times are set after a copy, a file is restored. So unless somebody is known
//! to have written a file, its bytes decide whether it is another one; the stamp alone is only noted.
//!
//! On failure of one file the others are taken over all the same, and the first failure is told.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};
use tokio::sync::Notify;

use super::change::ChangeRecord;
use super::failure::{self, Fault, invalid};
use super::limits::TAKEN_OVER_AT_ONCE;
use super::put::{self, Place, Plan, Stored};
use super::read::Content;
use super::remove::{self, Removal};
use super::row::{self, Row};
use super::tree::{self, Stamp};
use super::types::{FolderEvents, ObjectError, ObjectEvent, Put, Removed, SyncEvents};
use super::upload::Sink;
use super::{Objects, bucket, files, parts, path};

/// What the names of files begin with that are no objects yet.
pub(super) const TEMP_PREFIX: &str = ".lambkin-";

/// Of plain folders, what is not in the store.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// Held while files and rows are changed together, by bucket.
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// What changes are called, as it was said last, by bucket.
    events: Mutex<HashMap<String, SyncEvents>>,
    /// Those in which nothing of a former host is left.
    swept: Mutex<HashSet<PathBuf>>,
}

impl Folders {
    fn lock(&self, bucket: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(bucket.to_owned()).or_default())
    }

    fn remember(&self, bucket: &str, events: &SyncEvents) {
        let mut all = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(bucket.to_owned(), events.clone());
    }

    fn events(&self, bucket: &str) -> SyncEvents {
        let all = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let event = |name: &str| ObjectEvent {
            name: name.to_owned(),
            extra: Vec::new(),
        };
        all.get(bucket).cloned().unwrap_or_else(|| SyncEvents {
            created: event("ObjectCreated:Put"),
            removed: event("ObjectRemoved:Delete"),
        })
    }

    /// Whether it has to be swept now.
    fn is_first(&self, folder: &Path) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        swept.insert(folder.to_owned())
    }
}

/// A change of a folder that is to be taken over.
#[derive(Debug)]
enum FileChange {
    Written(Box<Plan>),
    /// The bytes are those that are known; the stamp is another one.
    Restamped(String, Stamp),
    Removed(String),
}

/// What is known of a file.
struct Known {
    stamp: Option<String>,
    etag: String,
}

/// What was heard of a folder's files, by their keys.
#[derive(Debug, Default)]
struct Keys {
    written: HashSet<String>,
    unfinished: HashSet<String>,
}

impl Keys {
    fn of(folder_events: &FolderEvents) -> Self {
        let keys = |files: &BTreeSet<PathBuf>| {
            let keys = files.iter().filter_map(|file| path::key_of(file));
            keys.collect()
        };
        Self {
            written: keys(&folder_events.written),
            unfinished: keys(&folder_events.unfinished),
        }
    }
}

/// Rows of a folder, by key: at a path and below it, or all.
fn known(
    connection: &Connection,
    bucket: i64,
    top: &str,
) -> rusqlite::Result<BTreeMap<String, Known>> {
    let mut found = BTreeMap::new();
    if let Some(row) = row::unversioned(connection, bucket, top)? {
        let (stamp, etag) = (row.stamp, row.info.etag);
        found.insert(row.info.key, Known { stamp, etag });
    }
    let below = if top.is_empty() {
        String::new()
    } else {
        format!("{top}/")
    };
    let sql = "SELECT key, stamp, etag FROM objects WHERE bucket = ?1 AND key >= ?2 ORDER BY key";
    let mut rows = connection.prepare_cached(sql)?;
    let mut rows = rows.query(params![bucket, below])?;
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        if !key.starts_with(&below) {
            break;
        }
        let (stamp, etag) = (row.get(1)?, row.get(2)?);
        found.insert(key, Known { stamp, etag });
    }
    Ok(found)
}

fn apply(
    connection: &Connection,
    bucket: &str,
    found: &FileChange,
    removed: Option<&ChangeRecord>,
) -> Result<(), Fault> {
    let key = match found {
        FileChange::Written(plan) => return put::store(connection, plan).map(drop),
        FileChange::Restamped(key, stamp) => {
            let bucket = bucket::find(connection, bucket)?.id;
            row::restamp(connection, bucket, key, &stamp.text, stamp.modified_at)?;
            return Ok(());
        }
        FileChange::Removed(key) => key,
    };
    let bucket = bucket::find(connection, bucket)?.id;
    let Some(row) = row::unversioned(connection, bucket, key)? else {
        return Ok(());
    };
    row::delete(connection, bucket, &row)?;
    if let Some(record) = removed {
        record.removed(connection, row::next_sequence(connection)?, &row.info)?;
    }
    Ok(())
}

impl Objects {
    /// Compares a folder bucket's file, which somebody has written or removed, with what is known of it, and takes over what
    /// has changed: a new or another file is an object with a notice `created`, a vanished one is removed with a notice
    /// `removed`. Nothing of the host's own writes is seen as a change. A folder stands for everything in it.
    pub async fn sync_file(
        &self,
        bucket: &str,
        relative: &Path,
        events: &SyncEvents,
    ) -> Result<(), ObjectError> {
        let Some(key) = path::key_of(relative) else {
            return Ok(());
        };
        let folder_events = Keys {
            written: HashSet::from([key.clone()]),
            ..Keys::default()
        };
        self.sync(bucket, key, folder_events, events).await
    }

    /// The same for a file that perhaps nobody has written: it has another time, for example.
    pub async fn sync_touched(
        &self,
        bucket: &str,
        relative: &Path,
        events: &SyncEvents,
    ) -> Result<(), ObjectError> {
        let Some(key) = path::key_of(relative) else {
            return Ok(());
        };
        self.sync(bucket, key, Keys::default(), events).await
    }

    /// The same for the whole folder, what happened while no host was running included.
    pub async fn sync_folder(
        &self,
        bucket: &str,
        folder_events: &FolderEvents,
        events: &SyncEvents,
    ) -> Result<(), ObjectError> {
        let folder_events = Keys::of(folder_events);
        self.sync(bucket, String::new(), folder_events, events)
            .await
    }

    async fn sync(
        &self,
        bucket: &str,
        top: String,
        folder_events: Keys,
        events: &SyncEvents,
    ) -> Result<(), ObjectError> {
        self.0.folders.remember(bucket, events);
        let (objects, bucket, events) = (self.clone(), bucket.to_owned(), events.clone());
        self.to_the_end(async move {
            let lock = objects.0.folders.lock(&bucket);
            let _held = lock.lock().await;
            objects
                .sync_locked(&bucket, top, folder_events, events)
                .await
        })
        .await
    }

    async fn sync_locked(
        &self,
        bucket: &str,
        top: String,
        folder_events: Keys,
        events: SyncEvents,
    ) -> Result<(), ObjectError> {
        let (name, above) = (bucket.to_owned(), top.clone());
        let (folder, mut known) = self
            .transact(Vec::new(), move |connection| {
                let bucket = bucket::find(connection, &name)?;
                let folder = bucket.folder.ok_or_else(|| {
                    Fault::Refused(invalid(format!("the bucket `{name}` shows no folder")))
                })?;
                Ok((folder, known(connection, bucket.id, &above)?))
            })
            .await?;
        let root = folder.clone();
        let seen = super::blocking(&folder, move || tree::scan(&root, &top)).await?;
        let mut changed = Vec::new();
        for (key, stamp) in seen {
            let before = known.remove(&key);
            if folder_events.unfinished.contains(&key) {
                continue;
            }
            let stamp_before = before.as_ref().and_then(|known| known.stamp.as_ref());
            if stamp_before != Some(&stamp.text) {
                let etag = before.filter(|_| !folder_events.written.contains(&key));
                changed.push((key, stamp, etag.map(|known| known.etag)));
            }
        }
        let (created, notifiers) = self.change_record(bucket, Some(events.created), self.now());
        let (removed, _) = self.change_record(bucket, Some(events.removed), self.now());
        let mut failed = None;
        let mut found: Vec<FileChange> = known.into_keys().map(FileChange::Removed).collect();
        for (key, stamp, etag) in changed {
            match self
                .read_file(bucket, &folder, key, &stamp, created.clone())
                .await
            {
                Ok(None) => {}
                Ok(Some(plan)) if etag.is_some_and(|etag| etag == plan.put.etag) => {
                    found.push(FileChange::Restamped(plan.key, stamp));
                }
                Ok(Some(plan)) => found.push(FileChange::Written(Box::new(plan))),
                Err(error) => failed = failed.or(Some(error)),
            }
            if found.len() >= TAKEN_OVER_AT_ONCE {
                self.apply_all(bucket, std::mem::take(&mut found), &removed, &notifiers)
                    .await?;
            }
        }
        self.apply_all(bucket, found, &removed, &notifiers).await?;
        failed.map_or(Ok(()), Err)
    }

    /// `None` if it is being written: then it will be heard of again.
    async fn read_file(
        &self,
        bucket: &str,
        folder: &Path,
        key: String,
        stamp: &Stamp,
        record: Option<ChangeRecord>,
    ) -> Result<Option<Plan>, ObjectError> {
        let (file, before) = (folder.join(&key), stamp.clone());
        let etag = super::blocking(folder, move || tree::etag(&file, &before)).await?;
        Ok(etag.map(|etag| Plan {
            bucket: bucket.to_owned(),
            key,
            put: Put {
                etag,
                ..Put::default()
            },
            size: stamp.size,
            at: stamp.modified_at,
            place: Place::Folder(folder.to_owned(), stamp.text.clone()),
            record,
        }))
    }

    async fn apply_all(
        &self,
        bucket: &str,
        all: Vec<FileChange>,
        removed: &Option<ChangeRecord>,
        notifiers: &[Arc<Notify>],
    ) -> Result<(), ObjectError> {
        let (bucket, removed) = (bucket.to_owned(), removed.clone());
        if all.is_empty() {
            return Ok(());
        }
        self.transact(notifiers.to_vec(), move |connection| {
            all.iter()
                .try_for_each(|found| apply(connection, &bucket, found, removed.as_ref()))
        })
        .await
    }

    /// Puts an upload in its place in a folder.
    pub(super) async fn put_in_folder(
        &self,
        mut sink: Sink,
        mut plan: Plan,
        folder: PathBuf,
        notifiers: Vec<Arc<Notify>>,
    ) -> Result<Stored, ObjectError> {
        let relative = path::relative(&plan.key)?;
        let lock = self.0.folders.lock(&plan.bucket);
        let _held = lock.lock().await;
        self.see_first(&plan.bucket, &plan.key).await?;
        let asked = plan.clone();
        let allowed = move |connection: &Connection| put::allowed(connection, &asked).map(drop);
        self.transact(Vec::new(), allowed).await?;
        let root = folder.clone();
        let replace = move || {
            sink.complete()?;
            tree::replace(&root, &relative, sink)
        };
        let replaced = super::blocking(&folder, replace).await?;
        plan.place = Place::Folder(folder.clone(), replaced.stamp.text.clone());
        plan.at = replaced.stamp.modified_at;
        let committed = self.commit(plan, notifiers).await;
        let done = committed.is_ok();
        let end = move || {
            // What can not be brought back is noticed as a change.
            let _ended = if done {
                replaced.keep()
            } else {
                replaced.undo()
            };
            Ok(())
        };
        let _stopping = super::blocking(&folder, end).await;
        committed
    }

    /// Removes a file from a folder.
    pub(super) async fn remove_from_folder(
        &self,
        folder: &Path,
        removal: Removal,
        notifiers: Vec<Arc<Notify>>,
    ) -> Result<Removed, ObjectError> {
        let lock = self.0.folders.lock(&removal.bucket);
        let _held = lock.lock().await;
        self.see_first(&removal.bucket, &removal.key).await?;
        let asked = removal.clone();
        let is_there = move |connection: &Connection| {
            let bucket = bucket::find(connection, &asked.bucket)?;
            Ok(remove::target(connection, &bucket, &asked)?.is_some())
        };
        if !self.transact(Vec::new(), is_there).await? {
            return Ok(remove::NOTHING);
        }
        let file = folder.join(path::relative(&removal.key)?);
        let aside = folder.join(format!("{PASSING}{}", path::new_id()));
        let (from, to) = (file.clone(), aside.clone());
        let put_aside =
            move || fs::rename(&from, &to).map_err(|error| failure::file("delete", &from, &error));
        super::blocking(folder, put_aside).await?;
        let removed = self
            .transact(notifiers, move |connection| {
                Ok(remove::remove(connection, &removal)?.0)
            })
            .await;
        let done = removed.is_ok();
        let end = move || {
            // What can not be brought back is noticed as a change.
            let _ended = if done {
                files::delete(&aside)
            } else {
                fs::rename(&aside, &file)
            };
            Ok(())
        };
        let _stopping = super::blocking(folder, end).await;
        removed
    }

    /// Takes over what has happened to a file, before something else does.
    async fn see_first(&self, bucket: &str, key: &str) -> Result<(), ObjectError> {
        if path::relative(key).is_err() {
            return Ok(());
        }
        let events = self.0.folders.events(bucket);
        self.sync_locked(bucket, key.to_owned(), Keys::default(), events)
            .await
    }

    /// Opens a folder's file; `None` if it is no longer what its row says, which then is put right.
    pub(super) async fn open_in_folder(
        &self,
        bucket: &str,
        folder: &Path,
        row: &Row,
    ) -> Result<Option<Content>, ObjectError> {
        let (root, key, size) = (folder.to_owned(), row.info.key.clone(), row.info.size);
        let stamp = row.stamp.clone();
        let open = move || match tree::open(&root, &key)? {
            Some((file, now, path)) if Some(&now.text) == stamp.as_ref() => {
                Content::of(file, path, size).map(Some)
            }
            _ => Ok(None),
        };
        let opened = super::blocking(folder, open).await?;
        if opened.is_none() {
            let events = self.0.folders.events(bucket);
            let key = row.info.key.clone();
            self.sync(bucket, key, Keys::default(), &events).await?;
        }
        Ok(opened)
    }

    /// Makes a folder if there is none, and deletes what a former host left on its way into it. Returns its full path.
    pub(super) async fn prepare_folder(&self, folder: &Path) -> Result<PathBuf, ObjectError> {
        let parts = self
            .transact(Vec::new(), |connection| Ok(parts::files(connection)?))
            .await?;
        let (objects, given) = (self.clone(), folder.to_owned());
        let prepare = move || {
            let failed = |error| failure::file("make", &given, &error);
            fs::create_dir_all(&given).map_err(failed)?;
            let folder = fs::canonicalize(&given).map_err(failed)?;
            if folder.to_str().is_none() {
                let shown = folder.display();
                return Err(invalid(format!(
                    "the folder {shown} has a name that is no UTF-8"
                )));
            }
            if objects.0.folders.is_first(&folder) {
                tree::sweep(&folder, &parts)?;
            }
            Ok(folder)
        };
        super::blocking(folder, prepare).await
    }
}
