//! The types of S3's events.

/// Every type and every family of types that a configuration can name, without `s3:`.
pub const NAMES: [&str; 28] = [
    "ObjectCreated:*",
    "ObjectCreated:Put",
    "ObjectCreated:Post",
    "ObjectCreated:Copy",
    "ObjectCreated:CompleteMultipartUpload",
    "ObjectRemoved:*",
    "ObjectRemoved:Delete",
    "ObjectRemoved:DeleteMarkerCreated",
    "ObjectTagging:*",
    "ObjectTagging:Put",
    "ObjectTagging:Delete",
    "ObjectAcl:Put",
    "ObjectRetention:Put",
    "ObjectRestore:*",
    "ObjectRestore:Post",
    "ObjectRestore:Completed",
    "ObjectRestore:Delete",
    "LifecycleExpiration:*",
    "LifecycleExpiration:Delete",
    "LifecycleExpiration:DeleteMarkerCreated",
    "LifecycleTransition",
    "IntelligentTiering",
    "Replication:*",
    "Replication:OperationFailedReplication",
    "Replication:OperationMissedThreshold",
    "Replication:OperationNotTracked",
    "Replication:OperationReplicatedAfterThreshold",
    "ReducedRedundancyLostObject",
];

/// The families whose events happen here. Access control lists are taken and never change.
pub const SUPPORTED_FAMILIES: [&str; 3] = ["ObjectCreated:", "ObjectRemoved:", "ObjectTagging:"];

/// The type of the event for a change of a file that no service made, by the names of `lambkin:object-trigger`.
pub fn of_file(change: &str) -> Option<&'static str> {
    match change {
        "file-written" => Some("ObjectCreated:Put"),
        "file-removed" => Some("ObjectRemoved:Delete"),
        _ => None,
    }
}

/// Whether a name of a configuration, such as `ObjectCreated:*`, stands for a type of event.
pub fn matches(name: &str, event: &str) -> bool {
    match name.strip_suffix('*') {
        Some(family) => event.starts_with(family),
        None => name == event,
    }
}

/// What an event's `object` says beside the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// The object's size.
    pub size: bool,
    /// Its entity tag.
    pub etag: Etag,
    /// The order of changes of a key.
    pub sequencer: bool,
}

/// What an event says of the entity tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Etag {
    /// Nothing.
    Absent,
    /// The object's.
    Own,
    /// That of no bytes, which is what a delete marker is.
    Empty,
}

/// The fields of a type of event.
pub fn fields(event: &str) -> Fields {
    let (size, etag, sequencer) = match event {
        "ObjectRemoved:Delete" | "LifecycleExpiration:Delete" => (false, Etag::Absent, true),
        "ObjectRemoved:DeleteMarkerCreated" | "LifecycleExpiration:DeleteMarkerCreated" => {
            (false, Etag::Empty, true)
        }
        "ObjectTagging:Put" | "ObjectTagging:Delete" | "ObjectAcl:Put" => (false, Etag::Own, false),
        _ => (true, Etag::Own, true),
    };
    Fields {
        size,
        etag,
        sequencer,
    }
}
