//! Checks that an event is JSON.

use crate::json_fault;

/// Checks an event. The error is the second part of AWS's `InvalidRequestContentException` message.
pub(crate) fn check(event: &[u8]) -> Result<(), String> {
    let unreadable = match std::str::from_utf8(event) {
        Ok(text) => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => return Ok(()),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    Err(json_fault::explain(event, &unreadable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_value_is_an_event() {
        for event in ["null", "1", "\"text\"", "[]", " {\"a\": [1, {}]} "] {
            assert_eq!(check(event.as_bytes()), Ok(()), "{event}");
        }
        assert_eq!(check("[".repeat(5000).as_bytes()).map_err(|_| ()), Err(()));
    }

    #[test]
    fn what_is_not_json_is_refused_with_the_reason() {
        let error = |event: &[u8]| check(event).unwrap_err();
        assert!(error(b"hello").starts_with("Unrecognized token 'hello': was expecting"));
        assert!(error(b"{} {}").starts_with("Trailing token"));
        assert!(error(b" ").starts_with("No content"));
        // A character that its bytes do not allow to be so long.
        let text = "invalid utf-8 sequence of 1 bytes from index 1\n at [Source: ";
        assert!(error(b"\"\xc0\x80\"").starts_with(text));
    }
}
