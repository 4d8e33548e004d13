//! Exports the plugin's functions as `lambkin:http-trigger` and `lambkin:websocket-trigger`.

#![allow(unsafe_code, reason = "the exports are foreign functions")]

use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{self, Outcome, Problem, Request, Setup, Step, Surroundings};
use http_event::websocket::{
    self, Close, Connection, ConnectionInfo, Message, Occasion, SendError, WebsocketSetup,
    connections,
};

use crate::OpenConnections;

struct Plugin;

http_event::export_websocket_trigger!(Plugin);

impl contract::Guest for Plugin {
    fn configure(config: String, surroundings: Surroundings) -> Result<Setup, Vec<Problem>> {
        crate::configure(&config, &surroundings)
    }

    fn shape(state: String, request: Request) -> Result<Step, String> {
        crate::shape(&state, &request, &HostConnections)
    }

    fn resume(
        state: String,
        token: String,
        outcome: Outcome,
        request: Option<Request>,
    ) -> Result<Step, String> {
        crate::resume(&state, &token, outcome, request.as_ref())
    }
}

impl websocket::Guest for Plugin {
    fn websockets(state: String) -> Result<WebsocketSetup, String> {
        crate::websockets(&state)
    }

    fn receive(
        state: String,
        connection: Connection,
        occasion: Occasion,
        message: Message,
    ) -> Result<Step, String> {
        crate::receive(&state, &connection, &occasion, &message, &HostConnections)
    }

    fn disconnected(
        state: String,
        connection: Connection,
        occasion: Occasion,
        close: Close,
    ) -> Result<Step, String> {
        crate::disconnected(&state, &connection, &occasion, &close)
    }
}

/// The connections that the host provides.
struct HostConnections;

impl OpenConnections for HostConnections {
    fn get(&self, id: &str) -> Option<ConnectionInfo> {
        connections::get(id)
    }

    fn send(&self, id: &str, message: &Message) -> Result<(), SendError> {
        connections::send(id, message)
    }

    fn close(&self, id: &str, code: u16, reason: &str) -> bool {
        connections::close(id, code, reason)
    }
}
