//! Storing an object, and replacing its metadata.
//!
//! Everything that can fail for want of space or permission comes before the commit: the bytes are in a file, and the
//! folders of its place exist. The commit names the file. The move of the file to its place and the deletion of what
//! it supersedes come after the commit and are recorded with it. The caller does not wait for the disk: `synchronize`
//! does that for many objects together.

use super::blocking::blocking;
use super::errors::Abort;
use super::objects::Objects;
use super::plan::{Place, Plan, Stored};
use super::sink::Sink;
use super::types::{ObjectError, ObjectEvent, ObjectInfo, Put};
use super::upload::Upload;
use super::{bucket_row, files, path, row};

impl Objects {
    /// Makes an object of a finished upload. It replaces the object with the same key, or becomes its latest version,
    /// at the moment of the commit.
    ///
    /// # Errors
    ///
    /// [`ObjectError::PreconditionFailed`] if the condition does not hold; [`ObjectError::Missing`] if the multipart
    /// upload that `put` completes does not exist; [`ObjectError::Invalid`] if the upload is not finished or belongs
    /// to another bucket, or if the key cannot be a file of the bucket's folder.
    pub async fn put(
        &self,
        bucket: &str,
        key: &str,
        upload: Upload,
        put: Put,
    ) -> Result<ObjectInfo, ObjectError> {
        let sink = upload.into_sink(bucket)?;
        let (objects, bucket, key) = (self.clone(), bucket.to_owned(), key.to_owned());
        self.to_completion(async move { objects.put_sink(bucket, key, sink, put).await })
            .await
    }

    async fn put_sink(
        &self,
        bucket: String,
        key: String,
        sink: Sink,
        mut put: Put,
    ) -> Result<ObjectInfo, ObjectError> {
        let at = self.now();
        let record = self.change_record(&bucket, put.event.take(), at);
        let place = match &sink.folder {
            Some(folder) => Place::Folder(folder.clone(), String::new()),
            None => Place::File(path::place(&bucket, &key, &sink.id)),
        };
        let plan = Plan {
            checksum: None,
            size: sink.size,
            bucket,
            key,
            put,
            at,
            place,
            record,
        };
        let stored = match sink.folder.clone() {
            Some(folder) => self.put_in_folder(sink, plan, folder).await?,
            None => self.put_placed(sink, plan).await?,
        };
        self.apply(stored.pending).await?;
        Ok(stored.info)
    }

    async fn put_placed(&self, mut sink: Sink, mut plan: Plan) -> Result<Stored, ObjectError> {
        let Place::File(place) = plan.place.clone() else {
            return Err(ObjectError::MissingBucket);
        };
        let (files, prepared) = (self.files().clone(), place.clone());
        // The parts of a multipart upload cannot be restored, so what was made of them has to be on the disk.
        let synced = plan.put.completes.is_some();
        let prepare = move || {
            let checksum = sink.complete(synced)?;
            files.make_folders_of(&prepared)?;
            if checksum.is_none() {
                files.sync_folders_of(&prepared)?;
            }
            Ok((sink, checksum))
        };
        let (sink, checksum) = blocking(&self.files().root, prepare).await?;
        plan.checksum = checksum;
        // From here on the outcome of the commit decides whether the file is needed.
        let incoming = sink.keep();
        match self.commit(plan).await {
            Ok(stored) => Ok(stored),
            Err(error) => {
                let files = self.files().clone();
                let delete = move || {
                    let _ = files::delete(&incoming); // deleted at the next start
                    files.remove_empty(files.root.join(&place).parent());
                    Ok(())
                };
                let _ = blocking(&self.files().root, delete).await; // the runtime is shutting down
                Err(error)
            }
        }
    }

    /// Replaces the metadata of an object: the latest version, or the one named. Bytes, entity tag, version and time
    /// do not change.
    ///
    /// # Errors
    ///
    /// [`ObjectError::Missing`] if there is no such object, or if it is a delete marker; [`ObjectError::Invalid`] if no
    /// version ever had the id.
    pub async fn replace_metadata(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        metadata: Vec<(String, String)>,
        event: Option<ObjectEvent>,
    ) -> Result<ObjectInfo, ObjectError> {
        let record = self.change_record(bucket, event, self.now());
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version = version.map(str::to_owned);
        self.transact_recording(record.clone().as_ref(), move |connection| {
            let bucket = bucket_row::find(connection, &bucket)?;
            let found = row::find_named(connection, bucket.id, &key, version.as_deref())?;
            let object = found.filter(|row| !row.info.delete_marker);
            let mut row = object.ok_or(Abort::Refused(ObjectError::Missing))?;
            row.info.metadata.clone_from(&metadata);
            row::replace_metadata(connection, &row)?;
            if let Some(record) = &record {
                record.created(connection, row::next_sequence(connection)?, &row.info)?;
            }
            Ok(row.info)
        })
        .await
    }
}
