//! What every listener does with heads that break HTTP's rules, with bodies that it refuses or that stall, and with
//! clients that wait to be asked for a body.

mod python;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::support::{
    EmulatorProcess, Project, RAW_BOOTSTRAP, S3_AUTHORIZATION, SERVICES, Server, free_port,
    lambkin_alone, raw, request,
};

/// Everything that listens.
struct Listeners {
    server: Server,
    rie: EmulatorProcess,
    docker_lambda: EmulatorProcess,
    runtime_api: String,
    _runtime_api: EmulatorProcess,
    _folders: [Project; 2],
}

impl Listeners {
    fn start() -> Self {
        let project = Project::gateway(&format!(
            "function = 'echo'\n[queues.orders]\n[buckets.photos]\n{SERVICES}"
        ));
        let server = project.serve();
        let alone = Project::new("");
        let rie = EmulatorProcess::rie(alone.path(), &[]);
        let docker_lambda = docker_lambda(alone.path());
        let runtime_api = format!("127.0.0.1:{}", free_port());
        let open = open_runtime_api(alone.path(), &runtime_api);
        Self {
            server,
            rie,
            docker_lambda,
            runtime_api,
            _runtime_api: open,
            _folders: [project, alone],
        }
    }

    /// The name and the address of each.
    fn all(&self) -> [(&'static str, &str); 7] {
        [
            ("Invoke API", self.server.invoke_url()),
            ("HTTP trigger", self.server.trigger_url("web")),
            ("SQS", self.server.service_url("sqs")),
            ("S3", self.server.service_url("s3")),
            ("RIE", self.rie.url()),
            ("docker-lambda", self.docker_lambda.url()),
            ("Runtime API", &self.runtime_api),
        ]
    }
}

/// With a fixed address, a Runtime API serves every process, and not those of its environment only.
fn open_runtime_api(folder: &Path, address: &str) -> EmulatorProcess {
    let mut command = lambkin_alone();
    command
        .args(["rie", "--runtime-interface-emulator-address", "127.0.0.1:0"])
        .args(["--runtime-api-address", address, RAW_BOOTSTRAP])
        .current_dir(folder);
    let server = EmulatorProcess::start(command, "listening on http://127.0.0.1:");
    assert_eq!(server.invoke("1").text(), "1");
    server
}

fn docker_lambda(folder: &Path) -> EmulatorProcess {
    let mut command = lambkin_alone();
    command
        .args(["docker-lambda", "--bootstrap", RAW_BOOTSTRAP])
        .env("LAMBDA_TASK_ROOT", folder)
        .env("DOCKER_LAMBDA_STAY_OPEN", "1")
        .env("DOCKER_LAMBDA_API_PORT", "0")
        .current_dir(folder);
    EmulatorProcess::start(command, "Lambda API listening on port ")
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).expect("it listens");
    // A server that hangs fails its test instead of blocking the whole run.
    let timeout = Some(Duration::from_secs(60));
    stream.set_read_timeout(timeout).expect("a timeout");
    stream
}

#[test]
fn every_listener_refuses_heads_that_break_the_rules_and_closes_the_connection() {
    let listeners = Listeners::start();
    for (name, url) in listeners.all() {
        for headers in [
            "",
            "host: x\r\nhost: x\r\n",
            "host: x\r\ncontent-length: 2\r\ncontent-length: 2\r\n",
            "host: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n",
        ] {
            let head = format!("POST / HTTP/1.1\r\n{headers}\r\n{{}}");
            let reply = raw(url, head.as_bytes());
            let closes = reply.header("connection");
            assert_eq!(
                (reply.status, closes),
                (400, Some("close")),
                "{name}: {head}"
            );
        }
    }
    let log = listeners.server.log_with("missing required Host header");
    assert!(log.contains("refused POST / from 127.0.0.1:"), "{log}");
}

#[test]
fn a_head_that_cannot_be_read_is_one_line_in_the_log_with_the_reason() {
    let server = Project::echo("").serve();
    for (target, status, reason) in [
        ("/a<b", 400, "must be percent-encoded"),
        ("/a b", 400, "invalid"),
        (&format!("/{}", "a".repeat(70_000)), 414, "URI too long"),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
        assert_eq!(raw(server.invoke_url(), head.as_bytes()).status, status);
        server.log_with(reason);
    }
    let many: Vec<_> = (0..200)
        .map(|number| (format!("x-{number}"), "a"))
        .collect();
    let many: Vec<_> = many
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(server.invoke_with("echo", "1", &many).text(), "1");
    let lines = server
        .log()
        .matches("because its head is not valid")
        .count();
    assert_eq!(lines, 3, "{}", server.log());
}

#[test]
fn every_listener_asks_for_an_expected_body_even_if_it_is_empty() {
    let listeners = Listeners::start();
    for (name, url) in listeners.all() {
        let mut stream = connect(url);
        let head = "PUT /photos/key HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut first = [0; b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ".len()];
        stream.read_exact(&mut first).expect("an answer");
        let first = String::from_utf8_lossy(&first);
        assert_eq!(first, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ", "{name}");
    }
}

#[test]
fn a_body_that_will_be_refused_is_not_asked_for() {
    let listeners = Listeners::start();
    let invoke = "/2015-03-31/functions/function/invocations";
    for (name, url, path, status) in [
        ("Invoke API", listeners.server.invoke_url(), invoke, "413"),
        (
            "HTTP trigger",
            listeners.server.trigger_url("web"),
            "/",
            "413",
        ),
        ("RIE", listeners.rie.url(), invoke, "413"),
        (
            "docker-lambda",
            listeners.docker_lambda.url(),
            invoke,
            "413",
        ),
        (
            "Runtime API",
            &listeners.runtime_api,
            "/2018-06-01/runtime/init/error",
            "413",
        ),
        (
            "Extensions API",
            &listeners.runtime_api,
            "/2020-01-01/extension/register",
            "4",
        ),
        ("unknown path", &listeners.runtime_api, "/unknown", "404"),
    ] {
        let mut stream = connect(url);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1073741824\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{name}: {answer}"
        );
        assert!(
            answer.contains("\r\nconnection: close\r\n"),
            "{name}: {answer}"
        );
    }
}

#[test]
fn a_body_that_a_service_will_refuse_is_not_asked_for() {
    let listeners = Listeners::start();
    let (sqs, s3) = (
        listeners.server.service_url("sqs"),
        listeners.server.service_url("s3"),
    );
    let json =
        "content-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.SendMessage\r\n";
    let query = "content-type: application/x-www-form-urlencoded\r\n";
    let signed = format!("authorization: {S3_AUTHORIZATION}\r\n");
    let form = format!("{signed}content-type: multipart/form-data; boundary=x\r\n");
    let md5 = format!("{signed}content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==\r\n");
    for (url, request, headers, answer) in [
        (sqs, "POST /", json, (413, "RequestEntityTooLargeException")),
        (sqs, "POST /", query, (413, "RequestEntityTooLarge")),
        (
            sqs,
            "POST /123456789012/orders",
            query,
            (413, "RequestEntityTooLarge"),
        ),
        (s3, "PUT /photos/key", &signed, (400, "EntityTooLarge")),
        (
            s3,
            "PUT /photos/key?partNumber=1&uploadId=x",
            &signed,
            (404, "NoSuchUpload"),
        ),
        (s3, "POST /photos", &form, (400, "EntityTooLarge")),
        (
            s3,
            "PUT /photos?cors",
            &md5,
            (400, "MaxMessageLengthExceeded"),
        ),
        (
            s3,
            "POST /photos?delete",
            &md5,
            (400, "MaxMessageLengthExceeded"),
        ),
        (
            s3,
            "POST /photos/key?uploadId=x",
            &signed,
            (404, "NoSuchUpload"),
        ),
        (s3, "PUT /unknown/key", &signed, (404, "NoSuchBucket")),
        (s3, "PUT /photos/key", "", (403, "AccessDenied")),
    ] {
        // More than 5 GiB, the most that any request may have.
        let head = format!(
            "{request} HTTP/1.1\r\nhost: x\r\n{headers}expect: 100-continue\r\ncontent-length: 6000000000\r\n\r\n"
        );
        let mut stream = connect(url);
        stream.write_all(head.as_bytes()).expect("it reads");
        let (status, code) = answer;
        // The connection stays open for a while, for a client that sends the body all the same.
        let (mut text, mut piece) = (String::new(), [0; 4096]);
        while !text.contains(code) {
            let count = stream.read(&mut piece).expect("an answer");
            assert!(count > 0, "{request}: {text}");
            text.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {text}"
        );
        assert!(
            text.contains("\r\nconnection: close\r\n"),
            "{request}: {text}"
        );
    }
}

/// Requests that are refused without a look at the body, and their statuses.
fn refused(listeners: &Listeners) -> [(&str, &'static str, &'static str, u16); 10] {
    let (server, runtime_api) = (&listeners.server, listeners.runtime_api.as_str());
    let rie = listeners.rie.url();
    let docker_lambda = listeners.docker_lambda.url();
    let unknown = "/2015-03-31/functions/unknown/invocations";
    [
        (server.invoke_url(), "POST", unknown, 404),
        (
            server.invoke_url(),
            "PUT",
            "/2015-03-31/functions/echo/invocations",
            405,
        ),
        (server.invoke_url(), "POST", "/nowhere", 404),
        (rie, "POST", "/nowhere", 404),
        (docker_lambda, "POST", "/nowhere", 404),
        (
            runtime_api,
            "POST",
            "/2018-06-01/runtime/invocation/unknown/response",
            400,
        ),
        (runtime_api, "POST", "/2018-06-01/nowhere", 404),
        (runtime_api, "PUT", "/2018-06-01/runtime/init/error", 405),
        (runtime_api, "PUT", "/2020-01-01/extension/register", 405),
        (runtime_api, "POST", "/2022-07-01/telemetry", 405),
    ]
}

#[test]
fn a_refusal_before_the_body_says_so_and_reaches_a_client_that_sends_all_of_it_first() {
    let listeners = Listeners::start();
    let body = vec![b'x'; 3 << 20];
    for (url, method, path, status) in refused(&listeners) {
        for _ in 0..5 {
            let mut stream = connect(url);
            let length = body.len();
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n\r\n",
                url.trim_start_matches("http://")
            );
            stream.write_all(head.as_bytes()).expect("it reads");
            stream.write_all(&body).expect("all of the body is read");
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer);
            assert!(read.is_ok(), "{method} {path}: {read:?} {answer}");
            let begins = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&begins), "{method} {path}: {answer}");
            assert!(
                answer.contains("\r\nconnection: close\r\n"),
                "{path}: {answer}"
            );
        }
    }
}

#[test]
fn python_and_curl_get_every_refusal_of_a_payload() {
    let server = Project::echo("").serve();
    let path = "/2015-03-31/functions/unknown/invocations";
    let url = format!("{}{path}", server.invoke_url());
    if python::is_there().is_ok() {
        assert_eq!(python::statuses(&url, 20), vec![404; 20]);
    }
    // curl stops sending when it has the answer, and must not report a failure.
    let file = tempfile::NamedTempFile::new().expect("a file");
    file.as_file().set_len(3 << 20).expect("its length");
    for _ in 0..20 {
        let mut curl = Command::new("curl");
        curl.args([
            "-sS",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--data-binary",
        ]);
        curl.arg(format!("@{}", file.path().display())).arg(&url);
        let Ok(output) = curl.output() else { break };
        assert_eq!(String::from_utf8_lossy(&output.stdout), "404", "{output:?}");
    }
}

#[test]
fn clients_that_drip_or_stall_make_room_when_a_listener_is_full() {
    let project = Project::echo("");
    // The smallest listener has 64 connections.
    let server = project.serve_with_files(512);
    let invoke = "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nhost: x\r\n";
    let stalls = [
        format!("{invoke}content-length: 100\r\n\r\n1"),
        format!("{invoke}transfer-encoding: chunked\r\n\r\n3\r\n1"),
        invoke.to_owned(),
    ];
    let mut stalled: Vec<_> = (0..80)
        .map(|index| {
            let mut stream = connect(server.invoke_url());
            stream
                .write_all(stalls[index % stalls.len()].as_bytes())
                .expect("it is accepted");
            stream
        })
        .collect();
    for _ in 0..3 {
        assert_eq!(server.invoke("echo", "1").text(), "1");
        for stream in &mut stalled {
            let _ = stream.write_all(b"1"); // it may have been given up
        }
    }
}

#[test]
fn requests_that_are_half_sent_take_no_places_of_a_service_from_whole_ones() {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    let _ = setrlimit(Resource::Nofile, files); // with fewer connections the test proves less
    let project = Project::new(&format!("[queues.orders]\n{SERVICES}"));
    let server = project.serve();
    let half = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    // More than a service has places, and fewer than it may have connections.
    let staying: Vec<_> = (0..600)
        .filter_map(|_| {
            let mut stream =
                TcpStream::connect(server.service_url("sqs").trim_start_matches("http://")).ok()?;
            stream.write_all(half.as_bytes()).ok()?;
            Some(stream)
        })
        .collect();
    for _ in 0..20 {
        server.send("orders", "one");
    }
    // Those that are given up get an answer or are closed, and do not stay.
    let mut answered = 0;
    for mut stream in staying {
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a timeout");
        match stream.read(&mut [0; 64]) {
            Ok(_) => answered += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
        }
        if answered >= 10 {
            break;
        }
    }
}

#[test]
fn two_thousand_empty_objects_are_all_answered_with_a_length() {
    let project = Project::new(&format!("[buckets.photos]\n{SERVICES}"));
    let server = project.serve();
    let url = server.service_url("s3");
    std::thread::scope(|scope| {
        for writer in 0..20 {
            scope.spawn(move || {
                for number in 0..100 {
                    let path = format!("/photos/{writer}/{number}");
                    let headers = [("content-length", "0"), ("authorization", S3_AUTHORIZATION)];
                    let reply = request(url, "PUT", &path, &headers, b"");
                    let length = reply.header("content-length");
                    assert_eq!((reply.status, length), (200, Some("0")), "{reply:?}");
                }
            });
        }
    });
}
