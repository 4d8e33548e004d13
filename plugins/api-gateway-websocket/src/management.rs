//! The management API, `@connections`: POST sends a message, GET tells about a connection, DELETE closes it.
//!
//! Requests are not required to be signed, and signatures are not verified. On failure: the errors of AWS, which SDKs
//! recognise by `x-amzn-ErrorType`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{Request, RequestBody, Response, ResponseBody};
use http_event::json::write;
use http_event::percent::decode;
use http_event::websocket::{ConnectionInfo, Message, SendError};
use plugin_kit::time::iso_millis;

use crate::data::Data;

/// The largest message: AWS's quota, in bytes.
pub const MAX_MESSAGE: usize = 128 * 1024;

/// The close code and the reason of DELETE.
const CLOSED: (u16, &str) = (1000, "Connection Closed Normally");

/// The open connections of the API, as the host provides them.
pub trait OpenConnections {
    /// An open connection.
    fn get(&self, id: &str) -> Option<ConnectionInfo>;

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// The connection is not open, or its client does not read.
    fn send(&self, id: &str, message: &Message) -> Result<(), SendError>;

    /// Closes a connection. Whether it was open.
    fn close(&self, id: &str, code: u16, reason: &str) -> bool;
}

/// The id of the connection in a path below the stage; `None` if it is not one of this API.
pub fn connection_id(path: &str) -> Option<String> {
    let (collection, id) = path.split_once('/')?;
    let id = id.strip_suffix('/').unwrap_or(id);
    let is_connection = decode(collection) == "@connections" && !id.is_empty() && !id.contains('/');
    is_connection.then(|| decode(id).into_owned())
}

/// Answers a request about the connection with this id.
pub fn answer(request: &Request, id: &str, connections: &dyn OpenConnections) -> Response {
    if !is_id(id) {
        let message = format!("Invalid connectionId: {id}");
        return error(request, 400, "BadRequestException", &message);
    }
    match request.method.as_str() {
        "POST" => post(request, id, connections),
        "GET" => match connections.get(id) {
            Some(info) => described(request, &info),
            None => gone(request),
        },
        "DELETE" => match connections.close(id, CLOSED.0, CLOSED.1) {
            true => with_id(request, Response::new(204, ResponseBody::Empty)),
            false => gone(request),
        },
        _ => unknown(request, &format!("@connections/{id}")),
    }
}

/// The answer to a path or a method that the API does not have.
pub fn unknown(request: &Request, path: &str) -> Response {
    let message = format!(
        "No method found matching route {path} for http method {}.",
        request.method
    );
    error(request, 403, "ForbiddenException", &message)
}

/// Ids have the form of `R1kmxc2VNjMCFIA=`.
fn is_id(id: &str) -> bool {
    let digits = id.trim_end_matches('=');
    id.len() == 16
        && digits.len() >= 14
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn post(request: &Request, id: &str, connections: &dyn OpenConnections) -> Response {
    let message = match &request.body {
        RequestBody::TooLarge => return too_large(request),
        body if body.as_bytes().len() > MAX_MESSAGE => return too_large(request),
        RequestBody::Text(text) => Message::Text(text.clone()),
        RequestBody::Binary(bytes) => Message::Binary(bytes.clone()),
        RequestBody::Empty => Message::Text(String::new()),
    };
    match connections.send(id, &message) {
        Ok(()) => with_id(request, Response::new(200, ResponseBody::Empty)),
        Err(SendError::Gone) => gone(request),
        Err(SendError::Busy) => {
            let message = "The client does not read its messages";
            error(request, 429, "LimitExceededException", message)
        }
    }
}

fn described(request: &Request, info: &ConnectionInfo) -> Response {
    let body = write::object(256, |object| {
        object.string("connectedAt", &iso_millis(info.connected_at_ms));
        let data = Data::read(&info.data);
        object.object("identity", |identity| {
            if let Some(data) = &data {
                identity.string("sourceIp", data.source_ip);
                if !data.user_agent.is_empty() {
                    identity.string("userAgent", data.user_agent);
                }
            }
        });
        object.string("lastActiveAt", &iso_millis(info.last_active_at_ms));
    });
    let mut response = Response::new(200, ResponseBody::Text(body));
    response.push_header("content-type", "application/json");
    with_id(request, response)
}

fn gone(request: &Request) -> Response {
    let mut response = Response::new(410, ResponseBody::Text(String::from("{\"message\":null}")));
    response.push_header("content-type", "application/json");
    response.push_header("x-amzn-ErrorType", "GoneException");
    with_id(request, response)
}

fn too_large(request: &Request) -> Response {
    error(
        request,
        413,
        "PayloadTooLargeException",
        "Payload length exceeded",
    )
}

fn error(request: &Request, status: u16, kind: &str, message: &str) -> Response {
    let body = write::object(64, |object| object.string("message", message));
    let mut response = Response::new(status, ResponseBody::Text(body));
    response.headers = Vec::new();
    response.push_header("content-type", "application/json");
    response.push_header("x-amzn-ErrorType", kind);
    with_id(request, response)
}

fn with_id(request: &Request, mut response: Response) -> Response {
    response.push_header("x-amzn-RequestId", &request.id);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_management_api_are_recognised() {
        for (path, id) in [
            ("@connections/R1kmxc2VNjMCFIA=", Some("R1kmxc2VNjMCFIA=")),
            (
                "%40connections/R1kmxc2VNjMCFIA%3D",
                Some("R1kmxc2VNjMCFIA="),
            ),
            ("@connections/R1kmxc2VNjMCFIA=/", Some("R1kmxc2VNjMCFIA=")),
            ("@connections", None),
            ("@connections/", None),
            ("@connections/a/b", None),
            ("connections/a", None),
        ] {
            assert_eq!(connection_id(path).as_deref(), id, "{path}");
        }
    }

    #[test]
    fn an_id_has_the_form_of_api_gateway() {
        for id in ["R1kmxc2VNjMCFIA=", "abc-_fghijklmn=="] {
            assert!(is_id(id), "{id}");
        }
        for id in [
            "",
            "x",
            "R1kmxc2VNjMCFIA",
            "R1kmxc2VNjMCFI==x",
            "R1kmxc2V/jMCFIA=",
        ] {
            assert!(!is_id(id), "{id}");
        }
    }
}
