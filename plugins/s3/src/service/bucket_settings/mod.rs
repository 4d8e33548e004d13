//! The settings of a bucket: those that are stored, and those that are as in a new bucket of AWS.
//!
//! | attribute | value |
//! |---|---|
//! | `location` | the region, if it is not the service's own |
//! | `tag:KEY` | the tag's value |
//! | `cors`, `policy`, `notification` | the document |
//! | `triggers` | the triggers that the notifications become, for the host |
//! | `objectLock` | the document of the object lock |
//! | `acl` | the canned access control list, if it is not that of a new bucket |
//! | `encryption`, `publicAccessBlock`, `ownershipControls` | the document; empty if the setting was deleted |
//!
//! Settings of access are enforced for requests without a signature only (see [`public`](super::public)): everyone who
//! signs is the owner. A setting that would require the service to treat objects differently is refused.

mod absent;
mod access;
mod destination;
mod notification;
mod policy;
mod versioning;

use super::call::Call;
use super::error::Error;
use super::message::{self, Request, Response};
use super::object_lock;
use super::operation::{self, Operation};
use super::store::{BucketInfo, Pairs};

pub use access::{blocks_public, ownership, refuses_acls};

/// The operations on a setting.
struct Operations {
    get: Operation,
    put: Operation,
    delete: Operation,
}

/// The operation on a setting that a request of a bucket asks for; `None` for other requests.
pub fn find(request: &Request) -> Option<Operation> {
    let asks = |name: &str| request.query(name).is_some();
    let operations = if asks("versioning") {
        Operations {
            get: versioning::get,
            put: versioning::put,
            delete: refuse,
        }
    } else if asks("object-lock") {
        Operations {
            get: object_lock::get_configuration,
            put: object_lock::put_configuration,
            delete: refuse,
        }
    } else if asks("policyStatus") {
        Operations {
            get: policy::status,
            put: refuse,
            delete: refuse,
        }
    } else if asks("policy") {
        Operations {
            get: policy::get,
            put: policy::put,
            delete: policy::delete,
        }
    } else if asks("notification") {
        Operations {
            get: notification::get,
            put: notification::put,
            delete: refuse,
        }
    } else if access::NAMES.into_iter().any(asks) {
        Operations {
            get: access::get,
            put: access::put,
            delete: access::delete,
        }
    } else if absent::names().any(asks) {
        Operations {
            get: absent::get,
            put: absent::put,
            delete: absent::delete,
        }
    } else {
        return None;
    };
    Some(match request.method.as_str() {
        "GET" => operations.get,
        "PUT" => operations.put,
        "DELETE" => operations.delete,
        _ => refuse,
    })
}

/// Refuses to change a setting.
fn refuse(call: &mut Call<'_>) -> Result<Response, Error> {
    operation::not_implemented(call)
}

/// Sets or removes an attribute of the bucket.
pub fn set_attribute(call: &Call<'_>, name: &str, document: Option<String>) -> Result<(), Error> {
    let bucket = call.bucket_info()?;
    set_attributes(call, bucket, [(name, document)])
}

/// Sets or removes attributes of the bucket, all at once.
fn set_attributes<const N: usize>(
    call: &Call<'_>,
    bucket: BucketInfo,
    changes: [(&str, Option<String>); N],
) -> Result<(), Error> {
    let mut attributes: Pairs = bucket.attributes;
    attributes.retain(|(key, _)| changes.iter().all(|(name, _)| key != name));
    for (name, document) in changes {
        attributes.extend(document.map(|document| (name.to_owned(), document)));
    }
    call.store()
        .change(&call.bucket, bucket.versioning, attributes)
        .map_err(|error| call.store_error(error))
}

/// An attribute of the bucket.
pub fn attribute(call: &Call<'_>, name: &str) -> Result<Option<String>, Error> {
    let bucket = call.bucket_info()?;
    Ok(message::find(&bucket.attributes, name).map(str::to_owned))
}
