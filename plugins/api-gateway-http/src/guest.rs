//! Exports the plugin's functions as `lambkin:http-trigger`.

#![allow(unsafe_code, reason = "the export is a foreign function")]

use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{self, Decision, Guest, Outcome, Problem, Request, Response, Setup};

struct Plugin;

contract::export!(Plugin with_types_in contract);

impl Guest for Plugin {
    fn configure(config: String) -> Result<Setup, Vec<Problem>> {
        crate::configure(&config)
    }

    fn shape(state: String, request: Request) -> Result<Decision, String> {
        crate::shape(&state, &request)
    }

    fn respond(state: String, token: String, outcome: Outcome) -> Result<Response, String> {
        crate::respond(&state, &token, outcome)
    }
}
