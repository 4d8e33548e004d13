//! Bodies of requests: they are read in pieces, decoded from `aws-chunked`, written into an upload and compared with
//! everything that the client claims about them.
//!
//! The host computes the digests; only the framing is decoded here. A body that differs from what the client claims
//! leaves nothing behind.

use plugin_kit::hex;

use super::call::Call;
use super::checksum::{self, Algorithm, Checksum, Claim};
use super::chunked::{Decoder, FramingError};
use super::error::{self, Error};
use super::limits;
use super::message::{Request, RequestBody};
use super::store::{self, Digest, Upload};
use crate::encoding;

/// Reads a body without its framing.
pub struct Reader<'a> {
    input: &'a mut dyn RequestBody,
    decoder: Option<Decoder>,
    /// The length that the client announced.
    expected: Option<u64>,
    read: u64,
}

impl<'a> Reader<'a> {
    /// A reader of the body of a request.
    pub fn new(request: &Request, input: &'a mut dyn RequestBody) -> Self {
        Self {
            input,
            decoder: is_chunked(request).then(Decoder::new),
            expected: length(request),
            read: 0,
        }
    }

    /// The next piece; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let piece = self
                .input
                .read(limits::PIECE)
                .map_err(|_| self.incomplete())?;
            if piece.is_empty() {
                return self.end();
            }
            let piece = match &mut self.decoder {
                None => piece,
                Some(decoder) => {
                    let mut decoded = Vec::with_capacity(piece.len());
                    decoder.feed(&piece, &mut decoded).map_err(of_framing)?;
                    decoded
                }
            };
            self.read = self
                .read
                .saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if self.expected.is_some_and(|expected| self.read > expected) {
                return Err(self.incomplete());
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    fn end(&self) -> Result<Option<Vec<u8>>, Error> {
        let whole = self.decoder.as_ref().is_none_or(Decoder::is_done)
            && self.expected.is_none_or(|expected| self.read == expected);
        if whole {
            Ok(None)
        } else {
            Err(self.incomplete())
        }
    }

    fn incomplete(&self) -> Error {
        match self.decoder {
            None => error::INCOMPLETE_BODY.error(),
            Some(_) => of_framing(FramingError::Malformed),
        }
    }

    /// A trailer of a body that was read to its end.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.decoder.as_ref()?.trailer(name)
    }
}

/// The error of S3 for malformed framing.
fn of_framing(framing: FramingError) -> Error {
    match framing {
        FramingError::Malformed => {
            error::INCOMPLETE_BODY.with_message("The request body terminated unexpectedly")
        }
        FramingError::SmallChunk(number, size) => error::INVALID_CHUNK_SIZE
            .with("Chunk", number.to_string())
            .with("BadChunkSize", size.to_string()),
    }
}

fn is_chunked(request: &Request) -> bool {
    let streaming = request
        .header("x-amz-content-sha256")
        .is_some_and(|value| value.starts_with("STREAMING-"));
    streaming
        || request.header("content-encoding").is_some_and(|value| {
            value
                .split(',')
                .any(|coding| coding.trim() == "aws-chunked")
        })
}

/// The length of the body without its framing, as the headers state it.
pub fn length(request: &Request) -> Option<u64> {
    let name = if is_chunked(request) {
        "x-amz-decoded-content-length"
    } else {
        "content-length"
    };
    request.header(name)?.parse().ok()
}

/// A body that is in an upload and matches what the client claims about it.
#[derive(Debug)]
pub struct Received {
    /// The upload, which is finished.
    pub upload: Upload,
    /// Its MD5 digest in hexadecimal digits, as in an entity tag.
    pub md5: String,
    /// Its checksum, of the type that the client chose, or of the default type.
    pub checksum: Option<Checksum>,
}

/// Receives the body of a request. If the client chose no type of checksum, `default` is computed.
pub fn receive(call: &mut Call<'_>, default: Option<Algorithm>) -> Result<Received, Error> {
    check_length(call)?;
    let claim = checksum::claim(call.request)?;
    let md5 = claimed_md5(call.request)?;
    let sha256 = claimed_sha256(call.request)?;
    let algorithm = claim.as_ref().map(Claim::algorithm).or(default);

    let of_sha256 = sha256.as_ref().map(|_| Digest::Sha256);
    let wanted = [
        Some(Digest::Md5),
        algorithm.map(Algorithm::digest),
        of_sha256,
    ];
    let digests = store::distinct(wanted.into_iter().flatten());
    let (host, bucket) = (call.context.store, call.bucket.as_str());
    let store_error = |error| super::call::of_store_error(error, bucket, "");
    let upload = host.upload(bucket, &digests).map_err(store_error)?;
    let mut reader = Reader::new(call.request, call.body);
    while let Some(piece) = reader.next()? {
        host.write(upload, &piece).map_err(store_error)?;
    }
    let finished = host.finish(upload).map_err(store_error)?;
    let digest = |wanted: Digest| {
        store::computed(&digests, &finished, wanted)
            .cloned()
            .ok_or_else(|| error::INTERNAL_ERROR.error())
    };

    let computed_md5 = digest(Digest::Md5)?;
    compare_md5(call.request, md5.as_deref(), &computed_md5)?;
    if let Some(claimed) = sha256 {
        compare_sha256(&claimed, &digest(Digest::Sha256)?)?;
    }
    let checksum = algorithm
        .map(|algorithm| digest(algorithm.digest()).map(|bytes| Checksum::new(algorithm, &bytes)))
        .transpose()?;
    if let (Some(claim), Some(checksum)) = (&claim, &checksum) {
        claim.verify(checksum, |name| reader.trailer(name))?;
    }
    Ok(Received {
        upload,
        md5: hex::encode(&computed_md5),
        checksum,
    })
}

/// Refuses a body of unknown length, and one that is too long, before any of it is read.
fn check_length(call: &mut Call<'_>) -> Result<(), Error> {
    let Some(length) = length(call.request) else {
        return Err(without_length(call));
    };
    if length > limits::MAX_SINGLE_PUT {
        return Err(error::ENTITY_TOO_LARGE
            .with("ProposedSize", length.to_string())
            .with("MaxSizeAllowed", limits::MAX_SINGLE_PUT.to_string()));
    }
    Ok(())
}

/// The error of S3 for a body whose length is not stated. The header `Transfer-Encoding` does not get here, so a body
/// that follows nevertheless shows that it was sent.
fn without_length(call: &mut Call<'_>) -> Error {
    let comes = !is_chunked(call.request)
        && call
            .body
            .read(limits::PIECE)
            .is_ok_and(|piece| !piece.is_empty());
    if comes {
        error::header_not_implemented("Transfer-Encoding")
    } else {
        error::MISSING_CONTENT_LENGTH.error()
    }
}

/// The digest in `Content-MD5`.
pub fn claimed_md5(request: &Request) -> Result<Option<Vec<u8>>, Error> {
    let Some(text) = request.header("content-md5") else {
        return Ok(None);
    };
    encoding::from_base64(text)
        .filter(|bytes| bytes.len() == 16)
        .map(Some)
        .ok_or_else(|| error::INVALID_DIGEST.with("Content-MD5", text))
}

/// Refuses a body whose digest is not that in `Content-MD5`. In the error, AWS writes the expected digest in
/// hexadecimal digits; for a part, in Base64 as the client sent it.
pub fn compare_md5(
    request: &Request,
    claimed: Option<&[u8]>,
    computed: &[u8],
) -> Result<(), Error> {
    let Some(claimed) = claimed.filter(|claimed| *claimed != computed) else {
        return Ok(());
    };
    let expected = match request.query("partNumber") {
        None => hex::encode(claimed),
        Some(_) => encoding::base64(claimed),
    };
    Err(error::BAD_DIGEST
        .with("ExpectedDigest", expected)
        .with("CalculatedDigest", encoding::base64(computed)))
}

/// The digest in `x-amz-content-sha256`; `None` if the header states that there is none.
pub fn claimed_sha256(request: &Request) -> Result<Option<String>, Error> {
    match request.header("x-amz-content-sha256") {
        None => Ok(None),
        Some(text) if text == "UNSIGNED-PAYLOAD" || text.starts_with("STREAMING-") => Ok(None),
        Some(text) if hex::decode(text).is_some_and(|bytes| bytes.len() == 32) => {
            Ok(Some(text.to_ascii_lowercase()))
        }
        Some(text) => Err(error::invalid_argument(
            "x-amz-content-sha256",
            text,
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
             STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
             STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid \
             sha256 value.",
        )),
    }
}

/// Refuses a body whose digest is not that in `x-amz-content-sha256`.
pub fn compare_sha256(claimed: &str, computed: &[u8]) -> Result<(), Error> {
    let computed = hex::encode(computed);
    if claimed == computed {
        return Ok(());
    }
    Err(error::SHA256_MISMATCH
        .with("ClientComputedContentSHA256", claimed)
        .with("S3ComputedContentSHA256", computed))
}
