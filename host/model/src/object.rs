//! Changes to objects, as object triggers see them.

/// One change in a bucket: the WIT record `change` of `lambkin:object-trigger`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectChange {
    /// A UUID that stays the same each time the change is delivered.
    pub id: String,
    /// The bucket's name.
    pub bucket: String,
    /// The kind of change, as the service that made it names it, such as `ObjectCreated:Put`.
    pub event: String,
    /// The object's key, not URL-encoded.
    pub key: String,
    /// The object's size in bytes; `None` for a change without a size, such as a removal.
    pub size: Option<u64>,
    /// The entity tag without quotation marks.
    pub etag: Option<String>,
    /// The object's version id; `None` in a bucket without versioning.
    pub version: Option<String>,
    /// A number that increases with each change in the bucket.
    pub sequencer: u64,
    /// The time of the change, in milliseconds since the Unix epoch.
    pub at: u64,
    /// Key-value pairs that the service which made the change added: `source-ip`, `request-id`, `host-id`, `principal`.
    pub extra: Vec<(String, String)>,
}
