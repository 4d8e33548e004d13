//! Runs the golden cases in `tests/cases/function-url`; see the crate `golden`.

use golden::http::{Functions, check};
use http_event::contract::Step;

#[test]
fn golden_cases_are_answered_as_recorded() {
    let functions = Functions {
        configure: crate::configure,
        shape: crate::shape,
        resume: |state, token, outcome, _| {
            crate::respond(state, token, outcome.ending).map(Step::Reply)
        },
    };
    check("function-url", functions);
}
