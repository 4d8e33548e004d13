//! Amazon S3's REST protocol for the host's objects.
//!
//! [`answer`] turns a request into a response: [`address`] finds the bucket and the key, [`credentials`] reads the
//! signature, [`routing`] finds the operation, which is a function in the module of its group, and [`error`] has the
//! errors of S3. Bodies are streamed in both directions, so the memory that a request needs does not depend on the size
//! of its object.
//!
//! The operations use the trait [`Store`], which `guest::service` implements on the host. On failure the response is
//! the error that AWS would return. Errors of the host are also written to the log.

mod acl;
mod address;
mod attributes;
mod body;
mod bucket;
mod bucket_settings;
mod call;
mod checksum;
mod chunked;
mod complete;
mod conditions;
pub mod contract;
mod copy;
mod cors;
mod credentials;
mod customer_key;
mod delete;
mod document;
mod encoded_word;
mod error;
mod form;
mod get;
#[cfg(test)]
mod golden;
pub mod limits;
mod list;
#[cfg(test)]
mod memory;
#[cfg(fuzzing)]
pub mod memory;
mod message;
mod metadata;
mod multipart;
mod object_lock;
mod operation;
mod post;
mod post_policy;
mod protection;
mod public;
mod put;
mod range;
mod routing;
mod settings;
mod signature;
pub mod store;
mod tagging;
mod uploads;
mod xml;

pub use call::Context;
pub use message::{Body, ReadError, Request, RequestBody, Response};
pub use settings::{Settings, check};
pub use store::Store;

use call::Call;
use error::Error;

/// Performs the operation that a request asks for and returns its response.
pub fn answer(request: &Request, body: &mut dyn RequestBody, context: Context<'_>) -> Response {
    let (request_id, host_id) = (context.request_id(), context.host_id());
    let mut response = match call(request, &mut *body, context) {
        Ok(mut call) => {
            let response =
                perform(&mut call).unwrap_or_else(|error| error.respond(&request_id, &host_id));
            cors::answer(&call, response)
        }
        Err(error) => error.respond(&request_id, &host_id),
    };
    if response.status >= 400 {
        drain(request, body);
    }
    response = response
        .with("x-amz-request-id", request_id)
        .with("x-amz-id-2", host_id)
        .with("Server", "AmazonS3");
    if request.method == "HEAD" {
        // The `Content-Length` of the object stays, as on AWS.
        response.body = Body::Empty;
    }
    response
}

/// Reads the rest of the body of a request that failed: a connection with an unread body is closed, and the next
/// request of a client that still uses it would fail. A long body is not read, and neither is one that the client sends
/// only after `100 Continue`.
fn drain(request: &Request, body: &mut dyn RequestBody) {
    let is_short = body::length(request).is_some_and(|length| length <= limits::MAX_DRAINED);
    if is_short && request.header("expect").is_none() {
        while body
            .read(limits::PIECE)
            .is_ok_and(|piece| !piece.is_empty())
        {}
    }
}

fn call<'a>(
    request: &'a Request,
    body: &'a mut dyn RequestBody,
    context: Context<'a>,
) -> Result<Call<'a>, Error> {
    let (bucket, key) = address::of(request)?;
    Ok(Call {
        context,
        request,
        body,
        bucket,
        key,
        access_key: None,
    })
}

fn perform(call: &mut Call<'_>) -> Result<Response, Error> {
    let operation = routing::find(call.request, &call.bucket, &call.key)?;
    cors::check_page(call)?;
    call.access_key = credentials::authenticate(call)?;
    check_owner(call)?;
    operation(call)
}

/// Refuses a request whose expected owner is not the owner of the bucket.
fn check_owner(call: &Call<'_>) -> Result<(), Error> {
    for name in [
        "x-amz-expected-bucket-owner",
        "x-amz-source-expected-bucket-owner",
    ] {
        let Some(owner) = call.header(name) else {
            continue;
        };
        if owner.len() != 12 || !owner.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error::INVALID_OWNER
                .with_message(format!(
                    "The value of the expected bucket owner parameter must be an AWS Account ID... [{owner}]"
                )));
        }
        if owner != call.context.account {
            return Err(error::ACCESS_DENIED.error());
        }
    }
    Ok(())
}
