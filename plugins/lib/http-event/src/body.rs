//! Bodies in events: as text or in Base64.

use crate::contract::{Request, RequestBody};
use crate::json::write::Object;

/// Writes the key `body` of an event, and nothing without a body. `is_text` decides by the media type whether a body is
/// written as text; a compressed body and one that is not UTF-8 are always written in Base64. Returns whether it was
/// written in Base64.
pub fn write(
    request: &Request,
    is_text: impl FnOnce(&str) -> bool,
    event: &mut Object<'_>,
) -> bool {
    match &request.body {
        RequestBody::Empty | RequestBody::TooLarge => false,
        RequestBody::Text(text) if !is_compressed(request) && has_type(request, is_text) => {
            event.string("body", text);
            false
        }
        body => {
            event.base64("body", body.as_bytes());
            true
        }
    }
}

fn is_compressed(request: &Request) -> bool {
    request
        .header("content-encoding")
        .any(|value| !value.eq_ignore_ascii_case("identity"))
}

fn has_type(request: &Request, is_text: impl FnOnce(&str) -> bool) -> bool {
    request.header("content-type").last().is_some_and(is_text)
}

/// Whether HTTP APIs and function URLs pass on a body of this media type as text. AWS's list is short: form posts and
/// `application/problem+json` are not on it, and no configuration changes it.
pub fn is_text_of_http_api(content_type: &str) -> bool {
    const TEXT: [&str; 3] = [
        "application/json",
        "application/javascript",
        "application/xml",
    ];

    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_any_text = media_type
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("text/"));
    is_any_text
        || TEXT
            .iter()
            .any(|text| text.eq_ignore_ascii_case(media_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_apis_pass_on_few_media_types_as_text() {
        for text in [
            "text/plain",
            "TEXT/css; charset=x",
            "application/json",
            "Application/JSON ; charset=utf-8",
            "application/xml",
            "application/javascript",
        ] {
            assert!(is_text_of_http_api(text), "{text}");
        }
        for binary in [
            "",
            "text",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=text/plain",
            "application/vnd.api+json",
            "application/json-seq",
            "image/svg+xml",
        ] {
            assert!(!is_text_of_http_api(binary), "{binary}");
        }
    }
}
