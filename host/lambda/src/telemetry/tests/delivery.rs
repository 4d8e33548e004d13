//! Delivery to subscribers that work, that fail, and that recover.

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};

use super::listener::Listener;
use super::*;

fn types(events: &[Value]) -> Vec<&str> {
    let name = |event: &'_ Value| -> &'static str {
        match event["type"].as_str().unwrap() {
            "platform.start" => "start",
            "platform.end" => "end",
            "platform.logsDropped" => "dropped",
            "function" => "function",
            other => panic!("{other}"),
        }
    };
    events.iter().map(name).collect()
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let accepted = tokio::time::timeout(LONG, listener.accept()).await;
    accepted.unwrap().unwrap().0
}

async fn next_event(lines: &mut Lines<BufReader<TcpStream>>) -> Option<Value> {
    let line = tokio::time::timeout(LONG, lines.next_line()).await.unwrap();
    let line = line.unwrap()?;
    Some(serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn http_subscribers_get_arrays_after_the_timeout() {
    let mut listener = Listener::start(&[]).await;
    let telemetry = Telemetry::new(OWN_PORT);
    let subscription = subscription(SubscriptionApi::Telemetry, &http(listener.port), 25);
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.close_subscriptions();
    telemetry.record(start("r-1"));
    telemetry.record(line("hello"));
    let request = listener.request().await;
    let host = format!("sandbox.localdomain:{}", listener.port);
    assert_eq!(
        request.head,
        ["POST", "/path?q=1", &host, "application/json"]
    );
    assert_eq!(types(&request.events), ["start", "function"]);
    assert_eq!(request.events[1]["record"], "hello");
    telemetry.record(start("r-2"));
    assert_eq!(listener.events(1).await[0]["record"]["requestId"], "r-2");
}

#[tokio::test]
async fn the_logs_api_can_use_put_and_has_its_own_events() {
    let mut listener = Listener::start(&[]).await;
    let telemetry = Telemetry::new(OWN_PORT);
    let mut destination = http(listener.port);
    destination["method"] = "PUT".into();
    let subscription = subscription(SubscriptionApi::Logs, &destination, 25);
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.record(EndRecord { request_id: "r" }.to_event(Timestamp::now()));
    let request = listener.request().await;
    assert_eq!(request.head[0], "PUT");
    assert_eq!(types(&request.events), ["end"]);
}

#[tokio::test]
async fn a_late_subscriber_gets_earlier_events() {
    let mut listener = Listener::start(&[]).await;
    let telemetry = Telemetry::new(OWN_PORT);
    telemetry.record(start("early"));
    telemetry.record(line("before"));
    let mut subscription = subscription(SubscriptionApi::Telemetry, &http(listener.port), 30_000);
    subscription.types = vec![Kind::Function];
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.record(line("after"));
    telemetry.flush(soon()).await;
    let events = listener.events(2).await;
    assert_eq!(types(&events), ["function", "function"]);
    assert_eq!(events[0]["record"], "before");
    assert_eq!(events[1]["record"], "after");
}

#[tokio::test]
async fn a_late_subscriber_gets_a_report_of_events_that_were_not_kept() {
    let mut listener = Listener::start(&[]).await;
    let telemetry = Telemetry::new(OWN_PORT);
    let large = line(&"x".repeat(TELEMETRY_REPLAY_BYTES));
    let bytes = large.json.len();
    telemetry.record(line("kept"));
    telemetry.record(large);
    let subscription = subscription(SubscriptionApi::Telemetry, &http(listener.port), 30_000);
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.flush(soon()).await;
    let events = listener.events(2).await;
    assert_eq!(types(&events), ["dropped", "function"]);
    assert_eq!(events[0]["record"]["droppedRecords"], 1);
    assert_eq!(events[0]["record"]["droppedBytes"], bytes);
}

#[tokio::test]
async fn a_refused_batch_is_retried_before_anything_else() {
    let mut listener = Listener::start(&[
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ])
    .await;
    let telemetry = Telemetry::new(OWN_PORT);
    let subscription = subscription(SubscriptionApi::Telemetry, &http(listener.port), 25);
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.record(start("r-1"));
    let first = listener.request().await.events;
    telemetry.record(start("r-2"));
    assert_eq!(listener.request().await.events, first);
    assert_eq!(listener.request().await.events, first);
    assert_eq!(listener.events(1).await[0]["record"]["requestId"], "r-2");
}

#[tokio::test]
async fn a_subscriber_that_listens_late_gets_its_events() {
    let (listener, port) = listen().await;
    drop(listener);
    let telemetry = Telemetry::new(OWN_PORT);
    let subscription = subscription(SubscriptionApi::Telemetry, &http(port), 30_000);
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.record(start("r"));
    let deadline = Instant::now() + Duration::from_millis(200);
    telemetry.flush(deadline).await;
    assert!(Instant::now() >= deadline, "flush waits until its deadline");
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let mut listener = Listener::on(listener, &[]);
    telemetry.flush(soon()).await;
    assert_eq!(types(&listener.events(1).await), ["start"]);
}

#[tokio::test]
async fn the_shutdown_delivers_the_remaining_events() {
    let mut listener = Listener::start(&[]).await;
    let telemetry = Telemetry::new(OWN_PORT);
    let subscription = subscription(SubscriptionApi::Telemetry, &http(listener.port), 30_000);
    telemetry.subscribe("one", subscription).unwrap();
    for number in 0..2500 {
        telemetry.record(start(&number.to_string()));
    }
    telemetry.flush(soon()).await;
    for (size, first) in [(1000, "0"), (1000, "1000"), (500, "2000")] {
        let events = listener.request().await.events;
        assert_eq!(events.len(), size);
        assert_eq!(events[0]["record"]["requestId"], first);
    }
    telemetry.record(start("later"));
    let later = listener.events(1).await;
    assert_eq!(later[0]["record"]["requestId"], "later");
}

#[tokio::test]
async fn a_subscriber_that_does_not_respond_delays_no_other() {
    let (silent, silent_port) = listen().await;
    let mut listener = Listener::start(&[]).await;
    let telemetry = Telemetry::new(OWN_PORT);
    for (name, port) in [("silent", silent_port), ("works", listener.port)] {
        let subscription = subscription(SubscriptionApi::Telemetry, &http(port), 25);
        telemetry.subscribe(name, subscription).unwrap();
    }
    telemetry.record(start("r-1"));
    let _connection = accept(&silent).await;
    assert_eq!(listener.events(1).await[0]["record"]["requestId"], "r-1");
    telemetry.record(start("r-2"));
    assert_eq!(listener.events(1).await[0]["record"]["requestId"], "r-2");
}

#[tokio::test]
async fn a_slow_subscriber_gets_an_exact_report_of_dropped_events() {
    let (listener, port) = listen().await;
    let telemetry = Telemetry::new(OWN_PORT);
    let subscription = subscription(SubscriptionApi::Telemetry, &tcp(port), 30_000);
    telemetry.subscribe("slow", subscription).unwrap();
    telemetry.close_subscriptions();
    let text = "x".repeat(100_000);
    let sent = 100;
    for _ in 0..sent {
        // There is no await in the loop, so all events are recorded before one can be delivered.
        telemetry.record(line(&text));
    }
    let mut lines = BufReader::new(accept(&listener).await).lines();
    let report = next_event(&mut lines).await.unwrap();
    assert_eq!(report["type"], "platform.logsDropped");
    let dropped = report["record"]["droppedRecords"].as_u64().unwrap();
    assert!(dropped > 0);
    let bytes = report["record"]["droppedBytes"].as_u64().unwrap();
    assert_eq!(bytes, dropped * line(&text).json.len() as u64);
    telemetry.record(start("last"));
    let read_all = async {
        for _ in dropped..sent {
            let event = next_event(&mut lines).await.unwrap();
            assert_eq!(event["record"], text);
        }
        next_event(&mut lines).await.unwrap()
    };
    let ((), last) = tokio::join!(telemetry.flush(soon()), read_all);
    assert_eq!(last["record"]["requestId"], "last");
}

#[tokio::test]
async fn tcp_subscribers_get_one_line_per_event_and_are_reconnected() {
    let (listener, port) = listen().await;
    let telemetry = Telemetry::new(OWN_PORT);
    let subscription = subscription(SubscriptionApi::Telemetry, &tcp(port), 25);
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.record(start("r-1"));
    telemetry.record(line("two\nlines"));
    let mut lines = BufReader::new(accept(&listener).await).lines();
    let first = [
        next_event(&mut lines).await.unwrap(),
        next_event(&mut lines).await.unwrap(),
    ];
    assert_eq!(types(&first), ["start", "function"]);
    assert_eq!(first[1]["record"], "two\nlines");
    drop(lines);
    // Bytes that are written before the end of the connection is noticed are lost without an error, so writing is
    // repeated.
    let repeat = async {
        loop {
            telemetry.record(start("again"));
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let reconnected = tokio::select! {
        stream = accept(&listener) => stream,
        () = repeat => unreachable!(),
    };
    let mut lines = BufReader::new(reconnected).lines();
    let event = next_event(&mut lines).await.unwrap();
    assert_eq!(event["record"]["requestId"], "again");
}

#[tokio::test]
async fn delivery_ends_with_the_sandbox() {
    let (listener, port) = listen().await;
    let telemetry = Telemetry::new(OWN_PORT);
    let subscription = subscription(SubscriptionApi::Telemetry, &tcp(port), 25);
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.record(start("r"));
    let mut lines = BufReader::new(accept(&listener).await).lines();
    assert_eq!(types(&[next_event(&mut lines).await.unwrap()]), ["start"]);
    drop(telemetry);
    assert_eq!(next_event(&mut lines).await, None);
}
