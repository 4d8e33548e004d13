//! The contracts `lambkin:store` and `lambkin:service`: types generated from their WIT files, where they are
//! documented. They are the same in the component and in the native tests; only `guest` exports and calls them.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items are documented in the WIT files, and bindings call foreign functions"
)]

use crate::attribute;

wit_bindgen::generate!({
    inline: "
        package lambkin:sqs-service;
        world service {
            import lambkin:store/queues@0.1.0;
            export lambkin:service/settings@0.1.0;
        }
    ",
    path: ["../../wit/store", "../../wit/service"],
    world: "lambkin:sqs-service/service",
    generate_all,
    additional_derives: [PartialEq, Eq],
});

pub use exports::lambkin::service::settings;
pub use lambkin::store::queues;

use queues::{Attribute, Value};

impl<'a> From<&'a Attribute> for attribute::Attribute<'a> {
    fn from(attribute: &'a Attribute) -> Self {
        Self {
            name: &attribute.name,
            data_type: &attribute.data_type,
            value: match &attribute.value {
                Value::Text(text) => attribute::Value::Text(text),
                Value::Binary(bytes) => attribute::Value::Binary(bytes),
            },
        }
    }
}

impl From<plugin_kit::settings::Problem> for settings::Problem {
    fn from(problem: plugin_kit::settings::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
            extra: Vec::new(),
        }
    }
}
