//! API Gateway's quotas for a request. They cannot be raised by configuration.

use http_event::contract::{BodyError, Request, RequestBody};
use http_event::head::{HeadSize, head_size};

use crate::gateway_error::GatewayError;

/// The largest body, in bytes. A larger one arrives as [`RequestBody::TooLarge`]. The host enforces Lambda's own limit of
/// 6 MB for the whole event.
pub const MAX_BODY: u32 = 10 * 1024 * 1024;

/// The largest size of the request line and the headers together, in bytes.
const MAX_HEAD: usize = 10_240;

/// Checks the size of a request, and that it has arrived as a whole.
///
/// # Errors
///
/// The request exceeds a quota, or its body is broken.
pub fn check(request: &Request) -> Result<(), GatewayError> {
    let HeadSize { line, headers } = head_size(request);
    if line > MAX_HEAD {
        Err(GatewayError::UriTooLong)
    } else if line + headers > MAX_HEAD {
        Err(GatewayError::HeadersTooLarge)
    } else {
        match request.body_error() {
            Some(BodyError::Incomplete) => Err(GatewayError::BadRequest),
            Some(BodyError::Stalled) => Err(GatewayError::RequestTimeout),
            None if request.body == RequestBody::TooLarge => Err(GatewayError::EntityTooLarge),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_event::contract::Header;

    use super::*;

    fn request(path: usize, header: usize, body: RequestBody) -> Request {
        Request {
            path: "/".repeat(path),
            headers: vec![Header::new("A", &"b".repeat(header))],
            body,
            ..Request::get("")
        }
    }

    #[test]
    fn each_quota_is_exact_to_the_byte() {
        let headers = MAX_HEAD - 15 - 100 - 5;
        assert_eq!(check(&request(100, headers, RequestBody::Empty)), Ok(()));
        assert_eq!(
            check(&request(100, headers + 1, RequestBody::Empty)),
            Err(GatewayError::HeadersTooLarge)
        );
        assert_eq!(
            check(&request(MAX_HEAD - 15 + 1, 0, RequestBody::Empty)),
            Err(GatewayError::UriTooLong)
        );
        assert_eq!(
            check(&request(1, 0, RequestBody::TooLarge)),
            Err(GatewayError::EntityTooLarge)
        );
    }
}
