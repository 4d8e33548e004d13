//! AWS JSON 1.0: the header `X-Amz-Target` names the operation, and the body is an object with its parameters.

use serde_json::Value as Json;

use crate::service::context::Context;
use crate::service::dispatch::dispatch;
use crate::service::error::{self, SqsError};
use crate::service::http::{Request, Response};
use crate::service::input::Input;
use crate::service::operations::{self, Operation};
use crate::service::output::{Node, Output, Record};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const TARGET: &str = "AmazonSQS.";

/// Whether a request uses this protocol.
pub fn is_used_by(request: &Request) -> bool {
    let content_type = request.content_type();
    if content_type.starts_with("application/x-amz-json") {
        return true;
    }
    request.header("x-amz-target").is_some() && content_type != "application/x-www-form-urlencoded"
}

/// Answers a request.
pub fn serve(request: &Request, context: &Context<'_>) -> Response {
    match output(request, context) {
        Ok(output) => response(200, Vec::new(), output.map(|record| write(&record))),
        Err(error) => failure(&error),
    }
}

fn output(request: &Request, context: &Context<'_>) -> Result<Output, SqsError> {
    let operation = operation(request)?;
    let body = parse(&request.body)?;
    let Json::Object(members) = &body else {
        return Err(SqsError::new(&error::SERIALIZATION, ""));
    };
    dispatch(request, context, operation, &Input::Json(members))
}

fn operation(request: &Request) -> Result<&'static Operation, SqsError> {
    let unknown = || SqsError::new(&error::UNKNOWN_OPERATION, "");
    if request.method != "POST" {
        return Err(unknown());
    }
    request
        .header("x-amz-target")
        .and_then(|target| target.strip_prefix(TARGET))
        .and_then(operations::find)
        .ok_or_else(unknown)
}

/// Parses the body. AWS accepts an empty one in place of `{}`.
fn parse(body: &[u8]) -> Result<Json, SqsError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Json::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(body).map_err(|_| SqsError::new(&error::SERIALIZATION, ""))
}

/// The response to a successful request of the query protocol that asks for JSON.
pub fn query_success(operation: &str, output: Output, request_id: &str) -> Response {
    let result = output.map(Record::with_maps_as_lists);
    let mut body = format!(r#"{{"{operation}Response":{{"#).into_bytes();
    if let Some(record) = result {
        body.extend_from_slice(format!(r#""{operation}Result":"#).as_bytes());
        body.append(&mut write(&record));
        body.push(b',');
    }
    let metadata = Record::default().text("RequestId", request_id);
    body.extend_from_slice(br#""ResponseMetadata":"#);
    body.append(&mut write(&metadata));
    body.extend_from_slice(b"}}");
    query_response(200, body)
}

/// The response to a failed request of the query protocol that asks for JSON.
pub fn query_failure(error: &SqsError, request_id: &str) -> Response {
    let details = Record::default()
        .text("Type", error.code.party())
        .text("Code", error.code.query)
        .text("Message", error.message.as_str());
    let record = Record::default()
        .record("Error", details)
        .text("RequestId", request_id);
    query_response(error.code.status, write(&record))
}

fn query_response(status: u16, body: Vec<u8>) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body,
    }
}

/// The response to a failed request.
pub fn failure(error: &SqsError) -> Response {
    let code = error.code;
    let package = if code.modelled {
        "com.amazonaws.sqs"
    } else {
        "com.amazon.coral.service"
    };
    let mut body = format!(r#"{{"__type":"{package}#{}""#, code.shape).into_bytes();
    if !error.message.is_empty() {
        body.extend_from_slice(br#","message":"#);
        write_text(&error.message, &mut body);
    }
    body.push(b'}');
    let query_error = (
        "x-amzn-query-error".to_owned(),
        format!("{};{}", code.query, code.party()),
    );
    // Errors that AWS's framework finds before it knows the operation have no name in the query protocol.
    let headers = match code.shape {
        "UnknownOperationException" | "SerializationException" => Vec::new(),
        _ => vec![query_error],
    };
    response(code.status, headers, Some(body))
}

fn response(status: u16, mut headers: Vec<(String, String)>, body: Option<Vec<u8>>) -> Response {
    headers.push(("Content-Type".to_owned(), CONTENT_TYPE.to_owned()));
    Response {
        status,
        headers,
        body: body.unwrap_or_default(),
    }
}

/// Encodes a structure as JSON.
pub fn write(record: &Record) -> Vec<u8> {
    let mut out = Vec::with_capacity(record.encoded_len(text_len));
    write_record(record, &mut out);
    out
}

/// The length of a text as a JSON string, in bytes.
fn text_len(text: &str) -> usize {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' | b'\t' | b'\n' | b'\r' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escape).sum::<usize>()
}

fn write_record(record: &Record, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, field) in record.fields.iter().enumerate() {
        separate(index, out);
        write_text(field.json, out);
        out.push(b':');
        write_node(&field.node, out);
    }
    out.push(b'}');
}

fn write_node(node: &Node, out: &mut Vec<u8>) {
    match node {
        Node::Text(text) => write_text(text, out),
        Node::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Node::Flag(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Node::Record(record) => write_record(record, out),
        Node::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                write_node(item, out);
            }
            out.push(b']');
        }
        Node::Map(map) => {
            out.push(b'{');
            for (index, (name, value)) in map.entries.iter().enumerate() {
                separate(index, out);
                write_text(name, out);
                out.push(b':');
                write_node(value, out);
            }
            out.push(b'}');
        }
    }
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}
