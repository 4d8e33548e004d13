//! Triggers that a bucket has of its own: the ones that a service has set, in the bucket's attribute
//! [`TRIGGERS_ATTRIBUTE`], in addition to those of `lambkin.toml`.
//!
//! The attribute is committed like any other, and its meaning is the service's. The store only knows which buckets have
//! one: their changes are recorded, and a change of the attribute is itself recorded as a change of the bucket, so that
//! it is delivered before all later changes and survives the host.

use std::collections::HashSet;
use std::sync::PoisonError;

use rusqlite::Connection;
use uuid::Uuid;

use lambkin_model::ObjectChange;

use super::bucket_row;
use super::change_record;
use super::objects::Objects;
use super::types::{BucketInfo, ObjectError};

/// The attribute of a bucket that holds its own triggers: a JSON array, see `wit/store/store.wit`.
pub const TRIGGERS_ATTRIBUTE: &str = "triggers";

/// The event of the change that is recorded when a bucket's own triggers are changed. Its key is empty.
pub const TRIGGERS_CHANGED: &str = "triggers-changed";

/// The text of a bucket's own triggers; `None` if it has none.
pub fn own_triggers(bucket: &BucketInfo) -> Option<&str> {
    let attribute =
        |(name, text): &'_ &(String, String)| name == TRIGGERS_ATTRIBUTE && !text.is_empty();
    let found = bucket.attributes.iter().find(attribute);
    found.map(|(_, text)| text.as_str())
}

/// Records that a bucket's own triggers have changed.
pub(super) fn record_change(
    connection: &Connection,
    bucket: &str,
    at: u64,
) -> rusqlite::Result<()> {
    let change = ObjectChange {
        id: Uuid::new_v4().to_string(),
        bucket: bucket.to_owned(),
        event: TRIGGERS_CHANGED.to_owned(),
        key: String::new(),
        size: None,
        etag: None,
        version: None,
        sequencer: 0,
        at,
        extra: Vec::new(),
    };
    change_record::insert(connection, change)
}

/// The names of all buckets with triggers of their own.
pub(super) fn buckets(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let mut all = connection.prepare_cached(&bucket_row::select("ORDER BY name"))?;
    let mut names = HashSet::new();
    for bucket in all.query_map([], bucket_row::read)? {
        let info = bucket?.info;
        if own_triggers(&info).is_some() {
            names.insert(info.name);
        }
    }
    Ok(names)
}

impl Objects {
    /// Whether a bucket has triggers of its own.
    pub fn has_own_triggers(&self, bucket: &str) -> bool {
        let own = self.0.changes.own.lock();
        own.unwrap_or_else(PoisonError::into_inner).contains(bucket)
    }

    /// The text of a bucket's own triggers, as last committed; `None` if it has none or no longer exists.
    pub async fn own_triggers(&self, bucket: &str) -> Result<Option<String>, ObjectError> {
        match self.bucket(bucket).await {
            Ok(info) => Ok(own_triggers(&info).map(str::to_owned)),
            Err(ObjectError::MissingBucket) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The buckets with triggers of their own that are not among `known`. Waits until there is one.
    pub async fn other_buckets_with_triggers(&self, known: &HashSet<String>) -> Vec<String> {
        loop {
            let other: Vec<String> = {
                let own = self.0.changes.own.lock();
                let own = own.unwrap_or_else(PoisonError::into_inner);
                own.difference(known).cloned().collect()
            };
            if !other.is_empty() {
                return other;
            }
            self.0.changes.own_changed.notified().await;
        }
    }

    /// Notes that a bucket has, or no longer has, triggers of its own.
    pub(super) fn note_own_triggers(&self, bucket: &str, has: bool) {
        let mut own = self
            .0
            .changes
            .own
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !has {
            own.remove(bucket);
        } else if own.insert(bucket.to_owned()) {
            self.0.changes.own_changed.notify_one();
        }
    }
}
