//! A plugin that does what a request or its configuration says: a service, a source, an HTTP trigger and a batch
//! trigger.
//!
//! The tests use the component `../fixtures/probe.wasm`, which this is the source of. After a change here `plugins/build`
//! builds it again, as it does the built-in plugins.

mod batch;
mod front_door;
mod http;
mod log;
mod script;
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
                export lambkin:http-trigger/http-shaper@0.2.0;
                export lambkin:batch-trigger/batch-shaper@0.2.0;
            }
        ",
        path: [
            "../../../../wit/common",
            "../../../../wit/store",
            "../../../../wit/service",
            "../../../../wit/source",
            "../../../../wit/http-trigger",
            "../../../../wit/batch-trigger",
        ],
        world: "lambkin:probe/probe",
        generate_all,
    });
}

struct Probe;

wasip2::http::proxy::export!(Probe);
bindings::export!(Probe with_types_in bindings);
