//! Runs the golden cases in `tests/cases/function-url`; see the crate `golden`.

use golden::http::{Functions, check};

#[test]
fn golden_cases_are_answered_as_recorded() {
    let functions = Functions {
        configure: crate::configure,
        shape: crate::shape,
        respond: crate::respond,
    };
    check("function-url", functions);
}
