//! Checks that an event is JSON. The error messages are those of AWS's parser.

/// The number of characters of an invalid word that a message quotes, as with AWS's parser: an event may be one word of
/// 6 MiB.
const WORD_CHARS: usize = 256;

/// Checks an event. The error is the second part of AWS's `InvalidRequestContentException` message.
pub(crate) fn check(event: &[u8]) -> Result<(), String> {
    let text = match std::str::from_utf8(event) {
        Ok(text) => text,
        Err(error) => {
            let byte = event.get(error.valid_up_to()).copied().unwrap_or_default();
            return Err(format!("Invalid UTF-8 start byte 0x{byte:x}"));
        }
    };
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map(drop)
        .map_err(|error| describe(text, &error))
}

fn describe(text: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let rest = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    // The parser's column counts bytes.
    let at = rest.floor_char_boundary(column.saturating_sub(1));
    // The parser stops inside an invalid word; the message quotes the whole word.
    let word_start = rest
        .get(..at)
        .unwrap_or_default()
        .char_indices()
        .rev()
        .take_while(|(_, character)| character.is_alphanumeric())
        .last()
        .map_or(at, |(start, _)| start);
    let word = quoted_word(rest.get(word_start..).unwrap_or_default());
    let what = if error.is_eof() {
        "Unexpected end-of-input".to_owned()
    } else if word.starts_with(char::is_alphabetic) {
        format!(
            "Unrecognized token '{word}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        )
    } else {
        let character = rest
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .unwrap_or(' ');
        format!(
            "Unexpected character ('{character}' (code {}))",
            u32::from(character)
        )
    };
    let source: String = text.chars().take(500).collect();
    format!("{what}\n at [Source: (byte[])\"{source}\"; line: {line}, column: {column}]")
}

/// The first word of a text, shortened if it is long.
fn quoted_word(text: &str) -> String {
    let letters = text.chars().take_while(|letter| letter.is_alphanumeric());
    let mut word: String = letters.take(WORD_CHARS + 1).collect();
    if let Some((end, _)) = word.char_indices().nth(WORD_CHARS) {
        word.truncate(end);
        word.push_str("...");
    }
    word
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
    fn the_message_says_where_an_event_is_not_json() {
        let error = |event: &str| check(event.as_bytes()).unwrap_err();
        assert!(
            error("hello").starts_with("Unrecognized token 'hello': was expecting"),
            "{}",
            error("hello")
        );
        assert!(
            error("hello").ends_with(r#" at [Source: (byte[])"hello"; line: 1, column: 1]"#),
            "{}",
            error("hello")
        );
        assert!(
            error("[\"é\", hello]").starts_with("Unrecognized token 'hello'"),
            "{}",
            error("[\"é\", hello]")
        );
        let long = error(&"a".repeat(100_000));
        assert!(long.contains("aaa...': was expecting") && long.len() < 2000);
        assert!(error("{\"a\":").starts_with("Unexpected end-of-input"));
        assert!(
            error("{'a': 1}").starts_with("Unexpected character (''' (code 39))"),
            "{}",
            error("{'a': 1}")
        );
        assert_eq!(
            check(b"\"\xff\"").unwrap_err(),
            "Invalid UTF-8 start byte 0xff"
        );
    }
}
