//! The environment variables that an emulator was started with, and what it passes to the runtime.
//!
//! Emulators made for containers pass their whole environment to the runtime. Lambkin does the same when it replaces
//! one, apart from credentials that are set and empty: these would keep an SDK from using other sources of credentials.

use std::collections::BTreeMap;

use anyhow::Context;
use lambkin_lambda::limits::MAX_TIMEOUT;
use std::time::Duration;

/// Variables that are not passed on if they are empty.
const CREDENTIALS: [&str; 6] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
];

/// A set of environment variables.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The variables of this process, without those that are not UTF-8.
    pub fn of_this_program() -> Self {
        let texts = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        Self(texts.collect())
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Whether a variable is set, even if it is empty.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The value of a variable, or `default` if it is not set or empty.
    pub fn get_or(&self, key: &str, default: &str) -> String {
        self.get(key).unwrap_or(default).to_owned()
    }

    /// The value of a variable as a whole number, or `default` if it is not set or empty. `unit` is for the error
    /// message.
    pub fn number<T: std::str::FromStr>(
        &self,
        key: &str,
        unit: &str,
        default: T,
    ) -> anyhow::Result<T> {
        let Some(text) = self.get(key) else {
            return Ok(default);
        };
        text.parse()
            .ok()
            .with_context(|| format!("{key} must be a whole number {unit}, not {text:?}"))
    }

    /// The function's timeout, from `AWS_LAMBDA_FUNCTION_TIMEOUT` in seconds.
    pub fn timeout(&self, default: u64) -> anyhow::Result<Duration> {
        const KEY: &str = "AWS_LAMBDA_FUNCTION_TIMEOUT";
        let seconds = self.number(KEY, "of seconds", default)?;
        anyhow::ensure!(
            (1..=MAX_TIMEOUT.as_secs()).contains(&seconds),
            "{KEY} must be from 1 to {} seconds, not {seconds}",
            MAX_TIMEOUT.as_secs()
        );
        Ok(Duration::from_secs(seconds))
    }

    /// Sets a variable.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Sets a variable, unless it is set.
    pub fn set_default(&mut self, key: &str, value: impl Into<String>) {
        self.0.entry(key.to_owned()).or_insert_with(|| value.into());
    }

    /// The variables to pass to a runtime.
    pub fn for_a_runtime(mut self) -> BTreeMap<String, String> {
        self.0
            .retain(|key, value| !(value.is_empty() && CREDENTIALS.contains(&key.as_str())));
        self.0
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Variables {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let owned = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self(owned.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_credentials_are_not_passed_on_and_other_empty_variables_are() {
        let variables = Variables::from([
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SESSION_TOKEN", "t"),
            ("MINE", ""),
        ]);
        let kept = variables.for_a_runtime();
        assert_eq!(
            kept.keys().collect::<Vec<_>>(),
            ["AWS_SESSION_TOKEN", "MINE"]
        );
    }

    #[test]
    fn a_timeout_is_a_whole_number_of_seconds() {
        let timeout = |text: &str| {
            let read = Variables::from([("AWS_LAMBDA_FUNCTION_TIMEOUT", text)]).timeout(300);
            read.map_err(|error| error.to_string())
        };
        assert_eq!(timeout(""), Ok(Duration::from_secs(300)));
        assert_eq!(timeout("3"), Ok(Duration::from_secs(3)));
        let error = |text: &str| timeout(text).unwrap_err();
        assert_eq!(
            error("3s"),
            "AWS_LAMBDA_FUNCTION_TIMEOUT must be a whole number of seconds, not \"3s\""
        );
        assert_eq!(
            error("0"),
            "AWS_LAMBDA_FUNCTION_TIMEOUT must be from 1 to 900 seconds, not 0"
        );
    }
}
