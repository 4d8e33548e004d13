//! Messages and ends of connections: their routes and events.
//!
//! On failure: a message without a route has the answer `Forbidden`, and a binary one that its route does not take ends the
//! connection with code 1003.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::apigw_id::{id_from, request_id};
use http_event::contract::{Invocation, InvocationMode, Response, ResponseBody, Step};
use http_event::websocket::{Close, Connection, Message, Occasion};

use crate::data::Data;
use crate::event::Context;
use crate::gateway_error::GatewayError;
use crate::management::OpenConnections;
use crate::selection::select;
use crate::state::{DEFAULT, DISCONNECT, Route, State};
use crate::token::{Purpose, Token};

/// The close code for a message of a kind that is not accepted.
const UNSUPPORTED_DATA: u16 = 1003;

const NOT_OURS: &str = "the state or the data was not written by this plugin";

/// Decides what to do with a message.
///
/// # Errors
///
/// `state` or the connection's data was not written by this plugin.
pub fn receive(
    state: &str,
    connection: &Connection,
    occasion: &Occasion,
    message: &Message,
    connections: &dyn OpenConnections,
) -> Result<Step, String> {
    let state = State::read(state).ok_or(NOT_OURS)?;
    let data = Data::read(&connection.data).ok_or(NOT_OURS)?;
    let request_id = request_id(&occasion.id);
    let Some(route) = route(&state, message) else {
        let text = GatewayError::Forbidden.message(&connection.id, &request_id);
        return Ok(reply(ResponseBody::Text(text)));
    };
    if matches!(message, Message::Binary(_)) && !route.accepts_binary {
        connections.close(&connection.id, UNSUPPORTED_DATA, "");
        return Ok(reply(ResponseBody::Empty));
    }
    let context = Context {
        state: &state,
        route_key: route.key,
        connection_id: &connection.id,
        connected_at_ms: connection.connected_at_ms,
        data,
        request_id: &request_id,
        at_ms: occasion.at_ms,
    };
    let event = context.message(&id_from(&occasion.id, 5), message);
    let purpose = Purpose::Message {
        has_response: route.has_response,
    };
    Ok(invoke(&route, event, purpose, &connection.id, &request_id))
}

/// Decides what to do when a connection has ended.
///
/// # Errors
///
/// The same as for [`receive`].
pub fn disconnected(
    state: &str,
    connection: &Connection,
    occasion: &Occasion,
    close: &Close,
) -> Result<Step, String> {
    let state = State::read(state).ok_or(NOT_OURS)?;
    let data = Data::read(&connection.data).ok_or(NOT_OURS)?;
    let Some(route) = state.route(DISCONNECT) else {
        return Ok(reply(ResponseBody::Empty));
    };
    let request_id = request_id(&occasion.id);
    let context = Context {
        state: &state,
        route_key: DISCONNECT,
        connection_id: &connection.id,
        connected_at_ms: connection.connected_at_ms,
        data,
        request_id: &request_id,
        at_ms: occasion.at_ms,
    };
    let event = context.disconnect(close);
    let purpose = Purpose::Disconnect;
    Ok(invoke(&route, event, purpose, &connection.id, &request_id))
}

/// The route that the selection expression chooses; otherwise `$default`.
fn route<'a>(state: &State<'a>, message: &Message) -> Option<Route<'a>> {
    let selected = match message {
        Message::Text(text) => select(state.selection, text),
        Message::Binary(_) => None,
    };
    selected
        .filter(|key| !key.is_empty() && !key.starts_with('$'))
        .and_then(|key| state.route(&key))
        .or_else(|| state.route(DEFAULT))
}

fn invoke(
    route: &Route<'_>,
    event: String,
    purpose: Purpose<'_>,
    connection_id: &str,
    request_id: &str,
) -> Step {
    let token = Token {
        purpose,
        connection_id,
        request_id,
    };
    Step::Invoke(Invocation {
        function: route.function.to_owned(),
        event,
        mode: InvocationMode::Buffered,
        max_wait_ms: Some(route.timeout_ms),
        cache: None,
        token: token.write(),
        with_request: false,
        extra: Vec::new(),
    })
}

/// What the client of a connection receives.
pub fn reply(body: ResponseBody) -> Step {
    Step::Reply(Response::new(200, body))
}
