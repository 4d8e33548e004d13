//! The contracts `lambkin:store` and `lambkin:service`: types generated from the WIT files, which document them.
//! They are the same in the component and in the native tests; only `guest` exports and calls them.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items are documented in the WIT files, and bindings call foreign functions"
)]

wit_bindgen::generate!({
    inline: "
        package lambkin:s3-service;
        world service {
            import lambkin:store/objects@0.1.0;
            export lambkin:service/settings@0.1.0;
            export lambkin:service/foreign-pages@0.1.0;
        }
    ",
    path: ["../../wit/store", "../../wit/service"],
    world: "lambkin:s3-service/service",
    generate_all,
    additional_derives: [PartialEq, Eq],
});

pub use exports::lambkin::service::settings;
pub use lambkin::store::objects;

impl From<plugin_kit::settings::Problem> for settings::Problem {
    fn from(problem: plugin_kit::settings::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
            extra: Vec::new(),
        }
    }
}
