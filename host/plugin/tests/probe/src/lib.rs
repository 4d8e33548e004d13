//! A plugin that does what a request, a message or its configuration says: a service, a source, an HTTP trigger and a
//! batch trigger; or, with the feature `websocket`, a WebSocket trigger. These are two components, as a trigger whose
//! plugin is both would always be a WebSocket trigger.
//!
//! The tests use `../fixtures/probe.wasm` and `../fixtures/websocket-probe.wasm`. After a change here `plugins/build`
//! builds them again, as it does the built-in plugins.

#[cfg(not(feature = "websocket"))]
mod batch;
mod front_door;
mod http;
#[cfg(not(feature = "websocket"))]
mod log;
mod script;
#[cfg(not(feature = "websocket"))]
mod service;
#[cfg(not(feature = "websocket"))]
mod source;
#[cfg(not(feature = "websocket"))]
mod web;
#[cfg(feature = "websocket")]
mod websocket;

#[cfg(feature = "websocket")]
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../../../wit/common",
            "../../../../wit/http-trigger",
            "../../../../wit/websocket-trigger",
        ],
        world: "lambkin:websocket-trigger/websocket-trigger",
        generate_all,
    });
}

#[cfg(not(feature = "websocket"))]
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

#[cfg(not(feature = "websocket"))]
wasip2::http::proxy::export!(Probe);
bindings::export!(Probe with_types_in bindings);
