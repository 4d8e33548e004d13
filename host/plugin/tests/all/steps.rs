//! The steps of an HTTP trigger: a reply, an invocation or a fetch, after the request and after each outcome.

use std::time::Duration;

use lambkin_model::{Body, HttpRequest};
use lambkin_plugin::{
    Ending, Fetch, Fetched, HttpTrigger, InvocationMode, Resumption, Shaped, Step, StreamHead,
    TriggerOutcome,
};

use crate::fixture::{CONFIG, Fixture, good, host, invalid, outcome, reply, request};

const URL: &str = "https://issuer.test/keys?a=b";

/// A method and a URL.
fn texts() -> String {
    format!(r#"(data (i32.const 0x700) "GET") (data (i32.const 0x710) "{URL}")"#)
}

const INVOKE: &str =
    "(call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))";

fn fetch() -> String {
    format!(
        "(call $fetch (i32.const 0x700) (i32.const 3) (i32.const 0x710) (i32.const {}))",
        URL.len()
    )
}

/// A body that returns the step with some words replaced: their addresses and values.
fn changed(step: &str, words: &[(u32, u32)]) -> String {
    let stores = words
        .iter()
        .map(|(at, word)| format!("(i32.store (i32.const {at}) (i32.const {word}))"));
    format!(
        "(drop {step}) {} (i32.const 0x400)",
        stores.collect::<String>()
    )
}

async fn trigger(fixture: Fixture) -> HttpTrigger {
    fixture.with("module", &texts()).trigger(&host()).await
}

async fn resume(body: &str, outcome: &TriggerOutcome, request: Option<&HttpRequest>) -> Step {
    let trigger = trigger(good().with("resume", body)).await;
    trigger
        .resume("token", outcome, request)
        .await
        .expect("resume")
}

/// What is wrong with the result of a `shape` with this body.
async fn wrong(body: &str) -> String {
    let shaped = trigger(good().with("shape", body)).await;
    let error = shaped.shape(&request()).await.expect_err("not valid");
    invalid(&error)
}

fn timed_out() -> TriggerOutcome {
    outcome(Ending::TimedOut)
}

#[tokio::test]
async fn a_step_may_invoke_or_fetch_again() {
    let resumption = || Resumption {
        token: "token".into(),
        with_request: false,
    };
    let invocation = Shaped {
        function: "f".into(),
        event: CONFIG.into(),
        mode: InvocationMode::Buffered,
        wait: None,
        cache: None,
        resumption: resumption(),
    };
    let step = resume(INVOKE, &timed_out(), None).await;
    assert_eq!(step, Step::Invoke(invocation));
    let document = Fetch {
        url: URL.into(),
        method: "GET".into(),
        headers: vec![],
        body: bytes::Bytes::new(),
        wait: Duration::from_secs(1),
        cache: None,
        resumption: resumption(),
    };
    let step = resume(&fetch(), &timed_out(), None).await;
    assert_eq!(step, Step::Fetch(document.clone()));
    let first = trigger(good().with("shape", &fetch())).await;
    let step = first.shape(&request()).await.expect("shape");
    assert_eq!(step, Step::Fetch(document));
}

#[tokio::test]
async fn a_plugin_that_goes_on_for_ever_is_named() {
    let trigger = trigger(good()).await;
    let error = trigger.misstep(&request().id, "it goes on".to_owned());
    assert_eq!(invalid(&error), "it goes on", "{error}");
}

#[tokio::test]
async fn resume_receives_the_request_if_it_is_passed() {
    let has_request =
        "(call $status (i32.add (i32.const 200) (i32.load8_u offset=72 (local.get $arguments))))";
    let step = resume(has_request, &timed_out(), None).await;
    assert_eq!(reply(step).status, 200);
    let step = resume(has_request, &timed_out(), Some(&request())).await;
    assert_eq!(reply(step).status, 201);
    let path = "(call $response (i32.const 200) (i32.const 0) (i32.const 0)
        (i32.load offset=148 (local.get $arguments)) (i32.load offset=152 (local.get $arguments)))";
    let step = resume(path, &timed_out(), Some(&request())).await;
    assert_eq!(reply(step).body, Body::Text("/hello".into()));
}

#[tokio::test]
async fn steps_say_whether_they_need_the_request_again() {
    for (step, at) in [(INVOKE, 0x43c), (&*fetch(), 0x444)] {
        for needed in [false, true] {
            let body = changed(step, &[(at, needed.into())]);
            let trigger = trigger(good().with("shape", &body)).await;
            let resumption = match trigger.shape(&request()).await.expect("shape") {
                Step::Invoke(shaped) => shaped.resumption,
                Step::Fetch(fetch) => fetch.resumption,
                Step::Reply(reply) => panic!("{reply:?}"),
            };
            assert_eq!(resumption.with_request, needed, "{body}");
        }
    }
}

#[tokio::test]
async fn an_invocation_has_a_mode_and_a_longest_wait() {
    for (number, mode) in [
        (0, InvocationMode::Buffered),
        (1, InvocationMode::Streamed),
        (2, InvocationMode::Asynchronous),
    ] {
        let body = changed(INVOKE, &[(0x418, number), (0x41c, 1), (0x420, 29_000)]);
        let trigger = trigger(good().with("shape", &body)).await;
        match trigger.shape(&request()).await.expect("shape") {
            Step::Invoke(shaped) => {
                let wait = Some(Duration::from_secs(29));
                assert_eq!((shaped.mode, shaped.wait), (mode, wait));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_requires_a_reply() {
    let mut large = request();
    large.body = None;
    for step in [INVOKE, &*fetch()] {
        let trigger = trigger(good().with("shape", step)).await;
        trigger
            .shape(&request())
            .await
            .expect("an ordinary request");
        let error = trigger.shape(&large).await.expect_err("not valid");
        assert_eq!(
            invalid(&error),
            "it does not reply to a request whose body is too large or broken"
        );
    }
    // The number of the body's case.
    let replies =
        "(call $status (i32.add (i32.const 410) (i32.load8_u offset=100 (local.get $arguments))))";
    let trigger = trigger(good().with("shape", replies)).await;
    let step = trigger.shape(&large).await.expect("shape");
    assert_eq!(reply(step).status, 413);
}

#[tokio::test]
async fn a_stream_that_has_begun_requires_a_reply() {
    let opened = outcome(Ending::StreamOpened(StreamHead {
        prelude: Some("{}".into()),
        content_type: Some("text/plain".into()),
    }));
    for step in [INVOKE, &*fetch()] {
        let trigger = trigger(good().with("resume", step)).await;
        let error = trigger.resume("token", &opened, None).await;
        let error = error.expect_err("not valid");
        assert_eq!(
            invalid(&error),
            "it does not reply to a stream that has begun"
        );
    }
    // Prelude and content type.
    for (offset, expected) in [(24, "{}"), (36, "text/plain")] {
        let text = format!(
            "(call $response (i32.const 200) (i32.const 0) (i32.const 0)
                (i32.load offset={offset} (local.get $arguments)) (i32.load offset={} (local.get $arguments)))",
            offset + 4
        );
        let step = resume(&text, &opened, None).await;
        assert_eq!(reply(step).body, Body::Text(expected.into()));
    }
}

#[tokio::test]
async fn an_outcome_has_a_time_and_says_whether_it_is_cached() {
    let cached = "
        (if (i64.ne (i64.load offset=48 (local.get $arguments)) (i64.const 1700000000002)) (then unreachable))
        (call $status (i32.add (i32.const 200) (i32.load8_u offset=56 (local.get $arguments))))";
    for is_cached in [false, true] {
        let outcome = TriggerOutcome {
            cached: is_cached,
            ..timed_out()
        };
        let step = resume(cached, &outcome, None).await;
        assert_eq!(reply(step).status, 200 + u16::from(is_cached));
    }
}

#[tokio::test]
async fn a_fetched_document_arrives() {
    let fetched = outcome(Ending::Fetched(Fetched {
        status: 203,
        headers: vec![("a".into(), "b".into()), ("etag".into(), "x".into())],
        body: "document".into(),
    }));
    // The headers of the response are those of the document.
    let copy = "(call $response (i32.load16_u offset=20 (local.get $arguments))
        (i32.load offset=24 (local.get $arguments)) (i32.load offset=28 (local.get $arguments))
        (i32.load offset=32 (local.get $arguments)) (i32.load offset=36 (local.get $arguments)))";
    let response = reply(resume(copy, &fetched, None).await);
    assert_eq!(response.status, 203);
    assert_eq!(response.headers[1], ("etag".into(), "x".into()));
    assert_eq!(response.body, Body::Text("document".into()));
}

#[tokio::test]
async fn a_reply_may_have_a_reason_phrase_and_warnings() {
    let given = "(call $reason (call $status (i32.const 200)) (i32.const 0x110) (i32.const 5))";
    let step = resume(given, &timed_out(), None).await;
    assert_eq!(reply(step).reason.as_deref(), Some("token"));
    let split = "(call $reason (call $status (i32.const 200)) (i32.const 0x120) (i32.const 7))";
    assert_eq!(
        wrong(split).await,
        r#"the reason phrase has control characters: "a: b\r\nc""#
    );
    // Two entries of `extra`: "warning", and one that is not known.
    let module = r#"
        (data (i32.const 0x700) "warning")
        (data (i32.const 0x710) "\00\07\00\00\07\00\00\00\20\01\00\00\07\00\00\00")
        (data (i32.const 0x720) "\10\01\00\00\05\00\00\00\20\01\00\00\07\00\00\00")"#;
    let body = changed(
        "(call $status (i32.const 502))",
        &[(0x42c, 0x710), (0x430, 2)],
    );
    let fixture = good().with("module", module).with("shape", &body);
    let step = fixture.trigger(&host()).await.shape(&request()).await;
    match step.expect("shape") {
        Step::Reply(answer) => assert_eq!(answer.warnings, [r"a: b\r\nc"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_cache_is_for_buffered_invocations_and_fetches_and_limited() {
    let key = |length: u32, ttl: u32| {
        format!(
            "(drop (memory.grow (i32.const 2)))
            (call $cached {INVOKE} (i32.const 0x10000) (i32.const {length}) (i32.const {ttl}))"
        )
    };
    let largest = key(65_536, 3_600_000);
    let trigger = trigger(good().with("shape", &largest)).await;
    match trigger.shape(&request()).await.expect("shape") {
        Step::Invoke(shaped) => {
            let cache = shaped.cache.expect("a cache");
            assert_eq!(cache.key.len(), 65_536);
            assert_eq!(cache.ttl, Duration::from_secs(3_600));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        wrong(&key(65_537, 0)).await,
        "the key of the cache has 65537 bytes, and may have 65536"
    );
    assert_eq!(
        wrong(&key(1, 3_600_001)).await,
        "ttl-ms is 3600001, and may be 0 to 3600000"
    );
    let cached = format!("(call $cached {INVOKE} (i32.const 0x100) (i32.const 1) (i32.const 1))");
    for mode in [1, 2] {
        assert_eq!(
            wrong(&changed(&cached, &[(0x418, mode)])).await,
            "it asks for a cache, which only a buffered invocation may"
        );
    }
    let cached = [(0x42c, 1), (0x430, 0x100), (0x434, 1), (0x438, 3_600_001)];
    assert_eq!(
        wrong(&changed(&fetch(), &cached)).await,
        "ttl-ms is 3600001, and may be 0 to 3600000"
    );
    let long = changed(
        &fetch(),
        &[(0x42c, 1), (0x430, 0x10000), (0x434, 65_537), (0x438, 0)],
    );
    assert_eq!(
        wrong(&format!("(drop (memory.grow (i32.const 2))) {long}")).await,
        "the key of the cache has 65537 bytes, and may have 65536"
    );
}

#[tokio::test]
async fn a_fetch_that_breaks_the_contract() {
    let grown = |words: &[(u32, u32)]| {
        format!(
            "(drop (memory.grow (i32.const 20))) {}",
            changed(&fetch(), words)
        )
    };
    let control = r#""a: b\r\nc" is not an HTTP method"#;
    for (words, expected) in [
        (&[(0x410, 0x120), (0x414, 7)][..], control),
        (&[(0x414, 0)], r#""" is not an HTTP method"#),
        (
            &[(0x408, 0x10000), (0x40c, 8_193)],
            "the URL has 8193 bytes, and may have 8192",
        ),
        (
            &[(0x420, 0x10000), (0x424, 1_048_577)],
            "the body has 1048577 bytes, and may have 1048576",
        ),
        (
            &[(0x428, 30_001)],
            "max-wait-ms is 30001, and may be 0 to 30000",
        ),
        (
            &[(0x43c, 0x10000), (0x440, 65_537)],
            "the token has 65537 bytes, and may have 65536",
        ),
        (
            &[(0x418, 0x10000), (0x41c, 1_001)],
            "the request has 1001 headers of 0 bytes, and may have 1000 of 256 KiB",
        ),
        // One header without a name.
        (
            &[(0x418, 0x10000), (0x41c, 1)],
            r#""" is not a header's name"#,
        ),
    ] {
        assert_eq!(wrong(&grown(words)).await, expected);
    }
}
