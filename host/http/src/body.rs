//! Reading a whole request body under a limit.

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than allowed. The length is what the peer declared, if it did.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes allowed.
        limit: usize,
        /// `Content-Length`, unless the body came in chunks.
        declared: Option<u64>,
    },
    /// The connection ended, or its chunks broke, before the body was complete.
    #[error("the body is incomplete: {0}")]
    Incomplete(String),
}

/// Reads a body of at most `limit` bytes; a body of exactly `limit` bytes is fine.
///
/// A body that declares too great a length is refused before a byte of it is read.
pub async fn read_body(body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    let declared = body.size_hint().exact();
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit, declared });
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge { limit, declared }),
        Err(error) => Err(BodyError::Incomplete(error.to_string())),
    }
}
