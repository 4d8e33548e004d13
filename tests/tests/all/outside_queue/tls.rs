//! Polling queues over `https`.

use std::path::Path;

use super::{outside, polling, trigger, wait_for_delivery};
use crate::queue_trigger::until_empty;
use crate::support::{Authority, Identity, RecorderProject, Server, TlsFront, lambkin};

/// Starts a host that trusts the authorities in a file.
#[track_caller]
fn serve(recorder: &RecorderProject, roots: &Path) -> Server {
    let roots = roots.to_str().unwrap();
    recorder
        .project
        .serve_with(&[], &[("SSL_CERT_FILE", roots)])
}

#[test]
fn a_host_with_a_trusted_certificate_is_polled() {
    for host in ["localhost", "127.0.0.1"] {
        let (outside, authority) = (outside(), Authority::named("A friend"));
        let identity = authority.identity(&["localhost", "127.0.0.1"]);
        let front = TlsFront::start(identity, outside.service_url("sqs"));
        let url = format!("https://{host}:{}", front.port());
        let recorder = polling(&url, "orders", "");
        let server = serve(&recorder, &authority.root_in(recorder.project.path()));
        // Longer than one TLS record.
        let body = "secret ".repeat(20_000);
        outside.send("orders", &body);
        wait_for_delivery(&recorder, 1);
        until_empty(&outside, "orders");
        assert_eq!(recorder.bodies(), [body], "{}", server.log());
        let protocols = front.protocols();
        assert!(
            protocols.iter().all(|protocol| protocol == "http/1.1"),
            "{protocols:?}"
        );
    }
}

/// Asserts that a host that trusts only `trusted` receives nothing from a server with this identity and logs the
/// reasons.
#[track_caller]
fn refused(identity: Identity, trusted: &Authority, reasons: &[&str]) {
    let outside = outside();
    let front = TlsFront::start(identity, outside.service_url("sqs"));
    let place = format!("localhost:{}", front.port());
    let recorder = polling(&format!("https://{place}"), "orders", "");
    outside.send("orders", "secret");
    let server = serve(&recorder, &trusted.root_in(recorder.project.path()));
    let log = server.log_with("cannot receive messages; trying again until it succeeds");
    for reason in [&format!("the certificate of {place}")]
        .into_iter()
        .map(String::as_str)
        .chain(reasons.iter().copied())
    {
        assert!(log.contains(reason), "{reason}: {log}");
    }
    assert!(front.protocols().is_empty(), "{log}");
    assert_eq!(outside.counts("orders"), [1, 0, 0]);
}

#[test]
fn an_untrusted_authority_is_reported_with_the_remedy() {
    let identity = Authority::named("A stranger").identity(&["localhost"]);
    refused(
        identity,
        &Authority::named("A friend"),
        &[
            "comes from an authority that is not trusted (unknown issuer)",
            "SSL_CERT_FILE",
        ],
    );
}

#[test]
fn an_authority_with_the_same_name_but_another_key_is_refused() {
    let identity = Authority::named("A friend").identity(&["localhost"]);
    refused(
        identity,
        &Authority::named("A friend"),
        &["is not signed by the trusted authority that it names"],
    );
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::named("A friend");
    let identity = authority.identity(&["queue.test"]);
    let reason = "is for another name: it is for DnsName(\"queue.test\"), not for localhost";
    refused(identity, &authority, &[reason]);
}

#[test]
fn an_expired_certificate_is_refused() {
    let authority = Authority::named("A friend");
    let identity = authority.expired(&["localhost"]);
    refused(identity, &authority, &["has expired"]);
}

#[test]
fn a_server_without_tls_is_reported_as_such() {
    let outside = outside();
    let url = outside.service_url("sqs").replace("http:", "https:");
    let recorder = polling(&url, "orders", "");
    let roots = Authority::named("A friend").root_in(recorder.project.path());
    let server = serve(&recorder, &roots);
    server.log_with("does not speak TLS; perhaps it is to be reached with http://");
}

#[test]
fn a_network_grant_includes_the_scheme() {
    let (outside, authority) = (outside(), Authority::named("A friend"));
    let front = TlsFront::start(
        authority.identity(&["localhost"]),
        outside.service_url("sqs"),
    );
    let place = format!("localhost:{}", front.port());
    let settings = trigger(&format!("https://{place}"), "orders", "").replace(
        &format!("network = ['https://{place}']"),
        &format!("network = ['http://{place}']"),
    );
    let recorder = RecorderProject::new("", &settings);
    let server = serve(&recorder, &authority.root_in(recorder.project.path()));
    server.log_with("the host denied it: add this origin to `network` in `poll`");
    assert!(front.protocols().is_empty());
}

#[test]
fn https_without_root_certificates_is_a_configuration_error() {
    let recorder = polling("https://localhost:1", "orders", "");
    let empty = recorder.project.file("none.pem", "");
    for roots in [empty.as_path(), Path::new("/nowhere/roots.pem")] {
        let output = lambkin()
            .arg("check")
            .env("SSL_CERT_FILE", roots)
            .env_remove("SSL_CERT_DIR")
            .current_dir(recorder.project.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        for part in [
            "triggers.elsewhere.poll.network: https needs root certificates to trust",
            "SSL_CERT_FILE",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
