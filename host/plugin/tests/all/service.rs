//! Services: what a request gets, and what a service gets.

use std::time::{Duration, SystemTime};

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Body;
use lambkin_plugin::{CallError, ConfigureError, GuestError, Role};

use crate::fixture::{drained, good, host};
use crate::probe::{Pieces, Probe, load, nothing, peer, request};

#[tokio::test]
async fn service_answers_whole_with_its_length() {
    let probe = Probe::new().await;
    let answer = probe
        .service
        .answer(request("/hello"), peer())
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-probe"], "1");
    assert_eq!(answer.body().size_hint().exact(), Some(5));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "hello");
    assert_eq!(probe.get("/status/404").await.unwrap().0, 404);
    drained(&probe.host).await;
}

#[tokio::test]
async fn service_sees_its_environment_and_no_other() {
    let probe = Probe::new().await;
    assert_eq!(
        probe.says("/environment").await,
        "LAMBKIN_ACCOUNT=123456789012\nLAMBKIN_REGION=eu-central-1\nLAMBKIN_SETTINGS={}"
    );
}

#[tokio::test]
async fn service_sees_the_time_its_caller_and_its_host() {
    let probe = Probe::new().await;
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let seen: u128 = probe.says("/clock").await.parse().unwrap();
    assert!(seen.abs_diff(now) < 60_000, "{seen} {now}");
    // A client cannot forge its address.
    let mut forged = request("/peer");
    let value = "198.51.100.1".parse().unwrap();
    forged.headers_mut().append("x-lambkin-peer", value);
    let answer = probe.service.answer(forged, peer()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "192.0.2.1");
    assert_eq!(probe.says("/authority").await, "localhost:9324");
    let mut without = request("/authority");
    without.headers_mut().remove("host");
    assert!(probe.service.answer(without, peer()).await.is_ok());
}

#[tokio::test]
async fn service_without_grants_sees_nothing() {
    let probe = Probe::new().await;
    for path in ["/open-queue/a", "/delete-queue/a", "/sources/a"] {
        assert_eq!(probe.says(path).await, "Err(Error::Missing)", "{path}");
    }
    assert_eq!(probe.says("/create-queue/a").await, "Err(Error::Denied)");
    assert_eq!(probe.says("/queues/").await, "Ok(([], false))");
    for path in ["/open-bucket/a", "/delete-bucket/a"] {
        assert_eq!(probe.says(path).await, "Err(Error::MissingBucket)");
    }
    assert_eq!(probe.says("/create-bucket/a").await, "Err(Error::Denied)");
    assert_eq!(probe.says("/buckets/").await, "Ok([])");
}

#[tokio::test]
async fn service_sees_the_queues_it_was_granted() {
    let probe = Probe::with_queues(&["orders", "test-*"]).await;
    probe
        .create(&["orders", "secret", "test-a", "test-b"])
        .await;
    assert_eq!(probe.says("/open-queue/orders").await, "Ok(())");
    assert_eq!(
        probe.says("/open-queue/secret").await,
        "Err(Error::Missing)"
    );
    assert_eq!(
        probe.says("/delete-queue/secret").await,
        "Err(Error::Missing)"
    );
    assert_eq!(
        probe.says("/open-queue/test-c").await,
        "Err(Error::Missing)"
    );
    assert_eq!(probe.says("/create-queue/test-c").await, "Ok(())");
    assert_eq!(
        probe.says("/create-queue/test-c").await,
        "Err(Error::Exists)"
    );
    assert_eq!(probe.says("/create-queue/mine").await, "Err(Error::Denied)");
    assert_eq!(
        probe.says("/queues/").await,
        r#"Ok((["orders", "test-a", "test-b", "test-c"], false))"#
    );
    // A page is full of what is visible, though there is more between.
    assert_eq!(
        probe.says("/queues//2").await,
        r#"Ok((["orders", "test-a"], true))"#
    );
    assert_eq!(probe.says("/queues/s").await, "Ok(([], false))");
    assert_eq!(probe.says("/delete-queue/test-c").await, "Ok(())");
}

#[tokio::test]
async fn service_cannot_reach_other_queues_by_dead_letters_and_moves() {
    let probe = Probe::with_queues(&["mine*"]).await;
    probe.create(&["mine", "mine-dead", "others"]).await;
    assert_eq!(
        probe.says("/create-queue/mine-2/others").await,
        "Err(Error::Missing)"
    );
    assert_eq!(
        probe.says("/change-queue/mine/others").await,
        "Err(Error::Missing)"
    );
    assert_eq!(probe.says("/move/mine/others").await, "Err(Error::Missing)");
    assert_eq!(probe.says("/change-queue/mine/mine-dead").await, "Ok(())");
    assert_eq!(probe.says("/sources/mine-dead").await, r#"Ok(["mine"])"#);
    // What the operator has set may stay.
    let mut settings = probe.queues.describe("mine").await.unwrap().settings;
    settings.dead_letter.as_mut().unwrap().queue = "others".into();
    probe.queues.change("mine", settings).await.unwrap();
    assert_eq!(probe.says("/change-queue/mine/others").await, "Ok(())");
}

#[tokio::test]
async fn service_sends_and_receives() {
    let probe = Probe::with_queues(&["*"]).await;
    probe.create(&["orders"]).await;
    assert_eq!(probe.says("/send/orders/one").await, "Ok(1)");
    assert_eq!(probe.says("/receive/orders/0").await, r#"Ok(["one"])"#);
    assert_eq!(probe.says("/receive/orders/0").await, "Ok([])");
    let (received, sent) = tokio::join!(
        probe.says("/receive/orders/20000"),
        probe.says("/send/orders/two")
    );
    assert_eq!((&*received, &*sent), (r#"Ok(["two"])"#, "Ok(1)"));
}

/// The fault of a request, which names plugin and service.
async fn fault(probe: &Probe, path: &str) -> GuestError {
    let error = probe.get(path).await.expect_err("the request fails");
    let message = error.to_string();
    let start = "plugin probe of service test: handle failed after ";
    assert!(message.starts_with(start), "{message}");
    drained(&probe.host).await;
    assert_eq!(probe.says("/hello").await, "hello");
    match error.cause {
        CallError::Guest(fault) => fault,
        other => panic!("not the plugin's fault: {other:?}"),
    }
}

#[tokio::test]
async fn service_that_traps_fails_alone() {
    let probe = Probe::new().await;
    assert!(matches!(
        fault(&probe, "/trap").await,
        GuestError::Trap { .. }
    ));
    assert_eq!(fault(&probe, "/grow").await, GuestError::Memory);
}

#[tokio::test]
async fn service_without_a_valid_response_is_defective() {
    let probe = Probe::new().await;
    for (path, reason) in [
        ("/silent", "without an answer"),
        ("/status/101", "the status is 101"),
        ("/short", "body"),
        // The answer has begun, and its end is still to come: what the client sees is the same.
        ("/short/50", "body"),
    ] {
        match fault(&probe, path).await {
            GuestError::Invalid(text) => assert!(text.contains(reason), "{path}: {text}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn service_in_an_endless_loop_is_stopped_and_blocks_no_other_call() {
    let probe = Probe::new().await;
    let spinning = tokio::spawn({
        let service = probe.service.clone();
        async move { service.answer(request("/spin"), peer()).await.map(drop) }
    });
    for _ in 0..20 {
        assert_eq!(probe.says("/hello").await, "hello");
    }
    // The other one's caller goes away.
    spinning.abort();
    let _aborted = spinning.await;
    drained(&probe.host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_in_an_endless_loop_uses_up_its_processor_time() {
    let probe = Probe::new().await;
    let start = std::time::Instant::now();
    let bound = lambkin_plugin::limits::SERVICE.cpu;
    assert_eq!(fault(&probe, "/spin").await, GuestError::Cpu(bound));
    assert!(start.elapsed() >= bound);
}

#[tokio::test]
async fn service_that_is_full_keeps_no_other_waiting() {
    let probe = Probe::new().await;
    let plugin = load(&probe.host).await;
    let other = plugin.service("other", nothing("{}")).await.unwrap();
    let places = lambkin_plugin::limits::QUOTA_WAITING_CALLS;
    let waiting: Vec<_> = (0..places)
        .map(|_| {
            let service = probe.service.clone();
            tokio::spawn(async move {
                let answer = service.answer(request("/wait/3600000"), peer());
                answer.await.map(drop)
            })
        })
        .collect();
    while probe.host.pool_usage().unwrap().instances < places as u64 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let answer = other.answer(request("/hello"), peer()).await.unwrap();
    assert_eq!(answer.status(), 200);
    // Its own next one waits for a place, and gets it.
    let mut next = Box::pin(probe.get("/hello"));
    let early = tokio::time::timeout(Duration::from_millis(50), &mut next).await;
    assert!(early.is_err(), "there was a place left");
    for call in waiting {
        call.abort();
        let _aborted = call.await;
    }
    assert_eq!(next.await.unwrap().0, 200);
    drained(&probe.host).await;
}

#[tokio::test]
async fn service_is_not_charged_for_waiting() {
    let probe = Probe::with_queues(&["*"]).await;
    probe.create(&["orders"]).await;
    assert_eq!(probe.says("/wait/300").await, "waited");
    assert_eq!(probe.says("/receive/orders/300").await, "Ok([])");
}

#[tokio::test]
async fn service_ends_with_its_caller() {
    let probe = Probe::with_queues(&["*"]).await;
    probe.create(&["orders"]).await;
    for path in ["/receive/orders/20000", "/wait/3600000"] {
        let waiting = probe.service.answer(request(path), peer());
        let gone = tokio::time::timeout(Duration::from_millis(50), waiting).await;
        assert!(gone.is_err(), "{path}");
        drained(&probe.host).await;
    }
    // The one who went away has taken nothing along.
    assert_eq!(probe.says("/send/orders/one").await, "Ok(1)");
    assert_eq!(probe.says("/receive/orders/0").await, r#"Ok(["one"])"#);
}

#[tokio::test]
async fn service_ends_with_its_callers_interest_in_the_body() {
    let probe = Probe::new().await;
    let answer = probe.service.answer(request("/zeros/1000000000"), peer());
    let mut body = answer.await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert_ne!(probe.host.pool_usage().unwrap().instances, 0);
    drop(body);
    drained(&probe.host).await;
}

#[tokio::test]
async fn service_streams_bodies_of_any_size_both_ways() {
    let probe = Probe::new().await;
    let request = |path, pieces| Request::post(path).body(Pieces(pieces)).unwrap();
    // 128 MiB: twice the memory of an instance.
    let pieces = 2_048;
    let answer = probe.service.answer(request("/length", pieces), peer());
    let body = answer.await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "134217728");

    let answer = probe.service.answer(request("/echo", pieces), peer());
    let mut body = answer.await.unwrap().into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame.unwrap().data_ref().map_or(0, bytes::Bytes::len);
    }
    assert_eq!(length, pieces * (64 << 10));
    drained(&probe.host).await;
}

#[tokio::test]
async fn service_answer_is_whole_unless_it_is_long_or_its_guest_waits() {
    let probe = Probe::new().await;
    for (path, length) in [
        ("/zeros/0", Some(0)),
        ("/zeros/1000", Some(1000)),
        ("/zeros/1048576", Some(1 << 20)),
        ("/zeros/1048577", None),
        // Without a declared length.
        ("/hello", Some(5)),
        ("/torn", None),
    ] {
        let answer = probe.service.answer(request(path), peer()).await.unwrap();
        assert_eq!(answer.body().size_hint().exact(), length, "{path}");
    }
}

#[tokio::test]
async fn service_that_breaks_down_in_its_body_breaks_the_body_off() {
    let probe = Probe::new().await;
    let answer = probe
        .service
        .answer(request("/torn"), peer())
        .await
        .unwrap();
    let mut body = answer.into_body();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "beginning"
    );
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("plugin probe of service test"),
        "{error}"
    );
    drained(&probe.host).await;
}

#[tokio::test]
async fn service_has_no_network() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let probe = Probe::new().await;
    for scheme in ["http", "https"] {
        let said = probe.says(&format!("/fetch/{scheme}://{address}/")).await;
        assert_eq!(said, "Err(ErrorCode::HttpRequestDenied)");
    }
}

#[tokio::test]
async fn service_settings_are_checked_when_it_is_configured() {
    let plugin = load(&host()).await;
    let accepted = plugin.service("test", nothing(r#"{"a":1}"#)).await.unwrap();
    assert_eq!(accepted.name(), "test");
    match plugin.service("test", nothing(r#"{"refuse":1}"#)).await {
        Err(ConfigureError::Problems(problems)) => {
            let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(shown, [r"key\n: refused"]);
        }
        other => panic!("{other:?}"),
    }
    let long = "x".repeat(lambkin_plugin::limits::CONFIG_BYTES + 1);
    let refused = plugin.service("test", nothing(&long)).await;
    assert!(matches!(refused, Err(ConfigureError::Problems(_))));
}

#[tokio::test]
async fn service_is_a_role_like_any_other() {
    let host = host();
    let plugin = load(&host).await;
    assert_eq!(
        plugin.roles(),
        [
            Role::HttpTrigger,
            Role::BatchTrigger,
            Role::Service,
            Role::Source
        ]
    );
    let trigger = good().load(&host).await.unwrap();
    let refused = trigger.service("test", nothing("{}")).await.unwrap_err();
    assert!(
        matches!(refused, ConfigureError::MissingRole { .. }),
        "{refused}"
    );
}
