//! Object triggers: what arrives, what comes back, and what is not believed.

use lambkin_plugin::{ConfigureError, GuestError, ObjectTrigger, QueueReference, Target, limits};

use crate::fixture::{
    BUCKET, CONFIG, Fixture, change, drained, fault, function, good_object, host, invalid,
    invalid_setup,
};

async fn trigger(fixture: Fixture) -> ObjectTrigger {
    let trigger = fixture.object(&host()).await;
    trigger.expect("the fixture accepts the configuration")
}

/// A trigger whose `shape` has this body.
async fn shape(body: &str) -> ObjectTrigger {
    trigger(good_object().with("shape", body)).await
}

#[tokio::test]
async fn a_change_becomes_an_event() {
    let host = host();
    let trigger = good_object().object(&host).await.expect("configure");
    assert_eq!(trigger.name(), "uploads");
    assert_eq!(trigger.target(), &Target::Function(function("f")));
    assert!(trigger.summary().is_empty());
    let event = trigger.shape(&change()).await.expect("shape");
    assert_eq!(event.as_deref(), Some(CONFIG));
    drained(&host).await;
}

/// The change as the guest sees it, read from where the canonical ABI puts each field.
#[tokio::test]
async fn every_field_of_a_change_arrives() {
    let event = |at: &str, offset: u32| {
        format!(
            "(call $event (i32.load offset={offset} {at}) (i32.load offset={} {at}))",
            offset + 4
        )
    };
    let of_change = |offset| event("(local.get $arguments)", offset);
    let extra = "(i32.load offset=88 (local.get $arguments))";
    for (body, expected) in [
        (of_change(8), "id"),
        (of_change(16), "ObjectCreated:Put"),
        (of_change(24), "in/a b.jpg"),
        (of_change(52), "etag"),
        (of_change(64), "version"),
        (event(extra, 0), "key"),
        (event(extra, 8), "value"),
    ] {
        let event = shape(&body).await.shape(&change()).await.expect("shape");
        assert_eq!(event, Some(format!("\"{expected}\"")), "{body}");
    }
    // The result is an event that is none.
    let numbers = "
        (if (i32.ne (i32.load8_u offset=32 (local.get $arguments)) (i32.const 1)) (then unreachable))
        (if (i64.ne (i64.load offset=40 (local.get $arguments)) (i64.const 5000000000)) (then unreachable))
        (if (i64.ne (i64.load offset=72 (local.get $arguments)) (i64.const 6000000000)) (then unreachable))
        (if (i64.ne (i64.load offset=80 (local.get $arguments)) (i64.const 1700000000000)) (then unreachable))
        (i32.const 0x400)";
    let event = shape(numbers).await.shape(&change()).await;
    assert_eq!(event.expect("shape"), None);
}

#[tokio::test]
async fn the_bucket_and_a_queue_as_target() {
    let configure = "
        (call $setup (i32.load (local.get $bucket)) (i32.load offset=4 (local.get $bucket)) (i32.const 1) (i32.const 0x110) (i32.const 5))";
    let trigger = trigger(good_object().with("configure", configure)).await;
    let queue = QueueReference {
        name: "token".into(),
        at: Vec::new(),
    };
    assert_eq!(trigger.target(), &Target::Queue(queue));
    let event = trigger.shape(&change()).await.expect("shape");
    assert_eq!(event.as_deref(), Some(BUCKET));
}

#[tokio::test]
async fn setups_that_break_the_contract() {
    let wrong = async |body: &str| {
        let configured = good_object().with("configure", body).object(&host()).await;
        invalid_setup(configured)
    };
    let target = |kind: u32, name: u32, length: u32| {
        format!(
            "(call $setup (local.get $config) (local.get $length)
                (i32.const {kind}) (i32.const {name}) (i32.const {length}))"
        )
    };
    assert_eq!(
        wrong(&target(0, 0x120, 7)).await,
        r#""a: b\r\nc" is not the name of a function"#
    );
    assert_eq!(
        wrong(&target(1, 0x120, 0)).await,
        r#""" is not the name of a queue"#
    );
    assert_eq!(
        wrong(&target(1, 0x120, 81)).await,
        "the name of a queue has 81 bytes, and may have 80"
    );
    let state = "
        (drop (memory.grow (i32.const 20)))
        (call $setup (i32.const 0x10000) (i32.const 1048577) (i32.const 0) (i32.const 0x100) (i32.const 1))";
    assert_eq!(
        wrong(state).await,
        "the state has 1048577 bytes, and may have 1048576"
    );
    let summary = "
        (drop (memory.grow (i32.const 20)))
        (drop (call $setup (local.get $config) (local.get $length) (i32.const 0) (i32.const 0x100) (i32.const 1)))
        (i32.store (i32.const 0x600) (i32.const 0x10000))
        (i32.store (i32.const 0x604) (i32.const 1048577))
        (i32.store (i32.const 0x424) (i32.const 0x600))
        (i32.store (i32.const 0x428) (i32.const 1))
        (i32.const 0x400)";
    assert_eq!(
        wrong(summary).await,
        "the summary has 1048577 bytes, and may have 1048576"
    );
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_reported() {
    let refusing = good_object().with("configure", "(call $problems (i32.const 1))");
    match refusing.object(&host()).await {
        Err(ConfigureError::Problems(problems)) => assert_eq!(problems[0].message, "f"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_that_break_the_contract() {
    let no_json = shape("(call $event (i32.const 0x120) (i32.const 7))").await;
    let error = no_json.shape(&change()).await.expect_err("not valid");
    let reason = invalid(&error);
    assert!(reason.starts_with("the event is not JSON: "), "{reason}");
    let long = "
        (drop (memory.grow (i32.const 20)))
        (memory.fill (i32.const 0x10000) (i32.const 0x31) (i32.const 1048577))
        (call $event (i32.const 0x10000) (i32.const 1048577))";
    let error = shape(long).await.shape(&change()).await;
    assert_eq!(
        invalid(&error.expect_err("not valid")),
        "the event has 1048577 bytes, and may have 1048576"
    );
}

#[tokio::test]
async fn hostile_calls_are_stopped() {
    let spin = shape("(loop $on (br $on)) unreachable").await;
    let error = spin.shape(&change()).await.expect_err("stopped");
    assert_eq!(fault(&error), &GuestError::Cpu(limits::SHAPER.cpu));

    let trap = shape("unreachable").await;
    let error = trap.shape(&change()).await.expect_err("stopped");
    assert!(matches!(fault(&error), GuestError::Trap { .. }), "{error}");

    // 32 MiB of zero bytes are valid UTF-8.
    let giant = "
        (drop (memory.grow (i32.const 512)))
        (call $event (i32.const 0x2000) (i32.const 0x2000000))";
    let error = shape(giant).await.shape(&change()).await;
    assert_eq!(
        fault(&error.expect_err("stopped")),
        &GuestError::Copied(limits::SHAPER.copied_bytes)
    );
}
