//! Runs the golden cases in `tests/cases/api-gateway-http`; see the crate `golden`.

use golden::http::{Functions, check};

#[test]
fn golden_cases_are_answered_as_recorded() {
    let functions = Functions {
        configure: |config, _| crate::configure(config),
        shape: crate::shape,
        respond: crate::respond,
    };
    check("api-gateway-http", functions);
}
