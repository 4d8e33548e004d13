//! The load balancer's own pages. The lengths of those with 400, 413 and 502 are recorded from AWS.

use http_event::contract::{Response, ResponseBody};

/// The value of the header `server`.
pub const SERVER: &str = "awselb/2.0";

/// An answer of the load balancer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// A redirect that browsers may keep.
    MovedPermanently,
    /// A redirect for this time.
    Found,
    /// The request cannot become an event: its body is not text although its type says so, a header is not text, or it
    /// asks for a WebSocket; or its body has ended early.
    BadRequest,
    /// The client has paused for too long within the body.
    RequestTimeout,
    /// The body of the request, or the event made of it, is too large.
    EntityTooLarge,
    /// The function failed, timed out, is throttled, or returned something that is not a response.
    BadGateway,
}

impl Page {
    /// The page as a response.
    pub fn response(self) -> Response {
        let (status, title) = match self {
            Self::MovedPermanently => (301, "301 Moved Permanently"),
            Self::Found => (302, "302 Found"),
            Self::BadRequest => (400, "400 Bad Request"),
            Self::RequestTimeout => (408, "408 Request Time-out"),
            Self::EntityTooLarge => (413, "413 Request Entity Too Large"),
            Self::BadGateway => (502, "502 Bad Gateway"),
        };
        let html = [
            "<html>\r\n<head><title>",
            title,
            "</title></head>\r\n<body>\r\n<center><h1>",
            title,
            "</h1></center>\r\n</body>\r\n</html>\r\n",
        ]
        .concat();
        let mut response = Response::new(status, ResponseBody::Text(html));
        response.push_header("server", SERVER);
        response.push_header("content-type", "text/html");
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_the_lengths_of_those_of_aws() {
        for (page, length) in [
            (Page::BadGateway, 122),
            (Page::EntityTooLarge, 148),
            (Page::BadRequest, 122),
        ] {
            assert_eq!(page.response().body.as_bytes().len(), length, "{page:?}");
        }
    }
}
