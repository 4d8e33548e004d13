//! Amazon S3's REST protocol on the host's objects.
//!
//! [`answer`] turns a request into an answer: [`address`] finds bucket and key, [`credentials`] looks at the signature,
//! [`routing`] finds the operation, which is a function in the module of its group, and [`error`] words what went wrong.
//! Bodies are streamed both ways; a request needs a few pieces of memory, however large its object is.
//!
//! Everything is plain Rust on the trait [`Store`]; `guest::service` connects it to the host. On failure the answer is
//! the error that AWS would give; what is the host's error is also written to the log.

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
mod delete;
mod document;
mod error;
mod form;
mod get;
#[cfg(test)]
mod golden;
pub mod limits;
mod list;
#[cfg(test)]
mod memory;
mod message;
mod metadata;
mod multipart;
mod operation;
mod post;
mod post_policy;
mod put;
mod range;
mod routing;
mod settings;
pub mod store;
mod tagging;
mod uploads;
mod xml;

pub use call::Context;
pub use message::{Body, ReadError, Request, RequestBody, Response};
pub use settings::check;
pub use store::Store;

use call::Call;
use error::Error;

/// Answers a request.
pub fn answer(request: &Request, body: &mut dyn RequestBody, context: Context<'_>) -> Response {
    let (request_id, host_id) = (context.request_id(), context.host_id());
    let response = match call(request, &mut *body, context) {
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
    let mut response = response
        .with("x-amz-request-id", request_id)
        .with("x-amz-id-2", host_id)
        .with("Server", "AmazonS3");
    if request.method == "HEAD" {
        // Its length stays, as AWS tells it.
        response.body = Body::Empty;
    }
    response
}

/// Reads what is left of the body of a request that failed: a connection with an unread body ends, and a client that
/// believes it open fails with its next request. Not if the body is long, or the client waits for leave to send it.
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
    call.access_key = credentials::access_key(call.request, call.context.now_ms)?;
    check_owner(call)?;
    operation(call)
}

/// Refuses a request that expects somebody else's bucket.
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
