//! The contract `lambkin:source`: types generated from its WIT file, where they are documented. They are the same in
//! the component and in the native tests; only `guest` exports them.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items are documented in the WIT file, and bindings call foreign functions"
)]

wit_bindgen::generate!({
    inline: "
        package lambkin:sqs-poll;
        world poll {
            export lambkin:source/poller@0.2.0;
        }
    ",
    path: ["../../wit/common", "../../wit/source"],
    world: "lambkin:sqs-poll/poll",
    generate_all,
    additional_derives: [PartialEq, Eq],
});

pub use exports::lambkin::source::poller::*;
pub use lambkin::common::types::AttributeValue;

impl From<plugin_kit::settings::Problem> for Problem {
    fn from(problem: plugin_kit::settings::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
            extra: Vec::new(),
        }
    }
}
