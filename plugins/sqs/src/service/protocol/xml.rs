//! The query protocol's answers.

use std::fmt::Write as _;

use crate::service::error::SqsError;
use crate::service::http::Response;
use crate::service::output::{Field, Node, Output, Record};

const HEAD: &str = r#"<?xml version="1.0"?>"#;
/// What comes before and after the output of an operation, in bytes.
const AROUND: usize = 512;
const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// The answer of an operation. One without an output has no result element.
pub fn success(operation: &str, output: &Output, request_id: &str) -> Response {
    let mut body = format!(r#"{HEAD}<{operation}Response xmlns="{NAMESPACE}">"#);
    if let Some(record) = output {
        body.reserve(record.encoded_len(text_len) + AROUND);
        let name = format!("{operation}Result");
        element(&name, &mut body, |body| write_record(record, body));
    }
    element("ResponseMetadata", &mut body, |body| {
        text_element("RequestId", request_id, body);
    });
    let _ = write!(body, "</{operation}Response>");
    response(200, body)
}

/// The answer to a request that could not be done.
pub fn failure(error: &SqsError, request_id: &str) -> Response {
    let mut body = format!(r#"{HEAD}<ErrorResponse xmlns="{NAMESPACE}">"#);
    element("Error", &mut body, |body| {
        text_element("Type", error.code.party(), body);
        text_element("Code", error.code.query, body);
        text_element("Message", &error.message, body);
        if error.detail {
            body.push_str("<Detail/>");
        }
    });
    text_element("RequestId", request_id, &mut body);
    body.push_str("</ErrorResponse>");
    response(error.code.status, body)
}

/// The answer to a request that names no action.
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

fn write_record(record: &Record, body: &mut String) {
    for field in &record.fields {
        write_field(field, body);
    }
}

/// Lists and maps have no element of their own: their items are repeated under the singular name.
fn write_field(field: &Field, body: &mut String) {
    match &field.node {
        Node::List(items) => {
            for item in items {
                element(field.query, body, |body| write_node(item, body));
            }
        }
        Node::Map(map) => {
            for (name, value) in &map.entries {
                element(field.query, body, |body| {
                    text_element(map.key, name, body);
                    element("Value", body, |body| write_node(value, body));
                });
            }
        }
        node => element(field.query, body, |body| write_node(node, body)),
    }
}

fn write_node(node: &Node, body: &mut String) {
    match node {
        Node::Text(text) => escape(text, body),
        Node::Number(number) => {
            let _ = write!(body, "{number}");
        }
        Node::Flag(flag) => body.push_str(if *flag { "true" } else { "false" }),
        Node::Record(record) => write_record(record, body),
        // Lists and maps are members of structures only.
        Node::List(_) | Node::Map(_) => {}
    }
}

fn text_element(name: &str, text: &str, body: &mut String) {
    element(name, body, |body| escape(text, body));
}

/// An element; without content in the short form.
fn element(name: &str, body: &mut String, content: impl FnOnce(&mut String)) {
    let _ = write!(body, "<{name}>");
    let start = body.len();
    content(body);
    if body.len() == start {
        body.truncate(start - 1);
        body.push_str("/>");
    } else {
        let _ = write!(body, "</{name}>");
    }
}

/// What stands for a character that can not stand for itself.
fn escaped(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        // Left alone, a reader would take it for a line feed.
        '\r' => Some("&#xD;"),
        _ => None,
    }
}

/// The bytes that a text is written in.
fn text_len(text: &str) -> usize {
    let written = |byte: u8| escaped(char::from(byte)).map_or(1, str::len);
    text.bytes().map(written).sum()
}

fn escape(text: &str, body: &mut String) {
    let mut rest = text;
    while let Some((before, character, after)) = split(rest) {
        body.push_str(before);
        body.push_str(character);
        rest = after;
    }
    body.push_str(rest);
}

/// What comes before the first character that can not stand for itself, what stands for it, and what comes after it.
fn split(text: &str) -> Option<(&str, &'static str, &str)> {
    let (at, character) = text
        .char_indices()
        .find_map(|(at, character)| Some((at, escaped(character)?)))?;
    // All of them are one byte long.
    Some((text.get(..at)?, character, text.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let mut body = String::new();
        escape("a<b>&\"c\"\r\n'", &mut body);
        assert_eq!(body, "a&lt;b&gt;&amp;&quot;c&quot;&#xD;\n'");
    }

    #[test]
    fn empty_elements_are_short() {
        let mut body = String::new();
        text_element("A", "", &mut body);
        text_element("B", "b", &mut body);
        assert_eq!(body, "<A/><B>b</B>");
    }
}
