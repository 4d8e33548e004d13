//! What every front door makes of requests as clients send them: targets with odd characters, whole URLs and fragments,
//! `Expect`, proxies' headers, and addresses of both protocols.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::support::{DOORS, Doors, raw, request};

const LISTEN: &str = "listen = '127.0.0.1:0'";

fn path(event: &Value) -> &str {
    let path = event.get("rawPath").or(event.get("path"));
    path.and_then(Value::as_str).unwrap_or_default()
}

fn header<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    let headers = event["headers"].as_object()?;
    let mut headers = headers.iter();
    let (_, value) = headers.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
    value.as_str()
}

#[track_caller]
fn send(doors: &Doors, door: &str, head: &str) -> Value {
    let head = format!("{head}\r\nconnection: close\r\n\r\n");
    let reply = raw(doors.server.trigger_url(door), head.as_bytes());
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "done"),
        "{door}: {head}: {reply:?}"
    );
    doors.last_event()
}

#[test]
fn a_target_arrives_as_it_was_sent_without_its_fragment() {
    let doors = Doors::start(LISTEN);
    for (target, expected) in [
        ("/a/b/", "/a/b/"),
        ("/a//b", "/a//b"),
        ("/a;p=1/b,c!$&'()*+=:@~", "/a;p=1/b,c!$&'()*+=:@~"),
        ("/a#part", "/a"),
        ("/<a>?x=1#part", "/<a>"),
        ("http://api.test/a/b/?x=1", "/a/b/"),
        ("http://api.test/a#part", "/a"),
        ("http://api.test", "/"),
    ] {
        for door in DOORS {
            let event = send(
                &doors,
                door,
                &format!("GET {target} HTTP/1.1\r\nhost: api.test"),
            );
            assert_eq!(path(&event), expected, "{door}: {target}");
            assert!(!event.to_string().contains("part"), "{door}: {event}");
        }
    }
}

#[test]
fn a_space_or_a_control_character_in_a_target_is_refused_and_only_there() {
    let doors = Doors::start(LISTEN);
    for door in DOORS {
        for target in ["/a b", "/a\u{1}b"] {
            let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            let mut stream = connect(doors.server.trigger_url(door));
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer); // the end may be a reset
            assert!(
                answer.starts_with("HTTP/1.1 400 "),
                "{door}: {target:?}: {answer}"
            );
        }
        send(&doors, door, "GET / HTTP/1.1\r\nhost: localhost");
    }
}

#[test]
fn what_a_proxy_adds_reaches_the_function() {
    let doors = Doors::start(LISTEN);
    for door in DOORS {
        let head =
            "GET / HTTP/1.1\r\nhost: localhost\r\nvia: 1.1 proxy\r\nx-forwarded-for: 10.1.2.3";
        let event = send(&doors, door, head);
        assert_eq!(header(&event, "via"), Some("1.1 proxy"), "{door}");
        let forwarded = header(&event, "x-forwarded-for");
        assert_eq!(forwarded, Some("10.1.2.3, 127.0.0.1"), "{door}");
    }
}

#[test]
fn a_client_that_expects_it_is_told_to_continue() {
    let doors = Doors::start(LISTEN);
    for door in DOORS {
        let mut stream = connect(doors.server.trigger_url(door));
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\
                    content-type: text/plain\r\nconnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n", "{door}");
        stream.write_all(b"body").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n"),
            "{door}: {answer}"
        );
        assert_eq!(doors.last_event()["body"], "body", "{door}");
    }
}

#[test]
fn an_ipv4_client_of_a_listener_for_both_protocols_has_an_ipv4_address() {
    if TcpListener::bind("[::]:0").is_err() {
        return; // this machine has no IPv6
    }
    let doors = Doors::start("listen = '[::]:0'");
    for door in DOORS {
        let url = doors.server.trigger_url(door);
        let port = url.rsplit(':').next().unwrap();
        let head = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        assert_eq!(
            raw(&format!("127.0.0.1:{port}"), head).status,
            200,
            "{door}"
        );
        let event = doors.last_event();
        assert_eq!(
            header(&event, "x-forwarded-for"),
            Some("127.0.0.1"),
            "{door}"
        );
        assert!(!event.to_string().contains("ffff"), "{door}: {event}");
    }
}

#[test]
fn a_body_that_is_too_large_as_an_event_has_the_answer_of_the_door() {
    let doors = Doors::start(LISTEN);
    // Within the limits of the bodies; what follows is how much longer they are in JSON.
    let control = (vec![1; 1024 * 1024 * 4], "text/plain"); // 6 times
    let control_in_alb = (vec![1; 1024 * 1024], "text/plain"); // 6 times
    let text = (vec![b'x'; 1024 * 1024 * 7], "text/plain"); // no longer
    let base64 = (vec![0xff; 1024 * 1024 * 5], "image/png"); // 4/3
    let http = r#"{"message":"Request Entity Too Large"}"#;
    let rest = r#"{"message":"Request Too Long"}"#;
    for (door, answer, sent) in [
        ("api-gateway-http", http, &[&control, &text, &base64][..]),
        ("api-gateway-rest", rest, &[&control, &text][..]),
        (
            "function-url",
            "RequestTooLargeException",
            &[&control, &text, &base64][..],
        ),
        (
            "alb",
            "413 Request Entity Too Large",
            &[&control, &text, &control_in_alb][..],
        ),
    ] {
        for (body, content_type) in sent {
            let url = doors.server.trigger_url(door);
            let headers = [("content-type", *content_type)];
            let reply = request(url, "POST", "/", &headers, body);
            assert_eq!(reply.status, 413, "{door}: {reply:?}");
            let text = format!("{:?} {}", reply.headers, reply.text());
            assert!(text.contains(answer), "{door}: {text}");
        }
    }
}

#[test]
fn a_body_that_breaks_off_or_is_no_chunk_has_the_answer_of_the_door() {
    let doors = Doors::start(LISTEN);
    let rest = r#"{"message":"Bad Request"}"#;
    for (door, answer) in [
        ("api-gateway-http", rest),
        ("api-gateway-rest", rest),
        ("function-url", r#"{"Message":"Bad Request"}"#),
        ("alb", "<center><h1>400 Bad Request</h1></center>"),
    ] {
        let url = doors.server.trigger_url(door);
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        let reply = raw(url, format!("{head}zz\r\nnonsense").as_bytes());
        assert_eq!(reply.status, 400, "{door}: {reply:?}");
        assert!(reply.text().contains(answer), "{door}: {reply:?}");
        doors.server.log_with("the body is incomplete");
    }
}

#[test]
fn only_a_load_balancer_refuses_headers_that_are_not_utf_8() {
    let doors = Doors::start(LISTEN);
    for door in DOORS {
        let head =
            b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-b: \xff\xfe\r\n\r\n";
        let reply = raw(doors.server.trigger_url(door), head);
        if door == "alb" {
            assert_eq!(reply.status, 400, "{reply:?}");
            assert!(
                reply.text().contains("<h1>400 Bad Request</h1>"),
                "{reply:?}"
            );
        } else {
            assert_eq!(reply.status, 200, "{door}: {reply:?}");
            assert_eq!(
                header(&doors.last_event(), "x-b"),
                Some("\u{ff}\u{fe}"),
                "{door}"
            );
        }
    }
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).expect("it listens");
    let timeout = Some(Duration::from_secs(60));
    stream.set_read_timeout(timeout).expect("a timeout");
    stream
}
