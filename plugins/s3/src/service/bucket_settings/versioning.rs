//! GetBucketVersioning and PutBucketVersioning.

use crate::service::call::Call;
use crate::service::error::{self, Error};
use crate::service::message::Response;
use crate::service::object_lock;
use crate::service::store::Versioning;
use crate::service::xml::Writer;

/// GetBucketVersioning.
pub fn get(call: &mut Call<'_>) -> Result<Response, Error> {
    let status = match call.bucket_info()?.versioning {
        Versioning::Off => None,
        Versioning::On => Some("Enabled"),
        Versioning::Suspended => Some("Suspended"),
    };
    Ok(Response::xml(Writer::document(
        "VersioningConfiguration",
        |xml| xml.optional("Status", status),
    )))
}

/// PutBucketVersioning.
pub fn put(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let root = call.xml("VersioningConfiguration")?;
    if call.header("x-amz-mfa").is_some() {
        return Err(error::header_not_implemented("x-amz-mfa"));
    }
    let versioning = match root.text_of("Status") {
        None => return Err(error::ILLEGAL_VERSIONING.error()),
        Some("Enabled") => Versioning::On,
        Some("Suspended") => Versioning::Suspended,
        Some(_) => return Err(error::MALFORMED_XML.error()),
    };
    if object_lock::is_enabled(&bucket) && versioning != Versioning::On {
        return Err(error::INVALID_BUCKET_STATE.with_message(
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        ));
    }
    call.store()
        .change(&call.bucket, versioning, bucket.attributes)
        .map_err(|error| call.store_error(error))?;
    Ok(Response::new(200))
}
