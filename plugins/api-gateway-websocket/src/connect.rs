//! A request for a connection: the route `$connect`, and the reply that opens the connection.
//!
//! On failure: see [`GatewayError`].

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use authorizer::authorizer::Guard;
use authorizer::decision::{Caller, Decision, Reason, Refusal};
use authorizer::flow::Ended;
use http_event::apigw_id::{id_from, request_id};
use http_event::contract::{
    Ending, Invocation, InvocationMode, Request, Response, ResponseBody, Step, WARNING,
};
use http_event::payload::{Fields, Misfit};
use http_event::websocket::{CONNECTION_DATA, CONNECTION_ID};

use crate::authorize;
use crate::data::Data;
use crate::event::Context;
use crate::gateway_error::GatewayError;
use crate::state::{CONNECT, State};
use crate::token::{Purpose, Token};

/// The header for subprotocols.
const PROTOCOL: &str = "sec-websocket-protocol";

/// What the authorizer says about the caller, in bytes: the host keeps 64 KiB of data about a connection. AWS has no
/// documented limit.
const MAX_CONTEXT: usize = 48 * 1024;

/// The id of the connection that a request asks for.
pub fn connection_id(request: &Request) -> String {
    id_from(&request.id, 5)
}

/// Decides what to do with a request for a connection, from the beginning or after a step of the authorizer.
///
/// # Errors
///
/// The state or the token of the authorizer's step was not written by this plugin.
pub fn connect(
    state: &State<'_>,
    request: &Request,
    ended: Option<Ended<'_>>,
) -> Result<Step, String> {
    let connection_id = connection_id(request);
    let request_id = request_id(&request.id);
    let mut data = Data {
        source_ip: &request.peer,
        domain_name: state.api.domain_name(&request.authority),
        user_agent: request.user_agent(),
        access_key: "",
        authorizer: "",
    };
    let Some(route) = state.route(CONNECT) else {
        return Ok(Step::Reply(opened(&connection_id, &data.write())));
    };
    let (mut said, mut access_key) = (None, String::new());
    if let Some(guard) = Guard::read(state.guard) {
        let context = Context {
            state,
            route_key: CONNECT,
            connection_id: &connection_id,
            connected_at_ms: request.at_ms,
            data,
            request_id: &request_id,
            at_ms: request.at_ms,
        };
        match authorize::decide(&context, request, guard, ended)? {
            Decision::Ask(step) => return Ok(step),
            Decision::Refuse(refusal) => {
                return Ok(Step::Reply(authorize::refused(refusal, &request_id)));
            }
            Decision::Allow(caller) => {
                said = caller.rest();
                let length = said.as_ref().map_or(0, String::len);
                if length > MAX_CONTEXT {
                    let warning = format!(
                        "the context in the authorizer's result has {length} bytes, of which {MAX_CONTEXT} can be kept"
                    );
                    let refusal = Refusal::with_warning(Reason::Misconfigured, warning);
                    return Ok(Step::Reply(authorize::refused(refusal, &request_id)));
                }
                if let Caller::Iam { access_key: key } = caller {
                    access_key = key;
                }
            }
        }
    }
    data.authorizer = said.as_deref().unwrap_or_default();
    data.access_key = &access_key;
    let written = data.write();
    let context = Context {
        state,
        route_key: CONNECT,
        connection_id: &connection_id,
        connected_at_ms: request.at_ms,
        data,
        request_id: &request_id,
        at_ms: request.at_ms,
    };
    let protocols: Vec<_> = request.header(PROTOCOL).collect();
    let token = Token {
        purpose: Purpose::Connect {
            data: &written,
            protocols: &protocols.join(","),
        },
        connection_id: &connection_id,
        request_id: &request_id,
    };
    Ok(Step::Invoke(Invocation {
        function: route.function.to_owned(),
        event: context.connect(request),
        mode: InvocationMode::Buffered,
        max_wait_ms: Some(route.timeout_ms),
        cache: None,
        token: token.write(),
        with_request: false,
        extra: Vec::new(),
    }))
}

/// The response that opens a connection.
fn opened(connection_id: &str, data: &str) -> Response {
    let mut response = Response::new(101, ResponseBody::Empty);
    for (key, value) in [(CONNECTION_ID, connection_id), (CONNECTION_DATA, data)] {
        response.extra.push((key.to_owned(), value.to_owned()));
    }
    response
}

/// The response when the function of `$connect` has ended. `protocols` are those that the client offers.
pub fn respond(token: &Token<'_>, data: &str, protocols: &str, ending: Ending) -> Response {
    let Token {
        connection_id,
        request_id,
        ..
    } = *token;
    let error = match ending {
        Ending::Completed(payload) => match accepted(token, data, protocols, &payload) {
            Ok(response) => return response,
            Err(Misfit(what)) => {
                let mut response =
                    GatewayError::InternalServerError.response(connection_id, request_id);
                let warning = format!("{what}; the connection is refused with status 502");
                response.extra.push((WARNING.to_owned(), warning));
                return response;
            }
        },
        other => crate::resume::error_of(&other),
    };
    error.response(connection_id, request_id)
}

fn accepted(
    token: &Token<'_>,
    data: &str,
    protocols: &str,
    payload: &str,
) -> Result<Response, Misfit> {
    let fields = Fields::read(payload)?;
    let status = fields.status()?;
    if !(200..300).contains(&status) {
        // What the client of a WebSocket sees is the status; browsers do not even show that.
        let mut response = Response::new(status, fields.body()?);
        response.push_header("x-amzn-requestid", token.request_id);
        return Ok(response);
    }
    let mut response = opened(token.connection_id, data);
    let headers = fields.headers()?;
    let selected = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(PROTOCOL));
    if let Some((_, selected)) = selected {
        if protocols
            .split(',')
            .any(|offered| offered.trim() == selected)
        {
            response.push_header(PROTOCOL, selected);
        } else {
            let warning = format!(
                "it selects the subprotocol {selected:?}, which the client has not offered: it is left out"
            );
            response.extra.push((WARNING.to_owned(), warning));
        }
    }
    Ok(response)
}
