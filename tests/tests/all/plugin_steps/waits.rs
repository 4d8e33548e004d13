//! How long a step waits, and clients that do not.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{HOUR, ask_authorizer, ending};
use crate::support::{Barrier, MockServer, Project, eventually, invoke, with};

#[test]
fn a_step_that_takes_too_long_expires_and_the_plugin_goes_on() {
    let silent = MockServer::start(|_| None);
    let server = Project::scripted(&format!("network = ['{}']", silent.url())).serve();
    let barrier = Barrier::new();
    let event = json!({ "barrier": barrier.address() });
    let limit = json!({ "max-wait-ms": 50 });
    let slow_function = with(invoke("authorizer", &event), &limit);
    let slow_document = with(json!({ "fetch": { "url": silent.url() } }), &limit);
    let fine = invoke("echo", &json!("fine"));
    let script = json!([slow_function, fine, slow_document, slow_function, fine]);
    let outcomes = server.outcomes(&script);
    let endings: Vec<&str> = outcomes.iter().map(|outcome| ending(outcome).0).collect();
    assert_eq!(
        endings,
        ["expired", "completed", "expired", "expired", "completed"]
    );
    server.log_with("function authorizer: it has not answered within 0.05 s");
}

#[test]
fn a_step_that_is_fast_enough_does_not_expire() {
    let server = Project::scripted("").serve();
    let step = with(invoke("echo", &json!(1)), &json!({ "max-wait-ms": 60_000 }));
    assert_eq!(server.outcomes(&json!([step]))[0]["ending"], "completed");
}

#[test]
fn a_function_that_the_trigger_no_longer_waits_for_runs_on() {
    let project = Project::scripted("");
    let server = project.serve();
    let (barrier, file) = (Barrier::new(), project.path().join("ran"));
    let event = json!({ "barrier": barrier.address(), "append": [file, "to its end"] });
    let step = with(
        invoke("echo", &event),
        &json!({ "max-wait-ms": 1, "cache": ["key", HOUR] }),
    );
    assert_eq!(server.outcomes(&json!([step]))[0]["ending"], "expired");
    drop(barrier.arrival());
    eventually("the function to end", || file.exists());
}

#[test]
fn a_client_that_goes_away_costs_others_nothing() {
    let server = Project::scripted("").serve();
    let barrier = Barrier::new();
    let script = json!([
        invoke("authorizer", &json!({ "barrier": barrier.address() })),
        invoke("echo", &json!({ "tell": "served" })),
    ]);
    let address = server.trigger_url("web").trim_start_matches("http://");
    for _ in 0..3 {
        let mut client = TcpStream::connect(address).unwrap();
        let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nscript: {script}\r\n\r\n");
        client.write_all(head.as_bytes()).unwrap();
        let arrival = barrier.arrival();
        drop(client);
        drop(arrival);
    }
    let next = server.outcomes(&json!([
        ask_authorizer("anna", HOUR),
        invoke("echo", &json!("fine"))
    ]));
    assert_eq!(next[1]["value"], "fine");
    assert_eq!(next[0]["cached"], false);
}

#[test]
fn clients_that_ask_at_the_same_time_have_outcomes_of_their_own() {
    let server = Project::scripted("").serve();
    std::thread::scope(|scope| {
        for client in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let key = format!("client {client}");
                let step = with(
                    invoke("echo", &json!(key)),
                    &json!({ "cache": [key, HOUR] }),
                );
                for round in 0..4 {
                    let outcomes = server.outcomes(&json!([step, step]));
                    let expected = (round > 0, true);
                    let cached = |outcome: &Value| outcome["cached"].as_bool().unwrap();
                    assert_eq!((cached(&outcomes[0]), cached(&outcomes[1])), expected);
                    assert_eq!(
                        (&outcomes[0]["value"], &outcomes[1]["value"]),
                        (&json!(key), &json!(key))
                    );
                }
            });
        }
    });
}
