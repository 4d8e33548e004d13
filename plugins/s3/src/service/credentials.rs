//! Signatures: their form and their validity period. They are not verified, because everyone who reaches this service
//! may use it.

use plugin_kit::time;

use super::error::{self, Error};
use super::form::Form;
use super::limits;
use super::message::Request;

const HMAC: &str = "AWS4-HMAC-SHA256";
const ALGORITHMS: [&str; 2] = [HMAC, "AWS4-ECDSA-P256-SHA256"];
const FORM: &str = "expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";

/// The access key of a request; `None` if the request is anonymous.
///
/// # Errors
///
/// The signature is malformed or has expired.
pub fn access_key(request: &Request, now_ms: u64) -> Result<Option<String>, Error> {
    let in_query = ["X-Amz-Algorithm", "X-Amz-Signature", "X-Amz-Credential"]
        .iter()
        .any(|name| request.query(name).is_some());
    if let (true, Some(header)) = (
        in_query || request.query("Signature").is_some(),
        request.header("authorization"),
    ) {
        return Err(error::invalid_argument(
            "Authorization",
            header,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
             parameter or the Authorization header should be specified",
        ));
    }
    if in_query {
        return presigned(request, now_ms).map(Some);
    }
    let of_version_2 = ["AWSAccessKeyId", "Signature"]
        .iter()
        .any(|name| request.query(name).is_some());
    if of_version_2 {
        return presigned_before(request, now_ms).map(Some);
    }
    request.header("authorization").map(signed).transpose()
}

/// The access key that signed the policy of a form.
pub fn access_key_of_form(form: &Form<'_>) -> Option<String> {
    match form.field("x-amz-credential") {
        Some(credential) => key_of_scope(credential, true),
        None => form.field("awsaccesskeyid").map(str::to_owned),
    }
}

/// The access key in an `Authorization` header.
fn signed(header: &str) -> Result<String, Error> {
    // Signature version 2.
    if let Some((key, _)) = header
        .strip_prefix("AWS ")
        .and_then(|rest| rest.split_once(':'))
    {
        return Ok(key.to_owned());
    }
    let Some((algorithm, fields)) = header
        .split_once(' ')
        .filter(|(algorithm, _)| ALGORITHMS.contains(algorithm))
    else {
        return Err(error::invalid_argument(
            "Authorization",
            header,
            "Unsupported Authorization Type",
        ));
    };
    let malformed = |what: String| {
        error::AUTHORIZATION_HEADER_MALFORMED
            .with_message(format!("The authorization header is malformed; {what}"))
    };
    let field = |name: &str| {
        fields
            .split(',')
            .filter_map(|field| field.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    };
    let credential = field("Credential").ok_or_else(|| {
        malformed("the authorization header requires three components: Credential, SignedHeaders, and Signature.".to_owned())
    })?;
    for name in ["SignedHeaders", "Signature"] {
        if field(name).is_none() {
            return Err(malformed(format!(
                "the authorization header requires three components: Credential, SignedHeaders, and Signature. Missing {name}."
            )));
        }
    }
    // The scope of an asymmetric signature has no region.
    let regional = algorithm == HMAC;
    key_of_scope(credential, regional)
        .ok_or_else(|| malformed(format!("the Credential is mal-formed; {FORM}")))
}

/// The access key in a credential: `AKID/20261002/us-east-1/s3/aws4_request`.
fn key_of_scope(credential: &str, regional: bool) -> Option<String> {
    // An access key may contain slashes, the other parts do not.
    let mut words = credential.rsplit('/');
    let end = words.next()?;
    let service = words.next()?;
    if regional {
        words.next().filter(|region| !region.is_empty())?;
    }
    let date = words.next()?;
    let key = words.rev().collect::<Vec<_>>().join("/");
    let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    (end == "aws4_request" && !service.is_empty() && is_date && !key.is_empty()).then_some(key)
}

/// The access key of a presigned URL with signature version 2 that has not expired.
fn presigned_before(request: &Request, now_ms: u64) -> Result<String, Error> {
    let parameter = |name: &str| {
        request.query(name).ok_or_else(|| {
            error::ACCESS_DENIED.with_message(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            )
        })
    };
    parameter("Signature")?;
    let key = parameter("AWSAccessKeyId")?;
    let text = parameter("Expires")?;
    let expires = text.parse().map_err(|_| {
        error::ACCESS_DENIED.with_message(format!(
            "Invalid date (should be seconds since epoch): {text}"
        ))
    })?;
    if now_ms / 1000 > expires {
        return Err(expired(None, expires, now_ms));
    }
    Ok(key.to_owned())
}

/// The access key of a presigned URL that has not expired.
fn presigned(request: &Request, now_ms: u64) -> Result<String, Error> {
    let refused = |message: &str| error::AUTHORIZATION_QUERY.with_message(message.to_owned());
    let parameter = |name: &str| {
        request
            .query(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| error::AUTHORIZATION_QUERY.error())
    };
    let algorithm = parameter("X-Amz-Algorithm")?;
    let credential = parameter("X-Amz-Credential")?;
    parameter("X-Amz-Signature")?;
    parameter("X-Amz-SignedHeaders")?;
    let date = parameter("X-Amz-Date")?;
    let expires = parameter("X-Amz-Expires")?;
    if !ALGORITHMS.contains(&algorithm) {
        return Err(refused(
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"",
        ));
    }
    let key = key_of_scope(credential, algorithm == HMAC).ok_or_else(|| {
        refused(&format!(
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; {FORM}"
        ))
    })?;
    let signed_at = time::parse_iso_basic(date).ok_or_else(|| {
        refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    })?;
    let seconds: i64 = expires
        .parse()
        .map_err(|_| refused("X-Amz-Expires should be a number"))?;
    let seconds =
        u64::try_from(seconds).map_err(|_| refused("X-Amz-Expires must be non-negative"))?;
    if seconds > limits::MAX_PRESIGNED_SECONDS {
        return Err(refused(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds",
        ));
    }
    let end = signed_at.saturating_add(seconds);
    if now_ms / 1000 > end {
        return Err(expired(Some(seconds), end, now_ms));
    }
    Ok(key)
}

fn expired(seconds: Option<u64>, end: u64, now_ms: u64) -> Error {
    let mut error = error::ACCESS_DENIED.with_message("Request has expired");
    if let Some(seconds) = seconds {
        error = error.with("X-Amz-Expires", seconds.to_string());
    }
    error
        .with("Expires", time::iso_seconds(end.saturating_mul(1000)))
        .with("ServerTime", time::iso_seconds(now_ms))
}
