//! Front ends in the manner of other emulators, for whoever has scripts and tests written for those.
//!
//! [`rie`] answers as AWS's Runtime Interface Emulator does, [`docker_lambda`] as lambci's docker-lambda did. Each
//! puts another emulator's protocol before the same functions: what differs is how a call is read and how its outcome
//! is worded, never how a function runs.

pub mod docker_lambda;
pub mod rie;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use lambkin_http::{Response, header};

use crate::ids::new_trace_id;
use crate::invoke_api::request::json_for_header;
use crate::time::now_ms;

/// The function's name in the path of an invocation, as it was written.
pub(crate) fn invoked_name(path: &str) -> Option<&str> {
    let name = path
        .strip_prefix("/2015-03-31/functions/")?
        .strip_suffix("/invocations")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Sets a header, unless the value is not a legal one.
fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

/// The caller's trace, or a new one: some runtimes can not do without.
fn trace_id(headers: &HeaderMap) -> String {
    match header(headers, "x-amzn-trace-id") {
        Some(trace_id) => trace_id.to_owned(),
        None => new_trace_id(now_ms()),
    }
}

/// `X-Amz-Client-Context`, decoded, and on one line if it is JSON: the Runtime API hands it on in a header.
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
    fn an_invocations_path_names_one_function() {
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
    fn a_client_context_is_decoded_onto_one_line() {
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
