//! The known key a mistyped one most likely meant.

use alloc::vec::Vec;

/// The nearest of `known`, if it is near enough to be worth a question. Underscores for dashes and capitals cost
/// nothing.
pub fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key: Vec<_> = key
        .chars()
        .map(|char| {
            if char == '_' {
                '-'
            } else {
                char.to_ascii_lowercase()
            }
        })
        .collect();
    let (distance, nearest) = known
        .iter()
        .map(|candidate| (distance(&key, candidate), *candidate))
        .min()?;
    (distance <= 1 + nearest.len() / 4).then_some(nearest)
}

/// How many characters must be put in, left out or replaced to make one text the other.
fn distance(left: &[char], right: &str) -> usize {
    let mut row: Vec<usize> = (0..=left.len()).collect();
    for (index, right) in right.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, left) in row.iter_mut().skip(1).zip(left) {
            let replaced = diagonal + usize::from(*left != right);
            diagonal = *cell;
            before = replaced.min(before + 1).min(diagonal + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        for (left, right, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("routes", "route", 1),
            ("ab", "ba", 2),
        ] {
            assert_eq!(
                distance(&left.chars().collect::<Vec<_>>(), right),
                expected,
                "{left} {right}"
            );
        }
    }

    #[test]
    fn only_near_keys_are_suggested() {
        let known = ["routes", "payload-format-version", "cors"];
        assert_eq!(nearest("route", &known), Some("routes"));
        assert_eq!(
            nearest("Payload_Format_Version", &known),
            Some("payload-format-version")
        );
        assert_eq!(nearest("payload-version", &known), None);
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &[]), None);
    }
}
