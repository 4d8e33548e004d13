//! The known name that a mistyped one most likely stands for.
//!
//! The distance is computed here rather than by the crate `strsim`, which needs the standard library: with it, a
//! component takes a quarter more time per call (see the crate `http-event`, `component`).

use alloc::vec::Vec;

/// The nearest of `known`, if it is near enough to be suggested: at most a third of the longer name's characters,
/// rounded up, are inserted, deleted or replaced. Case, dashes and underscores do not count: `batch-size` is
/// `BatchSize`.
pub fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    let typed = letters(typed);
    known
        .iter()
        .map(|name| (letters(name), *name))
        .map(|(letters, name)| {
            let max_distance = letters.len().max(typed.len()).div_ceil(3);
            (distance(&typed, &letters), max_distance, name)
        })
        .filter(|(distance, max_distance, _)| distance <= max_distance)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., name)| name)
}

fn letters(name: &str) -> Vec<char> {
    name.chars()
        .filter(|char| !matches!(char, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The Levenshtein distance: how many characters must be inserted, deleted or replaced to turn one text into the other.
fn distance(left: &[char], right: &[char]) -> usize {
    // The distances of every start of `left` from the part of `right` seen so far.
    let mut row: Vec<usize> = (0..=left.len()).collect();
    for (index, right) in right.iter().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, left) in row.iter_mut().skip(1).zip(left) {
            let replaced = diagonal + usize::from(left != right);
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
    fn distances_are_those_of_levenshtein() {
        for (left, right, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("routes", "route", 1),
            ("ab", "ba", 2),
        ] {
            let left: Vec<_> = left.chars().collect();
            let right: Vec<_> = right.chars().collect();
            assert_eq!(distance(&left, &right), expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn only_similar_names_are_suggested() {
        let known = [
            "BatchSize",
            "FilterCriteria",
            "event-version",
            "payload-format-version",
            "cors",
        ];
        for (typed, expected) in [
            ("batch-size", Some("BatchSize")),
            ("BATCH_SIZE", Some("BatchSize")),
            ("BatchSise", Some("BatchSize")),
            ("FilterCriterion", Some("FilterCriteria")),
            ("eventVersion", Some("event-version")),
            ("Payload_Format_Version", Some("payload-format-version")),
            ("payload-version", Some("payload-format-version")),
            ("Batch", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(typed, &known), expected, "{typed}");
        }
        assert_eq!(nearest("", &[]), None);
    }
}
