//! The contract `lambkin:object-trigger`: types generated from its WIT file, where they are documented. They are the
//! same in the component and in the native tests; only `guest` exports them.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items are documented in the WIT file, and bindings call foreign functions"
)]

wit_bindgen::generate!({
    inline: "
        package lambkin:s3-object;
        world object {
            export lambkin:object-trigger/object-shaper@0.2.0;
        }
    ",
    path: ["../../wit/common", "../../wit/object-trigger"],
    world: "lambkin:s3-object/object",
    generate_all,
    additional_derives: [PartialEq, Eq],
});

pub use exports::lambkin::object_trigger::object_shaper::*;

impl From<plugin_kit::settings::Problem> for Problem {
    fn from(problem: plugin_kit::settings::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
            extra: Vec::new(),
        }
    }
}
