//! Binary media types: which bodies of requests are written in Base64, and which results are decoded.

use alloc::string::String;

use http_event::contract::Request;

use crate::state::{State, entries};

/// Whether the body of a request is binary by its `Content-Type`.
pub fn is_binary_request(state: &State<'_>, request: &Request) -> bool {
    let content_type = request.header("content-type").last();
    content_type.is_some_and(|media_type| is_binary(state, media_type))
}

/// Whether the client accepts a binary body: the first type of its `Accept` counts.
pub fn accepts_binary(state: &State<'_>, request: &Request) -> bool {
    let accept = request.header("accept").next().unwrap_or_default();
    is_binary(state, accept.split(',').next().unwrap_or_default())
}

/// The media type in a header, in lower case and without its parameters.
pub fn media_type(text: &str) -> String {
    let end = text.split(';').next().unwrap_or_default();
    end.trim().to_ascii_lowercase()
}

/// Whether a media type is one of the API's. `*/*` among them is any; that of a client is no other than itself.
pub fn is_binary(state: &State<'_>, text: &str) -> bool {
    let media_type = &media_type(text);
    let mut types = entries(state.binary_types);
    types.any(|binary| match binary.strip_suffix("/*") {
        Some("*") => true,
        Some(kind) => media_type
            .split_once('/')
            .is_some_and(|(own, _)| own.eq_ignore_ascii_case(kind)),
        None => binary.eq_ignore_ascii_case(media_type),
    })
}

#[cfg(test)]
mod tests {
    use http_event::contract::Header;

    use super::*;

    #[test]
    fn types_are_compared_without_their_parameters() {
        for (types, accept, expected) in [
            ("", "image/png", false),
            ("image/png", "image/PNG; q=1", true),
            ("image/png", "image/webp, image/png", false),
            ("image/*", "image/webp,*/*", true),
            ("image/png", "*/*", false),
            ("image/png\u{1d}*/*", "text/html", true),
            ("*/*", "", true),
        ] {
            let mut state = State::new("", "", "");
            state.binary_types = types;
            let request = Request {
                headers: vec![Header::new("Accept", accept)],
                ..Request::get("/")
            };
            assert_eq!(
                accepts_binary(&state, &request),
                expected,
                "{types} {accept}"
            );
        }
    }
}
