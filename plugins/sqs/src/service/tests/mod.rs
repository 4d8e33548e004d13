//! Complete responses, compared byte by byte: each operation and each error, in both protocols.
//!
//! Where a response was recorded from AWS, the recording is the expected value, with ids, receipt handles and times
//! replaced by those of the test.

mod batches;
mod errors;
mod fifo;
mod messages;
mod permissions;
mod protocols;
mod queues;
mod redrive;

use serde_json::{Value, json};

use crate::service::fake::Memory;
use crate::service::http::{Request, Response};
use crate::service::settings::Settings;
use crate::service::{Context, handle};

pub const URL: &str = "http://localhost:9324/000000000000/orders";
pub const FIFO_URL: &str = "http://localhost:9324/000000000000/orders.fifo";

/// A service with its own store in memory.
pub struct Service {
    pub store: Memory,
    settings: Settings,
}

impl Service {
    /// A service without queues.
    pub fn empty() -> Self {
        Self {
            store: Memory::new(),
            settings: Settings::default(),
        }
    }

    /// A service with the queue `orders`.
    pub fn standard() -> Self {
        let service = Self::empty();
        service.ok("CreateQueue", json!({"QueueName": "orders"}));
        service
    }

    /// A service with the queue `orders.fifo`.
    pub fn fifo(attributes: Value) -> Self {
        let service = Self::empty();
        let mut attributes = attributes;
        attributes["FifoQueue"] = "true".into();
        service.ok(
            "CreateQueue",
            json!({"QueueName": "orders.fifo", "Attributes": attributes}),
        );
        service
    }

    pub fn send(&self, mut request: Request) -> Response {
        request.authority = "localhost:9324".into();
        let context = Context {
            store: &self.store,
            region: "eu-west-1",
            account: "000000000000",
            settings: self.settings,
            request_id: "REQUEST".into(),
            now_ms: self.store.now(),
        };
        handle(&request, &context)
    }

    /// The response to a JSON request.
    pub fn json(&self, operation: &str, input: Value) -> Response {
        self.send(Request {
            method: "POST".into(),
            path: "/".into(),
            headers: vec![
                ("content-type".into(), "application/x-amz-json-1.0".into()),
                ("x-amz-target".into(), format!("AmazonSQS.{operation}")),
            ],
            body: input.to_string().into_bytes(),
            ..Request::default()
        })
    }

    /// The body of the response to a JSON request, which must succeed.
    pub fn ok(&self, operation: &str, input: Value) -> Value {
        let response = self.json(operation, input);
        let body = text(&response);
        assert_eq!(response.status, 200, "{operation}: {body}");
        if body.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&body).unwrap()
    }

    /// Status, type, message and `x-amzn-query-error` of the response to a JSON request, which must fail.
    pub fn refused(&self, operation: &str, input: Value) -> (u16, String, String, String) {
        let response = self.json(operation, input);
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        (
            response.status,
            body["__type"].as_str().unwrap().to_owned(),
            body["message"].as_str().unwrap_or_default().to_owned(),
            header(&response, "x-amzn-query-error").unwrap_or_default(),
        )
    }

    /// The response to a form posted to `/`.
    pub fn form(&self, body: &str) -> Response {
        self.form_on("/", body)
    }

    pub fn form_on(&self, path: &str, body: &str) -> Response {
        self.send(Request {
            method: "POST".into(),
            path: path.into(),
            headers: vec![(
                "content-type".into(),
                "application/x-www-form-urlencoded; charset=utf-8".into(),
            )],
            body: body.into(),
            ..Request::default()
        })
    }

    /// The body of the response to a form posted to `/`, which must have this status.
    pub fn xml(&self, status: u16, body: &str) -> String {
        let response = self.form(body);
        assert_eq!(response.status, status, "{}", text(&response));
        text(&response)
    }

    pub fn get(&self, path: &str, query: &str) -> Response {
        self.send(Request {
            method: "GET".into(),
            path: path.into(),
            query: query.into(),
            ..Request::default()
        })
    }

    /// Receives one message and returns its receipt handle.
    pub fn receipt(&self, url: &str) -> String {
        let received = self.ok("ReceiveMessage", json!({"QueueUrl": url}));
        let receipt = &received["Messages"][0]["ReceiptHandle"];
        receipt.as_str().unwrap().to_owned()
    }
}

pub fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

pub fn header(response: &Response, name: &str) -> Option<String> {
    let found = response.headers.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.clone())
}

/// An XML response with a result.
pub fn envelope(operation: &str, result: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><{operation}Response xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">{result}\
         <ResponseMetadata><RequestId>REQUEST</RequestId></ResponseMetadata></{operation}Response>"
    )
}

/// An XML error response.
pub fn xml_error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message><Detail/></Error>\
         <RequestId>REQUEST</RequestId></ErrorResponse>"
    )
}

/// The result of [`Service::refused`] for an error of SQS's model.
pub fn model(
    status: u16,
    shape: &str,
    message: &str,
    query: &str,
) -> (u16, String, String, String) {
    named("com.amazonaws.sqs", status, shape, message, query)
}

/// The result of [`Service::refused`] for an invalid parameter.
pub fn invalid(message: &str) -> (u16, String, String, String) {
    let package = "com.amazon.coral.service";
    let shape = "InvalidParameterValueException";
    named(package, 400, shape, message, "InvalidParameterValue")
}

/// The result of [`Service::refused`] for a missing parameter.
pub fn missing(parameter: &str) -> (u16, String, String, String) {
    let message = format!("The request must contain the parameter {parameter}.");
    named(
        "com.amazon.coral.service",
        400,
        "MissingRequiredParameterException",
        &message,
        "MissingParameter",
    )
}

fn named(
    package: &str,
    status: u16,
    shape: &str,
    message: &str,
    query: &str,
) -> (u16, String, String, String) {
    (
        status,
        format!("{package}#{shape}"),
        message.to_owned(),
        format!("{query};Sender"),
    )
}
