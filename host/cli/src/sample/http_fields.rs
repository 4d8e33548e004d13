//! The fields of the samples of front doors, with their defaults.

use super::field::{self, Field};

/// The stage of an HTTP API that is no part of paths, and its route for all requests.
pub const DEFAULT_STAGE: &str = "$default";

/// The fields of a request to an API.
pub const REST: &[Field] = &[
    field::METHOD.or("POST"),
    field::RESOURCE.or("/{proxy+}"),
    field::PATH,
    field::QUERY.or("foo=bar"),
    field::HEADER,
    field::BODY.or(r#"{"test":"body"}"#),
    field::STAGE,
    field::API_ID,
    field::SOURCE_IP,
    field::ACCOUNT,
    field::REGION,
    field::DNS_SUFFIX,
];

/// The fields of a test of a method.
pub const REST_TEST: &[Field] = &[
    field::METHOD.or("POST"),
    field::RESOURCE.or("/{proxy+}"),
    field::PATH,
    field::QUERY.or("foo=bar"),
    field::HEADER,
    field::BODY.or(r#"{"test":"body"}"#),
    field::API_ID,
    field::ACCOUNT,
    field::REGION,
];

/// The fields of a `TOKEN` authorizer.
pub const REST_TOKEN: &[Field] = &[
    field::TOKEN,
    field::METHOD.or("POST"),
    field::RESOURCE.or("/{proxy+}"),
    field::PATH,
    field::STAGE,
    field::API_ID,
    field::ACCOUNT,
    field::REGION,
    field::PARTITION,
];

/// The fields of a `REQUEST` authorizer of a REST API.
pub const REST_AUTHORIZER: &[Field] = &[
    field::TOKEN,
    field::METHOD.or("GET"),
    field::RESOURCE.or("/{proxy+}"),
    field::PATH,
    field::QUERY.or("foo=bar"),
    field::HEADER,
    field::STAGE,
    field::API_ID,
    field::SOURCE_IP,
    field::ACCOUNT,
    field::REGION,
    field::PARTITION,
    field::DNS_SUFFIX,
];

/// The fields of a request to an HTTP API.
pub const HTTP: &[Field] = &[
    field::FORMAT,
    field::METHOD.or("POST"),
    field::RESOURCE.or(DEFAULT_STAGE),
    field::PATH,
    field::QUERY.or("foo=bar"),
    field::HEADER,
    field::BODY.or(r#"{"test":"body"}"#),
    field::STAGE.or(DEFAULT_STAGE),
    field::API_ID,
    field::SOURCE_IP,
    field::ACCOUNT,
    field::REGION,
    field::DNS_SUFFIX,
];

/// The fields of an authorizer of an HTTP API.
pub const HTTP_AUTHORIZER: &[Field] = &[
    field::FORMAT,
    field::TOKEN,
    field::METHOD.or("GET"),
    field::RESOURCE.or(DEFAULT_STAGE),
    field::PATH,
    field::QUERY.or("foo=bar"),
    field::HEADER,
    field::STAGE.or(DEFAULT_STAGE),
    field::API_ID,
    field::SOURCE_IP,
    field::ACCOUNT,
    field::REGION,
    field::DNS_SUFFIX,
];

/// The fields of a new connection.
pub const CONNECT: &[Field] = &[
    field::QUERY,
    field::HEADER,
    field::STAGE,
    field::API_ID,
    field::SOURCE_IP,
    field::REGION,
    field::DNS_SUFFIX,
];

/// The fields of the authorizer of a new connection.
pub const WEBSOCKET_AUTHORIZER: &[Field] = &[
    field::TOKEN,
    field::QUERY,
    field::HEADER,
    field::STAGE,
    field::API_ID,
    field::SOURCE_IP,
    field::ACCOUNT,
    field::REGION,
    field::PARTITION,
    field::DNS_SUFFIX,
];

/// The fields of a message.
pub const MESSAGE: &[Field] = &[
    MESSAGE_BODY.or(r#"{"action":"hello"}"#),
    field::STAGE,
    field::API_ID,
    field::SOURCE_IP,
    field::REGION,
    field::DNS_SUFFIX,
];

/// The body of a message says which route it takes.
const MESSAGE_BODY: Field = Field {
    help: "The message, whose `action` is the route that it takes; or `@FILE` to read it from a file, `@-` for standard \
           input",
    ..field::BODY
};

/// The fields of the end of a connection.
pub const DISCONNECT: &[Field] = &[
    field::STAGE,
    field::API_ID,
    field::SOURCE_IP,
    field::REGION,
    field::DNS_SUFFIX,
];

/// The fields of a request to a function URL.
pub const FUNCTION_URL: &[Field] = &[
    field::METHOD.or("POST"),
    FREE_PATH,
    field::QUERY.or("foo=bar"),
    field::HEADER,
    field::BODY.or(r#"{"test":"body"}"#),
    field::URL_ID,
    field::SOURCE_IP,
    field::REGION,
];

/// The fields of a request to a load balancer.
pub const ALB: &[Field] = &[
    field::METHOD.or("POST"),
    FREE_PATH,
    field::QUERY.or("foo=bar"),
    field::HEADER,
    field::BODY.or(r#"{"test":"body"}"#),
    field::MULTI_VALUE,
    field::SOURCE_IP,
    field::ACCOUNT,
    field::REGION,
    field::DNS_SUFFIX,
];

/// The path where there are no routes.
const FREE_PATH: Field = Field {
    help: "The path of the request, which may have a query",
    ..field::PATH.or("/path/to/resource")
};
