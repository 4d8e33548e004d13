//! A property of the service that holds for arbitrary requests. Only `tests/fuzz` compiles this file.

use crate::service::fake::Memory;
use crate::service::http::Request;
use crate::service::settings::Settings;
use crate::service::{Context, handle};

/// Every request of a conversation gets a response that HTTP can carry, and whose body is JSON or XML. The first byte
/// chooses the protocol. In AWS JSON, each line is a request: the operation, a space, and the body. In AWS Query, each
/// line is the body of a form.
pub fn requests(bytes: &[u8]) {
    let Some((&protocol, text)) = bytes.split_first() else {
        return;
    };
    let store = Memory::new();
    for line in [&b"CreateQueue {\"QueueName\":\"orders\"}"[..]]
        .into_iter()
        .filter(|_| protocol == b'j')
        .chain(text.split(|byte| *byte == b'\n'))
    {
        let mut request = Request {
            method: "POST".into(),
            path: "/".into(),
            authority: "localhost:9324".into(),
            ..Request::default()
        };
        if protocol == b'j' {
            let at = line.iter().position(|byte| *byte == b' ');
            let (operation, body) = line.split_at(at.unwrap_or(line.len()));
            let operation = String::from_utf8_lossy(operation);
            request.headers = vec![
                ("content-type".into(), "application/x-amz-json-1.0".into()),
                ("x-amz-target".into(), format!("AmazonSQS.{operation}")),
            ];
            request.body = body.to_vec();
        } else {
            request.headers = vec![(
                "content-type".into(),
                "application/x-www-form-urlencoded".into(),
            )];
            request.body = line.to_vec();
        }
        let response = handle(
            &request,
            &Context {
                store: &store,
                region: "eu-west-1",
                account: "000000000000",
                settings: Settings::default(),
                request_id: "REQUEST".into(),
                now_ms: store.now(),
            },
        );
        assert!((200..600).contains(&response.status));
        for (name, value) in &response.headers {
            assert!(!value.contains(char::is_control), "{name}: {value:?}");
        }
        if protocol == b'j' && !response.body.is_empty() {
            serde_json::from_slice::<serde_json::Value>(&response.body).expect("JSON");
        }
        assert!(std::str::from_utf8(&response.body).is_ok());
    }
}
