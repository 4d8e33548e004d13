//! Runs the golden cases in `tests/cases/api-gateway-http`; see the crate `golden`.

use golden::http::{CountingFunctions, check_counting};

#[test]
fn golden_cases_are_answered_as_recorded() {
    let functions = CountingFunctions {
        configure: crate::configure,
        shape: crate::shape,
        resume: crate::resume,
    };
    check_counting("api-gateway-http", functions);
}
