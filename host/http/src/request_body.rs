//! Reading a whole request body, up to a size limit.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

/// A body over its limit is read and discarded up to this many more bytes …
const DISCARD_BYTES: usize = 64 * 1024 * 1024;
/// … or for this long, before the request is refused.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than allowed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The maximum length in bytes.
        limit: usize,
        /// The request's `Content-Length`; `None` if the body is chunked.
        declared: Option<u64>,
    },
    /// The connection ended, or the chunked encoding was invalid, before the body was complete.
    #[error("the body is incomplete: {0}")]
    Incomplete(String),
}

/// Reads a body of at most `limit` bytes.
///
/// The rest of a longer body is read and discarded, up to 64 MiB or 5 seconds: most clients read the response only
/// after they have sent the whole request, and closing the connection earlier would cost them the reason.
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

/// Reads to the end of the body, or until one of the discard limits is reached.
pub(crate) async fn discard(body: &mut Incoming) {
    let mut discarded = 0;
    let discard_all = async {
        while let Some(Ok(frame)) = body.frame().await {
            discarded += frame.data_ref().map_or(0, Bytes::len);
            if discarded > DISCARD_BYTES {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, discard_all).await; // refused either way
}
