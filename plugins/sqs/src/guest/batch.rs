//! The trigger role: exports `lambkin:batch-trigger`.

use crate::batch;
use crate::batch::contract::{
    self, FunctionInfo, Guest, Invocation, Message, Outcome, Problem, Setup, Source, Verdict,
};

struct Trigger;

contract::export!(Trigger with_types_in contract);

impl Guest for Trigger {
    fn configure(
        config: String,
        source: Source,
        functions: Vec<FunctionInfo>,
    ) -> Result<Setup, Vec<Problem>> {
        batch::configure(&config, &source, &functions)
    }

    fn shape(state: String, messages: Vec<Message>) -> Result<Invocation, String> {
        batch::shape(&state, &messages)
    }

    fn settle(state: String, token: String, outcome: Outcome) -> Result<Vec<Verdict>, String> {
        batch::settle(&state, &token, &outcome)
    }
}
