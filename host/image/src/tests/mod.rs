//! Tests with images that are made here.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod cache;
mod forms;
mod hostile;
mod layers;
mod made;
#[cfg(feature = "registry")]
mod registry;
