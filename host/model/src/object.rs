//! Changes of objects, as object triggers see them.

/// One change of a bucket: the WIT record `change` of `lambkin:object-trigger`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectChange {
    /// A UUID, the same each time the change is told.
    pub id: String,
    /// The bucket's name.
    pub bucket: String,
    /// What happened, as the service that did it said: `ObjectCreated:Put`.
    pub event: String,
    /// The key as it is, not encoded.
    pub key: String,
    /// In bytes; `None` of a change that has none, such as a removal.
    pub size: Option<u64>,
    /// Without quotes.
    pub etag: Option<String>,
    /// `None` in a bucket that keeps no versions.
    pub version: Option<String>,
    /// Rises with each change of the bucket.
    pub sequencer: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// What the service that did it added: `source-ip`, `request-id`, `host-id`, `principal`.
    pub extra: Vec<(String, String)>,
}
