//! The signatures of AWS: version 4 in a header, a URL or a form, and version 2.
//!
//! The functions compute what a client with the same secret would have signed. [`Expected`] holds the texts that were
//! signed, which S3 returns with the error `SignatureDoesNotMatch`.

use hmac::{Hmac, Mac};
use plugin_kit::hex;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::error::{self, Error};
use super::message::{self, Request};
use crate::encoding;

/// The parameters of a query that are part of the resource in version 2.
const SUBRESOURCES: [&str; 36] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "encryption",
];

/// The signature that a request should have, and what it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    signature: String,
    string_to_sign: String,
    /// Only version 4 has one.
    canonical_request: Option<String>,
}

impl Expected {
    /// Compares the signature with the one that the client sent.
    pub fn verify(&self, access_key: &str, provided: &str) -> Result<(), Error> {
        if self.signature == provided {
            return Ok(());
        }
        let bytes = |text: &str| {
            let bytes: Vec<String> = text.bytes().map(|byte| hex::encode(&[byte])).collect();
            bytes.join(" ")
        };
        let mut error = error::SIGNATURE_MISMATCH
            .with("AWSAccessKeyId", access_key)
            .with("StringToSign", self.string_to_sign.as_str())
            .with("SignatureProvided", provided)
            .with("StringToSignBytes", bytes(&self.string_to_sign));
        if let Some(request) = &self.canonical_request {
            error = error
                .with("CanonicalRequest", request.as_str())
                .with("CanonicalRequestBytes", bytes(request));
        }
        Err(error)
    }
}

/// What a client states about its signature of version 4.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The scope without the access key: `20261002/us-east-1/s3/aws4_request`.
    pub scope: &'a str,
    /// The time, such as `20261002T083000Z`.
    pub date: &'a str,
    /// The names of the signed headers, in lower case, separated by semicolons.
    pub signed_headers: &'a str,
    /// The digest of the body, or what is signed instead.
    pub payload: &'a str,
}

/// The signature of version 4 of a request.
pub fn version_4(request: &Request, secret: &str, claim: Claim<'_>) -> Expected {
    let mut headers = String::new();
    for name in claim.signed_headers.split(';') {
        let values: Vec<String> = request
            .headers
            .iter()
            .take(request.sent)
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        headers.push_str(name);
        headers.push(':');
        headers.push_str(&values.join(","));
        headers.push('\n');
    }
    let canonical_request = [
        request.method.as_str(),
        &canonical_path(&request.path),
        &canonical_query(&request.raw_query),
        &headers,
        claim.signed_headers,
        claim.payload,
    ]
    .join("\n");
    let string_to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{}\n{}",
        claim.date,
        claim.scope,
        hex::encode(&Sha256::digest(&canonical_request))
    );
    Expected {
        signature: of_text(secret, claim.scope, &string_to_sign),
        string_to_sign,
        canonical_request: Some(canonical_request),
    }
}

/// The signature of version 4 of a form's policy, which is signed as it is sent.
pub fn version_4_of_policy(policy: &str, secret: &str, scope: &str) -> Expected {
    Expected {
        signature: of_text(secret, scope, policy),
        string_to_sign: policy.to_owned(),
        canonical_request: None,
    }
}

/// The signature of version 2 of a form's policy.
pub fn version_2_of_policy(policy: &str, secret: &str) -> Expected {
    of_version_2(secret, policy.to_owned())
}

/// The signature of version 2 of a request. In a presigned URL, the expiration takes the place of the date.
pub fn version_2(request: &Request, bucket: &str, secret: &str, expires: Option<&str>) -> Expected {
    let header = |name| request.header(name).unwrap_or_default();
    let date = match (expires, request.header("x-amz-date")) {
        (Some(expires), _) => expires,
        (None, Some(_)) => "",
        (None, None) => header("date"),
    };
    let mut amazon: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in &request.headers {
        if name.starts_with("x-amz-") {
            match amazon.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => values.push(value),
                None => amazon.push((name, vec![value])),
            }
        }
    }
    amazon.sort();
    let amazon: String = amazon
        .into_iter()
        .map(|(name, values)| format!("{name}:{}\n", values.join(",")))
        .collect();
    let mut parameters: Vec<String> = request
        .query
        .iter()
        .filter(|(name, _)| SUBRESOURCES.contains(&name.as_str()))
        .map(|(name, value)| match value.as_str() {
            "" => name.clone(),
            value => format!("{name}={value}"),
        })
        .collect();
    parameters.sort();
    let own = format!("/{bucket}");
    let in_path = request
        .path
        .strip_prefix(&own)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let mut resource = if in_path || bucket.is_empty() {
        request.path.clone()
    } else {
        own + &request.path
    };
    if !parameters.is_empty() {
        resource = format!("{resource}?{}", parameters.join("&"));
    }
    let text = format!(
        "{}\n{}\n{}\n{date}\n{amazon}{resource}",
        request.method,
        header("content-md5"),
        header("content-type"),
    );
    of_version_2(secret, text)
}

fn of_version_2(secret: &str, string_to_sign: String) -> Expected {
    let signature = Hmac::<Sha1>::new_from_slice(secret.as_bytes())
        .map(|mut mac| {
            mac.update(string_to_sign.as_bytes());
            encoding::base64(&mac.finalize().into_bytes())
        })
        .unwrap_or_default();
    Expected {
        signature,
        string_to_sign,
        canonical_request: None,
    }
}

fn of_text(secret: &str, scope: &str, text: &str) -> String {
    let key = scope
        .split('/')
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| {
            sha256(&key, part)
        });
    hex::encode(&sha256(&key, text))
}

fn sha256(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The path with exactly the characters encoded that S3 encodes, whatever the client encoded.
fn canonical_path(path: &str) -> String {
    match encoding::decode(path, false) {
        Some(plain) => encoding::path(&plain),
        None => path.to_owned(),
    }
}

/// The parameters of a query but the signature, encoded as by S3 and sorted.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = encoding::query(query)
        .into_iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encoding::value(&name), encoding::value(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The digest of the body as the signature contains it; `None` if the request does not state it.
pub fn payload(request: &Request) -> Option<&str> {
    message::find(&request.headers, "x-amz-content-sha256")
        .or_else(|| message::find(&request.query, "X-Amz-Content-Sha256"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Request::new(method, target, headers.collect())
    }

    /// The examples of the documentation of Amazon S3.
    #[test]
    fn signatures_of_version_4_are_those_of_awss_examples() {
        let claim = |signed_headers, payload| Claim {
            scope: "20130524/us-east-1/s3/aws4_request",
            date: "20130524T000000Z",
            signed_headers,
            payload,
        };
        let host = ("Host", "examplebucket.s3.amazonaws.com");
        let date = ("x-amz-date", "20130524T000000Z");
        let hash = ("x-amz-content-sha256", EMPTY);
        let get = request(
            "GET",
            "/test.txt",
            &[host, ("Range", "bytes=0-9"), hash, date],
        );
        let expected = version_4(
            &get,
            SECRET,
            claim("host;range;x-amz-content-sha256;x-amz-date", EMPTY),
        );
        assert_eq!(
            expected.signature,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let list = request("GET", "/?max-keys=2&prefix=J", &[host, hash, date]);
        let signed = claim("host;x-amz-content-sha256;x-amz-date", EMPTY);
        assert_eq!(
            version_4(&list, SECRET, signed).signature,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
        let presigned = request(
            "GET",
            "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1\
             %2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=00",
            &[host],
        );
        let signed = claim("host", "UNSIGNED-PAYLOAD");
        assert_eq!(
            version_4(&presigned, SECRET, signed).signature,
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[test]
    fn signatures_of_version_2_are_those_of_awss_examples() {
        let put = request(
            "PUT",
            "/photos/puppy.jpg",
            &[
                ("Host", "awsexamplebucket1.us-west-1.s3.amazonaws.com"),
                ("Content-Type", "image/jpeg"),
                ("Date", "Tue, 27 Mar 2007 21:15:45 +0000"),
            ],
        );
        let expected = version_2(&put, "awsexamplebucket1", SECRET, None);
        assert_eq!(expected.signature, "iqRzw+ileNPu1fhspnRs8nOjjIA=");
        assert!(
            expected
                .string_to_sign
                .ends_with("\n/awsexamplebucket1/photos/puppy.jpg")
        );
        let get = request(
            "GET",
            "/awsexamplebucket1?acl",
            &[("Date", "Tue, 27 Mar 2007 19:44:46 +0000")],
        );
        let expected = version_2(&get, "awsexamplebucket1", SECRET, None);
        assert_eq!(
            expected.string_to_sign,
            "GET\n\n\nTue, 27 Mar 2007 19:44:46 +0000\n/awsexamplebucket1?acl"
        );
    }
}
