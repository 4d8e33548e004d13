//! The settings of the service. It has none of its own, so every key in its section is the host's or a mistake.

use plugin_kit::settings::{self, Problems, Table};

use super::contract::settings::Problem;

/// The keys of a section that the host reads; one of them is suggested for a mistyped key.
const HOST_KEYS: [&str; 3] = ["plugin", "listen", "buckets"];

/// Returns every mistake in the service's section, which arrives as JSON without the host's own keys.
pub fn check(section: &str) -> Vec<Problem> {
    let check = || {
        let members = settings::parse(section)?;
        let mut problems = Problems::default();
        Table::root(&members).refuse_unknown(&HOST_KEYS, &[], &mut problems);
        problems.into_result(Some(()))
    };
    let problems = check().err().unwrap_or_default();
    problems.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_is_valid() {
        assert_eq!(check("{}"), []);
    }

    #[test]
    fn every_key_is_a_mistake() {
        let problems = check(r#"{"bucket": ["*"], "colour": 1}"#);
        let found: Vec<_> = problems
            .iter()
            .map(|problem| (problem.at.join("."), problem.message.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("bucket".to_owned(), "unknown key; did you mean `buckets`?"),
                (
                    "colour".to_owned(),
                    "unknown key; known are plugin, listen, buckets"
                ),
            ]
        );
    }
}
