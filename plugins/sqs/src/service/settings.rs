//! The service's own settings in its section of `lambkin.toml`.

use plugin_kit::settings::{self, Problem, Problems, Table};

use crate::service::limits::MIN_DELAY_SECONDS;

const RECREATE_DELAY: &str = "recreate-delay";
const PURGE_DELAY: &str = "purge-delay";

/// Delays that AWS imposes. They can be shortened, so that tests need not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Minimum time between deleting a queue and creating one with its name, in seconds.
    pub recreate_delay: u32,
    /// Minimum time between two purges of a queue, in seconds.
    pub purge_delay: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recreate_delay: MIN_DELAY_SECONDS,
            purge_delay: MIN_DELAY_SECONDS,
        }
    }
}

/// Reads settings that [`check`] has accepted; others give AWS's delays.
pub fn read(text: &str) -> Settings {
    parse(text).unwrap_or_default()
}

/// Returns every mistake in the settings.
pub fn check(text: &str) -> Vec<Problem> {
    parse(text).err().unwrap_or_default()
}

fn parse(text: &str) -> Result<Settings, Vec<Problem>> {
    let members = settings::parse(text)?;
    let table = Table::root(&members);
    let mut problems = Problems::default();
    table.refuse_unknown(&[RECREATE_DELAY, PURGE_DELAY], &[], &mut problems);
    let mut seconds = |key| {
        let given = table.integer(key, 0, MIN_DELAY_SECONDS, &mut problems);
        given.unwrap_or(MIN_DELAY_SECONDS)
    };
    let settings = Settings {
        recreate_delay: seconds(RECREATE_DELAY),
        purge_delay: seconds(PURGE_DELAY),
    };
    problems.into_result(Some(settings))
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
        let said = |problem: Problem| format!("{}: {}", problem.at.join("."), problem.message);
        assert_eq!(
            problems.into_iter().map(said).collect::<Vec<_>>(),
            [
                "colour: unknown key; known are recreate-delay, purge-delay",
                "purge-dealy: unknown key; did you mean `purge-delay`?",
                "recreate-delay: this must be a whole number from 0 to 60, not -1",
            ]
        );
        assert_eq!(check("[]").len(), 1);
    }
}
