//! The settings of the service: it has none of its own, so that every key in its section is the host's or a mistake.

/// What the host reads of a service's section.
const HOSTS: [&str; 4] = ["plugin", "listen", "buckets", "queues"];

/// A mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of keys that leads to it.
    pub at: Vec<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Finds every mistake in what is left of the service's section, as JSON.
pub fn check(settings: &str) -> Vec<Problem> {
    let table = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(settings);
    match table {
        Err(error) => vec![Problem {
            at: Vec::new(),
            message: format!("the settings are no JSON object: {error}"),
        }],
        Ok(table) => table
            .keys()
            .map(|key| Problem {
                at: vec![key.clone()],
                message: match nearest(key) {
                    Some(name) => format!("unknown key `{key}`; did you mean `{name}`?"),
                    None => format!(
                        "unknown key `{key}`; the service s3 has no settings beside {}",
                        HOSTS.map(|name| format!("`{name}`")).join(", ")
                    ),
                },
            })
            .collect(),
    }
}

/// The name that was probably meant.
fn nearest(key: &str) -> Option<&'static str> {
    let key = key.to_lowercase().replace(['_', '-'], "");
    HOSTS
        .into_iter()
        .map(|name| (distance(&key, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, left) in (1..).zip(left.chars()) {
        let mut next = vec![line];
        for (pair, right) in row.windows(2).zip(&right) {
            let [diagonal, up] = pair else { continue };
            let before = next.last().copied().unwrap_or(line);
            let cost = diagonal + usize::from(left != *right);
            next.push(cost.min(up + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_is_fine() {
        assert_eq!(check("{}"), []);
    }

    #[test]
    fn a_mistyped_key_is_answered_with_the_nearest() {
        let problems = check(r#"{"bucket": ["*"], "colour": 1}"#);
        assert_eq!(problems[0].at, ["bucket"]);
        assert_eq!(
            problems[0].message,
            "unknown key `bucket`; did you mean `buckets`?"
        );
        assert!(
            problems[1]
                .message
                .starts_with("unknown key `colour`; the service s3 has no settings")
        );
    }

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
