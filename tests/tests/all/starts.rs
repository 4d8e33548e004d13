//! Starts of environments: how many run at a time, and which calls they serve.

use std::num::NonZero;
use std::thread::available_parallelism;

use serde_json::json;

use crate::support::{Barrier, Missing, Project, tool};

/// A Runtime API client in Python's standard library. `BURN` is the processor time of its start in seconds. It responds
/// with its process id.
const PYTHON: &str = r#"
import os, time, urllib.request
while time.process_time() < float(os.environ["BURN"]):
    pass
API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{API}/next") as event:
        id = event.headers["Lambda-Runtime-Aws-Request-Id"]
    pid = str(os.getpid()).encode()
    urllib.request.urlopen(f"{API}/{id}/response", data=pid).close()
"#;

#[test]
fn a_burst_of_calls_of_a_function_whose_start_needs_much_processor_time_succeeds() {
    if python().is_err() {
        return;
    }
    let project = Project::new(
        "[functions.slow]\ncode = '.'\ncommand = ['python3', 'slow.py']\nenvironment = { BURN = '1.7' }\ntimeout = 30",
    );
    project.file("slow.py", PYTHON);
    let server = project.serve();
    let calls: Vec<_> = (0..12)
        .map(|_| server.invoke_meanwhile("slow", "{}"))
        .collect();
    for call in calls {
        let reply = call.join().unwrap();
        assert_eq!(
            (reply.status, reply.header("x-amz-function-error")),
            (200, None),
            "{reply:?}"
        );
    }
}

#[test]
fn starts_that_wait_do_not_hold_back_others() {
    let barrier = Barrier::new();
    let init = json!({ "barrier": barrier.address().to_string() }).to_string();
    let settings = format!("environment = {{ RAW_BOOTSTRAP_INIT = '{init}' }}\ntimeout = 60");
    let server = Project::echo(&settings).serve();
    let count = available_parallelism().map_or(1, NonZero::get) + 3;
    let calls: Vec<_> = (0..count)
        .map(|_| server.invoke_meanwhile("echo", "1"))
        .collect();
    let waiting: Vec<_> = (0..count).map(|_| barrier.arrival()).collect();
    drop(waiting);
    for call in calls {
        assert_eq!(call.join().unwrap().text(), "1");
    }
}

#[track_caller]
fn python() -> Result<(), Missing> {
    let mut probe = std::process::Command::new("python3");
    probe.arg("--version");
    tool("python3", probe)
}
