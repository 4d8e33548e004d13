//! The contract's tokens of the steps that authorizers ask for.

use alloc::string::String;

/// The start of a token of a step that an authorizer asks for. A plugin's own tokens must not have it.
const MARK: &str = "authorizer ";

/// The token of a step.
pub fn token(progress: &str) -> String {
    [MARK, progress].concat()
}

/// How far an authorizer is, if the token is that of a step that it asked for.
pub fn progress_of(token: &str) -> Option<&str> {
    token.strip_prefix(MARK)
}
