//! Where a trigger's messages or objects come from.

/// The queue, bucket or external queue of a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventOrigin {
    /// The name of the queue, bucket or source.
    pub name: String,
    /// Whether messages of the same group are delivered in order. `false` for a bucket.
    pub ordered: bool,
    /// The lease that the queue gives its messages by default, in milliseconds. `None` for an external queue, whose
    /// leases the host does not know, and for a bucket.
    pub lease_ms: Option<u64>,
    /// The AWS region for ARNs and events.
    pub region: String,
    /// The AWS account id for ARNs and events.
    pub account: String,
}
