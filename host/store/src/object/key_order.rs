//! The order of keys: by their bytes in UTF-8, which is the order of SQLite's index.

/// The first of all strings that come after `key`.
pub(super) fn just_after(key: &str) -> String {
    format!("{key}\0")
}

/// The first of all strings that come after those that start with `prefix`; `None` if there is none.
pub(super) fn after_all(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        // A range of characters skips the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_string_after_a_prefix_is_after_all_strings_with_the_prefix_and_before_the_rest() {
        for (prefix, after) in [
            ("a/", Some("a0")),
            ("a\u{10FFFF}", Some("b")),
            ("\u{D7FF}", Some("\u{E000}")),
            ("a\u{7F}", Some("a\u{80}")),
            ("\u{10FFFF}\u{10FFFF}", None),
            ("", None),
        ] {
            assert_eq!(after_all(prefix).as_deref(), after, "{prefix:?}");
        }
    }
}
