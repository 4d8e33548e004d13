//! The command lines of other emulators, read into what Lambkin runs.
//!
//! [`rie`] reads the flags and variables of AWS's Runtime Interface Emulator, [`docker_lambda`] those of docker-lambda.
//! Both take the variables as a value, so that reading has no side effects; what is read says what to run,
//! and the command of the same name runs it.

pub mod address;
pub mod docker_lambda;
pub mod rie;
mod variables;

use std::ffi::OsString;
use std::path::Path;

use lambkin_lambda::limits::EMULATOR_QUEUE;
use lambkin_lambda::{FunctionSpec, Lifecycle, RecursiveLoop};
pub use variables::Variables;

use crate::config::defaults;

/// The file name under which the program is RIE.
const RIE_PROGRAM: &str = "aws-lambda-rie";

/// What both originals have in common: one environment that is left alone, which they neither froze nor watched, and
/// calls that wait for it.
fn stand_in() -> FunctionSpec {
    FunctionSpec {
        exact_variables: true,
        concurrency: 1,
        queue: EMULATOR_QUEUE,
        recursive_loop: RecursiveLoop::Allow,
        lifecycle: Lifecycle {
            freeze: false,
            enforce_memory: false,
            ..Lifecycle::default()
        },
        ..defaults(String::new())
    }
}

/// The words after `lambkin rie`, or all words where the program is called as RIE. They are RIE's to read: the usual
/// argument parser would take flags that belong to the command. Only a request for help is left to it.
pub fn rie_words(arguments: impl IntoIterator<Item = OsString>) -> Option<Vec<OsString>> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next()?;
    let words = arguments.collect::<Vec<_>>();
    if Path::new(&program).file_name() == Some(RIE_PROGRAM.as_ref()) {
        return Some(words);
    }
    let (first, rest) = words.split_first()?;
    let wants_help = rest
        .first()
        .is_some_and(|word| word == "--help" || word == "-h");
    (first == "rie" && !wants_help).then(|| rest.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_rie_by_its_name_or_its_first_argument() {
        let words = |line: &str| rie_words(line.split(' ').map(OsString::from));
        let found = |line: &str| words(line).map(|words| words.join(" ".as_ref()));
        assert_eq!(
            found("/usr/local/bin/aws-lambda-rie node -v"),
            Some("node -v".into())
        );
        assert_eq!(found("lambkin rie -- node -v"), Some("-- node -v".into()));
        assert_eq!(words("aws-lambda-rie"), Some(Vec::new()));
        assert_eq!(words("lambkin serve"), None);
        assert_eq!(words("lambkin rie --help"), None);
        assert_eq!(words("lambkin"), None);
    }
}
