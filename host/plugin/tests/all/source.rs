//! Sources: the network they get, and what they may hand over.

use std::time::Duration;

use lambkin_model::{Action, Message};
use lambkin_plugin::{
    CallError, ConfigureError, FunctionInfo, GuestError, Part, PluginHost, Polled, Position,
    Progress, Source, SourceError, limits,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixture::{drained, host};
use crate::probe::{load, source};

async fn configured(host: &PluginHost, url: &str, network: &[&str]) -> Source {
    let plugin = load(host).await;
    plugin.source(source(url, network)).await.unwrap()
}

/// An outside system that answers each request with `status` and records the requested paths.
async fn outside(status: &'static str) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (told, paths) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let _ = told.send(head.split(' ').nth(1).unwrap().to_owned());
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 4\r\n\r\nbody");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (origin, paths)
}

#[tokio::test]
async fn source_fetches_from_a_granted_origin() {
    let host = host();
    let (origin, mut paths) = outside("200 OK").await;
    let source = configured(&host, &format!("{origin}/queue?x=1"), &[&origin]).await;
    assert_eq!(source.origin().name, "outside");
    assert_eq!(source.origin().region, "eu-central-1");
    assert_eq!(source.origin().account, "210987654321");
    assert!(source.origin().ordered);
    assert_eq!(source.max_messages(), 3);
    let polled = source.poll(Position::default(), 2, 0).await.unwrap();
    let expected = Message {
        id: "id".into(),
        receipt: "receipt".into(),
        body: "body".into(),
        attributes: Vec::new(),
        group: Some("group".into()),
        deduplication: None,
        key: None,
        place: None,
        sequence: None,
        sent_at: 1,
        first_received_at: Some(2),
        receives: Some(3),
        source: None,
        extra: vec![("TOKEN".into(), "secret".into())],
    };
    assert_eq!(polled.messages, [expected.clone(), expected]);
    assert_eq!((polled.cursor, polled.ended), (None, false));
    assert_eq!(source.progress(), Progress::Receipts);
    assert_eq!(paths.recv().await.unwrap(), "/queue?x=1");
    drained(&host).await;
}

#[tokio::test]
async fn source_reports_what_became_of_messages() {
    let host = host();
    let (origin, mut paths) = outside("200 OK").await;
    let source = configured(&host, &origin, &[&origin]).await;
    let verdicts = [
        Action::Ack,
        Action::Retry(Some(5)),
        Action::DeadLetter("no".into()),
    ]
    .map(|action| ("receipt".to_owned(), action));
    source.settle(&verdicts).await.unwrap();
    let told = paths.recv().await.unwrap();
    assert!(told.contains("Ack"), "{told}");
    assert!(told.contains("Retry_Some_5__"), "{told}");
    assert!(told.contains("DeadLetter__no__"), "{told}");
}

#[tokio::test]
async fn source_reaches_no_other_origin() {
    let host = host();
    let (origin, mut paths) = outside("200 OK").await;
    for network in [&[][..], &["http://127.0.0.1:1"], &["http://localhost"]] {
        let source = configured(&host, &origin, network).await;
        match source.poll(Position::default(), 1, 0).await {
            Err(SourceError::Transient(error)) => {
                assert!(error.contains("HttpRequestDenied"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(paths.try_recv().is_err(), "it was asked all the same");
}

#[tokio::test]
async fn source_failures_say_whether_to_try_again() {
    let host = host();
    let (origin, _paths) = outside("403 Forbidden").await;
    let source = configured(&host, &origin, &[&origin]).await;
    match source.poll(Position::default(), 1, 0).await {
        Err(SourceError::Permanent(reason)) => assert_eq!(reason, "403"),
        other => panic!("{other:?}"),
    }
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let source = configured(&host, &origin, &[&origin]).await;
    match source.poll(Position::default(), 1, 0).await {
        Err(SourceError::Transient(reason)) => assert!(reason.contains("Refused"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn source_that_breaks_the_contract_is_defective() {
    let host = host();
    let (origin, _paths) = outside("200 OK").await;
    let source = configured(&host, &origin, &[&origin]).await;
    let fault = |result: Result<Polled, SourceError>| match result {
        Err(SourceError::Plugin(error)) => match error.cause {
            CallError::Guest(fault) => fault,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    // The probe hands one over all the same.
    let too_many = fault(source.poll(Position::default(), 0, 0).await);
    assert!(matches!(too_many, GuestError::Invalid(_)), "{too_many:?}");
    let spinning = configured(&host, "spin", &[]).await;
    let used_up = fault(spinning.poll(Position::default(), 1, 0).await);
    assert_eq!(used_up, GuestError::Cpu(limits::SOURCE.cpu));
    drained(&host).await;
}

#[tokio::test]
async fn source_configuration_is_checked() {
    let plugin = load(&host()).await;
    let problems = async |setup| match plugin.source(setup).await {
        Err(ConfigureError::Problems(problems)) => problems,
        other => panic!("{other:?}"),
    };
    let refused = problems(source("refuse", &[])).await;
    assert_eq!(refused[0].to_string(), "queue-url: refused");
    let wrong = problems(source("a", &["https://a/path", "b"])).await;
    assert_eq!(wrong.len(), 2);
    assert_eq!(wrong[0].at, ["network"]);
    assert!(
        wrong[0].message.contains("leave out what comes after"),
        "{}",
        wrong[0]
    );
}

/// A source without the network, by the configuration of the probe.
async fn offline(host: &PluginHost, config: &str) -> Source {
    configured(host, config, &[]).await
}

fn invalid<T: std::fmt::Debug>(result: Result<T, SourceError>) -> String {
    match result {
        Err(SourceError::Plugin(error)) => match error.cause {
            CallError::Guest(GuestError::Invalid(reason)) => reason,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn log_has_parts_and_cursors() {
    let host = host();
    let source = offline(&host, "log").await;
    assert_eq!(source.progress(), Progress::Cursors);
    let part = |id: &str, after: &[&str]| Part {
        id: id.into(),
        after: after.iter().map(|id| (*id).to_owned()).collect(),
    };
    let parts = source.parts().await.unwrap();
    assert_eq!(parts, [part("a", &[]), part("b", &["a", "gone"])]);

    let start = Position {
        part: Some("b"),
        cursor: None,
    };
    let polled = source.poll(start, 2, 7).await.unwrap();
    assert_eq!(
        (
            polled.messages.len(),
            polled.cursor.as_deref(),
            polled.ended
        ),
        (2, Some("behind all"), false)
    );
    let message = &polled.messages[0];
    assert_eq!(message.body, "Some(\"b\") None 7");
    let place = message.place.as_ref().unwrap();
    assert_eq!((&*place.part, &*place.cursor), ("b", "behind"));
    assert_eq!(message.key.as_deref(), Some(&b"key"[..]));
    assert_eq!((message.first_received_at, message.receives), (None, None));

    let later = Position {
        part: Some("b"),
        cursor: Some("behind all"),
    };
    let polled = source.poll(later, 1, 0).await.unwrap();
    assert!(polled.ended);
    assert_eq!(
        polled.messages[0].body,
        "Some(\"b\") Some(\"behind all\") 0"
    );
    drained(&host).await;
}

#[tokio::test]
async fn log_that_breaks_the_contract_is_defective() {
    let host = host();
    let position = Position {
        part: Some("a"),
        cursor: None,
    };
    for (config, expected) in [
        (
            "log-without-cursors",
            "a message has no cursor, though `progress` is `cursors`",
        ),
        (
            "log-with-long-cursors",
            "a cursor has 4097 bytes, and may have 4096",
        ),
        (
            "queue-with-cursors",
            "a message has a cursor, though `progress` is `receipts`",
        ),
    ] {
        let source = offline(&host, config).await;
        assert_eq!(invalid(source.poll(position, 1, 0).await), expected);
    }
    for (config, expected) in [
        ("log-of-one-part-twice", "it lists part \"a\" twice"),
        (
            "log-of-too-many-parts",
            "the number of parts is 10001, and may be 0 to 10000",
        ),
    ] {
        let source = offline(&host, config).await;
        assert_eq!(invalid(source.parts().await), expected);
    }
    let source = offline(&host, "log-without-parts").await;
    match source.parts().await {
        Err(SourceError::Transient(reason)) => assert_eq!(reason, "not now"),
        other => panic!("{other:?}"),
    }
    drained(&host).await;
}

#[tokio::test]
async fn source_receives_its_surroundings_and_warns() {
    let host = host();
    let plugin = load(&host).await;
    let mut setup = source("surroundings", &[]);
    setup.surroundings.address = Some("127.0.0.1:8000".into());
    setup.surroundings.functions = vec![FunctionInfo {
        name: "orders:live".into(),
        timeout: Duration::from_secs(3),
    }];
    let source = plugin.source(setup).await.unwrap();
    let [warning] = source.warnings() else {
        panic!("{:?}", source.warnings());
    };
    for field in [
        "name: \"test\"",
        "address: Some(\"127.0.0.1:8000\")",
        "region: \"eu-central-1\"",
        "account: \"123456789012\"",
        "environment: [(\"TOKEN\", \"secret\")]",
        "name: \"orders:live\"",
        "timeout-ms: 3000",
        "extra: []",
    ] {
        assert!(warning.contains(field), "{field}: {warning}");
    }
}
