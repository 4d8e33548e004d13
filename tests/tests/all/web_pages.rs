//! Which web pages and hosts every listener accepts requests from; see `docs/security.md`. The requests are those that
//! Chromium sends; the module `browser` has Chromium send them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::{
    EmulatorProcess, Project, RAW_BOOTSTRAP, Reply, SERVICES, Server, lambkin_alone, raw, request,
};

const INVOKE: &str = "/2015-03-31/functions/echo/invocations";
const EMULATED: &str = "/2015-03-31/functions/function/invocations";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TEXT: (&str, &str) = ("content-type", "text/plain");
const SEND: &str = "Action=SendMessage&MessageBody=m&QueueUrl=http://localhost/123456789012/q";

/// What a page of another site sends, with the name of the attack.
const FOREIGN_PAGES: [(&str, &[(&str, &str)]); 6] = [
    ("a script", &[TEXT, ("origin", "http://evil.example")]),
    ("a page without an origin", &[TEXT, ("origin", "null")]),
    (
        "a form",
        &[
            FORM,
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ],
    ),
    (
        "an image or a link",
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
        ],
    ),
    (
        "a page that looks local",
        &[TEXT, ("origin", "http://localhost.evil.example")],
    ),
    (
        "a page on another machine of the network",
        &[TEXT, ("origin", "http://192.168.1.5:3000")],
    ),
];

/// What clients and pages on this machine send.
const ACCEPTED: [(&str, &[(&str, &str)]); 8] = [
    ("an SDK or curl", &[]),
    ("another name", &[("host", "localhost:1")]),
    ("a virtual host", &[("host", "photos.LOCALHOST.:1")]),
    ("a container's name", &[("host", "lambkin_1:9001")]),
    ("AWS's name", &[("host", "sqs.eu-west-1.amazonaws.com")]),
    (
        "a front-end on another port",
        &[
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "same-site"),
        ],
    ),
    (
        "a front-end that calls by address",
        &[
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "cross-site"),
        ],
    ),
    (
        "the address bar",
        &[("user-agent", "Mozilla/5.0"), ("sec-fetch-site", "none")],
    ),
];

fn project(top: &str) -> Project {
    let project = Project::new("");
    project.file(
        "lambkin.toml",
        format!(
            "{top}\ninvoke.listen = '127.0.0.1:0'\n[functions.echo]\ncode = '{RAW_BOOTSTRAP}'\n[queues.q]\n[buckets.photos]\n\
             [triggers.web]\nplugin = 'api-gateway-http'\nlisten = '127.0.0.1:0'\nfunction = 'echo'\n{SERVICES}verify-signatures = false\n"
        ),
    );
    project
}

/// A request that has an effect, to each listener of a server: its URL, method, path and body.
fn effects(server: &Server) -> [(String, &'static str, &'static str, &'static str); 4] {
    [
        (server.invoke_url().to_owned(), "POST", INVOKE, "1"),
        (server.service_url("sqs").to_owned(), "POST", "/", SEND),
        (server.service_url("s3").to_owned(), "PUT", "/photos/a", "x"),
        (server.trigger_url("web").to_owned(), "POST", "/", "x"),
    ]
}

#[track_caller]
fn assert_refused(reply: &Reply, setting: &str, what: &str) {
    assert_eq!(reply.status, 403, "{what}: {reply:?}");
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(setting), "{what}: {message}");
    let code = reply.header("x-amzn-errortype");
    assert_eq!(code, Some("AccessDeniedException"), "{what}");
    assert_eq!(reply.header("access-control-allow-origin"), None, "{what}");
}

/// Sends what foreign pages send to a listener on which every request invokes a function or changes something.
#[track_caller]
fn assert_refuses_foreign_pages(url: &str, path: &str, body: &str) {
    for (what, headers) in FOREIGN_PAGES {
        for method in ["POST", "GET", "OPTIONS"] {
            let reply = request(url, method, path, headers, body.as_bytes());
            assert_refused(&reply, "allowed-origins", &format!("{method} of {what}"));
        }
    }
    // Browsers do not label requests to this address.
    let image = [("host", "0.0.0.0:1"), ("user-agent", "Mozilla/5.0 (X11)")];
    assert_refused(
        &request(url, "GET", path, &image, b""),
        "allowed-origins",
        "an image",
    );
    let preflight = [
        ("origin", "http://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-amz-target"),
    ];
    let reply = request(url, "OPTIONS", path, &preflight, b"");
    assert_refused(
        &reply,
        "allowed-origins = ['http://evil.example']",
        "a preflight",
    );
}

#[track_caller]
fn assert_refuses_foreign_hosts(url: &str, method: &str, path: &str, body: &str) {
    let mut replies = Vec::new();
    for host in [
        "evil.com",
        "evil.com:9001",
        "EVIL.com.",
        "127.0.0.1.nip.io",
        "localhost.evil.com",
    ] {
        let reply = request(url, method, path, &[("host", host)], body.as_bytes());
        replies.push((host, reply));
    }
    // The host that counts is the one in the target.
    let target = format!("http://evil.com{path}");
    let reply = request(
        url,
        method,
        &target,
        &[("host", "localhost")],
        body.as_bytes(),
    );
    replies.push((&target, reply));
    for (host, reply) in replies {
        assert_refused(&reply, "allowed-hosts", host);
    }
    let reply = request(url, method, path, &[("host", "a b")], body.as_bytes());
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[test]
fn no_listener_answers_a_foreign_host() {
    let server = project("").serve();
    for (url, method, path, body) in effects(&server) {
        assert_refuses_foreign_hosts(&url, method, path, body);
        assert_refuses_foreign_hosts(&url, "GET", path, "");
    }
    assert_eq!(server.counts("q"), [0; 3]);
    assert_eq!(server.s3("GET", "/photos/a", &[], b"").status, 404);
    let log = server.log_with("allowed-hosts = ['localhost.evil.com']");
    assert!(!log.contains("START"), "{log}");
    // One for each host, although each was used many times.
    for host in ["evil.com", "127.0.0.1.nip.io", "localhost.evil.com"] {
        let setting = format!("at the top of lambkin.toml: allowed-hosts = ['{host}']");
        assert_eq!(log.matches(&setting).count(), 1, "{log}");
    }
}

#[test]
fn pages_of_other_sites_neither_invoke_nor_send_nor_store() {
    let server = project("").serve();
    assert_refuses_foreign_pages(server.invoke_url(), INVOKE, "1");
    assert_refuses_foreign_pages(server.service_url("sqs"), "/", SEND);
    let delete = "/?Action=DeleteQueue&QueueUrl=http://localhost/123456789012/q";
    assert_refuses_foreign_pages(server.service_url("sqs"), delete, "");
    assert_eq!(server.counts("q"), [0; 3]);
    let log = server.log_with("allowed-origins = ['http://192.168.1.5:3000']");
    assert!(!log.contains("START"), "{log}");
    for origin in ["http://evil.example", "null", "http://192.168.1.5:3000"] {
        let setting = format!("allowed-origins = ['{origin}']");
        assert_eq!(log.matches(&setting).count(), 1, "{log}");
    }
}

#[test]
fn clients_and_pages_of_this_machine_are_answered_by_every_listener() {
    let server = project("").serve();
    for (what, headers) in ACCEPTED {
        for (url, method, path, body) in effects(&server) {
            let headers = [headers, &[TEXT][..]].concat();
            let reply = request(&url, method, path, &headers, body.as_bytes());
            assert_ne!(reply.status, 403, "{what} {url}{path}: {reply:?}");
            assert_ne!(reply.status, 400, "{what} {url}{path}: {reply:?}");
        }
    }
    assert_eq!(
        server.invoke("echo", r#"{"eprint":"the last one"}"#).status,
        200
    );
    let log = server.log_with("the last one");
    assert!(!log.contains("refused"), "{log}");
}

#[test]
fn the_operator_allows_hosts_and_origins() {
    let server = project(
        "allowed-hosts = ['lambkin.corp.dev', '*.preview.dev']\n\
         allowed-origins = ['https://app.example.com', 'http://*.preview.dev:3000']\n",
    )
    .serve();
    for (url, method, path, body) in effects(&server) {
        let status = |headers: &[(&str, &str)]| {
            request(
                &url,
                method,
                path,
                &[headers, &[FORM][..]].concat(),
                body.as_bytes(),
            )
            .status
        };
        for host in ["lambkin.corp.dev:9001", "a.preview.dev"] {
            assert_eq!(status(&[("host", host)]), 200, "{url} {host}");
        }
        assert_eq!(status(&[("host", "corp.dev")]), 403, "{url}");
        for origin in ["https://app.example.com", "http://a.b.preview.dev:3000"] {
            assert_eq!(status(&[("origin", origin)]), 200, "{url} {origin}");
        }
    }
    let other = [("origin", "https://app.example.com:444")];
    let reply = request(server.invoke_url(), "POST", INVOKE, &other, b"1");
    let setting = "allowed-origins = ['https://app.example.com', 'http://*.preview.dev:3000', \
                   'https://app.example.com:444']";
    assert_refused(&reply, setting, "another port");
}

#[test]
fn which_pages_may_use_an_http_trigger_is_up_to_the_function() {
    let server = project("").serve();
    for (what, headers) in FOREIGN_PAGES {
        let reply = server.web("POST", "/", headers, b"x");
        assert_eq!(reply.status, 200, "{what}: {reply:?}");
    }
}

#[test]
fn pages_of_other_sites_write_to_a_bucket_only_if_its_cors_allows_them() {
    let server = project("").serve();
    let origin = ("origin", "https://app.example.com");
    let boundary = ("content-type", "multipart/form-data; boundary=b");
    let form = "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nform\r\n--b\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nhello\r\n--b--\r\n";
    let put = |headers: &[(&str, &str)]| server.s3("PUT", "/photos/put", headers, b"x").status;
    let post = |headers: &[(&str, &str)]| {
        let headers = [headers, &[boundary][..]].concat();
        server.s3("POST", "/photos", &headers, form.as_bytes())
    };
    let exists = |key: &str| server.s3("GET", &format!("/photos/{key}"), &[], b"").status == 200;

    // A client cannot put the host's mark on its own requests.
    assert_eq!(put(&[("x-lambkin-foreign-page", "true")]), 200);
    for (what, headers) in FOREIGN_PAGES {
        assert_eq!(
            server.s3("DELETE", "/photos/put", headers, b"").status,
            403,
            "{what}"
        );
        assert_eq!(
            server.s3("PUT", "/photos?cors", headers, b"<x/>").status,
            403,
            "{what}"
        );
        assert_eq!(
            server.s3("PUT", "/created", headers, b"").status,
            403,
            "{what}"
        );
        assert_eq!(
            server.s3("GET", "/photos/put", headers, b"").status,
            200,
            "{what}"
        );
    }
    let refused = post(&[origin]);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(
        refused.text().contains("<Code>AccessForbidden</Code>"),
        "{refused:?}"
    );
    assert!(exists("put") && !exists("form"));
    let setting = "allowed-origins = ['https://app.example.com']";
    let log = server.log_with(setting);
    assert_eq!(log.matches(setting).count(), 1, "{log}");

    let cors = "<CORSConfiguration><CORSRule><AllowedOrigin>https://app.example.com</AllowedOrigin>\
                <AllowedMethod>POST</AllowedMethod></CORSRule></CORSConfiguration>";
    assert_eq!(
        server
            .s3("PUT", "/photos?cors", &[], cors.as_bytes())
            .status,
        200
    );
    let allowed = post(&[origin]);
    assert_eq!(allowed.status, 204, "{allowed:?}");
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        Some(origin.1)
    );
    assert!(exists("form"));
    assert_eq!(put(&[origin]), 403); // POST only
    assert_eq!(post(&[("origin", "https://app.example.org")]).status, 403);
    assert_eq!(post(&[("sec-fetch-site", "cross-site")]).status, 403);
    // A page on this machine needs no CORS for a form.
    assert_eq!(post(&[("origin", "http://localhost:3000")]).status, 204);
}

fn rie(folder: &Path, variables: &[(&str, &str)]) -> EmulatorProcess {
    EmulatorProcess::rie(folder, variables)
}

fn docker_lambda(folder: &Path, variables: &[(&str, &str)]) -> EmulatorProcess {
    let mut command = lambkin_alone();
    command
        .args(["docker-lambda", "--bootstrap", RAW_BOOTSTRAP])
        .env("DOCKER_LAMBDA_STAY_OPEN", "1")
        .env("DOCKER_LAMBDA_API_PORT", "0")
        .envs(variables.iter().copied())
        .current_dir(folder);
    EmulatorProcess::start(command, "Lambda API listening on port ")
}

#[test]
fn emulators_follow_the_same_rules_with_variables() {
    for start in [rie, docker_lambda] {
        let folder = tempfile::tempdir().unwrap();
        let server = start(folder.path(), &[]);
        let url = server.url();
        for (what, headers) in FOREIGN_PAGES {
            for method in ["POST", "GET", "OPTIONS"] {
                let reply = server.call(method, headers, "1");
                assert_refused(&reply, "LAMBKIN_ALLOWED_ORIGINS='", what);
            }
        }
        let reply = server.call("POST", &[("host", "evil.com")], "1");
        assert_refused(&reply, "LAMBKIN_ALLOWED_HOSTS='evil.com'", "a host");
        let image = [("host", "0.0.0.0"), ("user-agent", "Mozilla/5.0")];
        assert_refused(
            &server.call("GET", &image, ""),
            "LAMBKIN_ALLOWED_ORIGINS='*'",
            "an image",
        );
        assert!(!server.stderr().contains("START") && !server.stdout().contains("START"));
        for (what, headers) in ACCEPTED {
            assert_eq!(
                server.call("POST", headers, "1").text(),
                "1",
                "{what} {url}"
            );
        }
        let allowed = start(
            folder.path(),
            &[
                ("LAMBKIN_ALLOWED_HOSTS", "lambkin.corp.dev, *.preview.dev"),
                ("LAMBKIN_ALLOWED_ORIGINS", "https://app.example.com"),
            ],
        );
        let headers = [
            ("host", "a.preview.dev"),
            ("origin", "https://app.example.com"),
        ];
        assert_eq!(allowed.call("POST", &headers, "1").text(), "1");
    }
}

#[test]
fn with_the_responses_of_rie_the_invoke_api_follows_the_same_rules() {
    let server = project("").serve_with(&["--compat", "rie"], &[]);
    assert_refuses_foreign_pages(server.invoke_url(), EMULATED, "1");
    assert_refuses_foreign_hosts(server.invoke_url(), "POST", EMULATED, "1");
    assert_eq!(
        request(server.invoke_url(), "POST", EMULATED, &[], b"1").text(),
        "1"
    );
}

#[test]
fn each_request_of_a_connection_is_checked_in_each_version_of_http() {
    let server = project("").serve();
    for (url, _, path, _) in effects(&server) {
        let statuses = |bytes: String| {
            let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
            stream.write_all(bytes.as_bytes()).unwrap();
            let mut answers = Vec::new();
            stream.read_to_end(&mut answers).unwrap();
            let text = String::from_utf8_lossy(&answers).into_owned();
            // The echoed event names the version as well.
            let statuses = text.split("HTTP/1.").filter_map(|answer| answer.get(2..5));
            let statuses =
                statuses.filter(|status| status.bytes().all(|byte| byte.is_ascii_digit()));
            let statuses = statuses.map(str::to_owned);
            statuses.collect::<Vec<_>>()
        };
        let get = |target: &str, version: &str, rest: &str| {
            format!("GET {target} HTTP/1.{version}\r\n{rest}\r\n")
        };
        let kept = get(path, "1", "host: localhost\r\n");
        let second = get(path, "1", "host: evil.com\r\nconnection: close\r\n");
        assert_eq!(statuses(kept + &second)[1], "403", "{url}");
        for (target, rest) in [
            (path, "host: evil.com\r\n"),
            (&format!("http://evil.com{path}"), ""),
            (&format!("http://evil.com{path}"), "host: localhost\r\n"),
        ] {
            assert_eq!(
                statuses(get(target, "0", rest)),
                ["403"],
                "{url} {target} {rest}"
            );
        }
        // Only programs send no host.
        assert_ne!(statuses(get(path, "0", "")), ["403"], "{url}");
    }
}

#[test]
fn a_refused_upload_is_answered_after_it_was_read_unless_its_client_waits() {
    let server = project("").serve();
    let body = vec![b'x'; 3 << 20];
    for (url, method, path, _) in effects(&server) {
        let reply = request(&url, method, path, &[("host", "evil.com")], &body);
        assert_refused(&reply, "allowed-hosts", &url);
        let waits = format!(
            "{method} {path} HTTP/1.1\r\nhost: evil.com\r\nexpect: 100-continue\r\ncontent-length: 1000000000\r\n\r\n"
        );
        assert_refused(&raw(&url, waits.as_bytes()), "allowed-hosts", &url);
    }
}

#[test]
fn a_page_with_many_names_cannot_fill_the_log() {
    let server = project("").serve();
    for number in 0..50 {
        let host = format!("{number}.evil.com");
        let reply = request(server.invoke_url(), "GET", "/", &[("host", &host)], b"");
        assert_refused(&reply, &format!("allowed-hosts = ['{host}']"), &host);
    }
    assert_eq!(
        server.invoke("echo", r#"{"eprint":"the last one"}"#).status,
        200
    );
    let log = server.log_with("the last one");
    assert_eq!(log.matches("refused a request").count(), 32, "{log}");
    assert_eq!(log.matches("are logged with -v").count(), 1, "{log}");
}

/// The Runtime, Extensions, Telemetry and metadata APIs have one listener, which only the function's processes use.
#[test]
fn the_runtime_api_answers_neither_foreign_hosts_nor_pages() {
    let script = r#"
base="http://$AWS_LAMBDA_RUNTIME_API"
status() { curl -s -o /dev/null -w '%{http_code}' "${@:2}" "$base$1"; }
while next; do
  refused=
  for path in /2018-06-01/runtime/invocation/next /2018-06-01/runtime/invocation/$id/response \
              /2020-01-01/extension/register /2020-01-01/extension/event/next /2022-07-01/telemetry \
              /2020-08-15/logs /2018-06-01/runtime/init/error /; do
    refused="$refused $(status $path -H 'Host: evil.com') $(status $path -H 'Origin: http://evil.example' -d 1)"
    refused="$refused $(status $path -H 'Sec-Fetch-Site: cross-site') $(status $path -H 'Origin: null' -X OPTIONS)"
  done
  accepted="$(status /2018-06-01/ping -H 'Host: localhost') $(status /2018-06-01/ping -H 'Origin: http://localhost:3000')"
  api_response="{\"refused\":\"$refused\",\"accepted\":\"$accepted\"}"
  curl -s -d "$api_response" "$base/2018-06-01/runtime/invocation/$id/response" >/dev/null
done
"#;
    let Ok(project) = Project::bash("timeout = 20\n", script) else {
        return;
    };
    let server = project.serve();
    let reply = server.invoke("echo", "1").json();
    let refused = vec!["403"; 32].join(" ");
    assert_eq!(
        reply,
        json!({ "refused": format!(" {refused}"), "accepted": "200 200" })
    );
    server.log_with("allowed-hosts = ['evil.com']");
}
