//! WebSocket triggers: requests, messages and ends of connections, and what is to be answered.

use std::collections::BTreeSet;
use std::sync::Arc;

use lambkin_model::HttpRequest;
use lambkin_plugin::{
    Close, ConnectionInfo, Connections, Ending, Occasion, OpenConnection, Plugin, Reuse, Role,
    SendError, Step, WebSocketMessage, WebSocketTrigger,
};
use serde_json::{Value, json};

use super::http::{follow, request};
use super::{accepted, calls, cases_of, decoded, number, surroundings, text};
use crate::fixture::outcome;

/// The connections that the cases of the management API find, as in the plugin's own test.
#[derive(Debug)]
struct Known;

impl Connections for Known {
    fn get(&self, id: &str) -> Option<ConnectionInfo> {
        (id == "R1kmxc2VNjMCFIA=").then(|| ConnectionInfo {
            data: "192.0.2.1\nexample.com\ntest/1\n".to_owned(),
            connected_at_ms: 1_700_000_000_000,
            last_active_at_ms: 1_700_000_060_500,
        })
    }

    fn send(&self, id: &str, _: WebSocketMessage) -> Result<(), SendError> {
        match id {
            "R1kmxc2VNjMCFIA=" => Ok(()),
            "R1kmxc2VNjMBUSY=" => Err(SendError::Busy),
            _ => Err(SendError::Gone),
        }
    }

    fn close(&self, id: &str, _: u16, _: &str) -> bool {
        id == "R1kmxc2VNjMCFIA="
    }
}

#[tokio::test]
async fn the_component_of_a_websocket_api_answers_every_case_as_recorded() {
    let defaults = ::golden::read("request.json");
    let (plugin, cases) = cases_of("api-gateway-websocket", Role::WebSocketTrigger).await;
    let mut count = 0;
    for (file, case) in cases {
        count += run(&plugin, &case, &defaults, &file).await;
    }
    assert!(count >= 50, "only {count} calls: the cases are missing");
}

/// Runs one file; the number of calls it holds.
async fn run(plugin: &Plugin, case: &Value, defaults: &Value, file: &str) -> usize {
    let around = surroundings("us-east-1", "123456789012");
    let config = case["config"].to_string();
    let configured =
        plugin.websocket_trigger(&config, &around, &[], Reuse::DEFAULT, Arc::new(Known));
    let Some(trigger) = accepted(configured.await, case, file) else {
        return 0;
    };
    let functions = trigger.http().functions().iter().map(|it| &it.name);
    let functions: BTreeSet<_> = functions.collect();
    let setup = json!({"functions": functions, "summary": trigger.http().summary()});
    assert_eq!(setup, case["setup"], "{file}");
    for call in calls(case, file) {
        let at = format!("{file}: {}", call["about"]);
        match call.get("request") {
            Some(overrides) => {
                let mut request = request(overrides, defaults);
                if call["upgrade"] == true {
                    request.extra.push(HttpRequest::WEBSOCKET);
                }
                let step = trigger.http().shape(&request).await.unwrap();
                follow(trigger.http(), step, call, Some(&request), &at).await;
            }
            None => {
                let step = happens(&trigger, call, defaults).await;
                follow(trigger.http(), step, call, None, &at).await;
            }
        }
    }
    calls(case, file).len()
}

/// The first step for a message or the end of a connection.
async fn happens(trigger: &WebSocketTrigger, call: &Value, defaults: &Value) -> Step {
    let connection = connection(trigger, defaults).await;
    let occasion = Occasion {
        id: "89abcdef-0123-4567-89ab-cdef01234567".to_owned(),
        trace_id: "Root=1-0-1;Sampled=0".to_owned(),
        at_ms: connection.connected_at_ms + 1500,
    };
    if let Some(close) = call.get("close") {
        let close = Close {
            code: u16::try_from(number(close, "code")).unwrap(),
            reason: text(close, "reason"),
        };
        let step = trigger.disconnected(&connection, &occasion, &close);
        return step.await.unwrap();
    }
    let message = match call["message"]["base64"].as_str() {
        Some(base64) => WebSocketMessage::Binary(decoded(base64)),
        None => WebSocketMessage::Text(text(&call["message"], "text")),
    };
    let step = trigger.receive(&connection, &occasion, &message);
    step.await.unwrap()
}

/// Opens a connection.
async fn connection(trigger: &WebSocketTrigger, defaults: &Value) -> OpenConnection {
    let mut request = request(&json!({"path": "/prod"}), defaults);
    request.extra.push(HttpRequest::WEBSOCKET);
    let mut step = trigger.http().shape(&request).await.unwrap();
    if let Step::Invoke(shaped) = &step {
        let accepted = Ending::Completed(r#"{"statusCode":200}"#.to_owned());
        let token = &shaped.resumption.token;
        let accepted = outcome(accepted);
        step = trigger.http().resume(token, &accepted, None).await.unwrap();
    }
    let Step::Reply(answer) = step else {
        panic!("{step:?}");
    };
    let new = answer.connection.expect("a connection");
    OpenConnection {
        id: new.id,
        data: new.data,
        connected_at_ms: request.at_ms,
    }
}
