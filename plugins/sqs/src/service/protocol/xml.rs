//! Writes the responses of the query protocol.

use plugin_kit::xml::{Dialect, Writer};

use crate::service::error::SqsError;
use crate::service::http::Response;
use crate::service::output::{Field, Node, Output, Record};

/// Bytes to reserve for the elements around the output of an operation.
const ENVELOPE: usize = 512;

/// XML as SQS writes it.
struct Sqs;

impl Dialect for Sqs {
    const DECLARATION: &'static str = r#"<?xml version="1.0"?>"#;
    const NAMESPACE: &'static str = "http://queue.amazonaws.com/doc/2012-11-05/";
    const EMPTY_ELEMENT_TAGS: bool = true;

    fn reference(character: u8) -> Option<&'static str> {
        match character {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'>' => Some("&gt;"),
            b'"' => Some("&quot;"),
            // XML parsers convert a literal carriage return to a line feed.
            b'\r' => Some("&#xD;"),
            _ => None,
        }
    }
}

type Xml = Writer<Sqs>;

/// The response to a successful request. An operation without an output has no result element.
pub fn success(operation: &str, output: &Output, request_id: &str) -> Response {
    let body = Xml::document(&format!("{operation}Response"), |body| {
        if let Some(record) = output {
            body.reserve(record.encoded_len(Xml::encoded_len) + ENVELOPE);
            body.element(&format!("{operation}Result"), |body| {
                write_record(record, body);
            });
        }
        body.element("ResponseMetadata", |metadata| {
            metadata.text("RequestId", request_id);
        });
    });
    response(200, body)
}

/// The response to a failed request.
pub fn failure(error: &SqsError, request_id: &str) -> Response {
    let body = Xml::document("ErrorResponse", |body| {
        body.element("Error", |body| {
            body.text("Type", error.code.party());
            body.text("Code", error.code.query);
            body.text("Message", &error.message);
            if error.detail {
                body.text("Detail", "");
            }
        });
        body.text("RequestId", request_id);
    });
    response(error.code.status, body)
}

/// The response to a request that names no action.
pub fn unknown_operation() -> Response {
    response(404, "<UnknownOperationException/>".to_owned())
}

fn response(status: u16, body: String) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), "text/xml".to_owned())],
        body: body.into_bytes(),
    }
}

fn write_record(record: &Record, body: &mut Xml) {
    for field in &record.fields {
        write_field(field, body);
    }
}

/// Writes a member. Lists and maps have no element of their own: each item is an element with the singular name.
fn write_field(field: &Field, body: &mut Xml) {
    match &field.node {
        Node::List(items) => {
            for item in items {
                body.element(field.query, |body| write_node(item, body));
            }
        }
        Node::Map(map) => {
            for (name, value) in &map.entries {
                body.element(field.query, |body| {
                    body.text(map.key, name);
                    body.element("Value", |body| write_node(value, body));
                });
            }
        }
        node => body.element(field.query, |body| write_node(node, body)),
    }
}

fn write_node(node: &Node, body: &mut Xml) {
    match node {
        Node::Text(text) => body.characters(text),
        Node::Number(number) => body.characters(&number.to_string()),
        Node::Flag(flag) => body.characters(if *flag { "true" } else { "false" }),
        Node::Record(record) => write_record(record, body),
        // Lists and maps occur as members of structures only.
        Node::List(_) | Node::Map(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let body = Xml::document_without_namespace("A", |a| a.characters("a<b>&\"c\"\r\n'"));
        let expected = "<A>a&lt;b&gt;&amp;&quot;c&quot;&#xD;\n'</A>";
        assert_eq!(body.strip_prefix(Sqs::DECLARATION), Some(expected));
    }

    #[test]
    fn elements_without_content_have_one_tag() {
        let body = Xml::document_without_namespace("R", |body| {
            body.text("A", "");
            body.text("B", "b");
        });
        let expected = "<R><A/><B>b</B></R>";
        assert_eq!(body.strip_prefix(Sqs::DECLARATION), Some(expected));
    }
}
