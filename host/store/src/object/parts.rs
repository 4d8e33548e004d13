//! Multipart uploads: objects that arrive in parts, in any order and over any time.
//!
//! A part is an incoming file and a row that names it; another part with the same number replaces it. The transaction
//! that makes the object, or that aborts the upload, deletes the rows and records that the files are to be deleted.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use rusqlite::{Connection, Row, params};

use super::blocking::blocking;
use super::errors::{Abort, file_error, invalid};
use super::key_order::just_after;
use super::limits::LOOKUPS;
use super::list::{Entry, Page, Walk};
use super::objects::Objects;
use super::parts_row::{self, Stored};
use super::sink::Sink;
use super::types::{Digest, MultipartListing, MultipartUpload, ObjectError, Part, Query};
use super::unsynced::UnsyncedFile;
use super::upload::Upload;
use super::{bucket_row, part_files, path, row};

/// An upload in a list.
struct Listed(MultipartUpload);

impl Entry for Listed {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        parts_row::read_upload(row).map(Self)
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

fn uploads(
    connection: &Connection,
    bucket: i64,
    query: &Query,
) -> rusqlite::Result<MultipartListing> {
    let mut page = Page::<Listed>::new(query);
    if let Some(from) = page.start() {
        let mut complete = false;
        if let Some((key, Some(id))) = &query.after
            && from == just_after(key)
        {
            let sql = parts_row::select("WHERE bucket = ?1 AND key = ?2 AND id > ?3 ORDER BY id");
            let mut rest = connection.prepare_cached(&sql)?;
            let walk = page.fill(&mut rest.query(params![bucket, key, id])?)?;
            complete = matches!(walk, Walk::Done);
        }
        if !complete {
            let sql = parts_row::select("WHERE bucket = ?1 AND key >= ?2 ORDER BY key, id");
            page.walk(connection, &sql, bucket, from)?;
        }
    }
    Ok(MultipartListing {
        uploads: page.entries.into_iter().map(|listed| listed.0).collect(),
        common_prefixes: page.common_prefixes,
        next: page.next,
    })
}

impl Objects {
    /// Starts a multipart upload and returns its id.
    pub async fn start_multipart(
        &self,
        bucket: &str,
        key: &str,
        metadata: Vec<(String, String)>,
    ) -> Result<String, ObjectError> {
        let (bucket, key, now) = (bucket.to_owned(), key.to_owned(), self.now());
        self.transact_growing(None, move |connection| {
            let bucket = bucket_row::find(connection, &bucket)?;
            if bucket.folder.is_some() {
                path::relative(&key)?;
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

    /// Describes a multipart upload.
    pub async fn describe_multipart(
        &self,
        bucket: &str,
        id: &str,
    ) -> Result<MultipartUpload, ObjectError> {
        let (bucket, id) = (bucket.to_owned(), id.to_owned());
        self.transact(move |connection| {
            let bucket = bucket_row::find(connection, &bucket)?.id;
            parts_row::find(connection, bucket, &id, None)
        })
        .await
    }

    /// Stores a finished upload as a part, and replaces the part with the same number if there is one.
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
        self.to_completion(async move { objects.keep_part(bucket, id, part, sink).await })
            .await
    }

    async fn keep_part(
        &self,
        bucket: String,
        id: String,
        part: Part,
        mut sink: Sink,
    ) -> Result<Part, ObjectError> {
        let complete = move || {
            let synced = sink.folder.is_some();
            sink.complete(synced).map(|checksum| (sink, checksum))
        };
        let (sink, checksum) = blocking(&self.files().root, complete).await?;
        let (new, kept) = (sink.id.clone(), part.clone());
        // From here on the outcome of the commit decides whether the file is needed.
        let path = sink.keep();
        let committed = self
            .transact_growing(None, move |connection| {
                let bucket = bucket_row::find(connection, &bucket)?;
                parts_row::find(connection, bucket.id, &id, None)?;
                let mut pending = Vec::new();
                if let Some(old) = parts_row::stored(connection, &id, kept.number)? {
                    let folder = bucket.folder.as_deref();
                    pending = part_files::to_delete(connection, &[old.file], folder)?;
                }
                if let Some(checksum) = checksum {
                    parts_row::hide(connection, &id, kept.number, &new)?;
                    UnsyncedFile::record_part(
                        connection,
                        &new,
                        kept.size,
                        checksum,
                        &id,
                        kept.number,
                    )?;
                }
                parts_row::insert(connection, &id, &kept, &new)?;
                Ok(pending)
            })
            .await;
        match committed {
            Ok(pending) => self.apply(pending).await.map(|()| part),
            Err(error) => {
                self.delete_unused_part(path).await;
                Err(error)
            }
        }
    }

    /// Up to `max` parts of a multipart upload whose numbers are higher than `after`, by number.
    pub async fn parts(
        &self,
        bucket: &str,
        id: &str,
        after: u32,
        max: usize,
    ) -> Result<Vec<Part>, ObjectError> {
        let (bucket, id) = (bucket.to_owned(), id.to_owned());
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        self.transact(move |connection| {
            let bucket = bucket_row::find(connection, &bucket)?.id;
            parts_row::find(connection, bucket, &id, None)?;
            let sql = "SELECT number, size, etag, modified_at, metadata FROM parts
                       WHERE upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
            let mut parts = connection.prepare_cached(sql)?;
            let parts = parts.query_map(params![id, after, max], parts_row::read_part)?;
            Ok(parts.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Concatenates parts, each named by its number and entity tag, to one upload. The parts are kept until the
    /// object is made.
    ///
    /// # Errors
    ///
    /// [`ObjectError::PreconditionFailed`] if a part has been replaced by one with another entity tag;
    /// [`ObjectError::Invalid`] without parts.
    pub async fn compose(
        &self,
        bucket: &str,
        id: &str,
        parts: Vec<(u32, String)>,
        digests: Vec<Digest>,
    ) -> Result<Upload, ObjectError> {
        if parts.is_empty() {
            return Err(invalid(
                "a multipart upload is completed with at least one part",
            ));
        }
        let mut upload = self.upload(bucket, digests).await?;
        for (number, etag) in parts {
            let (file, path, size) = self.open_part(bucket, id, number, &etag).await?;
            upload.append(file, path, size).await?;
        }
        Ok(upload)
    }

    /// A part's file, its path, and the size with which it was stored.
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
                let bucket = bucket_row::find(connection, &bucket)?;
                parts_row::find(connection, bucket.id, &id, None)?;
                let part = parts_row::stored(connection, &id, number)?;
                let part = part.ok_or(Abort::Refused(ObjectError::Missing))?;
                if part.etag != etag {
                    return Err(Abort::Refused(ObjectError::PreconditionFailed));
                }
                Ok((part, bucket.folder))
            };
            let (Stored { file, size, .. }, folder) = self.transact(find).await?;
            let path = self.part_path(&file, folder.as_deref());
            let open = move || match File::open(&path) {
                Ok(file) => Ok(Ok((file, path, size))),
                Err(error) => {
                    let failed = file_error("read", &path, &error);
                    let replaced = error.kind() == io::ErrorKind::NotFound;
                    if replaced {
                        Ok(Err(failed))
                    } else {
                        Err(failed)
                    }
                }
            };
            match blocking(&self.files().root, open).await? {
                Ok(opened) => return Ok(opened),
                Err(missing) => gone = missing,
            }
        }
        Err(gone)
    }

    /// Aborts a multipart upload and deletes its parts.
    pub async fn abort_multipart(&self, bucket: &str, id: &str) -> Result<(), ObjectError> {
        let (objects, bucket, id) = (self.clone(), bucket.to_owned(), id.to_owned());
        self.to_completion(async move {
            let pending = objects
                .transact(move |connection| {
                    let bucket = bucket_row::find(connection, &bucket)?;
                    parts_row::find(connection, bucket.id, &id, None)?;
                    let parts = parts_row::delete(connection, &id)?;
                    let folder = bucket.folder.as_deref();
                    Ok(part_files::to_delete(connection, &parts, folder)?)
                })
                .await?;
            objects.apply(pending).await
        })
        .await
    }

    /// Multipart uploads that were neither completed nor aborted, by key and id.
    pub async fn multipart_uploads(
        &self,
        bucket: &str,
        query: Query,
    ) -> Result<MultipartListing, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(move |connection| {
            let bucket = bucket_row::find(connection, &bucket)?.id;
            uploads(connection, bucket, &query).map_err(Abort::Failed)
        })
        .await
    }
}
