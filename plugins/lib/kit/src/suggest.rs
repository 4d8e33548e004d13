//! The known name a mistyped one most likely meant.

/// The nearest of `known`, if it is near enough to be worth a question. Capitals, dashes and underscores cost nothing:
/// `batch-size` is `BatchSize`.
pub fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    let typed = letters(typed);
    let (distance, length, nearest) = known
        .iter()
        .map(|candidate| {
            let letters = letters(candidate);
            (distance(&typed, &letters), letters.len(), *candidate)
        })
        .min_by_key(|(distance, ..)| *distance)?;
    (distance <= 1 + length / 4).then_some(nearest)
}

fn letters(name: &str) -> Vec<char> {
    name.chars()
        .filter(|char| !matches!(char, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many characters must be put in, left out or replaced to make one text the other.
fn distance(left: &[char], right: &[char]) -> usize {
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
    fn distances_are_levenshteins() {
        for (left, right, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            let left: Vec<_> = left.chars().collect();
            let right: Vec<_> = right.chars().collect();
            assert_eq!(distance(&left, &right), expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["BatchSize", "FilterCriteria", "event-version"];
        for (typed, expected) in [
            ("batch-size", Some("BatchSize")),
            ("BATCH_SIZE", Some("BatchSize")),
            ("BatchSise", Some("BatchSize")),
            ("FilterCriterion", Some("FilterCriteria")),
            ("eventVersion", Some("event-version")),
            ("Batch", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(typed, &known), expected, "{typed}");
        }
        assert_eq!(nearest("", &[]), None);
    }
}
