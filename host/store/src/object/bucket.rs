//! Creating, defining, describing, changing, listing and deleting buckets.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::blocking::blocking;
use super::bucket_row::{self, Bucket};
use super::errors::{Abort, invalid};
use super::key_order::just_after;
use super::limits::BUCKET_NAME;
use super::objects::Objects;
use super::own_triggers::{own_triggers, record_change};
use super::types::{BucketInfo, Folder, ObjectError, Versioning};
use super::{change_record, part_files, parts_row, path};

/// Applies the definition of a configuration to a bucket, or says why it cannot be applied.
fn apply_definition(
    connection: &Connection,
    bucket: &mut Bucket,
    versioning: Versioning,
    folder: Option<&Path>,
) -> Result<(), Abort> {
    let name = &bucket.info.name;
    if folder.is_some()
        && (versioning, bucket.info.versioning) != (Versioning::Off, Versioning::Off)
    {
        return Err(invalid(format!(
            "the bucket `{name}` cannot show a folder and keep versions: a folder has one file per name"
        ))
        .into());
    }
    match (&bucket.folder, folder) {
        (None, Some(_)) if !bucket_row::is_empty(connection, bucket.id)? => {
            return Err(invalid(format!(
                "the bucket `{name}` cannot show a folder: it has objects or multipart uploads of its own; \
                 delete these first, or name another bucket"
            ))
            .into());
        }
        // The files stay where they are; they are just no longer objects.
        (Some(_), None) => {
            let sql = "DELETE FROM objects WHERE bucket = ?1";
            connection.execute(sql, [bucket.id])?;
        }
        _ => {}
    }
    bucket.folder = folder.map(Path::to_owned);
    if versioning != Versioning::Off {
        bucket.info.versioning = versioning;
    }
    Ok(())
}

impl Objects {
    /// Creates a bucket.
    ///
    /// # Errors
    ///
    /// [`ObjectError::Exists`] if there is a bucket with this name; [`ObjectError::Invalid`] if the name is empty or
    /// longer than 255 bytes.
    pub async fn create(
        &self,
        bucket: &str,
        attributes: Vec<(String, String)>,
    ) -> Result<(), ObjectError> {
        let new = self.new_bucket(bucket, attributes)?;
        self.transact(move |connection| {
            if bucket_row::insert(connection, &new)? {
                return Ok(());
            }
            Err(ObjectError::Exists.into())
        })
        .await
    }

    /// Creates a bucket, or changes an existing one: for the buckets of a configuration. With a folder, the bucket
    /// shows the files of that folder. `Versioning::Off` leaves an existing bucket's versioning as it is: a client
    /// may have enabled it, and versions must not be lost because of a missing line.
    ///
    /// # Errors
    ///
    /// [`ObjectError::Invalid`] if the bucket is to show a folder and keeps versions, or has objects of its own.
    pub async fn define(
        &self,
        bucket: &str,
        versioning: Versioning,
        folder: Option<Folder>,
    ) -> Result<(), ObjectError> {
        let new = self.new_bucket(bucket, Vec::new())?;
        let path = match &folder {
            Some(folder) => Some(self.prepare_folder(&folder.path).await?),
            None => None,
        };
        self.transact(move |connection| {
            let known = bucket_row::look(connection, &new.name)?;
            let is_new = known.is_none();
            let mut bucket = known.unwrap_or_else(|| Bucket {
                id: 0,
                info: new.clone(),
                folder: None,
            });
            apply_definition(connection, &mut bucket, versioning, path.as_deref())?;
            if is_new {
                bucket_row::insert(connection, &bucket.info)?;
                bucket.id = connection.last_insert_rowid();
            }
            Ok(bucket_row::update(connection, &bucket)?)
        })
        .await?;
        if let Some(folder) = folder {
            self.0.folders.define(bucket, folder);
        }
        Ok(())
    }

    /// Describes a bucket.
    pub async fn bucket(&self, bucket: &str) -> Result<BucketInfo, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(move |connection| Ok(bucket_row::find(connection, &bucket)?.info))
            .await
    }

    /// Replaces the versioning and the attributes of a bucket. Versioning that was once on can only be suspended, as
    /// in S3. If the triggers among the attributes are others, or none, that is recorded as a change.
    ///
    /// # Errors
    ///
    /// [`ObjectError::Invalid`] if versioning is to be turned off, or turned on in a bucket that shows a folder.
    pub async fn change(
        &self,
        bucket: &str,
        versioning: Versioning,
        attributes: Vec<(String, String)>,
    ) -> Result<(), ObjectError> {
        let name = bucket.to_owned();
        let (objects, now) = (self.clone(), self.now());
        let queue = Some(change_record::change_queue(bucket));
        let has_triggers = self.transact_notifying(queue, move |connection| {
            let mut bucket = bucket_row::find(connection, &name)?;
            if bucket.info.versioning != Versioning::Off && versioning == Versioning::Off {
                return Err(invalid("the versioning of a bucket can be suspended, but not turned off").into());
            }
            if bucket.folder.is_some() && versioning != Versioning::Off {
                return Err(invalid(
                    "a bucket that shows a folder cannot keep versions: a folder has one file per name",
                )
                .into());
            }
            bucket.info.versioning = versioning;
            let before = bucket.info.clone();
            bucket.info.attributes.clone_from(&attributes);
            let triggers = own_triggers(&bucket.info);
            if triggers.is_some() {
                // Before the commit: as soon as the caller knows of it, all changes are recorded.
                objects.note_own_triggers(&name, true);
                if triggers != own_triggers(&before) {
                    record_change(connection, &name, now)?;
                }
            }
            bucket_row::update(connection, &bucket)?;
            Ok(triggers.is_some())
        })
        .await?;
        if !has_triggers {
            self.note_own_triggers(bucket, false);
        }
        Ok(())
    }

    /// Up to `max` buckets whose names start with `prefix` and come after `after`, by name.
    pub async fn buckets(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<BucketInfo>, ObjectError> {
        let prefix = prefix.to_owned();
        let from = after.map_or_else(String::new, just_after);
        let from = from.max(prefix.clone());
        self.transact(move |connection| {
            let mut buckets = Vec::new();
            let mut named =
                connection.prepare_cached(&bucket_row::select("WHERE name >= ?1 ORDER BY name"))?;
            let mut rows = named.query([&from])?;
            while buckets.len() < max
                && let Some(row) = rows.next()?
            {
                let info = bucket_row::read(row)?.info;
                if !info.name.starts_with(&prefix) {
                    break;
                }
                buckets.push(info);
            }
            Ok(buckets)
        })
        .await
    }

    /// Deletes an empty bucket, and its multipart uploads in progress. Changes that wait for object triggers are still
    /// delivered.
    ///
    /// # Errors
    ///
    /// [`ObjectError::NotEmpty`] if the bucket has objects or versions.
    pub async fn delete(&self, bucket: &str) -> Result<(), ObjectError> {
        let name = bucket.to_owned();
        let delete = move |connection: &Connection| {
            let bucket = bucket_row::find(connection, &name)?;
            if !bucket_row::is_empty(connection, bucket.id)? {
                return Err(ObjectError::NotEmpty.into());
            }
            let parts = parts_row::delete_all(connection, bucket.id)?;
            let pending = part_files::to_delete(connection, &parts, bucket.folder.as_deref())?;
            connection.execute("DELETE FROM buckets WHERE id = ?1", [bucket.id])?;
            Ok(pending)
        };
        let pending = self.transact(delete).await?;
        self.note_own_triggers(bucket, false);
        self.apply(pending).await?;
        let files = self.files().clone();
        let folder = files.root.join(path::bucket(bucket));
        blocking(&self.files().root, move || {
            files.remove_empty(Some(&folder));
            Ok(())
        })
        .await
    }

    /// The plain folder that a bucket shows, if any.
    pub(super) async fn folder_of(&self, bucket: &str) -> Result<Option<PathBuf>, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(move |connection| Ok(bucket_row::find(connection, &bucket)?.folder))
            .await
    }

    fn new_bucket(
        &self,
        name: &str,
        attributes: Vec<(String, String)>,
    ) -> Result<BucketInfo, ObjectError> {
        if name.is_empty() || name.len() > BUCKET_NAME {
            return Err(invalid(format!(
                "the name of a bucket has 1 to {BUCKET_NAME} bytes"
            )));
        }
        Ok(BucketInfo {
            name: name.to_owned(),
            created_at: self.now(),
            versioning: Versioning::Off,
            attributes,
        })
    }
}
