//! Runs the golden cases in `tests/cases/api-gateway-rest`; see the crate `golden`.

use golden::http::{Functions, check};
use http_event::contract::{Outcome, Step};

#[test]
fn golden_cases_are_answered_as_recorded() {
    let functions = Functions {
        configure: crate::configure,
        shape: crate::shape,
        respond: |state, token, ending| {
            let outcome = Outcome {
                ending,
                at_ms: 0,
                cached: false,
                extra: Vec::new(),
            };
            match crate::resume(state, token, outcome, None)? {
                Step::Reply(response) => Ok(response),
                step => Err(format!("{step:?}")),
            }
        },
    };
    check("api-gateway-rest", functions);
}
