//! Makes text of a plugin displayable.
//!
//! A plugin may put anything into a message or a log line: terminal escapes, line breaks that forge a second log line,
//! megabytes. All text of plugins that a person reads passes through these functions.

use std::fmt::Write as _;

/// The longest text of a plugin that a message quotes, in characters.
const MAX_QUOTE: usize = 1_000;

/// Escapes control characters as Rust writes them (`\u{1b}`, `\n`), except for tabs.
pub(crate) fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\t' || !is_harmful(c) {
            shown.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", c.escape_default());
        }
    }
    shown
}

/// Escapes a text and shortens it to a length that suits a message.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE) {
        Some((end, _)) => format!(
            "{}… ({} bytes in all)",
            escape(text.get(..end).unwrap_or_default()),
            text.len()
        ),
        None => escape(text),
    }
}

/// Control characters, and the marks that change the direction of the text around them.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_line_breaks_are_made_visible() {
        assert_eq!(
            escape("a\x1b[31mb\r\nc\td\u{202e}é"),
            r"a\u{1b}[31mb\r\nc	d\u{202e}é"
        );
    }

    #[test]
    fn a_quote_is_short_and_has_the_length_of_the_whole_text() {
        let quoted = quote(&"é".repeat(2_000));
        assert!(quoted.ends_with("… (4000 bytes in all)"), "{quoted}");
        assert_eq!(quoted.chars().filter(|c| *c == 'é').count(), MAX_QUOTE);
        assert_eq!(quote("short"), "short");
    }
}
