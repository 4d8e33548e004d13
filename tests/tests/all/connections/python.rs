//! Python's `http.client`, which reads a response only after it has sent the whole request.

use std::process::Command;

use crate::support::{Missing, tool};

const PROGRAM: &str = r#"
import http.client, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
for _ in range(int(sys.argv[2])):
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    connection.request("POST", url.path, b"x" * (3 << 20))
    print(connection.getresponse().status)
"#;

/// Checks for Python.
pub fn is_there() -> Result<(), Missing> {
    let mut probe = Command::new("python3");
    probe.arg("--version");
    tool("python3", probe)
}

/// The statuses that it gets for as many requests with 3 MiB each.
#[track_caller]
pub fn statuses(url: &str, times: usize) -> Vec<u16> {
    let mut python = Command::new("python3");
    python.args(["-c", PROGRAM, url, &times.to_string()]);
    let output = python.output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let statuses = String::from_utf8(output.stdout).expect("numbers");
    statuses
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect()
}
