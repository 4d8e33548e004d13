//! Applications whose adapters stream: what they write arrives at once, at a client and in a browser.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::doors::{Door, STREAMED};
use super::table::{Difference, check};
use super::{LAST_VALUE, adapter_settings, node, program, web_adapter};
use crate::browser::Browser;
use crate::support::{Barrier, MockServer, Project, Server, eventually};

/// Starts an application that streams, with these settings, and compares its answers with the table. Its `/events` ends
/// when the barrier has opened.
#[track_caller]
fn start(
    project: &Project,
    function: &str,
    barrier: &Barrier,
    differences: &[Difference],
) -> Server {
    let barrier = barrier.address();
    let triggers: String = STREAMED.iter().map(Door::trigger).collect();
    project.file(
        "lambkin.toml",
        format!(
            "[invoke]\nlisten = '127.0.0.1:0'\n[functions.app]\ncode = 'app'\ntimeout = 60\nmemory = 1024\n{function}\n\
             environment.BARRIER = '{barrier}'\n{triggers}",
        ),
    );
    let server = project.serve();
    let both = |_: &str| -> &'static [&'static str] { &["first", "second"] };
    check(&server, &STREAMED.each_ref(), differences, both);
    server
}

/// Asserts that the first event arrives while the application still waits to write the last one.
#[track_caller]
fn events_arrive_as_they_are_written(server: &Server, barrier: &Barrier) {
    for Door { name, prefix, .. } in &STREAMED {
        let host = server.trigger_url(name).trim_start_matches("http://");
        let mut client = TcpStream::connect(host).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        write!(
            client,
            "GET {prefix}/events HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        while !contains(&answer, "data: first ü\n") {
            let mut piece = [0; 1024];
            let length = client.read(&mut piece).unwrap();
            assert!(
                length > 0,
                "{name}: {}\n{}",
                String::from_utf8_lossy(&answer),
                server.log()
            );
            answer.extend_from_slice(&piece[..length]);
        }
        assert!(!contains(&answer, "data: last"), "{name}");
        drop(barrier.arrival());
        client.read_to_end(&mut answer).unwrap();
        assert!(contains(&answer, "data: last\n"), "{name}");
        let head = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(
            head.contains("\r\ncontent-type: text/event-stream"),
            "{name}: {head}"
        );
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn hono() {
    let Ok(project) = node() else { return };
    let barrier = Barrier::new();
    let server = start(&project, "handler = 'hono.streamed'", &barrier, &[]);
    events_arrive_as_they_are_written(&server, &barrier);
}

#[test]
fn axum() {
    let Ok(project) = program("examples/rust/target/release/web-app") else {
        return;
    };
    let barrier = Barrier::new();
    let function =
        "environment.STREAMED = 'yes'\nenvironment.AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH = 'true'";
    let server = start(&project, function, &barrier, &[LAST_VALUE]);
    events_arrive_as_they_are_written(&server, &barrier);
}

#[test]
fn lambda_web_adapter() {
    let Ok(project) = web_adapter() else { return };
    let barrier = Barrier::new();
    let function = adapter_settings() + "\nenvironment.AWS_LWA_INVOKE_MODE = 'response_stream'";
    let server = start(&project, &function, &barrier, &[LAST_VALUE]);
    events_arrive_as_they_are_written(&server, &barrier);
}

#[test]
fn a_browser_shows_server_sent_events_as_they_are_written() {
    let Ok(project) = node() else { return };
    let barrier = Barrier::new();
    let site = MockServer::start(|_| Some((200, String::new())));
    let function = format!(
        "handler = 'hono.streamed'\nenvironment.SITE = '{}'",
        site.url()
    );
    let server = start(&project, &function, &barrier, &[]);
    let reported = |text: &str| {
        eventually(text, || {
            site.requests().iter().any(|request| request.body == text)
        });
    };
    for Door { name, prefix, .. } in &STREAMED {
        let page = format!("{}{prefix}/page?door={name}", server.trigger_url(name));
        let Ok(_browser) = Browser::open(&page) else {
            return;
        };
        let waiting = barrier.arrival();
        reported(&format!("{name}: 1 first ü"));
        drop(waiting);
        reported(&format!("{name}: 1 first ü, 2 last"));
    }
}
