//! API Gateway's quotas for a request. They cannot be raised by configuration.

use http_event::contract::Request;

use crate::gateway_error::GatewayError;

/// The largest body, in bytes. The host enforces Lambda's own limit of 6 MB for the whole event.
pub const MAX_BODY: u32 = 10 * 1024 * 1024;

/// The largest size of the request line and the headers together, in bytes.
const MAX_HEAD: usize = 10_240;

/// Checks the size of a request.
///
/// # Errors
///
/// The request exceeds a quota.
pub fn check(request: &Request) -> Result<(), GatewayError> {
    // As in HTTP/1.1: two spaces and CRLF in the request line, `?` before a query, `: ` and CRLF in each header.
    let query = request.query.len() + usize::from(!request.query.is_empty());
    let line = request.method.len() + request.path.len() + query + request.protocol.len() + 4;
    let headers: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    let body = request.body.as_bytes().len() as u64;
    if line > MAX_HEAD {
        Err(GatewayError::UriTooLong)
    } else if line + headers > MAX_HEAD {
        Err(GatewayError::HeadersTooLarge)
    } else if body > u64::from(MAX_BODY) {
        Err(GatewayError::EntityTooLarge)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http_event::contract::Body;

    use super::*;

    fn request(path: usize, header: usize, body: u32) -> Request {
        Request {
            id: String::new(),
            trace_id: String::new(),
            at_ms: 0,
            peer: String::new(),
            protocol: "HTTP/1.1".into(),
            authority: String::new(),
            method: "GET".into(),
            path: "/".repeat(path),
            query: String::new(),
            headers: vec![("a".into(), "b".repeat(header))],
            body: Body::Binary(vec![0xff; body as usize]),
            extra: Vec::new(),
        }
    }

    #[test]
    fn each_quota_is_exact_to_the_byte() {
        let headers = MAX_HEAD - 15 - 100 - 5;
        assert_eq!(check(&request(100, headers, MAX_BODY)), Ok(()));
        assert_eq!(
            check(&request(100, headers + 1, 0)),
            Err(GatewayError::HeadersTooLarge)
        );
        assert_eq!(
            check(&request(MAX_HEAD - 15 + 1, 0, 0)),
            Err(GatewayError::UriTooLong)
        );
        assert_eq!(
            check(&request(1, 0, MAX_BODY + 1)),
            Err(GatewayError::EntityTooLarge)
        );
    }
}
