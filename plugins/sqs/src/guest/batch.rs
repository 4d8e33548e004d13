//! The trigger role: exports `lambkin:batch-trigger`.

use crate::batch;
use crate::batch::contract::{
    self, Guest, Invocation, Message, Outcome, Problem, Settlement, Setup, Source, Surroundings,
};

struct Trigger;

contract::export!(Trigger with_types_in contract);

impl Guest for Trigger {
    fn configure(
        config: String,
        surroundings: Surroundings,
        source: Source,
    ) -> Result<Setup, Vec<Problem>> {
        batch::configure(&config, &source, &surroundings.functions)
    }

    fn shape(state: String, messages: Vec<Message>) -> Result<Invocation, String> {
        batch::shape(&state, &messages)
    }

    fn settle(
        state: String,
        token: String,
        ids: Vec<String>,
        outcome: Outcome,
    ) -> Result<Settlement, String> {
        batch::settle(&state, &token, &ids, &outcome.ending)
    }
}
