//! The contract `lambkin:batch-trigger`: types generated from its WIT file, where they are documented. They are the
//! same in the component and in the native tests; only `guest` exports them.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items are documented in the WIT file, and bindings call foreign functions"
)]

use crate::attribute;

wit_bindgen::generate!({
    inline: "
        package lambkin:sqs-batch;
        world batch {
            export lambkin:batch-trigger/batch-shaper@0.2.0;
        }
    ",
    path: ["../../wit/common", "../../wit/batch-trigger"],
    world: "lambkin:sqs-batch/batch",
    generate_all,
    additional_derives: [PartialEq, Eq],
});

pub use exports::lambkin::batch_trigger::batch_shaper::*;
pub use lambkin::common::types::{AttributeValue, FunctionInfo};

impl<'a> From<&'a Attribute> for attribute::Attribute<'a> {
    fn from(attribute: &'a Attribute) -> Self {
        Self {
            name: &attribute.name,
            data_type: &attribute.data_type,
            value: match &attribute.value {
                AttributeValue::Text(text) => attribute::Value::Text(text),
                AttributeValue::Binary(bytes) => attribute::Value::Binary(bytes),
            },
        }
    }
}

impl From<plugin_kit::settings::Problem> for Problem {
    fn from(problem: plugin_kit::settings::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
            extra: Vec::new(),
        }
    }
}
