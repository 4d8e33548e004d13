//! Runs the golden cases in `tests/cases/api-gateway-http`; see the crate `golden`.

use golden::http::{Functions, check};

#[test]
fn golden_cases_are_answered_as_recorded() {
    let functions = Functions {
        configure: crate::configure,
        shape: crate::shape,
        resume: crate::resume,
    };
    check("api-gateway-http", functions);
}
