//! The settings of the service.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `verify-signatures` | whether signatures are verified, and requests without one are refused | `true` |
//! | `credentials` | the secrets of access keys, by access key | `{ test = "test" }` |

use plugin_kit::settings::{self, Problems, Table};
use serde::Deserialize;

use super::contract::settings::Problem;

/// The keys of a section. The last three are the host's, and do not arrive here; one of them may be suggested for a
/// mistyped key.
const KEYS: [&str; 5] = [
    "verify-signatures",
    "credentials",
    "plugin",
    "listen",
    "buckets",
];

/// The settings of the service, which [`check`] has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Settings {
    /// Whether signatures are verified, and requests without one are refused.
    pub verify_signatures: bool,
    /// Access keys and their secrets.
    credentials: std::collections::BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            verify_signatures: true,
            credentials: [("test".to_owned(), "test".to_owned())].into(),
        }
    }
}

impl Settings {
    /// Reads the settings that the host passes to each request.
    pub fn read(section: &str) -> Self {
        serde_json::from_str(section).unwrap_or_default()
    }

    /// The secret of an access key, if it is known.
    pub fn secret(&self, access_key: &str) -> Option<&str> {
        self.credentials.get(access_key).map(String::as_str)
    }
}

/// Returns every mistake in the service's section, which arrives as JSON without the host's own keys.
pub fn check(section: &str) -> Vec<Problem> {
    let check = || {
        let members = settings::parse(section)?;
        let mut problems = Problems::default();
        let table = Table::root(&members);
        table.refuse_unknown(&KEYS, &[], &mut problems);
        table.boolean("verify-signatures", &mut problems);
        if let Some(value) = table.get("credentials") {
            let secrets = value.as_object();
            let is_pair = |(key, secret): (&String, &serde_json::Value)| {
                !key.is_empty() && secret.as_str().is_some_and(|secret| !secret.is_empty())
            };
            if !secrets.is_some_and(|secrets| secrets.iter().all(is_pair)) {
                let rule = "this must be a table of access keys and their secrets, such as { test = \"test\" }";
                problems.add(table.path_of("credentials"), rule);
            }
        }
        problems.into_result(Some(()))
    };
    let problems = check().err().unwrap_or_default();
    problems.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(section: &str) -> Vec<(String, String)> {
        check(section)
            .into_iter()
            .map(|problem| (problem.at.join("."), problem.message))
            .collect()
    }

    #[test]
    fn an_empty_section_verifies_signatures_of_test() {
        assert_eq!(check("{}"), []);
        let settings = Settings::read("{}");
        assert!(settings.verify_signatures);
        assert_eq!(settings.secret("test"), Some("test"));
        assert_eq!(settings.secret("AKID"), None);
    }

    #[test]
    fn settings_are_read() {
        let section = r#"{"verify-signatures": false, "credentials": {"AKID": "secret"}}"#;
        assert_eq!(check(section), []);
        let settings = Settings::read(section);
        assert!(!settings.verify_signatures);
        assert_eq!(settings.secret("AKID"), Some("secret"));
        assert_eq!(settings.secret("test"), None);
    }

    #[test]
    fn mistakes_are_described() {
        let found = problems(
            r#"{"bucket": ["*"], "verify-signature": 1, "verify-signatures": 1, "credentials": {"a": 1}}"#,
        );
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(at, message)| (at.as_str(), message.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("bucket", "unknown key; did you mean `buckets`?"),
                (
                    "verify-signature",
                    "unknown key; did you mean `verify-signatures`?"
                ),
                ("verify-signatures", "this must be true or false, not 1"),
                (
                    "credentials",
                    "this must be a table of access keys and their secrets, such as { test = \"test\" }"
                ),
            ]
        );
    }
}
