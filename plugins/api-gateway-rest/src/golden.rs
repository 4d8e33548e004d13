//! Runs the golden cases in `tests/cases/api-gateway-rest`; see the crate `golden`.

use golden::http::{Functions, check};

#[test]
fn golden_cases_are_answered_as_recorded() {
    let functions = Functions {
        configure: crate::configure,
        shape: crate::shape,
        respond: crate::respond,
    };
    check("api-gateway-rest", functions);
}
