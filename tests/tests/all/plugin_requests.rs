//! What an HTTP trigger's plugin gets of a request, and what a client gets of its response, byte for byte.
//!
//! The plugin is the probe of `host/plugin/tests/probe`: without a script it replies with the request as it received it.

mod heads;
mod responses;

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use lambkin_tests::wire::{Response, Responses};
use serde_json::{Value, json};

use crate::support::{Project, Server, raw};

/// Sends bytes to the trigger `web` and returns the request as its plugin received it.
#[track_caller]
fn described(server: &Server, bytes: &[u8]) -> Value {
    let reply = raw(server.trigger_url("web"), bytes);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["request"].clone()
}

/// A connection to the trigger `web` that is kept open.
struct Connection {
    stream: TcpStream,
    responses: Responses,
}

impl Connection {
    fn to(server: &Server) -> Self {
        let address = server.trigger_url("web").trim_start_matches("http://");
        let stream = TcpStream::connect(address).expect("the server listens");
        let minute = Duration::from_secs(60);
        stream.set_read_timeout(Some(minute)).expect("a timeout");
        Self {
            stream,
            responses: Responses::default(),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    #[track_caller]
    fn receive(&mut self) -> Response {
        let response = self.responses.read_from(&mut self.stream);
        response.expect("a response")
    }

    /// The next response's description of its request.
    #[track_caller]
    fn described(&mut self) -> Value {
        let response = self.receive();
        let text = String::from_utf8_lossy(&response.body);
        assert_eq!(response.status, 200, "{text}");
        let known: Value = serde_json::from_str(&text).expect("JSON");
        known["request"].clone()
    }
}

#[test]
fn a_request_has_its_scheme_port_peer_protocol_and_the_address_that_the_client_named() {
    let server = Project::scripted("").serve();
    let url = server.trigger_url("web").to_owned();
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    for (head, authority, protocol) in [
        (
            "GET / HTTP/1.1\r\nHost: shop.localhost:81\r\nConnection: close\r\n\r\n",
            "shop.localhost:81",
            "HTTP/1.1",
        ),
        (
            "GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n",
            "shop.test",
            "HTTP/1.1",
        ),
        (
            "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n",
            "localhost",
            "HTTP/1.0",
        ),
        (
            "GET / HTTP/1.0\r\n\r\n",
            url.trim_start_matches("http://"),
            "HTTP/1.0",
        ),
    ] {
        let request = described(&server, head.as_bytes());
        assert_eq!(request["scheme"], "http");
        assert_eq!(request["port"], port);
        assert_eq!(request["peer"], "127.0.0.1");
        assert_eq!(request["protocol"], protocol, "{head}");
        assert_eq!(request["authority"], authority, "{head}");
    }
}

#[test]
fn a_body_is_empty_text_or_binary() {
    let server = Project::scripted("").serve();
    let body = |bytes: &[u8]| server.web("POST", "/", &[], bytes).json()["request"]["body"].clone();
    assert_eq!(body(b""), "empty");
    assert_eq!(body("gr\u{fc}n".as_bytes()), json!({ "text": "gr\u{fc}n" }));
    assert_eq!(body(b"gr\xfcn"), json!({ "binary": "Z3L8bg==" }));
    assert_eq!(body(b"\0"), json!({ "text": "\0" }));
    let chunked = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_eq!(
        described(&server, chunked)["body"],
        json!({ "text": "abcde" })
    );
}

#[test]
fn a_body_above_the_plugins_maximum_reaches_the_plugin_as_such() {
    let server = Project::scripted("max-body-bytes = 10").serve();
    let post = |body: &str| {
        server.web("POST", "/", &[], body.as_bytes()).json()["request"]["body"].clone()
    };
    assert_eq!(post("0123456789"), json!({ "text": "0123456789" }));
    assert_eq!(post("0123456789a"), "too large");
    assert_eq!(post(&"x".repeat(20 << 20)), "too large");
    let chunked = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                   8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n";
    assert_eq!(described(&server, chunked.as_bytes())["body"], "too large");
    // The plugin chooses the answer, and the connection serves further requests.
    let script = json!([{ "reply": { "status": 413, "body": "Request Too Long" } }]);
    let mut connection = Connection::to(&server);
    let large = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nscript: {script}\r\nContent-Length: 11\r\n\r\n0123456789a"
    );
    connection.send(large.as_bytes());
    let refused = connection.receive();
    assert_eq!(
        (refused.status, &refused.body[..]),
        (413, &b"Request Too Long"[..])
    );
    connection.send(b"GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(connection.described()["path"], "/next");
    // Whatever is not a reply is a defect of the plugin.
    let script = json!([{ "invoke": { "function": "echo" } }]).to_string();
    let reply = server.web("POST", "/", &[("script", &script)], b"0123456789a");
    assert_eq!(reply.status, 502);
    assert!(
        reply
            .text()
            .contains("it does not reply to a request whose body is too large"),
        "{}",
        reply.text()
    );
}

#[test]
fn the_largest_body_that_a_plugin_can_ask_for_is_sixteen_mib() {
    let most = 16 << 20;
    let server = Project::scripted(&format!(
        "max-body-bytes = {most}\nsteps = [{{ reply = {{ body = 'fine' }} }}]"
    ))
    .serve();
    let reply = server.web("POST", "/", &[], &vec![b'x'; most]);
    assert_eq!((reply.status, reply.text().as_str()), (200, "fine"));
    let refusal = Project::scripted(&format!("max-body-bytes = {}", most + 1)).refusal();
    assert!(
        refusal.contains("max-body-bytes is 16777217, and may be 0 to 16777216"),
        "{refusal}"
    );
}
