//! Reading a whole request body under a limit.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

/// Of a body that is too long, this much more is read and thrown away, for this long.
const DISCARD_BYTES: usize = 64 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(5);

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
/// A longer body is read on for a while and thrown away: most clients look for an answer only after they have sent
/// everything, and a connection closed in their face would cost them the answer that says why.
pub async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    let declared = body.size_hint().exact();
    let too_large = BodyError::TooLarge { limit, declared };
    if declared.is_some_and(|length| length > limit as u64) {
        discard(&mut body).await;
        return Err(too_large);
    }
    match Limited::new(&mut body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            discard(&mut body).await;
            Err(too_large)
        }
        Err(error) => Err(BodyError::Incomplete(error.to_string())),
    }
}

/// Reads to the end, or until enough has been read for politeness.
async fn discard(body: &mut Incoming) {
    let mut read = 0;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DISCARD_BYTES {
                return;
            }
        }
    };
    let _gave_up = tokio::time::timeout(DISCARD_TIME, all).await;
}
