//! Functions that listen on a fixed port, as those behind the Lambda Web Adapter do: only one of their environments can
//! have it, so calls wait for that one.

use std::fs;
use std::thread;

use serde_json::json;

use crate::queue_trigger::until_empty;
use crate::support::{Missing, Project, SERVICES, Server, eventually, fixed_port, tool};

/// The number of calls at a time.
const CALLS: usize = 8;

/// A web server in Python. It answers a request for `/` with the id of its parent process, after a while.
const SERVER: &str = r#"
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        time.sleep(0.1)
        self.answer()
    def do_GET(self):
        self.answer()
    def answer(self):
        body = str(os.getppid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

/// Passes events on to the server as soon as one answers, as the Lambda Web Adapter does, even if it is the server of
/// another environment. It records each event, and responds with `own` or `foreign`.
const ADAPTER: &str = r#"
until curl -s -o /dev/null "http://127.0.0.1:$port/"; do CHECK; sleep 0.02; done
while next; do
  answer=$(curl -s --data-binary @event "http://127.0.0.1:$port/")
  echo "$event" >> "$LAMBDA_TASK_ROOT/../served"
  [ "$answer" = $$ ] && respond '"own"' || respond '"foreign"'
done
"#;

/// Binds the port in the bootstrap's own process.
const DIRECT: &str = r#"
exec python3 -c '
import os, socket, time, urllib.request
server = socket.create_server(("127.0.0.1", PORT))
API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(API + "/next") as event:
        id = event.headers["Lambda-Runtime-Aws-Request-Id"]
    time.sleep(0.1)
    urllib.request.urlopen(API + "/" + id + "/response", data=b"\"own\"").close()
'
"#;

/// A project whose function `echo` passes its events on to a server on a fixed port.
fn adapter(check: &str, config: &str) -> Result<Project, Missing> {
    let mut probe = std::process::Command::new("python3");
    probe.arg("--version");
    tool("python3", probe)?;
    let script = ADAPTER.replace("CHECK", check);
    let port = fixed_port();
    let script = format!(
        "port={port}\ncd \"$(mktemp -d)\"\npython3 \"$LAMBDA_TASK_ROOT/server.py\" $port &\n{script}"
    );
    let project = Project::bash(&format!("timeout = 60\n{config}"), &script)?;
    project.file("code/server.py", SERVER);
    Ok(project)
}

#[track_caller]
fn is_said_once(server: &Server) {
    let log = server.log_with("another environment of function echo listens on port");
    assert_eq!(log.matches("listens on port").count(), 1, "{log}");
}

/// The events that have been served, in order.
fn served(project: &Project) -> Vec<String> {
    let text = fs::read_to_string(project.path().join("served")).unwrap_or_default();
    let mut events: Vec<_> = text.lines().map(str::to_owned).collect();
    events.sort();
    events
}

/// Concurrent calls succeed more than once, and the reason why they wait is in the log once.
#[track_caller]
fn repeated_concurrent_calls_succeed(server: &Server) {
    for _ in 0..2 {
        all_concurrent_calls_succeed(server);
    }
    is_said_once(server);
}

#[track_caller]
fn all_concurrent_calls_succeed(server: &Server) {
    let calls: Vec<_> = (0..CALLS)
        .map(|_| server.invoke_meanwhile("echo", "1"))
        .collect();
    for call in calls {
        let reply = call.join().unwrap();
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, "\"own\""),
            "{reply:?}\n{}",
            server.log()
        );
    }
}

#[test]
fn concurrent_calls_wait_for_the_environment_whose_server_has_the_port() {
    // An adapter that notices that its server has ended, and one that uses whichever server answers.
    for check in ["kill -0 $! || exit 1", ":"] {
        let Ok(project) = adapter(check, "") else {
            return;
        };
        let server = project.serve();
        repeated_concurrent_calls_succeed(&server);
    }
}

#[test]
fn a_runtime_that_binds_the_port_itself_serves_concurrent_calls_too() {
    let Ok(project) = adapter(":", "") else {
        return;
    };
    let script = DIRECT.replace("PORT", &fixed_port().to_string());
    let Ok(()) = project.bash_bootstrap(&script) else {
        return;
    };
    let server = project.serve();
    repeated_concurrent_calls_succeed(&server);
}

#[test]
fn another_environment_takes_the_port_when_the_first_one_has_ended() {
    let Ok(project) = adapter("kill -0 $! || exit 1", "") else {
        return;
    };
    let server = project.serve_with(&["--watch"], &[]);
    all_concurrent_calls_succeed(&server);
    is_said_once(&server);
    // The new code has no fixed port, so that calls are served at the same time again.
    let Ok(()) = project.bash_bootstrap(
        r#"
cd "$(mktemp -d)"
folder=$LAMBDA_TASK_ROOT/..
while next; do
  [ "$event" = 1 ] && { touch "$folder/first"; until [ -e "$folder/second" ]; do sleep 0.01; done; } || touch "$folder/second"
  respond '"new"'
done"#,
    ) else {
        return;
    };
    server.log_with("restarts");
    eventually("the new code", || {
        server.invoke("echo", "2").text() == "\"new\""
    });
    fs::remove_file(project.path().join("second")).unwrap();
    let first = server.invoke_meanwhile("echo", "1");
    eventually("the first call", || project.path().join("first").exists());
    assert_eq!(server.invoke("echo", "2").text(), "\"new\"");
    assert_eq!(first.join().unwrap().text(), "\"new\"");
}

#[test]
fn concurrent_requests_through_an_http_trigger_wait_as_well() {
    let trigger =
        "[triggers.web]\nplugin = 'api-gateway-http'\nlisten = '127.0.0.1:0'\nfunction = 'echo'";
    let Ok(project) = adapter(":", trigger) else {
        return;
    };
    let server = project.serve();
    thread::scope(|scope| {
        let request = || server.web("GET", "/", &[], b"");
        let requests: Vec<_> = (0..CALLS).map(|_| scope.spawn(request)).collect();
        for request in requests {
            let reply = request.join().unwrap();
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (200, "own"),
                "{reply:?}"
            );
        }
    });
    is_said_once(&server);
}

#[test]
fn asynchronous_events_wait_as_well() {
    let Ok(project) = adapter(":", "") else {
        return;
    };
    let server = project.serve();
    for event in 0..CALLS {
        let asynchronous = [("x-amz-invocation-type", "Event")];
        let reply = server.invoke_with("echo", event.to_string(), &asynchronous);
        assert_eq!(reply.status, 202, "{reply:?}");
    }
    eventually("all events to be served", || {
        served(&project).len() >= CALLS
    });
    let all: Vec<_> = (0..CALLS).map(|event| event.to_string()).collect();
    assert_eq!(served(&project), all, "none is served twice");
    is_said_once(&server);
}

#[test]
fn messages_of_a_queue_wait_as_well() {
    let queue = format!(
        "[queues.orders]\nRedrivePolicy = {{ deadLetterTargetArn = 'failed', maxReceiveCount = 1 }}\n[queues.failed]\n\
         [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders'\nfunction = 'echo'\nBatchSize = 1\n{SERVICES}"
    );
    let Ok(project) = adapter("kill -0 $! || exit 1", &queue) else {
        return;
    };
    let server = project.serve();
    for _ in 0..CALLS {
        let message = json!({ "QueueUrl": server.queue_url("orders"), "MessageBody": "order" });
        server.sqs_ok("SendMessage", &message);
    }
    until_empty(&server, "orders");
    assert_eq!(served(&project).len(), CALLS, "each is served once");
    assert_eq!(server.counts("failed"), [0, 0, 0]);
    is_said_once(&server);
}
