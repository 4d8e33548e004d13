//! Why an image cannot be used.

use std::fmt::Display;
use std::io;
use std::path::Path;

use crate::limits;

/// Why an image cannot be used, as a text for the developer: what was opened, what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImageError {
    message: String,
}

impl ImageError {
    /// The message may have text of an image, with which a terminal must not be controlled: it is escaped and cut here.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: harmless(message.into()),
        }
    }

    /// An operation on a file that failed: `cannot read /a/b: permission denied`.
    pub(crate) fn io(verb: &str, path: &Path, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; free some space, or set XDG_CACHE_HOME to a folder on another disk"
            }
            _ => "",
        };
        Self::new(format!("cannot {verb} {}: {error}{advice}", path.display()))
    }

    /// The same error, after what it is about: `layer 2: …`.
    pub(crate) fn within(self, what: impl Display) -> Self {
        Self::new(format!("{what}: {}", self.message))
    }
}

/// A text without characters that a terminal obeys, and not too long.
fn harmless(text: String) -> String {
    if text.len() <= limits::MESSAGE_CHARACTERS && !text.contains(is_obeyed) {
        return text;
    }
    let mut shown = String::new();
    for (number, character) in text.chars().enumerate() {
        if number == limits::MESSAGE_CHARACTERS {
            shown.push('…');
            break;
        }
        if is_obeyed(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character does something instead of being shown: control characters, and those that change the direction
/// of the text around them.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_controls_no_terminal() {
        let error = ImageError::new("tags: \u{1b}[2J\u{9b}1m\r\n\u{7}\u{202e}é…").within("a\tb");
        let expected = r"a\tb: tags: \u{1b}[2J\u{9b}1m\r\n\u{7}\u{202e}é…";
        assert_eq!(error.to_string(), expected);
        let long = ImageError::new("é".repeat(10_000)).to_string();
        assert_eq!(long.chars().count(), limits::MESSAGE_CHARACTERS + 1);
    }
}
