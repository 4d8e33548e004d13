//! API Gateway's WebSocket API: events, routes, answers, the management API and limits.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::Message;

use crate::support::{Project, RAW_BOOTSTRAP, Server, eventually};

/// A chat: `$connect` and `$disconnect` invoke `members`; messages invoke `chat`, whose result is the message's `body`.
struct Chat {
    /// Has the file with all events.
    folder: TempDir,
    server: Server,
}

impl Chat {
    fn with(settings: &str, variables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let events = folder.path().join("events.jsonl");
        let server = Project::new(&format!(
            "[functions.members]\ncode = '{RAW_BOOTSTRAP}'\ntimeout = 60\n\
             environment = {{ RAW_BOOTSTRAP_EVENTS = '{0}', RAW_BOOTSTRAP_ANSWER = '{{\"statusCode\":200}}' }}\n\
             [functions.chat]\ncode = '{RAW_BOOTSTRAP}'\ntimeout = 60\n\
             environment = {{ RAW_BOOTSTRAP_EVENTS = '{0}'{variables} }}\n\
             [functions.gate]\ncode = '{RAW_BOOTSTRAP}'\ntimeout = 60\n\
             environment = {{ RAW_BOOTSTRAP_RETURN = '/queryStringParameters/token' }}\n\
             [triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\n{settings}",
            events.display()
        ))
        .serve();
        Self { folder, server }
    }

    /// With routes for everything.
    fn new() -> Self {
        Self::with(
            "[triggers.web.routes]\n'$connect' = 'members'\n'$disconnect' = 'members'\n\
             '$default' = { function = 'chat', route-response = true }\nquiet = 'chat'\n\
             loud = { function = 'chat', route-response = true }\n",
            ", RAW_BOOTSTRAP_RETURN = 'body'",
        )
    }

    fn events_file(&self) -> PathBuf {
        self.folder.path().join("events.jsonl")
    }

    /// Waits for this number of events, and returns all of them.
    #[track_caller]
    fn events(&self, number: usize) -> Vec<Value> {
        let read = || -> Vec<Value> {
            let text = std::fs::read_to_string(self.events_file()).unwrap_or_default();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            lines.collect()
        };
        eventually(&format!("{number} events"), || read().len() >= number);
        read()
    }
}

fn id_of(event: &Value) -> String {
    let id = event["requestContext"]["connectionId"].as_str();
    id.expect("an id").to_owned()
}

#[test]
fn a_connection_has_the_events_of_aws_from_its_begin_to_its_end() {
    let chat = Chat::new();
    let headers = [
        ("Origin", "http://localhost"),
        ("X-Own", "a"),
        ("User-Agent", "test/1"),
    ];
    let mut client = chat.server.connect("/prod?room=a%20b&room=c", &headers);
    client.send(r#"{"action":"loud","body":"hello","statusCode":201}"#);
    assert_eq!(client.text(), "hello");
    client.close(Some((4001, "bye")));
    let events = chat.events(3);

    let connect = &events[0];
    assert_eq!(connect["headers"]["X-Own"], "a");
    assert_eq!(connect["headers"]["Sec-WebSocket-Version"], "13");
    assert_eq!(connect["headers"].get("Upgrade"), None);
    assert_eq!(connect["queryStringParameters"], json!({ "room": "c" }));
    let all = &connect["multiValueQueryStringParameters"]["room"];
    assert_eq!(*all, json!(["a b", "c"]));
    assert_eq!(connect["isBase64Encoded"], false);
    assert_eq!(connect.get("body"), None);
    let context = &connect["requestContext"];
    for (key, value) in [
        ("routeKey", "$connect"),
        ("eventType", "CONNECT"),
        ("messageDirection", "IN"),
        ("stage", "prod"),
        ("apiId", "lambkin000"),
    ] {
        assert_eq!(context[key], value);
    }
    assert_eq!(
        context["identity"],
        json!({ "userAgent": "test/1", "sourceIp": "127.0.0.1" })
    );
    assert_eq!(context["requestId"], context["extendedRequestId"]);
    assert_eq!(context["connectedAt"], context["requestTimeEpoch"]);

    let message = &events[1]["requestContext"];
    assert_eq!(
        events[1]["body"],
        r#"{"action":"loud","body":"hello","statusCode":201}"#
    );
    assert_eq!(message["routeKey"], "loud");
    assert_eq!(message["eventType"], "MESSAGE");
    assert_eq!(message["messageId"].as_str().map(str::len), Some(16));
    assert_eq!(events[1].get("headers"), None);

    let end = &events[2]["requestContext"];
    assert_eq!(end["routeKey"], "$disconnect");
    assert_eq!(end["eventType"], "DISCONNECT");
    assert_eq!(end["disconnectStatusCode"], 4001);
    assert_eq!(end["disconnectReason"], "bye");
    assert_eq!(events[2]["headers"]["x-restapi"], "");
    for context in [message, end] {
        assert_eq!(
            context["connectionId"],
            events[0]["requestContext"]["connectionId"]
        );
        assert_eq!(
            context["connectedAt"],
            events[0]["requestContext"]["connectedAt"]
        );
        assert_eq!(context["identity"], events[0]["requestContext"]["identity"]);
    }
}

#[test]
fn the_end_of_a_connection_has_the_code_of_its_client_or_of_the_protocol() {
    let chat = Chat::new();
    chat.server.connect("/prod", &[]).close(None);
    let events = chat.events(2);
    assert_eq!(events[1]["requestContext"]["disconnectStatusCode"], 1005);
    let reason = &events[1]["requestContext"]["disconnectReason"];
    assert_eq!(reason, "Client-side close frame status not set");
    chat.server.connect("/prod", &[]).vanish();
    let events = chat.events(4);
    assert_eq!(events[3]["requestContext"]["disconnectStatusCode"], 1006);
}

#[test]
fn the_selection_expression_chooses_the_route_and_only_route_responses_are_sent() {
    let chat = Chat::new();
    let mut client = chat.server.connect("/prod", &[]);
    // Not sent, as its route has no response.
    client.send(r#"{"action":"quiet","statusCode":200,"body":"unseen"}"#);
    chat.events(2);
    client.send(r#"{"action":"unknown","statusCode":200,"body":"default"}"#);
    assert_eq!(client.text(), "default");
    client.send(r#"{"action":{"a":1},"statusCode":200,"body":"no text"}"#);
    assert_eq!(client.text(), "no text");
    client.send("not JSON");
    assert_eq!(client.json()["message"], "Internal server error");
    client.send(r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#);
    assert_eq!(client.text(), "hi");
    let keys: Vec<_> = chat.events(6)[1..]
        .iter()
        .map(|event| event["requestContext"]["routeKey"].clone())
        .collect();
    assert_eq!(
        keys,
        ["quiet", "$default", "$default", "$default", "$default"]
    );
}

#[test]
fn a_message_without_a_route_and_a_function_that_fails_have_answers() {
    let chat = Chat::with(
        "[triggers.web.routes]\nrun = 'chat'\n",
        ", RAW_BOOTSTRAP_ORDERS = 'body'",
    );
    // Without `$connect`, a connection needs no function.
    let mut client = chat.server.connect("/prod", &[]);
    client.send(r#"{"action":"other"}"#);
    let forbidden = client.json();
    assert_eq!(forbidden["message"], "Forbidden");
    assert_eq!(forbidden["connectionId"].as_str().map(str::len), Some(16));
    assert!(forbidden["requestId"].is_string());
    client.send(r#"{"action":"run","error":"secret"}"#);
    let failed = client.json();
    assert_eq!(failed["message"], "Internal server error");
    assert_eq!(failed["connectionId"], forbidden["connectionId"]);
    // The result is the event, which is no response.
    client.send(r#"{"action":"run"}"#);
    assert_eq!(client.json()["message"], "Internal server error");
    chat.server.log_with("`statusCode` is missing");
    client.close(None);
}

#[test]
fn the_function_of_connect_decides_about_the_connection() {
    for (answer, status) in [
        (r#"{"statusCode":401}"#, "401"),
        (r#"{"statusCode":500,"body":"no"}"#, "500"),
        (r#"{}"#, "502"),
        (r#"{"statusCode":"200"}"#, "101"),
    ] {
        let project = Project::new(&format!(
            "[functions.gate]\ncode = '{RAW_BOOTSTRAP}'\nenvironment = {{ RAW_BOOTSTRAP_ANSWER = '{answer}' }}\n\
             [triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\nfunction = 'gate'\n"
        ));
        let server = project.serve();
        let head = match server.try_connect("/prod", &[]) {
            Ok(client) => client.head.clone(),
            Err(head) => head,
        };
        assert_eq!(head.split(' ').nth(1), Some(status), "{answer}: {head}");
    }
}

#[test]
fn a_subprotocol_is_selected_by_the_function_from_those_that_are_offered() {
    let answer = r#"{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"chat.v2"}}"#;
    let project = Project::new(&format!(
        "[functions.gate]\ncode = '{RAW_BOOTSTRAP}'\nenvironment = {{ RAW_BOOTSTRAP_ANSWER = '{answer}' }}\n\
         [triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\nfunction = 'gate'\n"
    ));
    let server = project.serve();
    let offered = [("Sec-WebSocket-Protocol", "chat.v1, chat.v2")];
    let client = server.connect("/prod", &offered);
    let head = client.head.to_ascii_lowercase();
    assert!(head.contains("sec-websocket-protocol: chat.v2"), "{head}");
    let client = server.connect("/prod", &[("Sec-WebSocket-Protocol", "other")]);
    assert!(
        !client
            .head
            .to_ascii_lowercase()
            .contains("sec-websocket-protocol")
    );
    server.log_with("which the client has not offered");
}

#[test]
fn the_management_api_sends_describes_and_closes() {
    let chat = Chat::new();
    let headers = [("User-Agent", "test/1")];
    let mut client = chat.server.connect("/prod", &headers);
    let id = id_of(&chat.events(1)[0]);

    let sent = chat.server.manage("POST", &id, "grüße".as_bytes());
    assert_eq!((sent.status, sent.text().as_str()), (200, ""));
    assert_eq!(client.text(), "grüße");
    let binary = chat.server.manage("POST", &id, b"\xff\x00");
    assert_eq!(binary.status, 200);
    assert_eq!(
        client.socket.read().unwrap(),
        Message::binary(&b"\xff\x00"[..])
    );

    let info = chat.server.manage("GET", &id, b"");
    assert_eq!(info.status, 200);
    let info = info.json();
    let identity = json!({ "sourceIp": "127.0.0.1", "userAgent": "test/1" });
    assert_eq!(info["identity"], identity);
    assert!(info["connectedAt"].as_str().unwrap().ends_with('Z'));
    assert!(info["lastActiveAt"].as_str() >= info["connectedAt"].as_str());

    let large = chat.server.manage("POST", &id, &vec![b'x'; 128 * 1024 + 1]);
    assert_eq!(large.status, 413);
    let kind = large.header("x-amzn-errortype");
    assert_eq!(kind, Some("PayloadTooLargeException"));

    let closed = chat.server.manage("DELETE", &id, b"");
    assert_eq!(closed.status, 204);
    assert_eq!(
        client.closed(),
        (1000, "Connection Closed Normally".to_owned())
    );
    let events = chat.events(2);
    assert_eq!(events[1]["requestContext"]["disconnectStatusCode"], 1000);
    for method in ["POST", "GET", "DELETE"] {
        let gone = chat.server.manage(method, &id, b"x");
        let kind = gone.header("x-amzn-errortype").map(str::to_owned);
        assert_eq!(
            (gone.status, kind.as_deref()),
            (410, Some("GoneException")),
            "{method}"
        );
    }
    let unknown = chat.server.manage("POST", "nonsense", b"x");
    assert_eq!(unknown.status, 400);
    assert_eq!(unknown.json()["message"], "Invalid connectionId: nonsense");
    assert_eq!(
        chat.server
            .web("PUT", "/prod/@connections/R1kmxc2VNjMCFIA=", &[], b"")
            .status,
        403
    );
}

#[test]
fn paths_and_requests_that_are_no_connections_are_refused() {
    let chat = Chat::new();
    for target in [
        "/",
        "/dev",
        "/prod/x",
        "/prod/@connections/R1kmxc2VNjMCFIA=",
    ] {
        let head = chat.server.try_connect(target, &[]).err().unwrap();
        assert!(head.starts_with("HTTP/1.1 403 "), "{target}: {head}");
    }
    assert_eq!(chat.server.web("GET", "/prod", &[], b"").status, 426);
    let upgrade = [("Connection", "upgrade"), ("Upgrade", "websocket")];
    let old = [&upgrade[..], &[("Sec-WebSocket-Version", "8")]].concat();
    let old = chat.server.web("GET", "/prod", &old, b"");
    assert_eq!(old.status, 426);
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    let keyless = [&upgrade[..], &[("Sec-WebSocket-Version", "13")]].concat();
    assert_eq!(chat.server.web("GET", "/prod", &keyless, b"").status, 400);
}

#[test]
fn messages_and_frames_are_limited_and_checked() {
    let chat = Chat::new();
    let connect = || chat.server.connect("/prod", &[]);
    // The largest frame, and a message of several.
    let mut client = connect();
    let body = "x".repeat(32 * 1024 - 40);
    client.send(format!(r#"{{"statusCode":200,"body":"{body}"}}"#));
    assert_eq!(client.text().len(), body.len());

    let mut client = connect();
    client.send("x".repeat(32 * 1024 + 1));
    assert_eq!(client.closed().0, 1009);

    let mut client = connect();
    let stream = client.socket.get_mut();
    // Text frames of 32 KiB that do not end: FIN is never set.
    let frame = |first: bool| {
        let mut frame = vec![u8::from(first), 0x80 | 126, 0x80, 0x00, 0, 0, 0, 0];
        frame.extend_from_slice(&[b'x'; 32 * 1024]);
        frame
    };
    for number in 0..5 {
        if stream.write_all(&frame(number == 0)).is_err() {
            break;
        }
    }
    assert_eq!(client.closed().0, 1009);

    let mut client = connect();
    let stream = client.socket.get_mut();
    stream
        .write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe])
        .unwrap();
    assert_eq!(client.closed().0, 1007);

    let mut client = connect();
    // Not masked, as frames of clients have to be.
    let stream = client.socket.get_mut();
    stream.write_all(&[0x81, 0x01, b'a']).unwrap();
    assert_eq!(client.closed().0, 1002);

    let mut client = connect();
    client.socket.send(Message::binary(&b"\x01"[..])).unwrap();
    assert_eq!(client.closed().0, 1003);

    let codes: Vec<_> = chat
        .events(12)
        .iter()
        .filter_map(|event| event["requestContext"]["disconnectStatusCode"].as_u64())
        .collect();
    for code in [1002, 1003, 1007, 1009] {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
}

#[test]
fn binary_messages_are_passed_on_in_base64_where_the_route_takes_them() {
    let chat = Chat::with(
        "[triggers.web.routes]\n'$default' = { function = 'chat', content-handling = 'CONVERT_TO_TEXT' }\n",
        ", RAW_BOOTSTRAP_ANSWER = '{\"statusCode\":200}'",
    );
    let mut client = chat.server.connect("/prod", &[]);
    client
        .socket
        .send(Message::binary(&b"\xff\x01"[..]))
        .unwrap();
    let event = &chat.events(1)[0];
    assert_eq!(event["body"], "/wE=");
    assert_eq!(event["isBase64Encoded"], true);
    client.close(None);
}

#[test]
fn idle_and_old_connections_are_closed() {
    for (settings, pings) in [
        ("idle-timeout = 0.3\n", false),
        ("max-duration = 0.5\n", true),
    ] {
        let chat = Chat::with(
            &format!(
                "{settings}[triggers.web.routes]\n'$disconnect' = 'members'\n'$default' = 'chat'\n"
            ),
            "",
        );
        let mut client = chat.server.connect("/prod", &[]);
        if pings {
            client
                .socket
                .send(Message::Ping(Vec::new().into()))
                .unwrap();
            assert!(matches!(client.socket.read(), Ok(Message::Pong(_))));
        }
        assert_eq!(
            client.closed(),
            (1001, "Going away".to_owned()),
            "{settings}"
        );
        let event = &chat.events(1)[0];
        assert_eq!(event["requestContext"]["disconnectStatusCode"], 1001);
    }
}

#[test]
fn a_client_that_goes_away_while_connect_runs_has_an_end() {
    let chat = Chat::with(
        "[triggers.web.routes]\n'$connect' = 'chat'\n'$disconnect' = 'members'\n",
        ", RAW_BOOTSTRAP_ANSWER = '{\"statusCode\":200}'",
    );
    let url = chat.server.trigger_url("web");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /prod HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    drop(stream);
    let events = chat.events(2);
    assert_eq!(events[0]["requestContext"]["eventType"], "CONNECT");
    assert_eq!(events[1]["requestContext"]["eventType"], "DISCONNECT");
    assert_eq!(events[1]["requestContext"]["disconnectStatusCode"], 1006);
}

#[test]
fn a_host_that_stops_closes_connections_after_their_messages() {
    let mut chat = Chat::new();
    let mut client = chat.server.connect("/prod", &[]);
    client.send(r#"{"action":"loud","statusCode":200,"body":"last"}"#);
    assert_eq!(client.text(), "last");
    chat.server.signal(rustix::process::Signal::TERM);
    assert_eq!(client.closed().0, 1001);
    assert!(chat.server.wait().success());
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_else() {
    let chat = Chat::new();
    let _deaf = chat.server.connect("/prod", &[]);
    let deaf = id_of(&chat.events(1)[0]);
    let body = vec![b'x'; 120 * 1024];
    let mut refused = None;
    for _ in 0..1000 {
        let reply = chat.server.manage("POST", &deaf, &body);
        if reply.status != 200 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("a limit");
    assert_eq!(refused.status, 429);
    assert_eq!(
        refused.header("x-amzn-errortype"),
        Some("LimitExceededException")
    );
    let mut other = chat.server.connect("/prod", &[]);
    other.send(r#"{"statusCode":200,"body":"still here"}"#);
    assert_eq!(other.text(), "still here");
}

#[test]
fn an_authorizer_decides_about_connections_and_what_it_says_is_in_all_events() {
    let chat = Chat::with(
        "authorizer = 'gate'\n\
         [triggers.web.authorizers.gate]\ntype = 'request'\nfunction = 'gate'\n\
         identity-source = ['route.request.querystring.token']\n\
         [triggers.web.routes]\n'$connect' = 'members'\n'$disconnect' = 'members'\n'$default' = 'members'\n",
        "",
    );
    let with = |effect: &str, resource: &str| {
        let policy = json!({
            "principalId": "ada",
            "context": { "level": 3 },
            "policyDocument": { "Version": "2012-10-17", "Statement": [
                { "Action": "execute-api:Invoke", "Effect": effect, "Resource": resource },
            ]},
        });
        // All of it percent-encoded, so that it is one parameter.
        let text = policy.to_string();
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        format!("/prod?token={encoded}")
    };
    for (target, status, body) in [
        ("/prod".to_owned(), 401, "Unauthorized"),
        ("/prod?token=nonsense".to_owned(), 500, "null"),
        (with("Deny", "*"), 403, "with an explicit deny"),
        (with("Allow", "*/other"), 403, "not authorized"),
    ] {
        let head = chat.server.try_connect(&target, &[]).err().unwrap();
        let line = format!("HTTP/1.1 {status} ");
        assert!(head.starts_with(&line), "{target}: {body}: {head}");
    }
    let mut client = chat.server.connect(&with("Allow", "*/prod/$connect"), &[]);
    client.send("hello");
    chat.events(2);
    client.close(None);
    for event in chat.events(3) {
        let said = &event["requestContext"]["authorizer"];
        assert_eq!(
            (&said["principalId"], &said["level"]),
            (&json!("ada"), &json!("3")),
            "{event}"
        );
    }
}

#[test]
fn mistakes_in_the_configuration_are_named_with_their_place() {
    let project = Project::new(&format!(
        "[functions.f]\ncode = '{RAW_BOOTSTRAP}'\n\
         [triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\n\
         route-selection-expresion = '$request.body.x'\nidle-timeout = 700\n\
         [triggers.web.routes]\n'$conect' = 'f'\n'GET /x' = 'f'\nsend = {{ function = 'f', response = true }}\n"
    ));
    let refusal = project.refusal();
    for text in [
        "route-selection-expression",
        "from 0.001 to 600",
        "`$connect`, `$disconnect` and `$default`",
        "messages have no method and no path",
        "route-response",
    ] {
        assert!(refusal.contains(text), "{text}: {refusal}");
    }
}
