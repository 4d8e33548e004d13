//! PutObject.

use super::body;
use super::call::Call;
use super::checksum::{Algorithm, Checksum};
use super::conditions;
use super::error::Error;
use super::message::Response;
use super::metadata;
use super::store::{ObjectInfo, Put};
use super::tagging;

/// PutObject.
pub fn put(call: &mut Call<'_>) -> Result<Response, Error> {
    call.refuse_version()?;
    let condition = conditions::write(call.request)?;
    let mut metadata = metadata::of_request(call.request)?;
    metadata.extend(tagging::of_header(call.header("x-amz-tagging"))?);
    metadata.extend(call.protection()?);
    let received = body::receive(call, Some(Algorithm::DEFAULT))?;
    metadata.extend(received.checksum.as_ref().map(Checksum::pair));
    let put = Put {
        etag: received.md5,
        metadata,
        condition: condition.clone(),
        completes: None,
        event: Some(call.event("ObjectCreated:Put")),
    };
    let info = call
        .store()
        .put(&call.bucket, &call.key, received.upload, put)
        .map_err(|error| conditions::failed(call, &condition, error))?;
    // Unlike in `respond_to_write`, AWS does not return the version id `null` here.
    let response = metadata::with_encryption(Response::new(200), &info.metadata)
        .with_some("x-amz-version-id", info.version.as_deref());
    Ok(
        metadata::with_checksum(response, &info.metadata)
            .with("ETag", format!("\"{}\"", info.etag)),
    )
}

/// The response to other writes of an object.
pub fn respond_to_write(call: &Call<'_>, status: u16, info: &ObjectInfo) -> Response {
    metadata::with_encryption(Response::new(status), &info.metadata)
        .with_some("x-amz-version-id", call.version_header(info))
}
