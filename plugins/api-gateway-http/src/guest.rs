//! Exports the plugin's functions as `lambkin:http-trigger`.

#![allow(unsafe_code, reason = "the export is a foreign function")]

use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{self, Guest, Outcome, Problem, Request, Setup, Step, Surroundings};

struct Plugin;

contract::export!(Plugin with_types_in contract);

impl Guest for Plugin {
    fn configure(config: String, surroundings: Surroundings) -> Result<Setup, Vec<Problem>> {
        crate::configure(&config, &surroundings)
    }

    fn shape(state: String, request: Request) -> Result<Step, String> {
        crate::shape(&state, &request)
    }

    fn resume(
        state: String,
        token: String,
        outcome: Outcome,
        request: Option<Request>,
    ) -> Result<Step, String> {
        crate::resume(&state, &token, outcome, request.as_ref())
    }
}
