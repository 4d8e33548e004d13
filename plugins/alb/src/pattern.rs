//! Patterns of listener rules: `*` stands for any characters or none, `?` for exactly one.

/// Whether a text matches a pattern as a whole. Upper and lower case differ.
pub fn matches(pattern: &str, text: &str) -> bool {
    matches_by(pattern, text, |a, b| a == b)
}

/// Like [`matches()`], except that upper and lower case of ASCII letters are the same.
pub fn matches_ignoring_case(pattern: &str, text: &str) -> bool {
    matches_by(pattern, text, |a, b| a.eq_ignore_ascii_case(&b))
}

/// Tries the shortest text for the last `*`, then longer ones. An earlier `*` never has to be tried again.
fn matches_by(pattern: &str, text: &str, same: impl Fn(char, char) -> bool) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // What follows the last `*`, and the text that is left if it stands for one more character.
    let mut retry = None;
    loop {
        let before = pattern.clone();
        match (pattern.next(), text.clone().next()) {
            (Some('*'), _) => retry = Some((pattern.clone(), text.clone())),
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '?' || same(wanted, found) => {
                text.next();
            }
            _ => {
                let Some((after, rest)) = &mut retry else {
                    return false;
                };
                if rest.next().is_none() {
                    return false;
                }
                drop(before);
                pattern = after.clone();
                text = rest.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "any/thing", true),
            ("/img/*", "/img/", true),
            ("/img/*", "/img", false),
            ("/img/*/pics", "/img/a/b/pics", true),
            ("/img/*/pics", "/img/a/b/pics/", false),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("/a?c", "/aéc", true),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxbxcx", false),
            ("**", "a", true),
            ("a*", "A", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(matches_ignoring_case("*.Example.com", "API.example.COM"));
        assert!(!matches_ignoring_case("*.Example.com", "example.com"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let (pattern, text) = ("*a".repeat(40), "a".repeat(2000) + "b");
        assert!(!matches(&pattern, &text));
    }
}
