//! WebSocket triggers whose plugin fails, answers nonsense or uses up what it may use.
//!
//! The plugin is the WebSocket probe of `host/plugin/tests/probe`: it follows the script in the header `script` of a
//! handshake, or the one that a message is; another message is its own answer.

use serde_json::{Value, json};

use crate::support::{Client, Project, RAW_BOOTSTRAP, Server, invoke, with};

const PROBE: &[u8] = include_bytes!("../../../host/plugin/tests/fixtures/websocket-probe.wasm");

/// With the function `echo`. Handshakes without a script are accepted.
fn project(settings: &str) -> Project {
    let project = Project::new(&format!(
        "[functions.echo]\ncode = '{RAW_BOOTSTRAP}'\ntimeout = 60\n\
         [triggers.web]\nplugin = './probe.wasm'\nlisten = '127.0.0.1:0'\nfunctions = ['echo']\n\
         steps = [{{ reply = {{ status = 101, opens = {{}} }} }}]\n{settings}"
    ));
    project.file("probe.wasm", PROBE);
    project
}

/// Another client, which is served all the time.
struct Bystander(Client);

impl Bystander {
    fn new(server: &Server) -> Self {
        Self(server.connect("/", &[]))
    }

    #[track_caller]
    fn is_served(&mut self) {
        is_served(&mut self.0);
    }
}

#[track_caller]
fn is_served(client: &mut Client) {
    client.send("still here");
    assert_eq!(client.text(), "still here");
}

/// What a plugin does wrong in any function that takes steps, and what the log says about it.
fn failures() -> Vec<(Value, &'static str)> {
    let reply = |reply: Value| json!({ "reply": reply });
    vec![
        (
            json!("trap"),
            "this is a defect of the plugin: correct it there",
        ),
        (
            json!("spin"),
            "it used up its 100 ms of processor time; look for a loop that does not end",
        ),
        (
            json!({ "grow": 100 }),
            "64 MiB of memory; look for data that grows without bound",
        ),
        (json!({ "fail": "not today" }), "not today"),
        (invoke("other", &json!(1)), "it invokes function \"other\""),
        (
            with(
                invoke("echo", &json!(1)),
                &json!({ "mode": "asynchronous", "cache": ["a", 1] }),
            ),
            "it asks for a cache, which only a buffered invocation may",
        ),
        (
            json!({ "fetch": { "url": "http://a", "method": "a b" } }),
            "is not an HTTP method",
        ),
        (
            reply(json!({ "status": 99 })),
            "the status is 99, and may be 200 to 999",
        ),
        (
            reply(json!({ "status": 1000 })),
            "the status is 1000, and may be 200 to 999",
        ),
        (
            reply(json!({ "headers": [["a", "b\nc"]] })),
            "the value of header a has control characters",
        ),
        (
            reply(json!({ "headers": [["a b", "c"]] })),
            "is not a header's name",
        ),
        (
            reply(json!({ "status": 101 })),
            "it replies with status 101 and without `connection-id`",
        ),
        (
            reply(json!({ "status": 101, "opens": { "id": "b" }, "body": "hello" })),
            "it replies with status 101 and a body",
        ),
        (
            reply(json!({ "status": 101, "opens": { "id": "a b" } })),
            "is not the id of a connection",
        ),
        (
            reply(json!({ "status": 101, "opens": { "id": "é" } })),
            "is not the id of a connection",
        ),
        (
            reply(json!({ "status": 101, "opens": { "id": "x".repeat(129) } })),
            "the connection's id has 129 bytes",
        ),
        (
            reply(json!({ "status": 101, "opens": { "id": "a", "data-bytes": 70_000 } })),
            "the connection's data has 70000 bytes",
        ),
    ]
}

/// The part of the log since the last call.
struct Log(usize);

impl Log {
    /// Waits for a line of the plugin's function with this text.
    #[track_caller]
    fn says(&mut self, server: &Server, function: &str, text: &str) {
        let of_plugin = format!("probe.wasm of trigger web: {function} failed");
        crate::support::eventually(&format!("{of_plugin} … {text}"), || {
            let log = server.log();
            let new = log.get(self.0..).unwrap_or_default();
            let found = new
                .lines()
                .any(|line| line.contains(&of_plugin) && line.contains(text));
            if found {
                self.0 = log.len();
            }
            found
        });
    }
}

#[test]
fn a_plugin_that_fails_for_a_handshake_refuses_it() {
    let server = project("").serve();
    let mut bystander = Bystander::new(&server);
    let mut log = Log(0);
    let invocation = invoke("echo", &json!(1));
    for (before, function) in [(vec![], "shape"), (vec![invocation], "resume")] {
        for (failure, text) in failures() {
            let script = Value::Array([before.clone(), vec![failure]].concat());
            // In ASCII, as a header's value has to be.
            let header = script.to_string().replace('é', "\\u00e9");
            let refused = server.try_connect("/", &[("script", &header)]).err();
            let head = refused.unwrap_or_default();
            assert!(head.starts_with("HTTP/1.1 502 "), "{script}: {head}");
            log.says(&server, function, text);
            bystander.is_served();
        }
    }
}

#[test]
fn an_id_belongs_to_one_open_connection() {
    let server = project("").serve();
    let script = r#"[{"reply":{"status":101,"opens":{"id":"one"}}}]"#;
    let headers = [("script", script)];
    let mut first = server.connect("/", &headers);
    let head = server.try_connect("/", &headers).err().unwrap();
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    server.log_with("it gives a new connection the id of one that is open");
    is_served(&mut first);
    first.close(None);
    crate::support::eventually("the id to be free", || {
        server.try_connect("/", &headers).is_ok()
    });
}

#[test]
fn a_plugin_that_fails_for_a_message_fails_that_message_only() {
    let server = project("").serve();
    let mut bystander = Bystander::new(&server);
    let mut client = server.connect("/", &[]);
    let mut log = Log(0);
    let streamed = with(invoke("echo", &json!(1)), &json!({ "mode": "streamed" }));
    for (before, function) in [
        (vec![], "receive"),
        (vec![invoke("echo", &json!(1))], "resume"),
    ] {
        for (failure, text) in failures() {
            client.send(Value::Array([before.clone(), vec![failure]].concat()));
            log.says(&server, function, text);
            bystander.is_served();
            // The connection stays open, and nothing was sent for the message.
            is_served(&mut client);
        }
    }
    client.send(json!([streamed]));
    server.log_with("it asks for a stream, which only a request may have");
    // Too many steps.
    client.send(Value::Array(vec![invoke("echo", &json!(1)); 9]));
    server.log_with("it has not replied after 8 invocations and fetches");
    is_served(&mut client);
}

#[test]
fn a_plugin_that_fails_at_the_end_of_a_connection_fails_no_other() {
    for (failure, text) in failures() {
        let server = project(&format!("disconnected = {}\n", toml(&json!([failure])))).serve();
        let mut bystander = Bystander::new(&server);
        let client = server.connect("/", &[]);
        client.close(None);
        Log(0).says(&server, "disconnected", text);
        bystander.is_served();
    }
}

#[test]
fn a_plugin_that_fails_before_the_first_connection_is_refused_at_the_start() {
    for (websockets, text) in [
        (json!({ "steps": ["trap"] }), "it trapped"),
        (
            json!({ "steps": ["spin"] }),
            "it used up its 100 ms of processor time; look for a loop that does not end",
        ),
        (json!({ "steps": [{ "grow": 100 }] }), "64 MiB of memory"),
        (json!({ "steps": [{ "fail": "not today" }] }), "not today"),
        (
            json!({ "timeout-reason": "x".repeat(124) }),
            "timeout-reason",
        ),
        (json!({ "max-message-bytes": 0 }), "max-message-bytes"),
        (
            json!({ "max-message-bytes": (16 << 20) + 1 }),
            "max-message-bytes",
        ),
    ] {
        let refusal = project(&format!("websockets = {}\n", toml(&websockets))).refusal();
        for part in ["probe.wasm of trigger web: websockets failed", text] {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
    }
}

#[test]
fn calls_about_connections_that_do_not_exist_and_impossible_values_have_answers() {
    let server = project("").serve();
    let mut bystander = Bystander::new(&server);
    let mut client = server.connect("/", &[]);
    for id in ["", "never", "é\n", &"x".repeat(100_000)] {
        client.send(json!([
            { "connection": { "get": { "id": id } } },
            { "connection": { "send": { "id": id, "text": "a" } } },
            { "connection": { "close": { "id": id, "code": 1000, "reason": "" } } },
        ]));
        assert_eq!(client.json()["outcomes"], json!([null, "gone", false]));
    }
    // During the handshake, there is no connection yet.
    let script = json!([
        { "connection": { "send": { "id": "early", "text": "a" } } },
        { "reply": { "status": 101, "opens": { "id": "early" }, "known-in": "known" } },
    ])
    .to_string();
    let early = server.connect("/", &[("script", &script)]);
    assert!(early.head.contains("[\"gone\"]"), "{}", early.head);
    let reason = "é".repeat(100);
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535] {
        let mut client = server.connect("/", &[]);
        client.send(json!([
            { "connection": { "close": { "code": code, "reason": reason } } },
            { "connection": { "send": { "text": "too late" } } },
        ]));
        assert_eq!(client.closed(), (1000, "é".repeat(61)), "{code}");
        bystander.is_served();
    }
}

#[test]
fn large_messages_and_many_messages_arrive_in_order() {
    let server = project("").serve();
    let mut bystander = Bystander::new(&server);
    let mut client = server.connect("/", &[]);
    let send = |text: &str, times: usize| json!({ "connection": { "send": { "text": text, "times": times } } });
    // One message of any size is taken, as long as the plugin has the memory for it.
    client.send(json!([send("x", 8 << 20), { "reply": { "body": "" } }]));
    assert_eq!(client.text().len(), 8 << 20);
    let mut log = Log(0);
    client.send(json!([send("x", 20 << 20)]));
    log.says(&server, "receive", "16 MiB");
    bystander.is_served();
    let mut script: Vec<_> = (0..1000)
        .map(|number| send(&number.to_string(), 1))
        .collect();
    script.push(json!({ "reply": { "body": "" } }));
    client.send(Value::Array(script));
    for number in 0..1000 {
        assert_eq!(client.text(), number.to_string());
    }
}

#[test]
fn a_slow_plugin_receives_messages_in_their_order_and_delays_no_ping() {
    let server = project("").serve();
    let mut client = server.connect("/", &[]);
    // A second of the plugin's time.
    for _ in 0..10 {
        client.send(json!(["spin"]));
    }
    for number in 0..20 {
        client.send(json!([
            { "connection": { "send": { "text": number.to_string() } } },
            { "reply": { "body": "" } },
        ]));
    }
    let ping = tungstenite::Message::Ping("hello".into());
    client.socket.send(ping).unwrap();
    let first = client.socket.read().unwrap();
    assert_eq!(first, tungstenite::Message::Pong("hello".into()));
    for number in 0..20 {
        assert_eq!(client.text(), number.to_string());
    }
}

/// JSON as a value of TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{name} = {}", toml(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}
