//! Checking what a plugin returned: what all roles have in common.
//!
//! A plugin's values are untrusted even where they have the right types: an event may be no JSON, a state may have
//! gigabytes, a line may move the terminal's cursor. Each role's own `check` takes a value and gives it back as it may be
//! used, or says in the words of the contract what is wrong with it; the pieces for that are here, and the way from
//! what is wrong to an error.

use std::time::Instant;

use serde_json::value::RawValue;

use crate::call::CallContext;
use crate::error::{CallError, ConfigureError, GuestError, PluginError, Problem};
use crate::limits;
use crate::text::{escape, quote};

/// What is wrong with a result, to complete the sentence "its result is not valid: …".
pub(crate) type Invalid = String;

/// Refuses a configuration that is too long to be handed to a plugin.
pub(crate) fn config(config: &str) -> Result<(), ConfigureError> {
    let (size, bound) = (config.len(), limits::CONFIG_BYTES >> 10);
    if size <= limits::CONFIG_BYTES {
        return Ok(());
    }
    Err(ConfigureError::Problems(vec![Problem {
        at: Vec::new(),
        message: format!("it has {size} bytes as JSON, and may have {bound} KiB; make it shorter"),
    }]))
}

/// Checks the state for later calls, and makes the summary fit to be shown.
pub(crate) fn understood(state: &str, summary: &[String]) -> Result<Vec<String>, Invalid> {
    size("the state", state.len(), limits::STATE_BYTES)?;
    lines("the summary", summary)
}

/// Checks the size of lines for the operator, and makes them fit to be shown.
pub(crate) fn lines(what: &str, lines: &[String]) -> Result<Vec<String>, Invalid> {
    let bytes = lines.iter().map(String::len).sum();
    size(what, bytes, limits::SUMMARY_BYTES)?;
    Ok(lines.iter().map(|line| escape(line)).collect())
}

/// Checks the name of a function, with its qualifier.
pub(crate) fn function(name: &str) -> Result<(), Invalid> {
    named("a function", name, limits::FUNCTION_BYTES)
}

/// Checks that something can be a name of so many bytes: that it is there, and one line.
pub(crate) fn named(what: &str, name: &str, bound: usize) -> Result<(), Invalid> {
    size(&format!("the name of {what}"), name.len(), bound)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(format!("\"{}\" is not the name of {what}", quote(name)));
    }
    Ok(())
}

/// Checks that an event is JSON text.
pub(crate) fn event(event: &str) -> Result<(), Invalid> {
    match serde_json::from_str::<&RawValue>(event) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "the event is not JSON: {error}: \"{}\"",
            quote(event)
        )),
    }
}

/// Checks a length.
pub(crate) fn size(what: &str, bytes: usize, bound: usize) -> Result<(), Invalid> {
    if bytes > bound {
        return Err(format!("{what} has {bytes} bytes, and may have {bound}"));
    }
    Ok(())
}

/// Checks that a number is within bounds, both included.
pub(crate) fn within(what: &str, number: u64, least: u64, most: u64) -> Result<(), Invalid> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(format!("{what} is {number}, and may be {least} to {most}"))
}

/// Makes the plugin's words fit to be shown; at least one problem has to be there.
fn problems(problems: Vec<Problem>) -> Result<Vec<Problem>, Invalid> {
    if problems.is_empty() {
        return Err("it refuses the configuration without naming a problem".into());
    }
    let shown = |Problem { at, message }: &Problem| Problem {
        at: at.iter().map(|key| quote(key)).collect(),
        message: quote(message),
    };
    Ok(problems.iter().map(shown).collect())
}

/// What became of a `configure`: its checked result, or the problems that the plugin found.
pub(crate) fn configured<T>(
    result: Result<Result<T, Invalid>, Vec<Problem>>,
    context: &CallContext<'_>,
    start: Instant,
) -> Result<T, ConfigureError> {
    match result {
        Ok(setup) => Ok(valid(setup, context, start)?),
        Err(found) => Err(ConfigureError::Problems(valid(
            problems(found),
            context,
            start,
        )?)),
    }
}

/// The plugin's typed error as a failure.
pub(crate) fn granted<T>(
    result: Result<T, String>,
    context: &CallContext<'_>,
    start: Instant,
) -> Result<T, PluginError> {
    result.map_err(|message| context.error(start, CallError::Reported(quote(&message))))
}

/// A broken contract as a failure.
pub(crate) fn valid<T>(
    checked: Result<T, Invalid>,
    context: &CallContext<'_>,
    start: Instant,
) -> Result<T, PluginError> {
    checked.map_err(|reason| context.error(start, CallError::Guest(GuestError::Invalid(reason))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_is_there() {
        assert_eq!(function("orders:live"), Ok(()));
        assert_eq!(
            function("a\nb"),
            Err(r#""a\nb" is not the name of a function"#.into())
        );
        assert!(function("").is_err());
        assert_eq!(
            named("a queue", "abc", 2),
            Err("the name of a queue has 3 bytes, and may have 2".into())
        );
    }

    #[test]
    fn bounds_are_included() {
        for number in [1, 10] {
            assert_eq!(within("the size", number, 1, 10), Ok(()));
        }
        for number in [0, 11] {
            assert!(within("the size", number, 1, 10).is_err(), "{number}");
        }
    }

    #[test]
    fn a_summary_is_bounded_and_can_be_shown() {
        assert_eq!(
            understood("", &["a\x1b[2J".into()]),
            Ok(vec![r"a\u{1b}[2J".into()])
        );
        let long = vec!["x".repeat(limits::SUMMARY_BYTES); 2];
        assert!(understood("", &long).is_err());
    }
}
