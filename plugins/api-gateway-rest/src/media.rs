//! Binary media types: which bodies of requests are written in Base64, and which results are decoded.

use alloc::string::String;

use http_event::contract::Request;
use serde_json::{Map, Value};

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

/// The template for a client, with its content type: that of the first type in `Accept` which has one, or else that of
/// JSON, or any.
pub fn accepted<'a>(
    request: Option<&Request>,
    templates: &'a Map<String, Value>,
) -> Option<(&'a str, &'a str)> {
    let accept = request.into_iter().flat_map(|it| it.header("accept"));
    let found = accept
        .flat_map(|value| value.split(','))
        .map(media_type)
        .find_map(|it| templates.get_key_value(&it))
        .or_else(|| templates.get_key_value("application/json"))
        .or_else(|| templates.iter().next());
    let (content_type, template) = found?;
    Some((content_type, template.as_str()?))
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
    use http_event::api::Api;
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
            let mut state = State::new(Api::new("", "", ""));
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
