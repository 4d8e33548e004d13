//! Sources: the network they get, and what they may hand over.

use lambkin_model::{Action, Message};
use lambkin_plugin::{
    CallError, ConfigureError, GuestError, PluginHost, Source, SourceError, limits,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixture::{drained, host};
use crate::probe::{load, source};

async fn configured(host: &PluginHost, url: &str, network: &[&str]) -> Source {
    let plugin = load(host).await;
    plugin.source("test", source(url, network)).await.unwrap()
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
    let messages = source.poll(2, 0).await.unwrap();
    let expected = Message {
        id: "id".into(),
        receipt: "receipt".into(),
        body: "body".into(),
        attributes: Vec::new(),
        group: Some("group".into()),
        deduplication: None,
        sequence: None,
        sent_at: 1,
        first_received_at: 2,
        receives: 3,
        source: None,
        extra: vec![("TOKEN".into(), "secret".into())],
    };
    assert_eq!(messages, [expected.clone(), expected]);
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
        match source.poll(1, 0).await {
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
    match source.poll(1, 0).await {
        Err(SourceError::Permanent(reason)) => assert_eq!(reason, "403"),
        other => panic!("{other:?}"),
    }
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let source = configured(&host, &origin, &[&origin]).await;
    match source.poll(1, 0).await {
        Err(SourceError::Transient(reason)) => assert!(reason.contains("Refused"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn source_that_breaks_the_contract_is_defective() {
    let host = host();
    let (origin, _paths) = outside("200 OK").await;
    let source = configured(&host, &origin, &[&origin]).await;
    let fault = |result: Result<Vec<Message>, SourceError>| match result {
        Err(SourceError::Plugin(error)) => match error.cause {
            CallError::Guest(fault) => fault,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    // The probe hands one over all the same.
    let too_many = fault(source.poll(0, 0).await);
    assert!(matches!(too_many, GuestError::Invalid(_)), "{too_many:?}");
    let spinning = configured(&host, "spin", &[]).await;
    let used_up = fault(spinning.poll(1, 0).await);
    assert_eq!(used_up, GuestError::Cpu(limits::SOURCE.cpu));
    drained(&host).await;
}

#[tokio::test]
async fn source_configuration_is_checked() {
    let plugin = load(&host()).await;
    let problems = async |setup| match plugin.source("test", setup).await {
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
