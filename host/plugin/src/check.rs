//! Checks of values that a plugin returned, for all roles.
//!
//! A plugin's values are not trusted even if they have the right types: an event may not be JSON, a state may have
//! gigabytes, a line may move the terminal's cursor. Each role's own `check` module takes a value and returns it,
//! usable, or a [`ContractError`]. The parts that all roles share are here.

use serde_json::value::RawValue;

use crate::error::{ConfigureError, ContractError, Problem};
use crate::limits;
use crate::surroundings::FunctionReference;
use crate::text::{escape, quote};

/// Refuses a configuration that is too long to be passed to a plugin.
pub(crate) fn config(config: &str) -> Result<(), ConfigureError> {
    let (size, max) = (config.len(), limits::CONFIG_BYTES);
    if size <= max {
        return Ok(());
    }
    Err(ConfigureError::Problems(vec![Problem {
        at: Vec::new(),
        message: format!(
            "it has {size} bytes as JSON, and may have {} KiB; make it shorter",
            max >> 10
        ),
    }]))
}

/// Checks the size of the state for later calls.
pub(crate) fn state(state: &str) -> Result<(), ContractError> {
    size("the state", state.len(), limits::STATE_BYTES)
}

/// Checks the size of lines for the operator, and makes them displayable.
pub(crate) fn lines(what: &str, lines: &[String]) -> Result<Vec<String>, ContractError> {
    let bytes = lines.iter().map(String::len).sum();
    size(what, bytes, limits::SUMMARY_BYTES)?;
    Ok(lines.iter().map(|line| escape(line)).collect())
}

/// Checks the name of a function, with its qualifier, and makes the path of keys displayable.
pub(crate) fn function(function: FunctionReference) -> Result<FunctionReference, ContractError> {
    let FunctionReference { name, at } = function;
    named("a function", &name, limits::FUNCTION_BYTES)?;
    let at = keys(&at)?;
    Ok(FunctionReference { name, at })
}

/// Checks the size of a path of keys, and makes it displayable.
pub(crate) fn keys(at: &[String]) -> Result<Vec<String>, ContractError> {
    let bytes = at.iter().map(String::len).sum();
    size("the path of keys", bytes, limits::CONFIG_BYTES)?;
    Ok(at.iter().map(|key| quote(key)).collect())
}

/// Checks that a name is one line of 1 to `max` bytes.
pub(crate) fn named(what: &str, name: &str, max: usize) -> Result<(), ContractError> {
    size(&format!("the name of {what}"), name.len(), max)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(format!("\"{}\" is not the name of {what}", quote(name)).into());
    }
    Ok(())
}

/// Checks that an event is JSON text.
pub(crate) fn event(event: &str) -> Result<(), ContractError> {
    match serde_json::from_str::<&RawValue>(event) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the event is not JSON: {error}: \"{}\"", quote(event)).into()),
    }
}

/// Checks a length.
pub(crate) fn size(what: &str, bytes: usize, max: usize) -> Result<(), ContractError> {
    if bytes > max {
        return Err(format!("{what} has {bytes} bytes, and may have {max}").into());
    }
    Ok(())
}

/// Checks that a number is within a range, both ends included.
pub(crate) fn within(what: &str, number: u64, min: u64, max: u64) -> Result<(), ContractError> {
    if (min..=max).contains(&number) {
        return Ok(());
    }
    Err(format!("{what} is {number}, and may be {min} to {max}").into())
}

/// Checks that there is at least one problem, and makes the problems displayable.
pub(crate) fn problems(problems: &[Problem]) -> Result<Vec<Problem>, ContractError> {
    if problems.is_empty() {
        return Err("it refuses the configuration without naming a problem".into());
    }
    Ok(problems.iter().map(displayable).collect())
}

/// The same problem as displayable text.
pub(crate) fn displayable(problem: &Problem) -> Problem {
    Problem {
        at: problem.at.iter().map(|key| quote(key)).collect(),
        message: quote(&problem.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_is_not_empty() {
        let named_function = |name: &str| {
            let reference = FunctionReference {
                name: name.to_owned(),
                at: Vec::new(),
            };
            function(reference).map(drop)
        };
        assert_eq!(named_function("orders:live"), Ok(()));
        assert_eq!(
            named_function("a\nb"),
            Err(r#""a\nb" is not the name of a function"#.into())
        );
        assert!(named_function("").is_err());
        assert_eq!(
            named("a queue", "abc", 2),
            Err("the name of a queue has 3 bytes, and may have 2".into())
        );
    }

    #[test]
    fn ranges_include_their_ends() {
        for number in [1, 10] {
            assert_eq!(within("the size", number, 1, 10), Ok(()));
        }
        for number in [0, 11] {
            assert!(within("the size", number, 1, 10).is_err(), "{number}");
        }
    }

    #[test]
    fn lines_for_the_operator_are_limited_and_displayable() {
        assert_eq!(
            lines("the summary", &["a\x1b[2J".into()]),
            Ok(vec![r"a\u{1b}[2J".into()])
        );
        let long = vec!["x".repeat(limits::SUMMARY_BYTES); 2];
        assert!(lines("the summary", &long).is_err());
    }
}
