//! Documents that the host fetches for the plugin.

use serde_json::{Value, json};

use super::{HOUR, ending};
use crate::support::{MockServer, Project, Server, eventually, with};

/// A server that answers with the status that the path names, and its own count of requests as the body.
fn issuer() -> MockServer {
    let count = std::sync::atomic::AtomicU32::new(0);
    MockServer::start(move |request| {
        let path = request.head.split(' ').nth(1).unwrap();
        let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        Some((path[1..].parse().ok()?, count.to_string()))
    })
}

fn granting(origin: &str) -> Server {
    Project::scripted(&format!("network = ['{origin}']")).serve()
}

fn fetch(url: &str) -> Value {
    json!({ "fetch": { "url": url } })
}

#[test]
fn a_document_of_a_granted_origin_is_fetched_as_the_plugin_asks() {
    let issuer = issuer();
    let server = granting(issuer.url());
    let step = with(
        fetch(&format!("{}/201", issuer.url())),
        &json!({ "method": "POST", "headers": [["X-Name", "value"]], "body": "key=1" }),
    );
    let outcomes = server.outcomes(&json!([step]));
    let (ending, value, cached) = ending(&outcomes[0]);
    assert_eq!((ending, cached), ("fetched", false));
    assert_eq!(
        (&value["status"], &value["body"]),
        (&json!(201), &json!("1"))
    );
    let headers = value["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["content-length", "1"])), "{value}");
    let [received] = &issuer.requests()[..] else {
        panic!("one request");
    };
    assert!(
        received.head.starts_with("POST /201 HTTP/1.1\r\n"),
        "{}",
        received.head
    );
    assert_eq!(received.header("x-name"), Some("value"));
    assert_eq!(received.body, "key=1");
}

#[test]
fn a_document_is_fetched_again_only_if_it_is_not_in_the_cache() {
    let issuer = issuer();
    let server = granting(issuer.url());
    let url = format!("{}/200", issuer.url());
    let body = |step: &Value| {
        let outcomes = server.outcomes(&json!([step]));
        let (_, value, cached) = ending(&outcomes[0]);
        (value["body"].as_str().unwrap().to_owned(), cached)
    };
    let count = |count: &str, cached| (count.to_owned(), cached);
    assert_eq!(body(&fetch(&url)), count("1", false));
    assert_eq!(body(&fetch(&url)), count("2", false));
    let kept = |key: &str| with(fetch(&url), &json!({ "cache": [key, HOUR] }));
    assert_eq!(body(&kept("a")), count("3", false));
    assert_eq!(body(&kept("a")), count("3", true));
    assert_eq!(body(&kept("b")), count("4", false));
    assert_eq!(
        body(&fetch(&url)),
        count("5", false),
        "without leave it does not come from the cache"
    );
    let short = with(fetch(&url), &json!({ "cache": ["c", 20] }));
    assert_eq!(body(&short), count("6", false));
    eventually("the document to be fetched again", || {
        body(&short) == count("7", false)
    });
    assert_eq!(issuer.requests().len(), 7);
}

#[test]
fn only_a_good_document_is_kept_and_every_status_is_an_outcome() {
    let issuer = issuer();
    let server = granting(issuer.url());
    for status in [204, 302, 404, 503] {
        let url = format!("{}/{status}", issuer.url());
        let step = with(fetch(&url), &json!({ "cache": ["key", HOUR] }));
        let outcomes = server.outcomes(&json!([step, step]));
        for outcome in &outcomes {
            let (ending, value, cached) = ending(outcome);
            assert_eq!((ending, cached), ("fetched", false), "{status}");
            assert_eq!(value["status"], status);
        }
    }
    assert_eq!(issuer.requests().len(), 8);
}

#[test]
fn a_document_of_another_origin_is_not_fetched_and_the_log_says_what_to_do() {
    let (granted, other) = (issuer(), issuer());
    let server = granting(granted.url());
    let outcomes = server.outcomes(&json!([fetch(&format!("{}/200", other.url()))]));
    let (ending, value, _) = ending(&outcomes[0]);
    let reason = format!(
        "{}/200 cannot be fetched: its origin is not among those in `network`, which are: {}",
        other.url(),
        granted.url()
    );
    assert_eq!((ending, value), ("unavailable", &json!(reason)));
    server.log_with(&reason);
    let none = Project::scripted("").serve();
    none.outcomes(&json!([fetch(&format!("{}/200", other.url()))]));
    none.log_with("which are: none");
    assert!(other.requests().is_empty());
}

#[test]
fn a_document_that_cannot_be_fetched_is_an_outcome_with_the_reason() {
    let large = MockServer::start(|_| Some((200, "x".repeat((1 << 20) + 1))));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed_url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let network = format!("network = ['{}', '{closed_url}']", large.url());
    let server = Project::scripted(&network).serve();
    for (url, reason) in [
        (
            large.url().to_owned(),
            "its body is larger than 1048576 bytes",
        ),
        (closed_url, "refused"),
        ("no URL".to_owned(), "the URL is not valid"),
    ] {
        let outcomes = server.outcomes(&json!([fetch(&url)]));
        let (ending, value, _) = ending(&outcomes[0]);
        assert_eq!(ending, "unavailable", "{url}");
        assert!(value.as_str().unwrap().contains(reason), "{value}");
        server.log_with(reason);
    }
}
