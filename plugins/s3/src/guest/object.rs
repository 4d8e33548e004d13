//! The trigger role: exports `lambkin:object-trigger`.

#![allow(unsafe_code, reason = "the export is a foreign function")]

use crate::object;
use crate::object::contract::{self, Bucket, Change, Guest, Problem, Setup, Surroundings};

struct Trigger;

contract::export!(Trigger with_types_in contract);

impl Guest for Trigger {
    fn configure(
        config: String,
        surroundings: Surroundings,
        bucket: Bucket,
    ) -> Result<Setup, Vec<Problem>> {
        object::configure(&config, &surroundings.region, &bucket)
    }

    fn shape(state: String, change: Change) -> Result<Option<String>, String> {
        object::shape(&state, &change)
    }
}
