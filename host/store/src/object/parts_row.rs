//! The rows of multipart uploads and their parts.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::errors::Abort;
use super::row;
use super::types::{MultipartUpload, ObjectError, Part};

/// Reads an upload from the columns of [`select`].
pub(super) fn read_upload(row: &Row<'_>) -> rusqlite::Result<MultipartUpload> {
    Ok(MultipartUpload {
        id: row.get(0)?,
        key: row.get(1)?,
        started_at: row.get::<_, i64>(2)?.cast_unsigned(),
        metadata: row::pairs(row, 3)?,
    })
}

/// Reads a part from number, size, entity tag, time and metadata.
pub(super) fn read_part(row: &Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        number: row.get(0)?,
        size: row.get::<_, i64>(1)?.cast_unsigned(),
        etag: row.get(2)?,
        modified_at: row.get::<_, i64>(3)?.cast_unsigned(),
        metadata: row::pairs(row, 4)?,
    })
}

/// A SELECT of the columns that [`read_upload`] needs.
pub(super) fn select(rest: &str) -> String {
    format!("SELECT id, key, started_at, metadata FROM parts_uploads {rest}")
}

/// The multipart upload with this id, which must be of this bucket and, if one is given, of this key.
pub(super) fn find(
    connection: &Connection,
    bucket: i64,
    id: &str,
    key: Option<&str>,
) -> Result<MultipartUpload, Abort> {
    let found = connection
        .prepare_cached(&select("WHERE id = ?1 AND bucket = ?2"))?
        .query_row(params![id, bucket], read_upload)
        .optional()?;
    let of_key = found.filter(|upload| key.is_none_or(|key| upload.key == key));
    of_key.ok_or(Abort::Refused(ObjectError::Missing))
}

/// Deletes an upload and its parts. Returns the parts' files.
pub(super) fn delete(connection: &Connection, id: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("DELETE FROM parts_uploads WHERE id = ?1")?
        .execute([id])?;
    connection
        .prepare_cached("DELETE FROM parts WHERE upload = ?1 RETURNING file")?
        .query_map([id], |row| row.get(0))?
        .collect()
}

/// Deletes all uploads of a bucket and their parts. Returns the parts' files.
pub(super) fn delete_all(connection: &Connection, bucket: i64) -> rusqlite::Result<Vec<String>> {
    let uploads: Vec<String> = connection
        .prepare_cached("SELECT id FROM parts_uploads WHERE bucket = ?1")?
        .query_map([bucket], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut files = Vec::new();
    for upload in uploads {
        files.extend(delete(connection, &upload)?);
    }
    Ok(files)
}

/// The files of all parts of all uploads.
pub(super) fn files(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    connection
        .prepare("SELECT file FROM parts")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// How a part is stored.
pub(super) struct Stored {
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) etag: String,
}

/// The part with this number, if there is one.
pub(super) fn stored(
    connection: &Connection,
    upload: &str,
    number: u32,
) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached("SELECT file, size, etag FROM parts WHERE upload = ?1 AND number = ?2")?
        .query_row(params![upload, number], |row| {
            Ok(Stored {
                file: row.get(0)?,
                size: row.get::<_, i64>(1)?.cast_unsigned(),
                etag: row.get(2)?,
            })
        })
        .optional()
}

/// The name of the upload that keeps a part which another file replaced.
fn hidden_upload(new_file: &str, upload: &str) -> String {
    format!("~{new_file} {upload}")
}

/// Hides the part with this number, if there is one, before a new file replaces it, for [`take_back`].
pub(super) fn hide(
    connection: &Connection,
    upload: &str,
    number: u32,
    new_file: &str,
) -> rusqlite::Result<()> {
    let sql = "UPDATE parts SET upload = ?3 WHERE upload = ?1 AND number = ?2";
    connection.prepare_cached(sql)?.execute(params![
        upload,
        number,
        hidden_upload(new_file, upload)
    ])?;
    Ok(())
}

/// Takes back a part whose file was lost. Brings back the part that it had replaced, if the upload still has the lost
/// one.
pub(super) fn take_back(
    connection: &Connection,
    upload: &str,
    number: u32,
    lost_file: &str,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM parts WHERE upload = ?1 AND number = ?2 AND file = ?3";
    if connection.execute(sql, params![upload, number, lost_file])? > 0 {
        let sql = "UPDATE parts SET upload = ?1 WHERE upload = ?3 AND number = ?2";
        let hidden = hidden_upload(lost_file, upload);
        connection.execute(sql, params![upload, number, hidden])?;
    }
    Ok(())
}

/// Forgets the part that a new file has replaced.
pub(super) fn forget(
    connection: &Connection,
    upload: &str,
    number: u32,
    new_file: &str,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM parts WHERE upload = ?1 AND number = ?2";
    let hidden = hidden_upload(new_file, upload);
    connection
        .prepare_cached(sql)?
        .execute(params![hidden, number])?;
    Ok(())
}

/// Inserts a part, or replaces the one with the same number.
pub(super) fn insert(
    connection: &Connection,
    upload: &str,
    part: &Part,
    file: &str,
) -> rusqlite::Result<()> {
    let sql =
        "INSERT OR REPLACE INTO parts (upload, number, file, size, etag, modified_at, metadata)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        upload,
        part.number,
        file,
        part.size.cast_signed(),
        part.etag,
        part.modified_at.cast_signed(),
        row::json(&part.metadata),
    ])?;
    Ok(())
}
