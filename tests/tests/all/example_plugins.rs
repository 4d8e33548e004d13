//! The plugins in `examples/plugins/`, built by their toolchains as their READMEs say, and run by the real binary. All
//! languages have to pass the same cases, compared as parsed JSON.

mod build;
mod mistakes;

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::{Project, curl, eventually, lambkin, request};
use build::{Language, built, examples};

/// `golden/webhook.json`.
#[derive(Deserialize)]
struct Webhook {
    secret: String,
    requests: Vec<Case>,
    configurations: Vec<Configuration>,
}

/// A request and its response.
#[derive(Deserialize)]
struct Case {
    name: String,
    /// The trigger that gets the request.
    to: String,
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    text: Option<String>,
    base64: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    headers: Map<String, Value>,
    /// The body. In an event, `UUID` stands for any id and `NOW` for the time of the request.
    json: Value,
}

/// Settings that the plugin refuses.
#[derive(Deserialize)]
struct Configuration {
    name: String,
    #[serde(default = "yes")]
    secret: bool,
    settings: String,
    problems: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Webhook {
    fn read() -> Self {
        let text = fs::read_to_string(examples().join("golden/webhook.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

/// A function in bash.
fn function(project: &Project, name: &str, loop_body: &str) {
    let api = include_str!("../../fixtures/bootstrap/runtime-api.sh");
    project.executable(&format!("{name}/bootstrap"), format!("{api}{loop_body}"));
}

/// A project with the webhook receiver behind a function of each kind.
fn webhooks(plugin: &Path) -> Project {
    let plugin = plugin.display();
    let mut config = String::new();
    for (name, settings) in [
        ("receive", ""),
        ("fails", ""),
        ("hangs", "timeout = 1\n"),
        ("throttled", "concurrency = 0\n"),
    ] {
        config += &format!(
            "[functions.{name}]\ncode = '{name}'\n{settings}\
             [triggers.{name}]\nplugin = '{plugin}'\nlisten = '127.0.0.1:0'\nfunction = '{name}'\n\
             pass-environment = ['WEBHOOK_SECRET']\n"
        );
    }
    let project = Project::new(&config);
    let answer = r#"while true; do next; respond "$event"; done"#;
    for name in ["receive", "throttled"] {
        function(&project, name, answer);
    }
    function(
        &project,
        "fails",
        r#"while true; do next; curl -sS -o /dev/null "$api/invocation/$id/error" -d '{"errorType":"E"}'; done"#,
    );
    function(&project, "hangs", "while true; do next; sleep 60; done");
    project
}

/// Every golden case through the real binary.
fn passes_every_case(language: Language) {
    let Ok(plugin) = curl().and_then(|()| built(language, "webhook")) else {
        return;
    };
    let golden = Webhook::read();
    let project = webhooks(&plugin);
    let server = project.serve_with(&[], &variables(&golden.secret));
    for case in &golden.requests {
        let name = &case.name;
        let Request {
            method,
            path,
            headers,
            text,
            base64,
        } = &case.request;
        let headers: Vec<_> = headers
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let body = match (text, base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(text)) => decoded(text),
            (None, None) => Vec::new(),
        };
        let url = server.trigger_url(&case.to);
        let reply = request(url, method, path, &headers, &body);
        let said = || format!("{name}: {reply:?}\n{}", server.log());
        assert_eq!(reply.status, case.response.status, "{}", said());
        for (header, value) in &case.response.headers {
            assert_eq!(reply.header(header), value.as_str(), "{}", said());
        }
        assert_eq!(masked(reply.json()), case.response.json, "{}", said());
    }
    let limit = match language {
        Language::JavaScript | Language::SpiderMonkey => 64 << 10,
        _ => 1 << 20,
    };
    let url = server.trigger_url("receive");
    let body = vec![b'x'; limit + 1];
    let reply = request(url, "POST", "/webhook", &[], &body);
    assert_eq!(reply.status, 413, "{reply:?}");
    assert_eq!(reply.json(), json!({ "message": "Content Too Large" }));
    // SpiderMonkey, which only interprets in WebAssembly, is not sure to hash this in time.
    if language != Language::SpiderMonkey {
        let reply = request(url, "POST", "/webhook", &[], &body[..limit]);
        assert_eq!(reply.status, 401, "{reply:?}");
    }
}

fn variables(secret: &str) -> [(&'static str, &str); 2] {
    [
        ("WEBHOOK_SECRET", secret),
        ("LAMBKIN_CACHE_DIR", build::compiled()),
    ]
}

/// The event with its id and its time replaced, if they are what they have to be.
fn masked(mut json: Value) -> Value {
    if let Some(id) = json.get("id").and_then(Value::as_str)
        && id.len() == 36
        && id.split('-').count() == 5
    {
        json["id"] = json!("UUID");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    if let Some(time) = json.get("time").and_then(Value::as_u64)
        && now.abs_diff(Duration::from_millis(time)) < Duration::from_secs(600)
    {
        json["time"] = json!("NOW");
    }
    json
}

/// The bytes of canonical base64.
fn decoded(base64: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0_u32;
    let mut bytes = Vec::new();
    for (at, digit) in base64.trim_end_matches('=').chars().enumerate() {
        bits = bits << 6 | DIGITS.find(digit).expect("base64") as u32;
        if at % 4 > 0 {
            bytes.push((bits >> (6 - at % 4 * 2)) as u8);
        }
    }
    bytes
}

fn run(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    lambkin()
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Every mistake in the settings is reported at its place.
fn refuses_settings(language: Language) {
    let Ok(plugin) = built(language, "webhook") else {
        return;
    };
    let golden = Webhook::read();
    for configuration in &golden.configurations {
        let name = &configuration.name;
        let project = Project::new(&format!(
            "[functions.receive]\ncode = '.'\ncommand = ['true']\n\
             [triggers.hooks]\nplugin = '{}'\nlisten = '127.0.0.1:0'\npass-environment = ['WEBHOOK_SECRET']\n{}\n",
            plugin.display(),
            configuration.settings
        ));
        let all = variables(&golden.secret);
        let given = if configuration.secret {
            &all[..]
        } else {
            &all[1..]
        };
        let output = run(&project, &["check"], given);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {text}");
        for problem in &configuration.problems {
            assert!(
                text.contains(problem),
                "{name}: {problem} is missing in: {text}"
            );
        }
        let reported = text.matches(": triggers.hooks").count();
        assert_eq!(reported, configuration.problems.len(), "{name}: {text}");
    }
}

/// A batch of jobs is one event; failed jobs are tried again, and then moved away.
fn settles_every_job(language: Language) {
    let Ok(plugin) = curl().and_then(|()| built(language, "batch")) else {
        return;
    };
    let project = Project::new(&format!(
        "[functions.work]\ncode = 'work'\n\
         [queues.jobs]\nVisibilityTimeout = 1\n\
         RedrivePolicy = {{ deadLetterTargetArn = 'failed', maxReceiveCount = 100 }}\n[queues.failed]\n\
         [services.sqs]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'\nqueues = ['*']\n\
         [triggers.jobs]\nplugin = '{}'\nqueue = 'jobs'\nfunction = 'work'\nattempts = 2\n",
        plugin.display()
    ));
    let bootstrap = fs::read(examples().join("rust/batch/work/bootstrap")).unwrap();
    project.executable("work/bootstrap", bootstrap);
    let cache = [("LAMBKIN_CACHE_DIR", build::compiled())];

    let golden: Value =
        serde_json::from_slice(&fs::read(examples().join("golden/batch.json")).unwrap()).unwrap();
    let mut arguments = vec!["shape", "jobs"];
    for body in golden["bodies"].as_array().unwrap() {
        arguments.extend(["--body", body.as_str().unwrap()]);
    }
    let output = run(&project, &arguments, &cache);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let event: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(event, golden["event"]);

    let server = project.serve_with(&[], &cache);
    for job in ["clean up", "fail", "sweep"] {
        server.send("jobs", job);
    }
    eventually("the failed job to be moved away", || {
        server.counts("failed")[0] == 1 && server.counts("jobs") == [0, 0, 0]
    });
    let moved = run(&project, &["queue", "failed"], &[]);
    assert_eq!(String::from_utf8_lossy(&moved.stdout), "fail\n");
    let log = server.log();
    let failed = log
        .lines()
        .filter(|line| line.contains("event: ") && line.contains("\"fail\""));
    assert_eq!(failed.count(), 2, "{log}");
}

mod webhook {
    use super::{Language, passes_every_case, refuses_settings};

    #[test]
    fn in_rust_passes_every_case() {
        passes_every_case(Language::Rust);
        refuses_settings(Language::Rust);
    }

    #[test]
    fn in_javascript_passes_every_case() {
        passes_every_case(Language::JavaScript);
        refuses_settings(Language::JavaScript);
    }

    #[test]
    fn in_javascript_with_spidermonkey_passes_every_case() {
        passes_every_case(Language::SpiderMonkey);
        refuses_settings(Language::SpiderMonkey);
    }

    #[test]
    fn in_python_passes_every_case() {
        passes_every_case(Language::Python);
        refuses_settings(Language::Python);
    }

    #[test]
    fn in_go_passes_every_case() {
        passes_every_case(Language::Go);
        refuses_settings(Language::Go);
    }

    #[test]
    fn in_c_passes_every_case() {
        passes_every_case(Language::C);
        refuses_settings(Language::C);
    }
}

mod batch {
    use super::{Language, settles_every_job};

    #[test]
    fn in_rust_settles_every_job() {
        settles_every_job(Language::Rust);
    }

    #[test]
    fn in_javascript_settles_every_job() {
        settles_every_job(Language::JavaScript);
    }

    #[test]
    fn in_python_settles_every_job() {
        settles_every_job(Language::Python);
    }
}
