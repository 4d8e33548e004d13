//! Removing an object, or hiding it behind a delete marker.

use rusqlite::Connection;

use super::objects::Objects;
use super::removal::{Removal, remove};
use super::types::{Condition, ObjectError, ObjectEvent, Removed};

impl Objects {
    /// Removes an object or a version. Without a version, in a bucket that keeps versions or has kept them, inserts a
    /// delete marker instead. As in S3, the removal of a key that has no object is a change, too; that of a version that
    /// does not exist is none.
    ///
    /// # Errors
    ///
    /// [`ObjectError::PreconditionFailed`] if the condition does not hold; [`ObjectError::Invalid`] if no version ever had
    /// the id.
    pub async fn remove(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: Condition,
        event: Option<ObjectEvent>,
    ) -> Result<Removed, ObjectError> {
        self.remove_if(bucket, key, version, condition, None, event)
            .await
    }

    /// Like [`remove`](Self::remove), if the object or version still has this metadata, so that a caller that has
    /// looked at it can rely on what it saw.
    ///
    /// # Errors
    ///
    /// Also [`ObjectError::PreconditionFailed`] if it has other metadata.
    pub async fn remove_unchanged(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: Condition,
        metadata: Vec<(String, String)>,
        event: Option<ObjectEvent>,
    ) -> Result<Removed, ObjectError> {
        self.remove_if(bucket, key, version, condition, Some(metadata), event)
            .await
    }

    async fn remove_if(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: Condition,
        metadata: Option<Vec<(String, String)>>,
        event: Option<ObjectEvent>,
    ) -> Result<Removed, ObjectError> {
        let folder = self.folder_of(bucket).await?;
        let at = self.now();
        let record = self.change_record(bucket, event, at);
        let removal = Removal {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: version.map(str::to_owned),
            condition,
            metadata,
            record,
            at,
        };
        let objects = self.clone();
        self.to_completion(async move {
            if let Some(folder) = folder {
                return objects.remove_from_folder(&folder, removal).await;
            }
            let record = removal.record.clone();
            let remove = move |connection: &Connection| remove(connection, &removal);
            let (removed, pending) = objects.transact_recording(record.as_ref(), remove).await?;
            objects.apply(pending).await?;
            Ok(removed)
        })
        .await
    }
}
