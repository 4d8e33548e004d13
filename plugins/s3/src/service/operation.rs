//! An operation of S3's API, and the answer to one that this service does not have.

use super::call::Call;
use super::error::{self, Error};
use super::message::Response;

/// Performs the operation that a request asks for.
pub type Operation = fn(&mut Call<'_>) -> Result<Response, Error>;

/// Refuses an operation that this service does not have.
pub fn not_implemented(call: &mut Call<'_>) -> Result<Response, Error> {
    let resource = match call.key.as_str() {
        "" => format!("/{}", call.bucket),
        key => format!("/{}/{key}", call.bucket),
    };
    let requested: Vec<&str> = call
        .request
        .query
        .iter()
        .map(|(name, _)| name.as_str())
        // The SDKs put the name of the operation there.
        .filter(|name| *name != "x-id")
        .collect();
    if requested.is_empty() {
        return Err(error::NOT_IMPLEMENTED.with("Resource", resource));
    }
    Err(error::NOT_IMPLEMENTED
        .with_message(format!(
            "{} with \"{}\" implies functionality that is not implemented.",
            call.request.method,
            requested.join("&")
        ))
        .with("Resource", resource))
}
