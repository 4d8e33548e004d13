//! The syntax of the `Authorization` header.
//!
//! Signatures are not verified, and unsigned requests are accepted, because the service is for use on one machine. A
//! malformed header is rejected with AWS's error, so that a mistake in a client is found before it uses AWS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::service::error::{self, SqsError};
use crate::service::http::Request;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Checks the `Authorization` header.
///
/// # Errors
///
/// Returns AWS's error if the header is malformed.
pub fn check(request: &Request) -> Result<(), SqsError> {
    let Some(header) = request.header("authorization") else {
        return Ok(());
    };
    let header = header.trim();
    let Some(parameters) = header.strip_prefix("AWS4-") else {
        return Err(SqsError::new(
            &error::MISSING_AUTHENTICATION_TOKEN,
            "Request is missing Authentication Token",
        ));
    };
    let parameters = parameters
        .split_once(char::is_whitespace)
        .map_or("", |(_, rest)| rest);
    let pairs = pairs(parameters)?;
    let find = |name: &str| {
        let found = pairs.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| *value)
    };
    let mut problems: Vec<String> = ["Credential", "Signature", "SignedHeaders"]
        .iter()
        .filter(|name| find(name).is_none_or(str::is_empty))
        .map(|name| format!("Authorization header requires '{name}' parameter."))
        .collect();
    if request.header("x-amz-date").is_none() && request.header("date").is_none() {
        problems.push(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
                .to_owned(),
        );
    }
    if !problems.is_empty() {
        return Err(incomplete(format!(
            "{} (Hashed with SHA-256 and encoded with Base64) Authorization={}",
            problems.join(" "),
            digest(header)
        )));
    }
    check_credential(find("Credential").unwrap_or_default())
}

fn pairs(parameters: &str) -> Result<Vec<(&str, &str)>, SqsError> {
    parameters
        .split([',', ' '])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.split_once('=').ok_or_else(|| {
                incomplete(format!(
                    "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header \
                     (hashed with SHA-256 and encoded with Base64): '{}'.",
                    digest(&format!("{ALGORITHM} {parameters}"))
                ))
            })
        })
        .collect()
}

fn check_credential(credential: &str) -> Result<(), SqsError> {
    // The access key id may contain slashes.
    if credential.split('/').count() >= 5 {
        return Ok(());
    }
    Err(incomplete(format!(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
    )))
}

fn incomplete(message: String) -> SqsError {
    SqsError::new(&error::INCOMPLETE_SIGNATURE, message)
}

fn digest(text: &str) -> String {
    BASE64.encode(Sha256::digest(text.as_bytes()))
}
