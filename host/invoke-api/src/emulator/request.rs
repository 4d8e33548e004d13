//! What the two emulators' requests have in common.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use lambkin_http::header;
use lambkin_lambda::{new_trace_id, now_ms};

use crate::operation::Operation;
use crate::request::json_for_header;
use crate::response::TRACE_ID;

/// The function's name in the path of an invocation, which may be percent-encoded.
pub(crate) fn invoked_name(path: &str) -> Option<&str> {
    match Operation::of(path)? {
        (Operation::Invoke, name) => Some(name),
        _ => None,
    }
}

/// The caller's trace header, or a new one, as some runtimes require one.
pub(super) fn trace_id(headers: &HeaderMap) -> String {
    match header(headers, TRACE_ID) {
        Some(trace_id) => trace_id.to_owned(),
        None => new_trace_id(now_ms()),
    }
}

/// The decoded `X-Amz-Client-Context`, in one line if it is JSON, because the Runtime API sends it in a header.
pub(crate) fn client_context(headers: &HeaderMap) -> Result<Option<String>, String> {
    let Some(base64) = headers.get("x-amz-client-context") else {
        return Ok(None);
    };
    let decoded = BASE64
        .decode(base64.as_bytes())
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8(decoded).map_err(|error| error.to_string())?;
    Ok(Some(
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(json) => json_for_header(&json),
            Err(_not_json) => text,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_invocation_names_one_function() {
        for (path, name) in [
            (
                "/2015-03-31/functions/function/invocations",
                Some("function"),
            ),
            ("/2015-03-31/functions//invocations", None),
            ("/2015-03-31/functions/a/b/invocations", None),
            ("/2015-03-31/functions/a/invocations/", None),
            ("/", None),
        ] {
            assert_eq!(invoked_name(path), name, "{path}");
        }
    }

    #[test]
    fn a_client_context_is_decoded_into_one_line() {
        let context = |base64: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-client-context", base64.parse().unwrap());
            client_context(&headers)
        };
        assert_eq!(client_context(&HeaderMap::new()), Ok(None));
        let json = BASE64.encode("{\n \"a\": 1 }");
        assert_eq!(context(&json), Ok(Some(r#"{"a":1}"#.to_owned())));
        let delete = BASE64.encode("\"\u{7f}\"");
        assert_eq!(context(&delete), Ok(Some(r#""\u007f""#.to_owned())));
        let text = BASE64.encode("no JSON");
        assert_eq!(context(&text), Ok(Some("no JSON".to_owned())));
        assert!(context("!!").is_err());
    }
}
