//! Results that have the right types but break the contract.

use lambkin_model::Body;
use lambkin_plugin::{ConfigureError, Ending, GuestError};

use crate::fixture::{CONFIG, Fixture, fault, good, host, outcome, reply, request, web};

fn resume(body: &str) -> Fixture {
    good().with("resume", body)
}

/// What is wrong with a response.
async fn wrong(fixture: Fixture) -> String {
    let trigger = fixture.trigger(&host()).await;
    let error = trigger
        .resume("token", &outcome(Ending::TimedOut), None)
        .await
        .expect_err("not valid");
    invalid(fault(&error))
}

fn invalid(fault: &GuestError) -> String {
    match fault {
        GuestError::Invalid(reason) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_status_out_of_range_is_refused() {
    for status in [0, 99, 100, 101, 199, 1000, 65535] {
        let body = format!("(call $status (i32.const {status}))");
        assert_eq!(
            wrong(resume(&body)).await,
            format!("the status is {status}, and may be 200 to 999")
        );
    }
}

#[tokio::test]
async fn a_header_that_could_split_the_response_is_refused() {
    // The text at 0x120 is "a: b\r\nc"; the one at 0x100 is "f".
    let value = "(call $header (i32.const 0x100) (i32.const 1) (i32.const 0x120) (i32.const 7))";
    assert_eq!(
        wrong(resume(value)).await,
        r#"the value of header f has control characters: "a: b\r\nc""#
    );
    let name = "(call $header (i32.const 0x120) (i32.const 7) (i32.const 0x100) (i32.const 1))";
    assert_eq!(
        wrong(resume(name)).await,
        r#""a: b\r\nc" is not a header's name"#
    );
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    // 100 000 empty pairs, 16 bytes each, in memory that is still zero.
    let flood = "
        (drop (memory.grow (i32.const 32)))
        (call $response (i32.const 200) (i32.const 0x10000) (i32.const 100000) (i32.const 0) (i32.const 0))";
    let reason = wrong(resume(flood)).await;
    assert!(
        reason.starts_with("the response has 100000 headers of 0 bytes, and may have 1000"),
        "{reason}"
    );
}

#[tokio::test]
async fn framing_is_the_hosts() {
    for name in [
        "Content-Length",
        "Transfer-Encoding",
        "connection",
        "Keep-Alive",
        "Date",
    ] {
        assert_eq!(headers_named(name).await, [], "{name}");
    }
    let others = [("Dates".to_owned(), "f".to_owned())];
    assert_eq!(headers_named("Dates").await, others);
}

/// The headers of a response with one header of this name.
async fn headers_named(name: &str) -> Vec<(String, String)> {
    let module = format!("(data (i32.const 0x700) \"{name}\")");
    let body = format!(
        "(call $header (i32.const 0x700) (i32.const {}) (i32.const 0x100) (i32.const 1))",
        name.len()
    );
    let fixture = resume(&body).with("module", &module);
    let trigger = fixture.trigger(&host()).await;
    let step = trigger
        .resume("token", &outcome(Ending::TimedOut), None)
        .await;
    let response = reply(step.expect("resume"));
    assert_eq!(response.body, Body::Text(String::new()));
    response.headers
}

#[tokio::test]
async fn an_event_that_is_not_json_is_refused() {
    let trigger = good()
        .with("shape", "(call $invoke (i32.const 0x120) (i32.const 7))")
        .trigger(&host())
        .await;
    let error = trigger.shape(&request()).await.expect_err("not valid");
    let reason = invalid(fault(&error));
    assert!(reason.starts_with("the event is not JSON: "), "{reason}");
    assert!(reason.ends_with(r#""a: b\r\nc""#), "{reason}");
}

#[tokio::test]
async fn a_function_that_was_not_declared_is_refused() {
    // The name at 0x110 is "token"; only "f" is declared.
    let other = "
        (drop (call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments))))
        (i32.store (i32.const 0x408) (i32.const 0x110))
        (i32.store (i32.const 0x40c) (i32.const 5))
        (i32.const 0x400)";
    let trigger = good().with("shape", other).trigger(&host()).await;
    let error = trigger.shape(&request()).await.expect_err("not valid");
    let reason = invalid(fault(&error));
    assert_eq!(
        reason,
        r#"it invokes function "token", and may invoke only those that its configure returned, which are: "f""#
    );
}

#[tokio::test]
async fn a_token_and_a_state_that_are_too_large_are_refused() {
    let token = "
        (drop (memory.grow (i32.const 2)))
        (drop (call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments))))
        (i32.store (i32.const 0x434) (i32.const 0x10000))
        (i32.store (i32.const 0x438) (i32.const 65537))
        (i32.const 0x400)";
    let trigger = good().with("shape", token).trigger(&host()).await;
    let error = trigger.shape(&request()).await.expect_err("not valid");
    assert_eq!(
        invalid(fault(&error)),
        "the token has 65537 bytes, and may have 65536"
    );

    let state =
        "(drop (memory.grow (i32.const 20))) (call $setup (i32.const 0x10000) (i32.const 1048577))";
    let plugin = good()
        .with("configure", state)
        .load(&host())
        .await
        .expect("load");
    match web(&plugin, CONFIG).await {
        Err(ConfigureError::Plugin(error)) => {
            assert_eq!(
                invalid(fault(&error)),
                "the state has 1048577 bytes, and may have 1048576"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plugin_that_refuses_a_configuration_without_a_reason_is_defective() {
    let plugin = good()
        .with("configure", "(call $problems (i32.const 0))")
        .load(&host())
        .await
        .expect("load");
    match web(&plugin, CONFIG).await {
        Err(ConfigureError::Plugin(error)) => {
            assert_eq!(
                invalid(fault(&error)),
                "it refuses the configuration without naming a problem"
            );
        }
        other => panic!("{other:?}"),
    }
}
