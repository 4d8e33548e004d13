//! Whole answers, byte by byte: each operation and each error, in both protocols.
//!
//! Where an answer was recorded from AWS the recording is what is expected here; ids, receipt handles and times are the
//! test's own.

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

/// A service on queues of its own.
pub struct Service {
    pub store: Memory,
    settings: Settings,
}

impl Service {
    /// Without queues.
    pub fn empty() -> Self {
        Self {
            store: Memory::new(),
            settings: Settings::default(),
        }
    }

    /// With the queue `orders`.
    pub fn standard() -> Self {
        let service = Self::empty();
        service.ok("CreateQueue", json!({"QueueName": "orders"}));
        service
    }

    /// With the queue `orders.fifo`.
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

    /// The answer to a JSON request.
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

    /// What a JSON request that has to succeed answers.
    pub fn ok(&self, operation: &str, input: Value) -> Value {
        let response = self.json(operation, input);
        let body = text(&response);
        assert_eq!(response.status, 200, "{operation}: {body}");
        if body.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&body).unwrap()
    }

    /// Status, type, message and query error of a JSON request that has to fail.
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

    /// The answer to a form on `/`.
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

    /// The answer to a form as text, which has to be an answer of this status.
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

/// An XML answer around a result.
pub fn envelope(operation: &str, result: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><{operation}Response xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">{result}\
         <ResponseMetadata><RequestId>REQUEST</RequestId></ResponseMetadata></{operation}Response>"
    )
}

/// An XML error.
pub fn xml_error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message><Detail/></Error>\
         <RequestId>REQUEST</RequestId></ErrorResponse>"
    )
}

/// What [`Service::refused`] has of an error of SQS's own model.
pub fn model(
    status: u16,
    shape: &str,
    message: &str,
    query: &str,
) -> (u16, String, String, String) {
    named("com.amazonaws.sqs", status, shape, message, query)
}

/// What [`Service::refused`] has of an invalid parameter.
pub fn invalid(message: &str) -> (u16, String, String, String) {
    let package = "com.amazon.coral.service";
    let shape = "InvalidParameterValueException";
    named(package, 400, shape, message, "InvalidParameterValue")
}

/// What [`Service::refused`] has of a missing parameter.
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
