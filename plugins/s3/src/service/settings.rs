//! The settings of the service: it has none of its own, so that every key in its section is the host's or a mistake.

use plugin_kit::settings::{self, Problems, Table};

pub use plugin_kit::settings::Problem;

/// What the host reads of a service's section: what a mistyped key may have been meant to be.
const HOSTS: [&str; 3] = ["plugin", "listen", "buckets"];

/// Finds every mistake in what is left of the service's section, as JSON.
pub fn check(settings: &str) -> Vec<Problem> {
    let members = match settings::parse(settings) {
        Ok(members) => members,
        Err(problems) => return problems,
    };
    let mut problems = Problems::default();
    Table::root(&members).refuse_unknown(&HOSTS, &[], &mut problems);
    problems.into_result(Some(())).err().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_is_fine() {
        assert_eq!(check("{}"), []);
    }

    #[test]
    fn every_key_is_a_mistake() {
        let problems = check(r#"{"bucket": ["*"], "colour": 1}"#);
        let told: Vec<_> = problems
            .iter()
            .map(|problem| (problem.at.join("."), problem.message.as_str()))
            .collect();
        assert_eq!(
            told,
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
