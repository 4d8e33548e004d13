//! A service and a source that do what the path of a request, or a configuration, says.
//!
//! The tests use the component `../fixtures/probe.wasm`, which this is the source of. After a change here `plugins/build`
//! builds it again, as it does the built-in plugins.

mod service;
mod source;
mod web;

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package lambkin:probe;
            world probe {
                import lambkin:store/queues@0.1.0;
                import lambkin:store/objects@0.1.0;
                export lambkin:service/settings@0.1.0;
                export lambkin:source/poller@0.2.0;
            }
        ",
        path: [
            "../../../../wit/common",
            "../../../../wit/store",
            "../../../../wit/service",
            "../../../../wit/source",
        ],
        world: "lambkin:probe/probe",
        generate_all,
    });
}

struct Probe;

wasip2::http::proxy::export!(Probe);
bindings::export!(Probe with_types_in bindings);
