//! Good plugins: values arrive as they were sent, and calls do not see each other.

use std::env;
use std::process::Command;

use lambkin_model::{Body, HttpResponse};
use lambkin_plugin::{
    Answer, CallError, ConfigureError, Ending, Fetched, InvocationMode, Resumption, Shaped, Step,
    StreamHead,
};

use crate::fixture::{CONFIG, drained, function, good, header, host, outcome, reply, request, web};

#[tokio::test]
async fn a_request_becomes_an_event_and_an_outcome_a_response() {
    let host = host();
    let trigger = good().trigger(&host).await;
    assert_eq!(trigger.name(), "web");
    assert_eq!(trigger.functions(), [function("f")]);

    let shaped = Shaped {
        function: "f".into(),
        event: CONFIG.into(),
        mode: InvocationMode::Buffered,
        wait: None,
        cache: None,
        resumption: Resumption {
            token: "token".into(),
            with_request: false,
        },
    };
    assert_eq!(
        trigger.shape(&request()).await.expect("shape"),
        Step::Invoke(shaped)
    );

    let completed = outcome(Ending::Completed("grüße".into()));
    let response = HttpResponse {
        status: 200,
        reason: None,
        headers: vec![],
        body: Body::Text("grüße".into()),
    };
    let step = trigger.resume("token", &completed, None).await;
    assert_eq!(reply(step.expect("resume")), response);
    drained(&host).await;
}

/// The request as the guest sees it, read back from where the canonical ABI puts each field.
#[tokio::test]
async fn every_field_of_the_request_arrives() {
    let host = host();
    let mut request = request();
    request.query = "\"q\"".into();
    request.path = "\"path\"".into();
    request.body = Some(Body::Text("\"text\"".into()));
    request.headers = vec![
        header("a", None, "b"),
        header("\"c\"", Some("\"C\""), "\"last\""),
    ];
    request.id = "\"id\"".into();
    request.trace_id = "\"trace\"".into();
    request.peer = "\"peer\"".into();
    request.protocol = "\"protocol\"".into();
    request.authority = "\"authority\"".into();
    request.method = "\"method\"".into();
    // Offsets in the arguments: the state's 8 bytes, then the request with its u64 in third place.
    let string_at = |offset: u32| {
        format!(
            "(call $invoke (i32.load offset={offset} (local.get $arguments)) \
             (i32.load offset={} (local.get $arguments)))",
            offset + 4
        )
    };
    let second_header = |offset: u32| {
        let headers = "(i32.load offset=92 (local.get $arguments))";
        format!(
            "(call $invoke (i32.load offset={} {headers}) (i32.load offset={} {headers}))",
            24 + offset,
            28 + offset
        )
    };
    for (body, expected) in [
        (string_at(8), "\"id\""),
        (string_at(16), "\"trace\""),
        (string_at(32), "\"peer\""),
        (string_at(52), "\"protocol\""),
        (string_at(60), "\"authority\""),
        (string_at(68), "\"method\""),
        (string_at(76), "\"path\""),
        (string_at(84), "\"q\""),
        (string_at(104), "\"text\""),
        (second_header(0), "\"c\""),
        (second_header(8), "\"C\""),
        (second_header(16), "\"last\""),
    ] {
        let trigger = good().with("shape", &body).trigger(&host).await;
        match trigger.shape(&request).await.expect("shape") {
            Step::Invoke(shaped) => assert_eq!(shaped.event, expected),
            other => panic!("{other:?}"),
        }
    }
    let others = "
        (if (i64.ne (i64.load offset=24 (local.get $arguments)) (i64.const 1700000000000)) (then unreachable))
        (if (i32.ne (i32.load offset=44 (local.get $arguments)) (i32.const 4)) (then unreachable))
        (if (i32.ne (i32.load (i32.load offset=40 (local.get $arguments))) (i32.const 0x70747468))
            (then unreachable))
        (if (i32.ne (i32.load16_u offset=48 (local.get $arguments)) (i32.const 8000)) (then unreachable))
        (call $status (i32.const 200))";
    let trigger = good().with("shape", others).trigger(&host).await;
    trigger
        .shape(&request)
        .await
        .expect("time, scheme and port arrive");
}

#[tokio::test]
async fn each_outcome_has_its_number() {
    let host = host();
    let number = "(call $status (i32.add (local.get $ending) (i32.const 200)))";
    let trigger = good().with("resume", number).trigger(&host).await;
    let endings = [
        Ending::Completed(String::new()),
        Ending::StreamOpened(StreamHead {
            prelude: None,
            content_type: None,
        }),
        Ending::Accepted,
        Ending::Failed {
            kind: "handler".into(),
            payload: "{}".into(),
        },
        Ending::TimedOut,
        Ending::Expired,
        Ending::Throttled,
        Ending::Unavailable("no such function".into()),
        Ending::Fetched(Fetched {
            status: 200,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        }),
    ];
    for (ending, status) in endings.into_iter().zip(200..) {
        let outcome = outcome(ending);
        let step = trigger.resume("token", &outcome, None).await;
        assert_eq!(reply(step.expect("resume")).status, status, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_plugin_can_answer_at_once() {
    // ok(reply) with status 404, laid out by hand.
    let reply = "(i32.store16 (i32.const 0x408) (i32.const 404)) (i32.const 0x400)";
    let trigger = good().with("shape", reply).trigger(&host()).await;
    let response = HttpResponse {
        status: 404,
        reason: None,
        headers: vec![],
        body: Body::Empty,
    };
    assert_eq!(
        trigger.shape(&request()).await.expect("shape"),
        Step::Reply(Answer {
            response,
            connection: None,
            memory: None,
            warnings: vec![],
            notes: vec![],
        })
    );
}

#[tokio::test]
async fn nothing_of_one_call_is_there_for_the_next() {
    // Answers 200 and the number of calls this instance has seen, in memory and in a global.
    let count = "
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.store (i32.const 0x800) (i32.add (i32.load (i32.const 0x800)) (i32.const 1)))
        (call $status (i32.add (i32.const 198) (i32.add (global.get $calls) (i32.load (i32.const 0x800)))))";
    let fixture = good()
        .with("module", "(global $calls (mut i32) (i32.const 0))")
        .with("resume", count);
    let trigger = fixture.trigger(&host()).await;
    for _ in 0..100 {
        let step = trigger
            .resume("token", &outcome(Ending::TimedOut), None)
            .await;
        assert_eq!(reply(step.expect("resume")).status, 200);
    }
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_reported() {
    let host = host();
    let plugin = good()
        .with("configure", "(call $problems (i32.const 1))")
        .load(&host)
        .await
        .expect("load");
    match web(&plugin, CONFIG).await {
        Err(ConfigureError::Problems(problems)) => {
            assert_eq!(problems.len(), 1);
            assert_eq!((problems[0].at.len(), &*problems[0].message), (0, "f"));
        }
        other => panic!("{other:?}"),
    }

    let plugin = good().load(&host).await.expect("load");
    match web(&plugin, &"x".repeat(100_000)).await {
        Err(ConfigureError::Problems(problems)) => {
            assert!(problems[0].message.contains("64 KiB"), "{problems:?}")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_is_the_plugins_own_word() {
    let trigger = good()
        .with("shape", "(call $refuse (i32.const 0x120) (i32.const 7))")
        .trigger(&host())
        .await;
    let error = trigger.shape(&request()).await.expect_err("refused");
    assert_eq!(error.cause, CallError::Reported(r"a: b\r\nc".into()));
    let message = error.to_string();
    assert!(
        message.starts_with("plugin fixture of trigger web: shape failed after"),
        "{message}"
    );
    assert!(
        message.contains(r"the plugin reports: a: b\r\nc"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_beyond_the_limit_wait_and_all_succeed() {
    let host = host();
    let trigger = good().trigger(&host).await;
    let calls: Vec<_> = (0..1_000)
        .map(|_| {
            let trigger = trigger.clone();
            // Also shows that a call can move between threads.
            tokio::spawn(async move { trigger.shape(&request()).await.map(drop) })
        })
        .collect();
    for call in calls {
        call.await.expect("no panic").expect("shape");
    }
    drained(&host).await;
}

#[test]
fn a_process_with_little_address_space_runs_plugins_without_a_pool() {
    // 3 GB, in a process of its own: not even one memory of the pool's kind would fit.
    let child = Command::new("sh")
        .args([
            "-c",
            "ulimit -v 3000000 && exec \"$0\" --ignored --exact calls::without_a_pool",
        ])
        .arg(env::current_exe().expect("this program"))
        .output()
        .expect("a shell");
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && output.contains("1 passed"),
        "{output}"
    );
}

#[tokio::test]
#[ignore = "needs the process that the test above makes"]
async fn without_a_pool() {
    let host = host();
    assert_eq!(host.pool_usage(), None, "there is a pool");
    good()
        .trigger(&host)
        .await
        .shape(&request())
        .await
        .expect("shape");
}
