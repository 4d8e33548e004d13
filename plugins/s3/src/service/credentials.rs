//! Signatures: their form, their validity period and, for access keys whose secret is known, the signature itself.
//!
//! The signature of an access key that the settings do not name is not verified: a developer's shell may have
//! credentials of AWS, whose secret this service must not know. A request without any signature needs public access
//! (see [`public`]).

use plugin_kit::time;

use super::call::Call;
use super::error::{self, Error};
use super::form::Form;
use super::limits;
use super::message::Request;
use super::public;
use super::settings::Settings;
use super::signature::{self, Claim};

const HMAC: &str = "AWS4-HMAC-SHA256";
const ALGORITHMS: [&str; 2] = [HMAC, "AWS4-ECDSA-P256-SHA256"];
/// The SHA-256 digest of no bytes.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const FORM: &str = "expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";

/// The signature of a request, as the client states it.
struct Signed<'a> {
    access_key: String,
    signature: &'a str,
    /// What is signed; `None` if this service cannot compute the signature.
    version: Option<Version<'a>>,
}

enum Version<'a> {
    /// Version 2; in a presigned URL with the time of its expiration.
    Two(Option<&'a str>),
    /// Version 4.
    Four(Claim<'a>),
}

/// Checks the signature of a call and returns its access key; `None` if the call is anonymous.
///
/// # Errors
///
/// The signature is malformed, wrong or has expired, or the call is anonymous and needs a signature.
pub fn authenticate(call: &Call<'_>) -> Result<Option<String>, Error> {
    let settings = call.context.settings;
    let request = call.request;
    let Some(signed) = read(request, call.context.now_ms)? else {
        if settings.verify_signatures && !is_form(call) && request.method != "OPTIONS" {
            public::check(call)?;
        }
        return Ok(None);
    };
    if settings.verify_signatures {
        check_signed_headers(request)?;
        if let (Some(secret), Some(version)) = (settings.secret(&signed.access_key), signed.version)
        {
            let expected = match version {
                Version::Two(expires) => {
                    signature::version_2(request, &call.bucket, secret, expires)
                }
                Version::Four(claim) if claim.date.is_empty() => {
                    return Err(error::ACCESS_DENIED.with_message(
                        "AWS authentication requires a valid Date or x-amz-date header",
                    ));
                }
                Version::Four(claim) => signature::version_4(request, secret, claim),
            };
            expected.verify(&signed.access_key, signed.signature)?;
        }
    }
    Ok(Some(signed.access_key))
}

/// Whether a request is the upload of a form, which has its signature among its fields.
fn is_form(call: &Call<'_>) -> bool {
    let content_type = call.header("content-type").unwrap_or_default();
    call.request.method == "POST"
        && call.key.is_empty()
        && call.query("delete").is_none()
        && content_type.starts_with("multipart/form-data")
}

/// Refuses a presigned URL that is sent with further `x-amz-*` headers than those that it signs.
fn check_signed_headers(request: &Request) -> Result<(), Error> {
    let Some(names) = request.query("X-Amz-SignedHeaders") else {
        return Ok(());
    };
    let is_signed = |name: &str| {
        names
            .split(';')
            .any(|signed| signed.eq_ignore_ascii_case(name))
    };
    let extra: Vec<&str> = request
        .headers
        .iter()
        .take(request.sent)
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("x-amz-") && *name != "x-amz-content-sha256")
        .filter(|name| !is_signed(name))
        .collect();
    if extra.is_empty() {
        return Ok(());
    }
    Err(error::ACCESS_DENIED
        .with_message("There were headers present in the request which were not signed")
        .with("HeadersNotSigned", extra.join(", ")))
}

/// Checks the signature of a form's policy. One that is missing is found when the policy is checked.
pub fn authenticate_form(settings: &Settings, form: &Form<'_>) -> Result<(), Error> {
    let Some(policy) = form.field("policy").filter(|_| settings.verify_signatures) else {
        return Ok(());
    };
    if let (Some(credential), Some(provided)) = (
        form.field("x-amz-credential"),
        form.field("x-amz-signature"),
    ) && let Some(key) = key_of_scope(credential, true)
        && let (Some(secret), Some(scope)) = (settings.secret(&key), scope_of(credential, &key))
    {
        let expected = signature::version_4_of_policy(policy, secret, scope);
        return expected.verify(&key, provided);
    }
    if let (Some(key), Some(provided)) = (form.field("awsaccesskeyid"), form.field("signature"))
        && let Some(secret) = settings.secret(key)
    {
        return signature::version_2_of_policy(policy, secret).verify(key, provided);
    }
    Ok(())
}

/// A credential without its access key.
fn scope_of<'a>(credential: &'a str, key: &str) -> Option<&'a str> {
    credential.strip_prefix(key)?.strip_prefix('/')
}

/// The signature of a request; `None` if the request is anonymous.
fn read(request: &Request, now_ms: u64) -> Result<Option<Signed<'_>>, Error> {
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
    let header = request.header("authorization");
    header.map(|header| signed(request, header)).transpose()
}

/// The access key that signed the policy of a form.
pub fn access_key_of_form(form: &Form<'_>) -> Option<String> {
    match form.field("x-amz-credential") {
        Some(credential) => key_of_scope(credential, true),
        None => form.field("awsaccesskeyid").map(str::to_owned),
    }
}

/// The signature in an `Authorization` header.
fn signed<'a>(request: &'a Request, header: &'a str) -> Result<Signed<'a>, Error> {
    // Signature version 2.
    if let Some((key, signature)) = header
        .strip_prefix("AWS ")
        .and_then(|rest| rest.split_once(':'))
    {
        return Ok(Signed {
            access_key: key.to_owned(),
            signature,
            version: Some(Version::Two(None)),
        });
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
    let access_key = key_of_scope(credential, regional)
        .ok_or_else(|| malformed(format!("the Credential is mal-formed; {FORM}")))?;
    let date = request.header("x-amz-date").or(request.header("date"));
    let claim = (|| {
        Some(Claim {
            scope: scope_of(credential, &access_key).filter(|_| regional)?,
            date: date.unwrap_or_default(),
            signed_headers: field("SignedHeaders")?,
            payload: signature::payload(request).unwrap_or(EMPTY_SHA256),
        })
    })();
    Ok(Signed {
        signature: field("Signature").unwrap_or_default(),
        version: claim.map(Version::Four),
        access_key,
    })
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

/// The signature of a presigned URL with signature version 2 that has not expired.
fn presigned_before(request: &Request, now_ms: u64) -> Result<Signed<'_>, Error> {
    let parameter = |name: &str| {
        request.query(name).ok_or_else(|| {
            error::ACCESS_DENIED.with_message(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            )
        })
    };
    let signature = parameter("Signature")?;
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
    Ok(Signed {
        access_key: key.to_owned(),
        signature,
        version: Some(Version::Two(Some(text))),
    })
}

/// The signature of a presigned URL that has not expired.
fn presigned(request: &Request, now_ms: u64) -> Result<Signed<'_>, Error> {
    let refused = |message: &str| error::AUTHORIZATION_QUERY.with_message(message.to_owned());
    let parameter = |name: &str| {
        request
            .query(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| error::AUTHORIZATION_QUERY.error())
    };
    let algorithm = parameter("X-Amz-Algorithm")?;
    let credential = parameter("X-Amz-Credential")?;
    let signature = parameter("X-Amz-Signature")?;
    let signed_headers = parameter("X-Amz-SignedHeaders")?;
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
    let claim = scope_of(credential, &key)
        .filter(|_| algorithm == HMAC)
        .map(|scope| Claim {
            scope,
            date,
            signed_headers,
            payload: signature::payload(request).unwrap_or("UNSIGNED-PAYLOAD"),
        });
    Ok(Signed {
        access_key: key,
        signature,
        version: claim.map(Version::Four),
    })
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
