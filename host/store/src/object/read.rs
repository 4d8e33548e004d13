//! Opening and describing objects.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;

use super::blocking::blocking;
use super::content::{Content, Object};
use super::errors::{Abort, file_error};
use super::limits::LOOKUPS;
use super::objects::Objects;
use super::row::Row;
use super::types::{ObjectError, ObjectInfo};
use super::{bucket_row, path, row};

impl Objects {
    /// Opens an object for reading: the latest version, or the one named. The version that a bucket has while it
    /// keeps no versions is named `null`, as in S3. A delete marker that is named has no bytes.
    ///
    /// # Errors
    ///
    /// [`ObjectError::Missing`] if there is no such object, or if the latest version is a delete marker and none is
    /// named. [`ObjectError::Invalid`] if no version ever had the id.
    pub async fn open(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Object, ObjectError> {
        for _ in 0..LOOKUPS {
            let (row, folder) = self.find(bucket, key, version).await?;
            if row.info.delete_marker && version.is_none() {
                return Err(ObjectError::Missing);
            }
            let opened = match folder {
                Some(folder) => self.open_in_folder(bucket, &folder, &row).await?,
                None => self.open_placed(&row).await?,
            };
            if let Some(content) = opened {
                let info = row.info;
                return Ok(Object { info, content });
            }
        }
        let folder = self.files().root.join(path::bucket(bucket));
        let gone = io::Error::from(io::ErrorKind::NotFound);
        Err(file_error(
            &format!("open the object {key:?} in"),
            &folder,
            &gone,
        ))
    }

    /// Describes an object or a delete marker: the latest version, or the one named.
    ///
    /// # Errors
    ///
    /// [`ObjectError::Missing`] if there is no such version; [`ObjectError::Invalid`] if there never was one with this id.
    pub async fn describe(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectInfo, ObjectError> {
        let (row, _) = self.find(bucket, key, version).await?;
        Ok(row.info)
    }

    async fn find(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Row, Option<PathBuf>), ObjectError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version = version.map(str::to_owned);
        self.transact(move |connection| {
            let bucket = bucket_row::find(connection, &bucket)?;
            let found = row::find_named(connection, bucket.id, &key, version.as_deref())?;
            let row = found.ok_or(Abort::Refused(ObjectError::Missing))?;
            Ok((row, bucket.folder))
        })
        .await
    }

    /// Opens the file of a row; `None` if the object was replaced or removed since the row was read.
    async fn open_placed(&self, row: &Row) -> Result<Option<Content>, ObjectError> {
        let Some(file) = row.file.clone() else {
            return Ok(Some(Content::Small(Bytes::new())));
        };
        let (files, size) = (self.files().clone(), row.info.size);
        let open = move || {
            let path = files.root.join(&file);
            match files.read(&file) {
                Ok(open) => Content::of(open, path, size).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(file_error("read", &path, &error)),
            }
        };
        blocking(&self.files().root, open).await
    }
}
