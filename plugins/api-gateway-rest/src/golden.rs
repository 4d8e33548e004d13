//! Runs the golden cases in `tests/cases/api-gateway-rest`; see the crate `golden`.

use golden::counters;
use golden::http::{Functions, check};

#[test]
fn golden_cases_are_answered_as_recorded() {
    let functions = Functions {
        configure: |config, surroundings| {
            counters::with(counters::MemoryCounters::clear);
            crate::configure(config, surroundings)
        },
        shape: |state, request| counters::with(|all| crate::shape(state, request, all)),
        resume: |state, token, outcome, request| {
            counters::with(|all| crate::resume(state, token, outcome, request, all))
        },
    };
    check("api-gateway-rest", functions);
}
