//! The management API, `@connections`.

use std::process::Command;

use serde_json::{Value, json};
use tungstenite::Message;

use super::{Chat, id_of};
use crate::sdk_clients::{feed, fixture, javascript_client, python};
use crate::support::Barrier;

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
fn a_connection_is_gone_until_the_function_of_connect_has_accepted_it() {
    let chat = Chat::with(
        "[triggers.web.routes]\n'$connect' = 'chat'\n",
        ", RAW_BOOTSTRAP_ORDERS = '/headers/orders', RAW_BOOTSTRAP_ANSWER = '{\"statusCode\":200}'",
    );
    let barrier = Barrier::new();
    let orders = json!({ "barrier": barrier.address() }).to_string();
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| chat.server.connect("/prod", &[("orders", &orders)]));
        let arrived = barrier.arrival();
        let id = id_of(&chat.events(1)[0]);
        for method in ["POST", "GET", "DELETE"] {
            let gone = chat.server.manage(method, &id, b"too early");
            let kind = gone.header("x-amzn-errortype").map(str::to_owned);
            assert_eq!(
                (gone.status, kind.as_deref()),
                (410, Some("GoneException")),
                "{method}"
            );
        }
        drop(arrived);
        let mut client = connecting.join().expect("it is accepted");
        assert_eq!(chat.server.manage("POST", &id, b"now").status, 200);
        assert_eq!(client.text(), "now");
    });
}

#[test]
fn boto3_uses_the_management_api() {
    if let Ok(mut python) = python() {
        python.arg(fixture("service.py"));
        uses_the_management_api(python);
    }
}

#[test]
fn the_sdk_for_javascript_uses_the_management_api() {
    if let Ok(mut node) = javascript_client() {
        node.arg(fixture("service.cjs"));
        uses_the_management_api(node);
    }
}

/// Errors have the types of the service's model.
fn uses_the_management_api(mut sdk: Command) {
    let chat = Chat::new();
    let mut client = chat.server.connect("/prod", &[("User-Agent", "test/1")]);
    let id = id_of(&chat.events(1)[0]);
    let url = format!(
        "{}/prod",
        chat.server.trigger_url("web").trim_end_matches('/')
    );
    sdk.args(["apigatewaymanagementapi", &url]);
    let call = |operation: &str, data: Option<&str>| {
        let mut input = json!({ "ConnectionId": id });
        if let Some(data) = data {
            input["Data"] = json!({ "$base64": data });
        }
        json!({ "operation": operation, "input": input })
    };
    let calls = [
        call("PostToConnection", Some("aGVsbG8=")),
        call("GetConnection", None),
        call("DeleteConnection", None),
        call("PostToConnection", Some("aGVsbG8=")),
    ];
    let output = feed(sdk, &calls);
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(client.text(), "hello");
    assert_eq!(client.closed().0, 1000);
    let identity = json!({ "SourceIp": "127.0.0.1", "UserAgent": "test/1" });
    assert_eq!(answers[1]["Identity"], identity, "{answers:?}");
    assert!(answers[1]["ConnectedAt"].is_string(), "{answers:?}");
    let gone = (&answers[3]["code"], &answers[3]["status"]);
    assert_eq!(gone, (&json!("GoneException"), &json!(410)), "{answers:?}");
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
