//! The service's section of `lambkin.toml`, as far as it is the service's own.

use serde_json::Value;

use crate::service::limits::QUIET_SECONDS;

const RECREATE_DELAY: &str = "recreate-delay";
const PURGE_DELAY: &str = "purge-delay";
const KEYS: [&str; 2] = [RECREATE_DELAY, PURGE_DELAY];

/// How far the service keeps to AWS's waits, which tests can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Seconds after a queue's deletion before its name is free again.
    pub recreate_delay: u64,
    /// Seconds between two purges of a queue.
    pub purge_delay: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recreate_delay: QUIET_SECONDS,
            purge_delay: QUIET_SECONDS,
        }
    }
}

/// A mistake in the section.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// The keys that lead to it.
    pub at: Vec<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Reads the section, which has been checked before; a mistake leaves AWS's own value.
pub fn read(text: &str) -> Settings {
    if text.trim() == "{}" {
        return Settings::default();
    }
    parse(text).0
}

/// Finds every mistake.
pub fn check(text: &str) -> Vec<Problem> {
    parse(text).1
}

fn parse(text: &str) -> (Settings, Vec<Problem>) {
    let mut settings = Settings::default();
    let section = match serde_json::from_str(text) {
        Ok(Value::Object(section)) => section,
        _ => {
            let problem = Problem {
                at: Vec::new(),
                message: "the settings of the SQS service are not a table".to_owned(),
            };
            return (settings, vec![problem]);
        }
    };
    let mut problems = Vec::new();
    for (key, value) in &section {
        let target = match key.as_str() {
            RECREATE_DELAY => &mut settings.recreate_delay,
            PURGE_DELAY => &mut settings.purge_delay,
            _ => {
                problems.push(problem(key, unknown(key)));
                continue;
            }
        };
        match value.as_u64().filter(|seconds| *seconds <= QUIET_SECONDS) {
            Some(seconds) => *target = seconds,
            None => problems.push(problem(
                key,
                format!("{key} is {value}; it has to be seconds, from 0 to {QUIET_SECONDS}"),
            )),
        }
    }
    (settings, problems)
}

fn problem(key: &str, message: String) -> Problem {
    Problem {
        at: vec![key.to_owned()],
        message,
    }
}

fn unknown(key: &str) -> String {
    let nearest = KEYS
        .iter()
        .map(|known| (strsim::damerau_levenshtein(key, known), known))
        .filter(|(distance, known)| distance * 3 <= known.len())
        .min();
    match nearest {
        Some((_, known)) => {
            format!("the SQS service has no setting '{key}'; did you mean '{known}'?")
        }
        None => format!(
            "the SQS service has no setting '{key}'; there are {}",
            KEYS.join(" and ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        assert_eq!(read("{}"), Settings::default());
        let settings = read(r#"{"recreate-delay":0,"purge-delay":5}"#);
        assert_eq!((settings.recreate_delay, settings.purge_delay), (0, 5));
        assert_eq!(check(r#"{"recreate-delay":0,"purge-delay":60}"#), []);
    }

    #[test]
    fn every_mistake_is_found() {
        let problems = check(r#"{"purge-dealy":1,"recreate-delay":-1,"colour":"red"}"#);
        let messages: Vec<_> = problems.iter().map(|problem| &problem.message).collect();
        assert_eq!(
            messages,
            [
                "the SQS service has no setting 'colour'; there are recreate-delay and purge-delay",
                "the SQS service has no setting 'purge-dealy'; did you mean 'purge-delay'?",
                "recreate-delay is -1; it has to be seconds, from 0 to 60",
            ]
        );
        assert_eq!(check("[]").len(), 1);
    }
}
