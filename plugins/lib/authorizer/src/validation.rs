//! The regular expressions with which tokens are checked before the authorizer is asked.
//!
//! On failure: [`check`] says what is wrong with an expression; a token does not match one that is not valid. Without
//! the feature `regex` no expression is accepted: HTTP and WebSocket APIs have none.

use alloc::string::String;

/// Checks an expression.
///
/// # Errors
///
/// What is wrong with it, in one line.
#[cfg(feature = "regex")]
pub fn check(expression: &str) -> Result<(), String> {
    compile(expression).map(drop)
}

/// Whether a token matches an expression from its start, as SAM's emulation has it.
#[cfg(feature = "regex")]
pub fn is_match(expression: &str, token: &str) -> bool {
    compile(expression).is_ok_and(|pattern| pattern.matches(token))
}

#[cfg(feature = "regex")]
fn compile(expression: &str) -> Result<pattern::Pattern, String> {
    // First alone: a parenthesis must not close the group.
    pattern::Pattern::new(expression)?;
    pattern::Pattern::new(&alloc::format!("^(?:{expression})"))
}

#[cfg(not(feature = "regex"))]
pub fn check(_: &str) -> Result<(), String> {
    Err(String::from("they are not supported here"))
}

#[cfg(not(feature = "regex"))]
pub fn is_match(_: &str, _: &str) -> bool {
    false
}

#[cfg(all(test, feature = "regex"))]
mod tests {
    use super::*;

    #[test]
    fn a_token_matches_from_its_start() {
        for (expression, token, expected) in [
            ("Bearer [a-z]+", "Bearer abc", true),
            ("Bearer [a-z]+", "Bearer abc.1", true),
            ("^Bearer [a-z]+$", "Bearer abc.1", false),
            ("[a-z]+", "1a", false),
            (r"\w{3}", "äöü", false),
        ] {
            assert_eq!(
                is_match(expression, token),
                expected,
                "{expression} {token}"
            );
        }
        assert!(check("a(").is_err() && check("a)(b").is_err());
        assert!(check("a{1,2}").is_ok());
    }
}
