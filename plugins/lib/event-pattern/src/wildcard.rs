//! Wildcards: `*` matches any number of characters, including none. `\*` and `\\` match the character after the
//! backslash.

/// A parsed wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    /// The texts before, between and after the `*`s. A single one if there is no `*`.
    parts: Vec<String>,
}

impl Wildcard {
    /// Parses a wildcard.
    ///
    /// # Errors
    ///
    /// Returns AWS's message if the wildcard is malformed. Its position counts the JSON string's opening quote as 0.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = vec![String::new()];
        let mut chars = text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let literal = match (char, next) {
                ('*', Some('*')) => {
                    return Err(format!("Consecutive wildcard characters at pos {}", at + 1));
                }
                ('*', _) => {
                    parts.push(String::new());
                    continue;
                }
                ('\\', Some(next @ ('*' | '\\'))) => {
                    chars.next();
                    next
                }
                ('\\', _) => return Err(format!("Invalid escape character at pos {}", at + 1)),
                (char, _) => char,
            };
            if let Some(part) = parts.last_mut() {
                part.push(literal);
            }
        }
        Ok(Self { parts })
    }

    /// Whether the wildcard matches a text.
    pub fn matches(&self, text: &str) -> bool {
        let (first, last, between) = match self.parts.as_slice() {
            [whole] => return text == whole,
            [first, between @ .., last] => (first, last, between),
            [] => return false,
        };
        let Some(mut rest) = text
            .strip_prefix(first.as_str())
            .and_then(|rest| rest.strip_suffix(last.as_str()))
        else {
            return false;
        };
        // The first occurrence of each part leaves the longest rest for the next ones.
        for part in between {
            let Some((_, after)) = rest.split_once(part.as_str()) else {
                return false;
            };
            rest = after;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_characters() {
        for (wildcard, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "any thing", true),
            ("a*b", "ab", true),
            ("a*b", "a-b-b", true),
            ("a*b", "a-b-c", false),
            ("a*a", "a", false),
            ("*.png", "x.png", true),
            ("*.png", "x.png ", false),
            ("in/*/x*.png", "in/a/b/x1.png", true),
            ("in/*/x*.png", "in/x1.png", false),
            ("*ab*ab*", "xabab", true),
            ("*ab*ab*", "xabb", false),
            ("ü*é", "ü→é", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "a-b", false),
            (r"a\\*", r"a\b", true),
        ] {
            let parsed = Wildcard::parse(wildcard).unwrap();
            assert_eq!(parsed.matches(text), expected, "{wildcard} {text}");
        }
    }

    #[test]
    fn malformed_wildcards_are_rejected_with_their_position() {
        for (wildcard, expected) in [
            ("a**b", "Consecutive wildcard characters at pos 2"),
            (r"\a", "Invalid escape character at pos 1"),
            (r"ab\", "Invalid escape character at pos 3"),
        ] {
            assert_eq!(Wildcard::parse(wildcard).unwrap_err(), expected);
        }
    }
}
