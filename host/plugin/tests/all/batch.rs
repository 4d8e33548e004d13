//! Batch triggers: what arrives, what comes back, and what is not believed.

use std::time::Duration;

use lambkin_model::{Action, Message, Settlement, Verdict};
use lambkin_plugin::{
    BatchTrigger, Batching, CallError, ConfigureError, Ending, GuestError, ShapedBatch, StreamHead,
    limits,
};

use crate::fixture::{
    CONFIG, Fixture, drained, fault, function, good_batch, host, invalid, invalid_setup, messages,
    outcome,
};

async fn trigger(fixture: Fixture) -> BatchTrigger {
    let trigger = fixture.batch(&host()).await;
    trigger.expect("the fixture accepts the configuration")
}

/// A trigger whose `shape` has this body.
async fn shape(body: &str) -> BatchTrigger {
    trigger(good_batch().with("shape", body)).await
}

/// The settlement of `m1` and `m2` by a `settle` with this body, or what is wrong with it.
async fn settle(body: &str) -> Result<Settlement, String> {
    let trigger = trigger(good_batch().with("settle", body)).await;
    let completed = outcome(Ending::Completed("{}".into()));
    let settlement = trigger.settle("token", &["m1", "m2"], &completed).await;
    settlement.map_err(|error| invalid(&error))
}

/// What is wrong with the result of a `shape` with this body.
async fn wrong(body: &str) -> String {
    let shaped = shape(body).await.shape(&messages()).await;
    invalid(&shaped.expect_err("not valid"))
}

#[tokio::test]
async fn messages_become_an_event_and_an_outcome_a_settlement() {
    let host = host();
    let verdicts = "
        (call $verdict (i32.const 0) (i32.const 0x152) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0))
        (call $verdict (i32.const 1) (i32.const 0x150) (i32.const 2) (i32.const 2) (i32.const 0x120) (i32.const 7))
        (call $verdicts (i32.const 2))";
    let fixture = good_batch().with("settle", verdicts);
    let trigger = fixture.batch(&host).await.expect("configure");
    assert_eq!(
        (trigger.name(), trigger.function()),
        ("orders", &function("f"))
    );
    assert!(trigger.summary().is_empty());
    let batching = Batching {
        max_messages: 10,
        max_bytes: 6 << 20,
        window: Duration::ZERO,
        max_concurrency: None,
    };
    assert_eq!(trigger.batching(), batching);
    let shaped = ShapedBatch {
        event: Some(CONFIG.into()),
        skipped: vec![],
        token: "token".into(),
    };
    assert_eq!(trigger.shape(&messages()).await.expect("shape"), shaped);
    let completed = outcome(Ending::Completed("{}".into()));
    let settlement = trigger
        .settle(&shaped.token, &["m1", "m2"], &completed)
        .await
        .expect("settle");
    let verdict = |id: &str, action| Verdict {
        id: id.into(),
        action,
    };
    let expected = [
        verdict("m2", Action::Ack),
        verdict("m1", Action::DeadLetter(r"a: b\r\nc".into())),
    ];
    assert_eq!(settlement.but, expected);
    assert_eq!(settlement.otherwise, Action::Ack);
    drained(&host).await;
}

/// The second message as the guest sees it, read from where the canonical ABI puts each field.
#[tokio::test]
async fn every_field_of_a_message_arrives() {
    const MESSAGE: u32 = 152;
    const ATTRIBUTE: u32 = 28;
    let event = |list: &str, offset: u32| {
        format!(
            "(call $invocation (i32.load offset={offset} {list}) (i32.load offset={} {list}) (i32.const 0))",
            offset + 4
        )
    };
    let of_message = |offset| event("(local.get $messages)", MESSAGE + offset);
    let attributes = format!("(i32.load offset={} (local.get $messages))", MESSAGE + 28);
    let extra = format!("(i32.load offset={} (local.get $messages))", MESSAGE + 140);
    for (body, expected) in [
        (of_message(8), "receipt"),
        (of_message(20), "body"),
        (event(&attributes, 0), "a"),
        (event(&attributes, 8), "String"),
        (event(&attributes, 20), "text"),
        (event(&attributes, ATTRIBUTE + 8), "Binary"),
        (event(&attributes, ATTRIBUTE + 20), "bytes"),
        (of_message(40), "group"),
        (of_message(52), "deduplication"),
        (of_message(64), "key"),
        (of_message(76), "part"),
        (of_message(88), "sequence"),
        (of_message(132), "source"),
        (event(&extra, 0), "key"),
        (event(&extra, 8), "value"),
    ] {
        let shaped = shape(&body).await.shape(&messages()).await.expect("shape");
        assert_eq!(shaped.event, Some(format!("\"{expected}\"")), "{body}");
    }
    let numbers = "
        (if (i32.ne (local.get $count) (i32.const 2)) (then unreachable))
        (if (i64.ne (i64.load offset=248 (local.get $messages)) (i64.const 1700000000000)) (then unreachable))
        (if (i64.ne (i64.load offset=264 (local.get $messages)) (i64.const 1700000000001)) (then unreachable))
        (if (i32.ne (i32.load offset=276 (local.get $messages)) (i32.const 3)) (then unreachable))
        (call $nothing (i32.const 2))";
    let shaped = shape(numbers)
        .await
        .shape(&messages())
        .await
        .expect("shape");
    assert_eq!(
        (shaped.event, &*shaped.skipped),
        (None, &["m1".into(), "m2".into()][..])
    );
}

#[tokio::test]
async fn a_body_is_text_exactly_when_it_is_utf_8() {
    let kind = |expected: u32| {
        format!(
            "(if (i32.ne (i32.load8_u offset=16 (local.get $messages)) (i32.const {expected}))
                (then unreachable))
             (call $nothing (i32.const 1))"
        )
    };
    for (body, expected) in [(&b""[..], 0), ("é".as_bytes(), 0), (b"\xff", 1)] {
        let message = Message {
            body: bytes::Bytes::copy_from_slice(body),
            ..messages().remove(0)
        };
        let shaped = shape(&kind(expected)).await.shape(&[message]).await;
        shaped.expect("the body is of the expected kind");
    }
}

#[tokio::test]
async fn the_source_arrives() {
    let configure = "
        (if (i32.ne (i32.load8_u offset=8 (local.get $source)) (i32.const 1)) (then unreachable))
        (if (i32.ne (i32.load8_u offset=16 (local.get $source)) (i32.const 1)) (then unreachable))
        (if (i64.ne (i64.load offset=24 (local.get $source)) (i64.const 7)) (then unreachable))
        (call $setup (i32.load (local.get $source)) (i32.load offset=4 (local.get $source))
            (i32.const 1) (i32.const 1) (i32.const 0))";
    let trigger = trigger(good_batch().with("configure", configure)).await;
    let shaped = trigger.shape(&messages()).await.expect("shape");
    assert_eq!(shaped.event.as_deref(), Some("\"orders\""));
}

#[tokio::test]
async fn each_outcome_has_its_number() {
    let number = "
        (call $verdict (i32.const 0) (i32.const 0x150) (i32.const 2)
            (i32.const 1) (i32.const 1) (local.get $ending))
        (call $verdicts (i32.const 1))";
    let trigger = trigger(good_batch().with("settle", number)).await;
    let failed = Ending::Failed {
        kind: "handler".into(),
        payload: "{}".into(),
    };
    let stream = Ending::StreamOpened(StreamHead {
        prelude: None,
        content_type: None,
    });
    for (ending, number) in [
        (Ending::Completed(String::new()), 0),
        (failed, 1),
        (Ending::TimedOut, 2),
        (Ending::Throttled, 3),
        (Ending::Unavailable("no such function".into()), 4),
        // What a batch is never told, and what must not look like success.
        (Ending::Expired, 2),
        (Ending::Accepted, 4),
        (stream, 4),
    ] {
        let outcome = outcome(ending);
        let settlement = trigger.settle("token", &["m1"], &outcome).await;
        let verdict = Verdict {
            id: "m1".into(),
            action: Action::Retry(Some(number)),
        };
        assert_eq!(settlement.expect("settle").but, [verdict], "{outcome:?}");
    }
}

#[tokio::test]
async fn verdicts_that_are_not_on_the_batch() {
    let verdict = |at: u32, id: u32| {
        format!(
            "(call $verdict (i32.const {at}) (i32.const {id}) (i32.const 2)
                (i32.const 1) (i32.const 0) (i32.const 0))"
        )
    };
    let both = format!(
        "{} {} (call $verdicts (i32.const 2))",
        verdict(0, 0x150),
        verdict(1, 0x152)
    );
    assert_eq!(settle(&both).await.expect("settle").but.len(), 2);
    // "to", the start of "token".
    let unknown = format!("{} (call $verdicts (i32.const 1))", verdict(0, 0x110));
    assert_eq!(
        settle(&unknown).await,
        Err(r#"it has a verdict on message "to", which is not in the batch"#.into())
    );
    let twice = format!(
        "{} {} (call $verdicts (i32.const 2))",
        verdict(0, 0x150),
        verdict(1, 0x150)
    );
    assert_eq!(
        settle(&twice).await,
        Err(r#"it has a verdict on message "m1" twice"#.into())
    );
}

#[tokio::test]
async fn a_settlement_has_an_action_for_the_messages_without_a_verdict() {
    let settlement = |otherwise: u32, x: u32, y: u32| {
        format!(
            "(call $settlement (i32.const {otherwise}) (i32.const {x}) (i32.const {y}) (i32.const 0))"
        )
    };
    for (body, otherwise) in [
        (settlement(0, 0, 0), Action::Ack),
        (settlement(1, 0, 0), Action::Retry(None)),
        (
            settlement(1, 1, 43_200_000),
            Action::Retry(Some(43_200_000)),
        ),
        (
            settlement(2, 0x120, 7),
            Action::DeadLetter(r"a: b\r\nc".into()),
        ),
    ] {
        let expected = Settlement {
            otherwise,
            but: vec![],
        };
        assert_eq!(settle(&body).await, Ok(expected));
    }
}

#[tokio::test]
async fn no_message_is_delivered_again_after_more_than_twelve_hours() {
    let later = "(call $settlement (i32.const 1) (i32.const 1) (i32.const 43200001) (i32.const 0))";
    assert_eq!(
        settle(later).await,
        Err(
            "it delivers the messages without a verdict again after 43200001 ms, and may do so after up to 43200000 ms \
             (12 hours)"
                .into()
        )
    );
    let one = "
        (call $verdict (i32.const 0) (i32.const 0x150) (i32.const 2)
            (i32.const 1) (i32.const 1) (i32.const 43200001))
        (call $verdicts (i32.const 1))";
    let reason = settle(one).await.expect_err("not valid");
    assert!(
        reason.starts_with("it delivers message \"m1\" again after 43200001 ms"),
        "{reason}"
    );
}

#[tokio::test]
async fn settle_receives_the_ids_the_token_and_the_time() {
    let checks = "
        (if (i32.ne (local.get $count) (i32.const 2)) (then unreachable))
        (if (i32.ne (i32.load16_u (i32.load (local.get $ids))) (i32.const 0x326d)) (then unreachable))
        (if (i32.ne (i32.load16_u (i32.load offset=8 (local.get $ids))) (i32.const 0x316d)) (then unreachable))
        (if (i32.ne (i32.load (local.get $token)) (i32.const 0x656b6f74)) (then unreachable))
        (if (i64.ne (local.get $at) (i64.const 1700000000002)) (then unreachable))
        (call $verdicts (i32.const 0))";
    let trigger = trigger(good_batch().with("settle", checks)).await;
    let completed = outcome(Ending::Completed("{}".into()));
    let settlement = trigger.settle("token", &["m2", "m1"], &completed).await;
    settlement.expect("settle");
}

#[tokio::test]
async fn what_a_source_does_not_know_is_none() {
    let bare = Message {
        group: None,
        deduplication: None,
        key: None,
        place: None,
        sequence: None,
        first_received_at: None,
        receives: None,
        source: None,
        ..messages().remove(0)
    };
    let missing = [36, 48, 60, 72, 84, 104, 120, 128].map(|offset| {
        format!("(if (i32.load8_u offset={offset} (local.get $messages)) (then unreachable))")
    });
    let body = format!("{} (call $nothing (i32.const 1))", missing.concat());
    let trigger = shape(&body).await;
    trigger.shape(&[bare]).await.expect("all are none");
    let error = trigger
        .shape(&messages()[..1])
        .await
        .expect_err("they are there");
    assert!(matches!(fault(&error), GuestError::Trap { .. }), "{error}");
}

#[tokio::test]
async fn skipped_messages_are_the_batchs() {
    let first = "(call $invocation (local.get $state) (local.get $length) (i32.const 1))";
    let shaped = shape(first).await.shape(&messages()).await.expect("shape");
    assert_eq!(shaped.skipped, ["m1"]);

    let one = shape("(call $nothing (i32.const 2))").await;
    let error = one.shape(&messages()[..1]).await.expect_err("not valid");
    assert_eq!(
        invalid(&error),
        r#"it skips message "m2", which is not in the batch"#
    );
    assert_eq!(
        wrong("(call $nothing (i32.const 1))").await,
        "it returns no event, and does not skip 1 of the messages"
    );
    let all = "(call $invocation (local.get $state) (local.get $length) (i32.const 2))";
    assert_eq!(
        wrong(all).await,
        "it returns an event though it skips all messages"
    );
}

#[tokio::test]
async fn events_and_tokens_that_break_the_contract() {
    let reason = wrong("(call $invocation (i32.const 0x120) (i32.const 7) (i32.const 0))").await;
    assert!(reason.starts_with("the event is not JSON: "), "{reason}");
    // A number of more than 6 MiB of ones.
    let long = "
        (drop (memory.grow (i32.const 100)))
        (memory.fill (i32.const 0x10000) (i32.const 0x31) (i32.const 6291457))
        (call $invocation (i32.const 0x10000) (i32.const 6291457) (i32.const 0))";
    assert_eq!(
        wrong(long).await,
        "the event has 6291457 bytes, and may have 6291456"
    );
    let token = "
        (drop (memory.grow (i32.const 20)))
        (drop (call $invocation (local.get $state) (local.get $length) (i32.const 0)))
        (i32.store (i32.const 0x418) (i32.const 0x10000))
        (i32.store (i32.const 0x41c) (i32.const 1048577))
        (i32.const 0x400)";
    assert_eq!(
        wrong(token).await,
        "the token has 1048577 bytes, and may have 1048576"
    );
}

#[tokio::test]
async fn setups_that_break_the_contract() {
    let wrong = async |body: &str| {
        let configured = good_batch().with("configure", body).batch(&host()).await;
        invalid_setup(configured)
    };
    let batching = |messages: u32, bytes: u32, window: u32| {
        format!(
            "(call $setup (local.get $config) (local.get $length)
                (i32.const {messages}) (i32.const {bytes}) (i32.const {window}))"
        )
    };
    assert_eq!(
        wrong(&batching(0, 1, 0)).await,
        "max-messages is 0, and may be 1 to 10000"
    );
    assert_eq!(
        wrong(&batching(1, u32::MAX, 0)).await,
        "max-bytes is 4294967295, and may be 1 to 6291456"
    );
    assert_eq!(
        wrong(&batching(1, 1, 300_001)).await,
        "window-ms is 300001, and may be 0 to 300000"
    );
    let changed = |at: u32, value: u32| {
        format!(
            "(drop {}) (i32.store (i32.const {at}) (i32.const {value})) (i32.const 0x400)",
            batching(1, 1, 0)
        )
    };
    // A concurrency that is there, of zero.
    assert_eq!(
        wrong(&changed(0x428, 1)).await,
        "max-concurrency is 0, and may be 1 to 4294967295"
    );
    // The length of the function's name.
    assert_eq!(
        wrong(&changed(0x410, 0)).await,
        r#""" is not the name of a function"#
    );
    assert_eq!(
        wrong(&changed(0x410, 300)).await,
        "the name of a function has 300 bytes, and may have 256"
    );
    let state = "
        (drop (memory.grow (i32.const 20)))
        (call $setup (i32.const 0x10000) (i32.const 1048577) (i32.const 1) (i32.const 1) (i32.const 0))";
    assert_eq!(
        wrong(state).await,
        "the state has 1048577 bytes, and may have 1048576"
    );
    assert_eq!(
        wrong("(call $problems (i32.const 0))").await,
        "it refuses the configuration without naming a problem"
    );
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_reported() {
    let refusing = good_batch().with("configure", "(call $problems (i32.const 1))");
    match refusing.batch(&host()).await {
        Err(ConfigureError::Problems(problems)) => assert_eq!(problems[0].message, "f"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn hostile_calls_are_stopped() {
    let spin = shape("(loop $on (br $on)) unreachable").await;
    let error = spin.shape(&messages()).await.expect_err("stopped");
    assert_eq!(fault(&error), &GuestError::Cpu(Duration::from_millis(120)));
    assert!(
        error.to_string().contains("its 120 ms of processor time"),
        "{error}"
    );

    let trap = shape("unreachable").await;
    let error = trap.shape(&messages()).await.expect_err("stopped");
    assert!(matches!(fault(&error), GuestError::Trap { .. }), "{error}");

    // 32 MiB of zero bytes are valid UTF-8.
    let giant = "
        (drop (memory.grow (i32.const 512)))
        (call $refuse (i32.const 0x2000) (i32.const 0x2000000))";
    let error = shape(giant).await.shape(&messages()).await;
    assert_eq!(
        fault(&error.expect_err("stopped")),
        &GuestError::Copied(limits::SHAPER.copied_bytes)
    );
    let many = settle("(call $verdicts (i32.const 0x0fffffff))").await;
    assert!(many.is_err(), "{many:?}");

    let nowhere = shape("(i32.const -4)").await;
    let error = nowhere.shape(&messages()).await.expect_err("stopped");
    assert!(matches!(fault(&error), GuestError::Invalid(_)), "{error}");
}

#[tokio::test]
async fn a_refusal_is_the_plugins_own_word() {
    let refusing = shape("(call $refuse (i32.const 0x120) (i32.const 7))").await;
    let error = refusing.shape(&messages()).await.expect_err("refused");
    assert_eq!(error.cause, CallError::Reported(r"a: b\r\nc".into()));
    assert!(
        error
            .to_string()
            .starts_with("plugin fixture of trigger orders: shape failed after"),
        "{error}"
    );
}

#[tokio::test]
async fn the_largest_batch_goes_through() {
    let trigger = trigger(good_batch()).await;
    let all: Vec<Message> = (0..10_000)
        .map(|n| Message {
            id: format!("{n}"),
            body: "x".repeat(500).into(),
            ..messages().remove(0)
        })
        .collect();
    let shaped = trigger.shape(&all).await.expect("shape");
    assert_eq!(shaped.event.as_deref(), Some(CONFIG));
}
