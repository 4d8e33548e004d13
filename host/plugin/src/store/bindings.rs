//! The types and traits of `lambkin:store`, generated from the contract.

pub(super) use self::generated::lambkin::store::{objects, queues};
use super::error::HostCallError;

/// The failure of a function of `queues`.
pub type QueueCallError = HostCallError<queues::Error>;

/// The failure of a function of `objects`.
pub type ObjectCallError = HostCallError<objects::Error>;

#[allow(missing_docs, unused_qualifications, reason = "generated")]
#[allow(clippy::all, clippy::restriction, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit/store",
        world: "store",
        imports: { default: async | trappable },
        require_store_data_send: true,
        trappable_error_type: {
            "lambkin:store/queues.error" => crate::store::bindings::QueueCallError,
            "lambkin:store/objects.error" => crate::store::bindings::ObjectCallError,
        },
        with: {
            "lambkin:store/queues.queue": crate::store::handles::Queue,
            "lambkin:store/objects.bucket": crate::store::handles::Bucket,
            "lambkin:store/objects.object": crate::store::handles::OpenObject,
            "lambkin:store/objects.upload": crate::store::handles::OpenUpload,
        },
    });
}
