//! What an HTTP trigger's fetch reaches, and how it ends.

use std::time::Duration;

use bytes::Bytes;
use lambkin_plugin::{ConfigureError, Ending, Fetch, HttpTrigger, Resumption, Reuse, limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::fixture::{CONFIG, good, host, surroundings};

/// A server that answers each request with `response`, and records the heads of the requests, in lower case.
async fn server(response: Vec<u8>) -> (String, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (record, heads) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            // A connection that is closed before it is read to its end is reset.
            let length = head.split("content-length: ").nth(1);
            let length = length.map_or("0", |rest| rest.split("\r\n").next().unwrap());
            let mut body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut body).await.unwrap();
            let _ = record.send(head);
            // The client may have closed the connection.
            let _ = stream.write_all(&response).await;
        }
    });
    (origin, heads)
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn trigger(network: &[&str]) -> HttpTrigger {
    let plugin = good().load(&host()).await.unwrap();
    let network: Vec<String> = network.iter().map(|it| (*it).to_owned()).collect();
    let around = surroundings("web");
    let trigger = plugin.http_trigger(CONFIG, &around, &network, Reuse::DEFAULT);
    trigger.await.unwrap()
}

fn get(url: impl Into<String>) -> Fetch {
    Fetch {
        url: url.into(),
        method: "GET".into(),
        headers: vec![],
        body: Bytes::new(),
        wait: limits::FETCH_WAIT,
        cache: None,
        resumption: Resumption {
            token: String::new(),
            with_request: false,
        },
    }
}

fn unavailable(ending: Ending) -> String {
    match ending {
        Ending::Unavailable(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_document_of_a_granted_origin_is_fetched() {
    let (origin, mut heads) = server(response("200 OK", "X-Key: Value\r\n", b"\xff\0")).await;
    let trigger = trigger(&["http://127.0.0.1:1", &origin]).await;
    let request = Fetch {
        method: "POST".into(),
        headers: vec![("X-Asked".into(), "yes".into())],
        body: "body".into(),
        ..get(format!("{origin}/keys?a=b"))
    };
    match trigger.fetch(&request).await {
        Ending::Fetched(fetched) => {
            assert_eq!((fetched.status, &*fetched.body), (200, &b"\xff\0"[..]));
            let header = ("x-key".to_owned(), "Value".to_owned());
            assert!(fetched.headers.contains(&header), "{fetched:?}");
        }
        other => panic!("{other:?}"),
    }
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("post /keys?a=b http/1.1\r\n"), "{head}");
    for line in [
        format!("host: {}", origin.trim_start_matches("http://")),
        "x-asked: yes".into(),
        "content-length: 4".into(),
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
    }
}

#[tokio::test]
async fn other_origins_are_not_reached() {
    let (origin, mut heads) = server(response("200 OK", "", b"secret")).await;
    for (network, listed) in [
        (&[][..], "none"),
        (&["http://127.0.0.1:1"], "http://127.0.0.1:1"),
        (&["http://localhost"], "http://localhost:80"),
    ] {
        let trigger = trigger(network).await;
        let reason = unavailable(trigger.fetch(&get(&origin)).await);
        let expected = format!(
            "{origin} cannot be fetched: its origin is not among those in `network`, which are: {listed}"
        );
        assert_eq!(reason, expected);
    }
    assert!(heads.try_recv().is_err(), "a request was sent");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (other, mut heads) = server(response("200 OK", "", b"")).await;
    let location = format!("Location: {other}/\r\n");
    let (origin, _heads) = server(response("302 Found", &location, b"")).await;
    let trigger = trigger(&[&origin, &other]).await;
    match trigger.fetch(&get(&origin)).await {
        Ending::Fetched(fetched) => assert_eq!(fetched.status, 302),
        other => panic!("{other:?}"),
    }
    assert!(heads.try_recv().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn a_document_has_up_to_one_mebibyte() {
    for (bytes, fits) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let whole = response("200 OK", "", &vec![7; bytes]);
        // Without a declared length, its end is that of the connection.
        let mut unknown = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        unknown.resize(unknown.len() + bytes, 7);
        for response in [whole, unknown] {
            let (origin, _heads) = server(response).await;
            let trigger = trigger(&[&origin]).await;
            match trigger.fetch(&get(&origin)).await {
                Ending::Fetched(fetched) if fits => assert_eq!(fetched.body.len(), bytes),
                Ending::Unavailable(reason) if !fits => assert!(
                    reason.ends_with("its body is larger than 1048576 bytes"),
                    "{reason}"
                ),
                other => panic!("{bytes}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_fetch_ends_at_its_longest_wait() {
    // The response has a head and no end.
    let (origin, _heads) = server(b"HTTP/1.1 200 OK\r\n".to_vec()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let trigger = trigger(&[&silent, &origin]).await;
    let brief = Fetch {
        wait: Duration::from_millis(20),
        ..get(&silent)
    };
    assert_eq!(trigger.fetch(&brief).await, Ending::Expired);
    let reason = unavailable(trigger.fetch(&get(&origin)).await);
    assert!(reason.contains(&origin), "{reason}");
}

#[tokio::test]
async fn a_failed_fetch_says_why() {
    // Its port is free again.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let trigger = trigger(&[&closed]).await;
    let reason = unavailable(trigger.fetch(&get(&closed)).await);
    assert!(reason.contains("connection refused"), "{reason}");
    for url in ["", "/keys", "not a URL", "ftp://127.0.0.1/"] {
        let reason = unavailable(trigger.fetch(&get(url)).await);
        assert!(reason.contains("cannot be fetched: "), "{url}: {reason}");
    }
}

#[tokio::test]
async fn every_mistake_in_the_list_of_origins_is_reported() {
    let plugin = good().load(&host()).await.unwrap();
    let around = surroundings("web");
    let network = ["https://a/path".to_owned(), "b".to_owned()];
    let configured = plugin.http_trigger(CONFIG, &around, &network, Reuse::DEFAULT);
    match configured.await {
        Err(ConfigureError::Problems(problems)) => {
            assert_eq!(problems.len(), 2);
            assert!(problems.iter().all(|problem| problem.at == ["network"]));
        }
        other => panic!("{other:?}"),
    }
}
