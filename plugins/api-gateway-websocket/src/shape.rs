//! Requests: for connections, and of the management API.

use alloc::string::String;

use http_event::apigw_id::request_id;
use http_event::contract::{BodyError, Request, Step};
use http_event::head::head_size;
use http_event::websocket::REQUESTED;

use crate::connect;
use crate::gateway_error::GatewayError;
use crate::management::{self, OpenConnections};
use crate::state::State;

/// Decides what to do with a request.
///
/// # Errors
///
/// `state` was not written by [`configure`](crate::configure()).
pub fn shape(
    state: &str,
    request: &Request,
    connections: &dyn OpenConnections,
) -> Result<Step, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    let refused = |error: GatewayError| {
        let (connection, request) = (connect::connection_id(request), request_id(&request.id));
        Step::Reply(error.response(&connection, &request))
    };
    match request.body_error() {
        Some(BodyError::Incomplete) => return Ok(refused(GatewayError::BadRequest)),
        Some(BodyError::Stalled) => return Ok(refused(GatewayError::RequestTimeout)),
        None => {}
    }
    let is_websocket = request.extra.iter().any(|(key, _)| key == REQUESTED);
    Ok(match state.path_in_api(&request.path) {
        Some("") if is_websocket && is_too_long(request) => refused(GatewayError::HeadersTooLarge),
        Some("") if is_websocket => connect::connect(&state, request, None)?,
        Some("") => refused(GatewayError::UpgradeRequired),
        Some(path) if !is_websocket => Step::Reply(match management::connection_id(path) {
            Some(id) => management::answer(request, &id, connections),
            None => management::unknown(request, path),
        }),
        _ => refused(GatewayError::Forbidden),
    })
}

/// API Gateway's limit on the head of a request, in bytes. What the host keeps of it fits into the contract's limits.
const MAX_HEAD: usize = 10_240;

fn is_too_long(request: &Request) -> bool {
    let size = head_size(request);
    size.line + size.headers > MAX_HEAD
}
