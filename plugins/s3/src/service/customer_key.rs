//! Server-side encryption with keys of the client (SSE-C).
//!
//! Objects are stored as they were sent. What S3 promises is kept nevertheless: the MD5 digest of the key is stored with
//! the object, and only a request that has the key reads the object. The key itself is not stored.

use super::call::{self, Call};
use super::error::{self, Error};
use super::message::{self, Request, Response};
use super::store::{Digest, Pairs, Store};
use crate::encoding;

/// The name of the key's digest in metadata.
const STORED: &str = "customer-key-md5";
const ARGUMENT: &str = "x-amz-server-side-encryption";
const KEY_BYTES: usize = 32;

const ALGORITHM_HEADER: &str = "x-amz-server-side-encryption-customer-algorithm";
const MD5_HEADER: &str = "x-amz-server-side-encryption-customer-key-MD5";

/// The names of the three headers, in lower case.
struct Names {
    algorithm: &'static str,
    key: &'static str,
    md5: &'static str,
}

const OWN: Names = Names {
    algorithm: ALGORITHM_HEADER,
    key: "x-amz-server-side-encryption-customer-key",
    md5: "x-amz-server-side-encryption-customer-key-md5",
};

const SOURCE: Names = Names {
    algorithm: "x-amz-copy-source-server-side-encryption-customer-algorithm",
    key: "x-amz-copy-source-server-side-encryption-customer-key",
    md5: "x-amz-copy-source-server-side-encryption-customer-key-md5",
};

/// The digest of the key in a request; `None` if it has no key.
fn read<'a>(
    store: &dyn Store,
    bucket: &str,
    request: &'a Request,
    names: &Names,
) -> Result<Option<&'a str>, Error> {
    let invalid = |message: &'static str| error::invalid_argument(ARGUMENT, "null", message);
    let algorithm = request.header(names.algorithm);
    let (algorithm, key) = match (algorithm, request.header(names.key)) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(invalid(
                "Requests specifying Server Side Encryption with Customer provided keys must provide a valid \
                 encryption algorithm.",
            ));
        }
        (Some(_), None) => {
            return Err(invalid(
                "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate \
                 secret key.",
            ));
        }
        (Some(algorithm), Some(key)) => (algorithm, key),
    };
    if let Some(kind) = request.header(ARGUMENT).filter(|_| names.key == OWN.key) {
        return Err(error::invalid_argument(
            ARGUMENT,
            kind,
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        ));
    }
    if algorithm != "AES256" {
        return Err(error::INVALID_ENCRYPTION
            .with_message(
                "The Encryption request you specified is not valid. Supported value: AES256.",
            )
            .with("ArgumentName", ARGUMENT)
            .with("ArgumentValue", algorithm));
    }
    let key = encoding::from_base64(key)
        .filter(|key| key.len() == KEY_BYTES)
        .ok_or_else(|| invalid("The secret key was invalid for the specified algorithm."))?;
    let stated = request.header(names.md5).ok_or_else(|| {
        invalid(
            "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated \
             MD5 of the secret key.",
        )
    })?;
    let computed = call::digest(store, bucket, Digest::Md5, &key)?;
    if encoding::from_base64(stated).is_none_or(|stated| stated != computed) {
        return Err(invalid(
            "The calculated MD5 hash of the key did not match the hash that was provided.",
        ));
    }
    Ok(Some(stated))
}

/// The metadata about the key that a request for a new object has.
pub fn of_request(store: &dyn Store, bucket: &str, request: &Request) -> Result<Pairs, Error> {
    let digest = read(store, bucket, request, &OWN)?;
    let pair = digest.map(|digest| (STORED.to_owned(), digest.to_owned()));
    Ok(pair.into_iter().collect())
}

/// Refuses to read an object without the key that it was stored with, or with a key if it was stored without one.
pub fn check_read(call: &Call<'_>, metadata: &[(String, String)]) -> Result<(), Error> {
    check(call, metadata, &OWN)
}

/// Like [`check_read`], for the source of a copy.
pub fn check_source(call: &Call<'_>, metadata: &[(String, String)]) -> Result<(), Error> {
    check(call, metadata, &SOURCE)
}

fn check(call: &Call<'_>, metadata: &[(String, String)], names: &Names) -> Result<(), Error> {
    let provided = read(call.store(), &call.bucket, call.request, names)?;
    match (message::find(metadata, STORED), provided) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(error::INVALID_REQUEST
            .with_message("The encryption parameters are not applicable to this object.")),
        (Some(_), None) => Err(error::INVALID_REQUEST.with_message(
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
             retrieve the object.",
        )),
        (Some(stored), Some(provided)) if stored == provided => Ok(()),
        (Some(_), Some(_)) => Err(error::ACCESS_DENIED.with_message(
            "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret \
             key.",
        )),
    }
}

/// Refuses a part whose key is not that of its upload.
pub fn check_part(call: &Call<'_>, upload: &[(String, String)]) -> Result<(), Error> {
    let provided = read(call.store(), &call.bucket, call.request, &OWN)?;
    let message = match (message::find(upload, STORED), provided) {
        (None, Some(_)) => {
            "The multipart upload initiate did not request encryption. Please resend the request without sending \
             encryption parameters."
        }
        (Some(_), None) => {
            "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate \
             encryption parameters."
        }
        (Some(stored), Some(provided)) if stored != provided => {
            "The provided encryption parameters did not match the ones used originally."
        }
        _ => return Ok(()),
    };
    Err(error::INVALID_REQUEST.with_message(message))
}

/// Whether an object was stored with a key of the client.
pub fn has(metadata: &[(String, String)]) -> bool {
    message::find(metadata, STORED).is_some()
}

/// Adds the headers about the key.
pub fn with_headers(response: Response, metadata: &[(String, String)]) -> Response {
    match message::find(metadata, STORED) {
        Some(digest) => response
            .with(ALGORITHM_HEADER, "AES256")
            .with(MD5_HEADER, digest),
        None => response,
    }
}
