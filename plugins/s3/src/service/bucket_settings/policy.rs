//! The policy of a bucket. It decides what requests without a signature may do (see [`public`]).

use plugin_kit::arn;

use super::{attribute, blocks_public, set_attribute};
use crate::service::call::Call;
use crate::service::error::{self, Error, ErrorKind};
use crate::service::limits;
use crate::service::message::{Body, Response};
use crate::service::public;
use crate::service::xml::Writer;

const NAME: &str = "policy";
const MISSING: ErrorKind = ErrorKind(
    "NoSuchBucketPolicy",
    404,
    "The bucket policy does not exist",
);
const MALFORMED: ErrorKind = ErrorKind(
    "MalformedPolicy",
    400,
    "Policies must be valid JSON and the first byte must be '{'",
);

fn document(call: &Call<'_>) -> Result<String, Error> {
    attribute(call, NAME)?.ok_or_else(|| MISSING.with("BucketName", call.bucket.as_str()))
}

/// GetBucketPolicy.
pub fn get(call: &mut Call<'_>) -> Result<Response, Error> {
    let mut response = Response::new(200).with("Content-Type", "application/json");
    response.body = Body::Bytes(document(call)?.into_bytes());
    Ok(response)
}

/// GetBucketPolicyStatus.
pub fn status(call: &mut Call<'_>) -> Result<Response, Error> {
    let policy = document(call)?;
    Ok(Response::xml(Writer::document("PolicyStatus", |xml| {
        xml.value("IsPublic", public::is_public(&policy));
    })))
}

/// PutBucketPolicy. Only the form of the policy is checked, and whether the bucket blocks it because it is public.
pub fn put(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let document = call.document()?;
    if document.len() > limits::MAX_POLICY {
        return Err(MALFORMED.with_message("Policy exceeds the maximum allowed document size."));
    }
    let text = String::from_utf8(document)
        .ok()
        .filter(|text| text.starts_with('{'))
        .ok_or_else(|| MALFORMED.error())?;
    let policy: serde_json::Value = serde_json::from_str(&text).map_err(|_| MALFORMED.error())?;
    if policy.get("Statement").is_none() {
        return Err(MALFORMED.with_message("Missing required field Statement"));
    }
    if blocks_public(&bucket, "BlockPublicPolicy") && public::is_public(&text) {
        return Err(error::ACCESS_DENIED.with_message(format!(
            "User: arn:{}:iam::{}:root is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because \
             public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
            arn::partition(call.context.region),
            call.context.account,
            arn::bucket(call.context.region, &call.bucket),
        )));
    }
    set_attribute(call, NAME, Some(text))?;
    Ok(Response::new(204))
}

/// DeleteBucketPolicy.
pub fn delete(call: &mut Call<'_>) -> Result<Response, Error> {
    set_attribute(call, NAME, None)?;
    Ok(Response::new(204))
}
