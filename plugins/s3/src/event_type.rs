//! The event types of S3.

/// The host's name of the change with which triggers begin that were set at run time.
pub const CONFIGURED: &str = "triggers-changed";

/// Every event type and every family of event types that a configuration can name, without `s3:`.
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

/// The families whose events occur here. Access control lists are accepted but not stored, so they have no events.
pub const SUPPORTED_FAMILIES: [&str; 3] = ["ObjectCreated:", "ObjectRemoved:", "ObjectTagging:"];

/// The event type for the change of a file that no service made, given the contract's name of the change.
pub fn of_file(change: &str) -> Option<&'static str> {
    match change {
        "file-written" => Some("ObjectCreated:Put"),
        "file-removed" => Some("ObjectRemoved:Delete"),
        _ => None,
    }
}

/// Whether a name in a configuration, such as `ObjectCreated:*`, includes an event type.
pub fn matches(name: &str, event: &str) -> bool {
    match name.strip_suffix('*') {
        Some(family) => event.starts_with(family),
        None => name == event,
    }
}

/// Whether a text is the name of an event type or of a family, with `s3:`.
pub fn is_known(text: &str) -> bool {
    text.strip_prefix("s3:")
        .is_some_and(|name| NAMES.contains(&name))
}

/// Whether two names in configurations include the same event type.
pub fn overlap(one: &str, other: &str) -> bool {
    matches(one, other.trim_end_matches('*')) || matches(other, one.trim_end_matches('*'))
}

/// Which fields an event's `object` has besides the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// The object's size.
    pub size: bool,
    /// Its entity tag.
    pub etag: Etag,
    /// The sequencer, which orders the changes of a key.
    pub sequencer: bool,
}

/// The entity tag that an event contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Etag {
    /// None.
    Absent,
    /// That of the object.
    Own,
    /// That of no bytes: a delete marker has none.
    Empty,
}

/// The fields of the events of a type.
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
