//! Buckets.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::{Fault, invalid};
use super::limits::BUCKET_NAME;
use super::types::{BucketInfo, ObjectError, Versioning};
use super::{Objects, list, path, row};

/// A bucket inside a transaction.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) id: i64,
    pub(super) info: BucketInfo,
    /// The plain folder it shows.
    pub(super) folder: Option<PathBuf>,
}

const SELECT: &str = "SELECT id, name, created_at, versioning, attributes, folder FROM buckets";

fn read(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    let versioning = match row.get(3)? {
        0 => Versioning::Off,
        1 => Versioning::On,
        _ => Versioning::Suspended,
    };
    let info = BucketInfo {
        name: row.get(1)?,
        created_at: row.get::<_, i64>(2)?.cast_unsigned(),
        versioning,
        attributes: row::pairs(row, 4)?,
    };
    Ok(Bucket {
        id: row.get(0)?,
        info,
        folder: row.get::<_, Option<String>>(5)?.map(PathBuf::from),
    })
}

fn number(versioning: Versioning) -> i64 {
    match versioning {
        Versioning::Off => 0,
        Versioning::On => 1,
        Versioning::Suspended => 2,
    }
}

fn look(connection: &Connection, name: &str) -> rusqlite::Result<Option<Bucket>> {
    connection
        .prepare_cached(&format!("{SELECT} WHERE name = ?1"))?
        .query_row([name], read)
        .optional()
}

/// The bucket of this name.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Bucket, Fault> {
    look(connection, name)?.ok_or(Fault::Refused(ObjectError::MissingBucket))
}

/// A new bucket; `Ok(false)` if there is one already.
fn insert(connection: &Connection, info: &BucketInfo) -> rusqlite::Result<bool> {
    let sql =
        "INSERT INTO buckets (name, created_at, versioning, attributes) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        info.name,
        info.created_at.cast_signed(),
        number(info.versioning),
        row::json(&info.attributes),
    ])?;
    Ok(inserted > 0)
}

fn update(connection: &Connection, bucket: &Bucket) -> rusqlite::Result<()> {
    let sql = "UPDATE buckets SET versioning = ?2, attributes = ?3, folder = ?4 WHERE id = ?1";
    let folder = bucket.folder.as_deref().and_then(Path::to_str);
    connection.prepare_cached(sql)?.execute(params![
        bucket.id,
        number(bucket.info.versioning),
        row::json(&bucket.info.attributes),
        folder,
    ])?;
    Ok(())
}

fn is_empty(connection: &Connection, bucket: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1)
                  AND NOT EXISTS (SELECT 1 FROM parts_uploads WHERE bucket = ?1)";
    connection
        .prepare_cached(sql)?
        .query_row([bucket], |row| row.get(0))
}

/// What a bucket of a configuration becomes, if it can.
fn defined(
    connection: &Connection,
    bucket: &mut Bucket,
    versioning: Versioning,
    folder: Option<&Path>,
) -> Result<(), Fault> {
    let name = &bucket.info.name;
    if folder.is_some()
        && (versioning, bucket.info.versioning) != (Versioning::Off, Versioning::Off)
    {
        return Err(invalid(format!(
            "the bucket `{name}` can not show a folder and keep versions: a folder has one file of a name"
        ))
        .into());
    }
    match (&bucket.folder, folder) {
        (None, Some(_)) if !is_empty(connection, bucket.id)? => {
            return Err(invalid(format!(
                "the bucket `{name}` can not show a folder: it holds objects or uploads of its own; \
                 delete these first or name another bucket"
            ))
            .into());
        }
        // The files stay where they are, they only are no objects any more.
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
    pub async fn create(
        &self,
        bucket: &str,
        attributes: Vec<(String, String)>,
    ) -> Result<(), ObjectError> {
        let new = self.new_bucket(bucket, attributes)?;
        self.transact(Vec::new(), move |connection| {
            if insert(connection, &new)? {
                return Ok(());
            }
            Err(ObjectError::Exists.into())
        })
        .await
    }

    /// Makes sure that a bucket of a configuration is there; with a folder it shows what is in that. A bucket that
    /// keeps versions goes on when the configuration does not say so: a service may have been asked to, and what is kept
    /// is not thrown away for a line that is missing.
    pub async fn define(
        &self,
        bucket: &str,
        versioning: Versioning,
        folder: Option<&Path>,
    ) -> Result<(), ObjectError> {
        let new = self.new_bucket(bucket, Vec::new())?;
        let folder = match folder {
            Some(folder) => Some(self.prepare_folder(folder).await?),
            None => None,
        };
        self.transact(Vec::new(), move |connection| {
            let known = look(connection, &new.name)?;
            let is_new = known.is_none();
            let mut bucket = known.unwrap_or_else(|| Bucket {
                id: 0,
                info: new.clone(),
                folder: None,
            });
            defined(connection, &mut bucket, versioning, folder.as_deref())?;
            if is_new {
                insert(connection, &bucket.info)?;
                bucket.id = connection.last_insert_rowid();
            }
            Ok(update(connection, &bucket)?)
        })
        .await
    }

    /// Describes a bucket.
    pub async fn bucket(&self, bucket: &str) -> Result<BucketInfo, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(Vec::new(), move |connection| {
            Ok(find(connection, &bucket)?.info)
        })
        .await
    }

    /// Replaces what can be changed of a bucket. One that keeps versions can only suspend that.
    pub async fn change(
        &self,
        bucket: &str,
        versioning: Versioning,
        attributes: Vec<(String, String)>,
    ) -> Result<(), ObjectError> {
        let name = bucket.to_owned();
        self.transact(Vec::new(), move |connection| {
            let mut bucket = find(connection, &name)?;
            if bucket.info.versioning != Versioning::Off && versioning == Versioning::Off {
                return Err(invalid("a bucket that keeps versions can only suspend that").into());
            }
            if bucket.folder.is_some() && versioning != Versioning::Off {
                return Err(invalid(
                    "a bucket that shows a folder can not keep versions: a folder has one file of a name",
                )
                .into());
            }
            bucket.info.versioning = versioning;
            bucket.info.attributes.clone_from(&attributes);
            Ok(update(connection, &bucket)?)
        })
        .await
    }

    /// The buckets whose names start so, by name, after the one named.
    pub async fn buckets(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<BucketInfo>, ObjectError> {
        let prefix = prefix.to_owned();
        let from = after.map_or_else(String::new, list::just_after);
        let from = from.max(prefix.clone());
        self.transact(Vec::new(), move |connection| {
            let mut buckets = Vec::new();
            let mut named =
                connection.prepare_cached(&format!("{SELECT} WHERE name >= ?1 ORDER BY name"))?;
            let mut rows = named.query([&from])?;
            while buckets.len() < max
                && let Some(row) = rows.next()?
            {
                let info = read(row)?.info;
                if !info.name.starts_with(&prefix) {
                    break;
                }
                buckets.push(info);
            }
            Ok(buckets)
        })
        .await
    }

    /// Deletes an empty bucket. What object triggers have not been told yet of its objects they still are.
    pub async fn delete(&self, bucket: &str) -> Result<(), ObjectError> {
        let name = bucket.to_owned();
        self.transact(Vec::new(), move |connection| {
            let bucket = find(connection, &name)?;
            if !is_empty(connection, bucket.id)? {
                return Err(ObjectError::NotEmpty.into());
            }
            connection.execute("DELETE FROM buckets WHERE id = ?1", [bucket.id])?;
            Ok(())
        })
        .await?;
        let files = self.files().clone();
        let folder = files.root.join(path::bucket(bucket));
        super::blocking(&self.files().root, move || {
            files.clear(Some(&folder));
            Ok(())
        })
        .await
    }

    /// The plain folder that a bucket shows.
    pub(super) async fn folder_of(&self, bucket: &str) -> Result<Option<PathBuf>, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(Vec::new(), move |connection| {
            Ok(find(connection, &bucket)?.folder)
        })
        .await
    }

    fn new_bucket(
        &self,
        name: &str,
        attributes: Vec<(String, String)>,
    ) -> Result<BucketInfo, ObjectError> {
        if name.is_empty() || name.len() > BUCKET_NAME {
            return Err(invalid(format!(
                "a bucket's name has 1 to {BUCKET_NAME} bytes"
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
