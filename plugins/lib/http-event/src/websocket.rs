//! The contract `lambkin:websocket-trigger`: types generated from its WIT file, where they are documented. A component
//! implements [`Guest`] beside [`contract::Guest`](crate::contract::Guest), and exports both with the macro
//! [`export_websocket_trigger!`](crate::export_websocket_trigger).

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items are documented in the WIT file, and bindings call foreign functions"
)]

// Steps are the types of `contract`, which a component exports there: `http-shaper` is no part of this world.
wit_bindgen::generate!({
    inline: "
        package lambkin:plugin;
        world messages {
            import lambkin:websocket-trigger/connections@0.2.0;
            export lambkin:websocket-trigger/websocket-shaper@0.2.0;
        }
    ",
    world: "lambkin:plugin/messages",
    path: ["../../../wit/common", "../../../wit/http-trigger", "../../../wit/websocket-trigger"],
    with: {
        "lambkin:common/types@0.2.0": crate::contract::lambkin::common::types,
        "lambkin:http-trigger/http-shaper@0.2.0": crate::contract,
    },
    generate_all,
    additional_derives: [PartialEq, Eq],
    pub_export_macro: true,
    export_macro_name: "export_websocket",
    default_bindings_module: "http_event::websocket",
});

/// Exports a type as a WebSocket trigger.
#[macro_export]
macro_rules! export_websocket_trigger {
    ($plugin:ident) => {
        // In this order: the linker takes the world of the last macro first, and the types of steps are those of
        // `contract`.
        $crate::websocket::export_websocket!($plugin with_types_in $crate::websocket);
        $crate::contract::export!($plugin with_types_in $crate::contract);
    };
}

pub use exports::lambkin::websocket_trigger::websocket_shaper::*;
pub use lambkin::websocket_trigger::connections::{self, ConnectionInfo, SendError};

/// What a request for a connection has in `extra`.
pub const REQUESTED: &str = "websocket";
/// The keys of `extra` of the reply that opens a connection.
pub const CONNECTION_ID: &str = "connection-id";
/// See [`CONNECTION_ID`].
pub const CONNECTION_DATA: &str = "connection-data";
