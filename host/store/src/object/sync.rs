//! Buckets that show a plain folder: the files of the folder are the objects.
//!
//! A key is the path of a file below the folder. Rows mirror the files. A file is recognized by its stamp
//! (modification time, size, inode), so unchanged files are not read again. The host's own writes are not taken for
//! changes by others: row and file change under one lock, which a sync takes, too. The entity tag of an object is the
//! MD5 of its bytes, its time that of the file.
//!
//! Not objects are: hidden files and everything in hidden folders, temporary files of editors and browsers (see
//! `path`), anything that is not a regular file, names that are not UTF-8, and links that lead out of the folder or
//! to folders.
//!
//! A stamp can change without a write: a copy sets times, a restore sets them back. Unless a file is known to have
//! been written, its bytes decide whether it has changed; if they are the same, only the new stamp is stored.
//!
//! A file or folder that cannot be read affects no other: it is left out and returned with the reason. The objects that
//! it had before stay as they are, because it is not known that they are gone.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::blocking::blocking;
use super::change_record::ChangeRecord;
use super::content::Content;
use super::errors::{Abort, invalid};
use super::limits::FILES_PER_TRANSACTION;
use super::objects::Objects;
use super::plan::{self, Place, Plan};
use super::row::{self, Row};
use super::tree::{self, Stamp};
use super::types::{FolderEvents, LeftOut, ObjectError, Put, Synced};
use super::{bucket_row, path};

/// A change of a folder that a sync has found.
#[derive(Debug)]
enum FileChange {
    /// The file was created or changed.
    Written(Box<Plan>),
    /// The file has another stamp, but the same bytes.
    Restamped(String, Stamp),
    /// The file was removed.
    Removed(String),
}

/// What the row of a file says.
struct Known {
    stamp: Option<String>,
    etag: String,
}

/// The events of a folder's watch, by key.
#[derive(Debug, Default)]
struct KeyEvents {
    written: HashSet<String>,
    unfinished: HashSet<String>,
    quiet: Duration,
}

impl KeyEvents {
    fn of(folder_events: &FolderEvents) -> Self {
        let keys = |files: &BTreeSet<PathBuf>| {
            let keys = files.iter().filter_map(|file| path::key_of(file));
            keys.collect()
        };
        Self {
            written: keys(&folder_events.written),
            unfinished: keys(&folder_events.unfinished),
            quiet: folder_events.quiet,
        }
    }
}

/// The rows of a folder, by key: those at the key `top` and below it, or all if it is empty.
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
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![bucket, below])?;
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

/// Makes a row match its file.
fn apply(
    connection: &Connection,
    bucket: &str,
    change: &FileChange,
    removed: Option<&ChangeRecord>,
) -> Result<(), Abort> {
    let key = match change {
        FileChange::Written(plan) => return plan::store(connection, plan).map(drop),
        FileChange::Restamped(key, stamp) => {
            let bucket = bucket_row::find(connection, bucket)?.id;
            row::restamp(connection, bucket, key, &stamp.text, stamp.modified_at)?;
            return Ok(());
        }
        FileChange::Removed(key) => key,
    };
    let bucket = bucket_row::find(connection, bucket)?.id;
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
    /// Compares one file of a folder bucket with its row and takes over what has changed: a new or changed file becomes
    /// an object, a missing one is removed. The change is recorded with the events that the bucket was
    /// [defined](Self::define) with. A path that is a folder stands for everything in it. The host's own writes are not
    /// changes.
    ///
    /// `written` says that the file is known to have been written; it then counts as changed even if its bytes are
    /// the same. Returns what was left out.
    pub async fn sync_file(
        &self,
        bucket: &str,
        relative: &Path,
        written: bool,
    ) -> Result<Vec<LeftOut>, ObjectError> {
        let Some(key) = path::key_of(relative) else {
            return Ok(Vec::new());
        };
        let mut key_events = KeyEvents::default();
        if written {
            key_events.written.insert(key.clone());
        }
        let synced = self.sync(bucket, key, key_events).await?;
        Ok(synced.left_out)
    }

    /// Like [`sync_file`](Self::sync_file), for the whole folder. It also finds what changed while no host was running.
    ///
    pub async fn sync_folder(
        &self,
        bucket: &str,
        folder_events: &FolderEvents,
    ) -> Result<Synced, ObjectError> {
        let key_events = KeyEvents::of(folder_events);
        self.sync(bucket, String::new(), key_events).await
    }

    async fn sync(
        &self,
        bucket: &str,
        top: String,
        key_events: KeyEvents,
    ) -> Result<Synced, ObjectError> {
        let (objects, bucket) = (self.clone(), bucket.to_owned());
        self.to_completion(async move {
            let lock = objects.0.folders.lock(&bucket);
            let _held = lock.lock().await;
            objects.sync_locked(&bucket, top, key_events).await
        })
        .await
    }

    async fn sync_locked(
        &self,
        bucket: &str,
        top: String,
        key_events: KeyEvents,
    ) -> Result<Synced, ObjectError> {
        let (name, above) = (bucket.to_owned(), top.clone());
        let (folder, mut known) = self
            .transact(move |connection| {
                let bucket = bucket_row::find(connection, &name)?;
                let folder = bucket.folder.ok_or_else(|| {
                    Abort::Refused(invalid(format!(
                        "the bucket `{name}` does not show a folder"
                    )))
                })?;
                Ok((folder, known(connection, bucket.id, &above)?))
            })
            .await?;
        let root = folder.clone();
        let seen = blocking(&folder, move || tree::scan(&root, &top)).await?;
        let mut left_out = seen.left_out;
        for key in seen.unknown {
            let below = format!("{key}/");
            known.retain(|one, _| *one != key && !one.starts_with(&below));
        }
        let mut changed = Vec::new();
        for (key, stamp) in seen.files {
            let before = known.remove(&key);
            if key_events.unfinished.contains(&key) {
                continue;
            }
            let stamp_before = before.as_ref().and_then(|known| known.stamp.as_ref());
            if stamp_before != Some(&stamp.text) {
                let etag = before.filter(|_| !key_events.written.contains(&key));
                changed.push((key, stamp, etag.map(|known| known.etag)));
            }
        }
        let defined = self.0.folders.find(bucket);
        let (created, removed) = defined
            .map(|folder| (folder.created, folder.removed))
            .unzip();
        let created = self.change_record(bucket, created, self.now());
        let removed = self.change_record(bucket, removed, self.now());
        let mut again = BTreeSet::new();
        let mut changes: Vec<FileChange> = known.into_keys().map(FileChange::Removed).collect();
        for (key, stamp, etag) in changed {
            let quiet = key_events.quiet;
            match self
                .read_file(bucket, &folder, &key, &stamp, quiet, created.clone())
                .await
            {
                Ok(None) => drop(again.insert(PathBuf::from(key))),
                Ok(Some(plan)) if etag.is_some_and(|etag| etag == plan.put.etag) => {
                    changes.push(FileChange::Restamped(plan.key, stamp));
                }
                Ok(Some(plan)) => changes.push(FileChange::Written(Box::new(plan))),
                Err(error) => left_out.push(LeftOut {
                    path: PathBuf::from(key),
                    reason: format!("is left out: {error}"),
                }),
            }
            if changes.len() >= FILES_PER_TRANSACTION {
                self.apply_all(bucket, std::mem::take(&mut changes), &removed)
                    .await?;
            }
        }
        self.apply_all(bucket, changes, &removed).await?;
        Ok(Synced { again, left_out })
    }

    /// The plan for a file that has changed; `None` if the file changes while it is read, which the watch will report, or
    /// changed within the time `quiet` before.
    async fn read_file(
        &self,
        bucket: &str,
        folder: &Path,
        key: &str,
        stamp: &Stamp,
        quiet: Duration,
        record: Option<ChangeRecord>,
    ) -> Result<Option<Plan>, ObjectError> {
        let (file, before) = (folder.join(key), stamp.clone());
        let etag = blocking(folder, move || tree::etag(&file, &before, quiet)).await?;
        Ok(etag.map(|etag| Plan {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            put: Put {
                etag,
                ..Put::default()
            },
            size: stamp.size,
            at: stamp.modified_at,
            place: Place::Folder(folder.to_owned(), stamp.text.clone()),
            checksum: None,
            record,
        }))
    }

    async fn apply_all(
        &self,
        bucket: &str,
        changes: Vec<FileChange>,
        removed: &Option<ChangeRecord>,
    ) -> Result<(), ObjectError> {
        let (bucket, record) = (bucket.to_owned(), removed.clone());
        if changes.is_empty() {
            return Ok(());
        }
        self.transact_recording(removed.as_ref(), move |connection| {
            changes
                .iter()
                .try_for_each(|change| apply(connection, &bucket, change, record.as_ref()))
        })
        .await
    }

    /// Takes over what has happened to a file before the host itself changes it. The folder's lock must be held.
    pub(super) async fn sync_before_change(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(), ObjectError> {
        if path::relative(key).is_err() {
            return Ok(());
        }
        self.sync_locked(bucket, key.to_owned(), KeyEvents::default())
            .await
            .map(drop)
    }

    /// Opens the file of a row. If the file is not the one that the row describes, syncs it and returns `None`.
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
        let opened = blocking(folder, open).await?;
        if opened.is_none() {
            let key = row.info.key.clone();
            self.sync(bucket, key, KeyEvents::default()).await?;
        }
        Ok(opened)
    }
}
