//! Uploads of parts: an object that comes in pieces, in any order, over any time.
//!
//! A part is a file among those on their way in, and a row that names it; a part of the same number replaces it. The upload
//! and its parts end in the transaction that makes the object of them, or that aborts them. Their files are deleted
//! afterwards; what a killed host left of them, the next one sweeps away.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::failure::{self, Fault, invalid};
use super::limits::LOOKUPS;
use super::list::{self, Entry, Page};
use super::types::{Digest, ObjectError, Part, PartsListing, PartsUpload, Query};
use super::upload::{Sink, Upload};
use super::{Objects, bucket, files, folder, row};

fn read_upload(row: &rusqlite::Row<'_>) -> rusqlite::Result<PartsUpload> {
    Ok(PartsUpload {
        id: row.get(0)?,
        key: row.get(1)?,
        started_at: row.get::<_, i64>(2)?.cast_unsigned(),
        metadata: row::pairs(row, 3)?,
    })
}

fn read_part(row: &rusqlite::Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        number: row.get(0)?,
        size: row.get::<_, i64>(1)?.cast_unsigned(),
        etag: row.get(2)?,
        modified_at: row.get::<_, i64>(3)?.cast_unsigned(),
        metadata: row::pairs(row, 4)?,
    })
}

const SELECT: &str = "SELECT id, key, started_at, metadata FROM parts_uploads";

/// An upload of parts of this bucket, and of this key if one is given.
pub(super) fn find(
    connection: &Connection,
    bucket: i64,
    id: &str,
    key: Option<&str>,
) -> Result<PartsUpload, Fault> {
    let found = connection
        .prepare_cached(&format!("{SELECT} WHERE id = ?1 AND bucket = ?2"))?
        .query_row(params![id, bucket], read_upload)
        .optional()?;
    let of_key = found.filter(|upload| key.is_none_or(|key| upload.key == key));
    of_key.ok_or(Fault::Refused(ObjectError::Missing))
}

/// Removes an upload and its parts, and returns the parts' files.
pub(super) fn end(connection: &Connection, id: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("DELETE FROM parts_uploads WHERE id = ?1")?
        .execute([id])?;
    connection
        .prepare_cached("DELETE FROM parts WHERE upload = ?1 RETURNING file")?
        .query_map([id], |row| row.get(0))?
        .collect()
}

/// The files of all parts.
pub(super) fn files(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    connection
        .prepare("SELECT file FROM parts")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// How a part was stored.
struct Stored {
    file: String,
    size: u64,
    etag: String,
}

fn stored(connection: &Connection, upload: &str, number: u32) -> rusqlite::Result<Option<Stored>> {
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

fn insert(connection: &Connection, upload: &str, part: &Part, file: &str) -> rusqlite::Result<()> {
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

/// A list's upload.
struct Listed(PartsUpload);

impl Entry for Listed {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        read_upload(row).map(Self)
    }

    fn key(&self) -> &str {
        &self.0.key
    }

    fn mark(&self) -> Option<String> {
        Some(self.0.id.clone())
    }

    fn metadata(&self) -> &[(String, String)] {
        &self.0.metadata
    }
}

fn uploads(connection: &Connection, bucket: i64, query: &Query) -> rusqlite::Result<PartsListing> {
    let mut page = Page::<Listed>::new(query);
    if let Some(from) = page.start() {
        let mut complete = false;
        if let Some((key, Some(id))) = &query.after
            && from == list::just_after(key)
        {
            let sql = format!("{SELECT} WHERE bucket = ?1 AND key = ?2 AND id > ?3 ORDER BY id");
            let mut rest = connection.prepare_cached(&sql)?;
            let walk = page.fill(&mut rest.query(params![bucket, key, id])?)?;
            complete = matches!(walk, list::Walk::Done);
        }
        if !complete {
            let sql = format!("{SELECT} WHERE bucket = ?1 AND key >= ?2 ORDER BY key, id");
            page.walk(connection, &sql, bucket, from)?;
        }
    }
    Ok(PartsListing {
        uploads: page.entries.into_iter().map(|listed| listed.0).collect(),
        common_prefixes: page.common_prefixes,
        next: page.next,
    })
}

impl Objects {
    /// Starts an upload of parts and returns its id.
    pub async fn start_parts(
        &self,
        bucket: &str,
        key: &str,
        metadata: Vec<(String, String)>,
    ) -> Result<String, ObjectError> {
        let (bucket, key, now) = (bucket.to_owned(), key.to_owned(), self.now());
        self.transact(Vec::new(), move |connection| {
            let bucket = bucket::find(connection, &bucket)?;
            if bucket.folder.is_some() {
                super::path::relative(&key)?;
            }
            let id = row::new_id(row::next_sequence(connection)?);
            let sql = "INSERT INTO parts_uploads (id, bucket, key, started_at, metadata) VALUES (?1, ?2, ?3, ?4, ?5)";
            connection.prepare_cached(sql)?.execute(params![
                id,
                bucket.id,
                key,
                now.cast_signed(),
                row::json(&metadata)
            ])?;
            Ok(id)
        })
        .await
    }

    /// Describes an upload of parts.
    pub async fn describe_parts(&self, bucket: &str, id: &str) -> Result<PartsUpload, ObjectError> {
        let (bucket, id) = (bucket.to_owned(), id.to_owned());
        self.transact(Vec::new(), move |connection| {
            let bucket = bucket::find(connection, &bucket)?.id;
            find(connection, bucket, &id, None)
        })
        .await
    }

    /// Keeps a part; one of the same number is replaced.
    pub async fn put_part(
        &self,
        bucket: &str,
        id: &str,
        number: u32,
        upload: Upload,
        etag: String,
        metadata: Vec<(String, String)>,
    ) -> Result<Part, ObjectError> {
        let sink = upload.into_sink(bucket)?;
        let part = Part {
            number,
            size: sink.size,
            etag,
            modified_at: self.now(),
            metadata,
        };
        let (objects, bucket, id) = (self.clone(), bucket.to_owned(), id.to_owned());
        self.to_the_end(async move { objects.keep_part(bucket, id, part, sink).await })
            .await
    }

    async fn keep_part(
        &self,
        bucket: String,
        id: String,
        part: Part,
        mut sink: Sink,
    ) -> Result<Part, ObjectError> {
        let complete = move || sink.complete().map(|()| sink);
        let sink = super::blocking(&self.files().root, complete).await?;
        let (file, folder) = (sink.id.clone(), sink.folder.clone());
        // From here on only the outcome of the commit says whether the file is needed.
        sink.keep();
        let (new, kept) = (file.clone(), part.clone());
        let committed = self
            .transact(Vec::new(), move |connection| {
                let bucket = bucket::find(connection, &bucket)?.id;
                find(connection, bucket, &id, None)?;
                let old = stored(connection, &id, kept.number)?;
                insert(connection, &id, &kept, &new)?;
                Ok(old.map(|old| old.file))
            })
            .await;
        let unneeded = match &committed {
            Ok(old) => old.iter().cloned().collect(),
            Err(_) => vec![file],
        };
        self.delete_parts(unneeded, folder).await;
        committed.map(|_| part)
    }

    /// The parts of an upload with higher numbers than this, by number.
    pub async fn parts(
        &self,
        bucket: &str,
        id: &str,
        after: u32,
        max: usize,
    ) -> Result<Vec<Part>, ObjectError> {
        let (bucket, id) = (bucket.to_owned(), id.to_owned());
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        self.transact(Vec::new(), move |connection| {
            let bucket = bucket::find(connection, &bucket)?.id;
            find(connection, bucket, &id, None)?;
            let sql = "SELECT number, size, etag, modified_at, metadata FROM parts
                       WHERE upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
            let mut parts = connection.prepare_cached(sql)?;
            let parts = parts.query_map(params![id, after, max], read_part)?;
            Ok(parts.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Makes one upload of parts, each by number and entity tag, in this order. The parts stay until the object is made.
    ///
    /// # Errors
    ///
    /// [`ObjectError::Precondition`] if a part was replaced by one with another entity tag.
    pub async fn compose(
        &self,
        bucket: &str,
        id: &str,
        parts: Vec<(u32, String)>,
        digests: Vec<Digest>,
    ) -> Result<Upload, ObjectError> {
        if parts.is_empty() {
            return Err(invalid("an object is made of at least one part"));
        }
        let mut upload = self.upload(bucket, digests).await?;
        for (number, etag) in parts {
            let (file, path, size) = self.open_part(bucket, id, number, &etag).await?;
            upload.append(file, path, size).await?;
        }
        Ok(upload)
    }

    /// A part's file, its path and how many bytes it was stored with.
    async fn open_part(
        &self,
        bucket: &str,
        id: &str,
        number: u32,
        etag: &str,
    ) -> Result<(File, PathBuf, u64), ObjectError> {
        let mut gone = ObjectError::Missing;
        for _ in 0..LOOKUPS {
            let (bucket, id, etag) = (bucket.to_owned(), id.to_owned(), etag.to_owned());
            let find = move |connection: &Connection| {
                let bucket = bucket::find(connection, &bucket)?;
                find(connection, bucket.id, &id, None)?;
                let part = stored(connection, &id, number)?;
                let part = part.ok_or(Fault::Refused(ObjectError::Missing))?;
                if part.etag != etag {
                    return Err(Fault::Refused(ObjectError::Precondition));
                }
                Ok((part, bucket.folder))
            };
            let (Stored { file, size, .. }, folder) = self.transact(Vec::new(), find).await?;
            let path = self.part_path(&file, folder.as_deref());
            let open = move || match File::open(&path) {
                Ok(file) => Ok(Ok((file, path, size))),
                Err(error) => {
                    let failed = failure::file("read", &path, &error);
                    let replaced = error.kind() == io::ErrorKind::NotFound;
                    if replaced {
                        Ok(Err(failed))
                    } else {
                        Err(failed)
                    }
                }
            };
            match super::blocking(&self.files().root, open).await? {
                Ok(opened) => return Ok(opened),
                Err(missing) => gone = missing,
            }
        }
        Err(gone)
    }

    /// Drops an upload of parts.
    pub async fn abort_parts(&self, bucket: &str, id: &str) -> Result<(), ObjectError> {
        let (objects, bucket, id) = (self.clone(), bucket.to_owned(), id.to_owned());
        self.to_the_end(async move {
            let (parts, folder) = objects
                .transact(Vec::new(), move |connection| {
                    let bucket = bucket::find(connection, &bucket)?;
                    find(connection, bucket.id, &id, None)?;
                    Ok((end(connection, &id)?, bucket.folder))
                })
                .await?;
            objects.delete_parts(parts, folder).await;
            Ok(())
        })
        .await
    }

    /// Uploads of parts that were neither completed nor aborted, by key and id.
    pub async fn parts_uploads(
        &self,
        bucket: &str,
        query: Query,
    ) -> Result<PartsListing, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(Vec::new(), move |connection| {
            let bucket = bucket::find(connection, &bucket)?.id;
            uploads(connection, bucket, &query).map_err(Fault::Sql)
        })
        .await
    }

    fn part_path(&self, file: &str, folder: Option<&Path>) -> PathBuf {
        match folder {
            Some(folder) => folder.join(format!("{}{file}", folder::TEMP_PREFIX)),
            None => self.files().incoming(file),
        }
    }

    /// Deletes parts' files that nothing names any more. What is left is swept away at the next start.
    pub(super) async fn delete_parts(&self, parts: Vec<String>, folder: Option<PathBuf>) {
        if parts.is_empty() {
            return;
        }
        let path = |file: String| self.part_path(&file, folder.as_deref());
        let paths: Vec<PathBuf> = parts.into_iter().map(path).collect();
        let delete = move || {
            for path in paths {
                let _left = files::delete(&path);
            }
            Ok(())
        };
        let _stopping = super::blocking(&self.files().root, delete).await;
    }
}
