//! The shapes of the contract `lambkin:object-trigger@0.1.0` as plain types, so that the plugin's logic is tested without
//! WebAssembly.
//!
//! Each type has the fields of the WIT type of its name; what they mean is said there. `extra` lists that this plugin
//! neither reads nor writes are left out.

pub use plugin_kit::settings::Problem;

/// The bucket a trigger watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// As in ARNs.
    pub region: String,
    /// As in ARNs.
    pub account: String,
}

/// One change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// A UUID.
    pub id: String,
    /// Such as `ObjectCreated:Put`.
    pub event: String,
    /// Not encoded.
    pub key: String,
    /// In bytes.
    pub size: Option<u64>,
    /// Without quotes.
    pub etag: Option<String>,
    /// The version's id.
    pub version: Option<String>,
    /// Rises with each change of the bucket.
    pub sequencer: u64,
    /// In milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// `source-ip`, `request-id`, `host-id`, `principal`.
    pub extra: Vec<(String, String)>,
}

/// Who gets the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function.
    Function(String),
    /// A queue.
    Queue(String),
}

/// A trigger's configuration, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Comes back to [`shape`](super::shape()).
    pub state: String,
    /// Who gets the events.
    pub target: Target,
    /// What this trigger does, a line each.
    pub summary: Vec<String>,
}
