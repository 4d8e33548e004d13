//! `lambkin:store@0.1.x`: the host's implementation of the contract.
//!
//! `queues.rs` and `objects.rs` implement the two interfaces for a [`StoreView`]. Each function checks the grant,
//! calls the store and converts the result. An error of the store becomes the contract's typed `error`, which the
//! guest can handle; using a handle that does not exist is a trap.

mod bindings;
mod error;
mod grants;
mod handles;
mod object_types;
mod objects;
mod queue_types;
mod queues;
mod view;

pub(crate) use grants::Grants;
pub use grants::{Grant, Targets, allows};
pub(crate) use view::{StoreView, link};
