//! API Gateway's quotas for one request, which no configuration raises.

use crate::contract::Request;
use crate::reply::Gateway;

/// The payload quota, in bytes. Lambda's own, 6 MB for the whole event, is the host's to enforce.
pub const MAX_BODY: usize = 10 * 1024 * 1024;

/// The quota of request line and headers together, in bytes.
const MAX_HEAD: usize = 10_240;

/// The answer to a request that is too large; none if it is not.
pub fn refusal(request: &Request) -> Option<Gateway> {
    // As in HTTP/1.1: two spaces and CRLF in the request line, `?` before a query, `: ` and CRLF in each header.
    let query = request.query.len() + usize::from(!request.query.is_empty());
    let line = request.method.len() + request.path.len() + query + request.protocol.len() + 4;
    let headers: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    if line > MAX_HEAD {
        Some(Gateway::UriTooLong)
    } else if line + headers > MAX_HEAD {
        Some(Gateway::HeadersTooLarge)
    } else if request.body.as_bytes().len() > MAX_BODY {
        Some(Gateway::EntityTooLarge)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Body;

    fn request(path: usize, header: usize, body: usize) -> Request {
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
            body: Body::Binary(vec![0xff; body]),
        }
    }

    #[test]
    fn each_quota_is_met_to_the_byte() {
        let headers = MAX_HEAD - 15 - 100 - 5;
        assert_eq!(refusal(&request(100, headers, MAX_BODY)), None);
        assert_eq!(
            refusal(&request(100, headers + 1, 0)),
            Some(Gateway::HeadersTooLarge)
        );
        assert_eq!(
            refusal(&request(MAX_HEAD - 15 + 1, 0, 0)),
            Some(Gateway::UriTooLong)
        );
        assert_eq!(
            refusal(&request(1, 0, MAX_BODY + 1)),
            Some(Gateway::EntityTooLarge)
        );
    }
}
