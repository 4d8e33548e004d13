//! API Gateway's WebSocket API: events, routes and answers.

mod ends;
mod frames;
mod management;
mod slow_clients;

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::Message;

use crate::support::{Project, RAW_BOOTSTRAP, Server, eventually, lambkin, raw};

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
            // The last line may not have been written in full yet.
            let complete = text.rsplit_once('\n').unwrap_or_default().0.lines();
            complete
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
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
    let head = "POST /prod HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let url = chat.server.trigger_url("web");
    let broken = raw(url, format!("{head}zz\r\nnonsense").as_bytes());
    assert_eq!(broken.status, 400);
    assert_eq!(broken.json()["message"], "Bad Request");
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
fn shape_shows_connections_messages_and_ends() {
    let project = Project::new(&format!(
        "[functions.f]\ncode = '{RAW_BOOTSTRAP}'\n\
         [triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\n\
         routes = {{ '$connect' = 'f', '$disconnect' = 'f', say = {{ function = 'f', route-response = true }} }}\n"
    ));
    let result = project.file("result.json", r#"{"statusCode":200,"body":"hi"}"#);
    let shape = |arguments: &[&str]| {
        let mut command = lambkin();
        command.args(["shape", "web"]).args(arguments);
        let output = command.current_dir(project.path()).stdin(Stdio::null());
        let output = output.output().unwrap();
        let (out, err) = (&output.stdout, &output.stderr);
        [out, err].map(|text| String::from_utf8_lossy(text).into_owned())
    };
    for (arguments, kind) in [
        (&["CONNECT", "/prod?a=b"][..], "CONNECT"),
        (
            &["MESSAGE", "/prod", "--body", r#"{"action":"say"}"#],
            "MESSAGE",
        ),
        (&["DISCONNECT", "/prod"], "DISCONNECT"),
    ] {
        let [out, err] = shape(arguments);
        let event: Value =
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"));
        assert_eq!(event["requestContext"]["eventType"], kind);
    }
    let outcome = result.to_str().unwrap();
    let message = [
        "MESSAGE",
        "/prod",
        "--body",
        r#"{"action":"say"}"#,
        "--outcome",
        outcome,
    ];
    let [_, err] = shape(&message);
    assert!(err.contains("the client receives hi"), "{err}");
    let [_, err] = shape(&["MESSAGE"]);
    assert!(
        err.contains("lambkin shape web MESSAGE /prod --body"),
        "{err}"
    );
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
