//! A bucket's row.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::errors::Abort;
use super::row;
use super::types::{BucketInfo, ObjectError, Versioning};

/// A bucket inside a transaction.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) id: i64,
    pub(super) info: BucketInfo,
    /// The plain folder that it shows, if any.
    pub(super) folder: Option<PathBuf>,
}

const SELECT: &str = "SELECT id, name, created_at, versioning, attributes, folder FROM buckets";

/// A SELECT of the columns that [`read`] needs.
pub(super) fn select(rest: &str) -> String {
    format!("{SELECT} {rest}")
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Bucket> {
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

/// The bucket with this name, if it exists.
pub(super) fn look(connection: &Connection, name: &str) -> rusqlite::Result<Option<Bucket>> {
    connection
        .prepare_cached(&select("WHERE name = ?1"))?
        .query_row([name], read)
        .optional()
}

/// The bucket with this name, which must exist.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Bucket, Abort> {
    look(connection, name)?.ok_or(Abort::Refused(ObjectError::MissingBucket))
}

/// Inserts a bucket. Returns `false` if there is one with this name.
pub(super) fn insert(connection: &Connection, info: &BucketInfo) -> rusqlite::Result<bool> {
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

/// Stores what can change of a bucket.
pub(super) fn update(connection: &Connection, bucket: &Bucket) -> rusqlite::Result<()> {
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

/// Whether the bucket has no objects and no versions. Multipart uploads in progress do not count, as in S3.
pub(super) fn is_empty(connection: &Connection, bucket: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1)";
    connection
        .prepare_cached(sql)?
        .query_row([bucket], |row| row.get(0))
}
