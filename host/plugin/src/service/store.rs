//! `lambkin:store@0.1.x`: the host's end of the contract.
//!
//! `queues.rs` and `objects.rs` implement the two interfaces for a [`StoreView`], each function a grant's check, a call of
//! the store's and a translation. What the store refuses becomes the contract's typed `error`, which the guest can handle;
//! only a handle that does not exist ends the guest.

use std::fmt::Display;

use wasmtime::component::{HasData, Linker, ResourceTable, ResourceTableError};

pub(super) use self::bindings::lambkin::store::{objects, queues};
use super::grants::Grants;

#[allow(missing_docs, unused_qualifications, reason = "generated")]
#[allow(clippy::all, clippy::restriction, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/store",
        world: "store",
        imports: { default: async | trappable },
        require_store_data_send: true,
        trappable_error_type: {
            "lambkin:store/queues.error" => crate::service::queues::Refused,
            "lambkin:store/objects.error" => crate::service::objects::Refused,
        },
        with: {
            "lambkin:store/queues.queue": crate::service::queues::Queue,
            "lambkin:store/objects.bucket": crate::service::objects::Bucket,
            "lambkin:store/objects.object": crate::service::objects::OpenObject,
            "lambkin:store/objects.upload": crate::service::objects::Writing,
        },
    });
}

/// What a guest's calls of the store work on.
pub(crate) struct StoreView<'a> {
    /// The guest's handles.
    pub table: &'a mut ResourceTable,
    /// What it may see.
    pub grants: &'a Grants,
}

/// The key by which a linker finds the [`StoreView`] in a store's data.
struct Store;

impl HasData for Store {
    type Data<'a> = StoreView<'a>;
}

/// Links both interfaces.
pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> StoreView<'_>,
) -> wasmtime::Result<()> {
    queues::add_to_linker::<T, Store>(linker, view)?;
    objects::add_to_linker::<T, Store>(linker, view)
}

/// Why a function of the store was not carried out.
pub enum Refusal<F> {
    /// The guest is told.
    Fault(F),
    /// The guest ends: it has broken the contract.
    Trap(wasmtime::Error),
}

impl<F> Refusal<F> {
    /// What the bindings are told.
    pub(super) fn into_fault(self) -> wasmtime::Result<F> {
        match self {
            Self::Fault(fault) => Ok(fault),
            Self::Trap(error) => Err(error),
        }
    }
}

/// What a guest is told when the store fails. The log has it, too: the operator is to hear of a full disk whatever the
/// guest makes of it.
pub(super) fn unavailable(error: impl Display) -> String {
    let reason = error.to_string();
    tracing::error!("{reason}");
    reason
}

impl<F> From<ResourceTableError> for Refusal<F> {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}
