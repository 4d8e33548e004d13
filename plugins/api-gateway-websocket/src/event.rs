//! The events that functions receive. What an event of its type lacks is absent, never null.
//!
//! The keys have AWS's order. On failure: nothing here fails.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use authorizer::decision::root_user;
use http_event::contract::Request;
use http_event::headers;
use http_event::json::write::{self, Object};
use http_event::query::parameters;
use http_event::values;
use http_event::websocket::{Close, Message};
use plugin_kit::arn::partition;
use plugin_kit::time::common_log;

use crate::data::Data;
use crate::state::State;

/// What all events are written from.
pub struct Context<'a> {
    pub state: &'a State<'a>,
    pub route_key: &'a str,
    pub connection_id: &'a str,
    pub connected_at_ms: u64,
    pub data: Data<'a>,
    /// In API Gateway's form.
    pub request_id: &'a str,
    pub at_ms: u64,
}

impl Context<'_> {
    /// The event of a new connection.
    pub fn connect(&self, request: &Request) -> String {
        write::object(2048, |event| {
            let headers = headers_as_sent(request);
            values::write_last(event, "headers", &headers);
            values::write_all(event, "multiValueHeaders", &headers);
            let query = parameters(&request.query);
            if !query.is_empty() {
                values::write_last(event, "queryStringParameters", &query);
                values::write_all(event, "multiValueQueryStringParameters", &query);
            }
            self.rest("CONNECT", event, |_| {}, |_| {});
            event.raw("isBase64Encoded", "false");
        })
    }

    /// The event of the authorizer of a new connection. Maps without entries are empty, not absent.
    pub fn authorizer(&self, arn: &str, request: &Request) -> String {
        write::object(2048, |event| {
            event.string("type", "REQUEST");
            event.string("methodArn", arn);
            let headers = headers_as_sent(request);
            values::write_last(event, "headers", &headers);
            values::write_all(event, "multiValueHeaders", &headers);
            let query = parameters(&request.query);
            values::write_last(event, "queryStringParameters", &query);
            values::write_all(event, "multiValueQueryStringParameters", &query);
            if self.state.api.stage_variables.is_empty() {
                event.raw("stageVariables", "{}");
            }
            self.rest("CONNECT", event, |_| {}, |_| {});
        })
    }

    /// The event of a message.
    pub fn message(&self, message_id: &str, message: &Message) -> String {
        let length = match message {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len() / 3 * 4,
        };
        write::object(1024 + length, |event| {
            let id = |object: &mut Object<'_>| object.string("messageId", message_id);
            self.rest("MESSAGE", event, id, |_| {});
            match message {
                Message::Text(text) => event.string("body", text),
                Message::Binary(bytes) => event.base64("body", bytes),
            }
            let is_base64 = matches!(message, Message::Binary(_));
            event.raw("isBase64Encoded", if is_base64 { "true" } else { "false" });
        })
    }

    /// The event of a connection that has ended.
    pub fn disconnect(&self, close: &Close) -> String {
        write::object(1024, |event| {
            let headers = [
                ("Host", self.data.domain_name),
                ("x-api-key", ""),
                ("X-Forwarded-For", ""),
                ("x-restapi", ""),
            ]
            .map(|(name, value)| (name, Cow::Borrowed(value)));
            values::write_last(event, "headers", &headers);
            values::write_all(event, "multiValueHeaders", &headers);
            let code = |object: &mut Object<'_>| {
                object.raw("disconnectStatusCode", &close.code.to_string())
            };
            let reason = |object: &mut Object<'_>| object.string("disconnectReason", reason(close));
            self.rest("DISCONNECT", event, code, reason);
            event.raw("isBase64Encoded", "false");
        })
    }

    /// The keys from `stageVariables` to `requestContext`. `first` and `later` write those that only events of one type
    /// have.
    fn rest(
        &self,
        kind: &str,
        event: &mut Object<'_>,
        first: impl FnOnce(&mut Object<'_>),
        later: impl FnOnce(&mut Object<'_>),
    ) {
        if !self.state.api.stage_variables.is_empty() {
            event.raw("stageVariables", self.state.api.stage_variables);
        }
        event.object("requestContext", |object| {
            object.string("routeKey", self.route_key);
            if !self.data.authorizer.is_empty() {
                object.raw("authorizer", self.data.authorizer);
            }
            first(object);
            object.string("eventType", kind);
            object.string("extendedRequestId", self.request_id);
            object.string("requestTime", &common_log(self.at_ms));
            object.string("messageDirection", "IN");
            later(object);
            object.string("stage", self.state.api.stage);
            object.raw("connectedAt", &format!("{}", self.connected_at_ms));
            object.raw("requestTimeEpoch", &format!("{}", self.at_ms));
            object.object("identity", |identity| {
                if !self.data.user_agent.is_empty() {
                    identity.string("userAgent", self.data.user_agent);
                }
                identity.string("sourceIp", self.data.source_ip);
                if !self.data.access_key.is_empty() {
                    let account = self.state.api.account;
                    identity.string("accessKey", self.data.access_key);
                    identity.string("accountId", account);
                    identity.string("caller", account);
                    identity.string("user", account);
                    identity.string(
                        "userArn",
                        &root_user(account, partition(self.state.api.region)),
                    );
                }
            });
            object.string("requestId", self.request_id);
            object.string("domainName", self.data.domain_name);
            object.string("connectionId", self.connection_id);
            object.string("apiId", self.state.api.id);
        });
    }
}

/// The reason of a close frame. AWS has a text of its own for a frame without a code.
fn reason(close: &Close) -> &str {
    match (close.code, close.reason.as_str()) {
        (1005, "") => "Client-side close frame status not set",
        (_, reason) => reason,
    }
}

/// The client's headers in its own spelling, and those that AWS adds in AWS's, sorted by name.
fn headers_as_sent(request: &Request) -> Vec<(String, Cow<'_, str>)> {
    let mut all = headers::of_event(request);
    all.retain(|(name, _)| *name != "content-length");
    let spelled = |name: &str| {
        let sent = request.headers.iter().find(|header| header.name == name);
        match sent {
            Some(header) if !name.starts_with("x-forwarded-") => header.name_as_sent.clone(),
            _ => headers::canonical_name(name),
        }
    };
    all.into_iter()
        .map(|(name, value)| (spelled(name), value))
        .collect()
}
