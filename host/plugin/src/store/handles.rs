//! The resources that a guest holds handles of.

use std::sync::Arc;

use lambkin_store::object::{Object, Upload};
use lambkin_store::queue::Description;

/// An open queue.
#[derive(Debug)]
pub struct Queue {
    pub(super) name: String,
    /// The description that was read when the queue was opened. Most guests ask for it first.
    pub(super) description: Option<Description>,
}

/// An open bucket, by name.
#[derive(Debug)]
pub struct Bucket(pub(super) String);

/// An open object. It is shared, because an upload may be copying it.
#[derive(Debug, Clone)]
pub struct OpenObject(pub(super) Arc<Object>);

/// An upload in progress. Dropping it, or the guest, deletes its bytes.
#[derive(Debug)]
pub struct OpenUpload(pub(super) Upload);
