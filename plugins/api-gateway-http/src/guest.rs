//! Exports the plugin's functions as `lambkin:http-trigger`.

#![allow(unsafe_code, reason = "the export is a foreign function")]

use alloc::string::String;
use alloc::vec::Vec;

use bindings::lambkin::http_trigger::counters;
use http_event::contract::{self, Guest, Outcome, Problem, Request, Setup, Step, Surroundings};
use http_event::counters::Counters;

mod bindings {
    wit_bindgen::generate!({
        inline: "package plugin:counting; world counting { import lambkin:http-trigger/counters@0.2.0; }",
        path: ["../../wit/common", "../../wit/http-trigger"],
        generate_all,
    });
}

struct Plugin;

/// The host's counters.
struct HostCounters;

impl Counters for HostCounters {
    fn take_token(&self, key: &str, at_ms: u64, rate: f64, burst: u32) -> bool {
        counters::take_token(key, at_ms, rate, burst)
    }

    fn count(&self, key: &str, window: u64, limit: u64) -> bool {
        counters::count(key, window, limit)
    }
}

contract::export!(Plugin with_types_in contract);

impl Guest for Plugin {
    fn configure(config: String, surroundings: Surroundings) -> Result<Setup, Vec<Problem>> {
        crate::configure(&config, &surroundings)
    }

    fn shape(state: String, request: Request) -> Result<Step, String> {
        crate::shape(&state, &request, &HostCounters)
    }

    fn resume(
        state: String,
        token: String,
        outcome: Outcome,
        request: Option<Request>,
    ) -> Result<Step, String> {
        crate::resume(&state, &token, outcome, request.as_ref(), &HostCounters)
    }
}
