//! Ten thousand WebSocket connections on which nothing happens.

use std::io::Write;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::census;
use crate::support::{Client, Project, RAW_BOOTSTRAP};

const CONNECTIONS: usize = 10_000;

/// The open files that the host needs, half of which may be connections of one trigger.
const FILES: u64 = 2 * CONNECTIONS as u64;

/// What all connections together may use, in KiB.
const MEMORY: usize = 100 * 1000;

#[test]
#[ignore = "wants the machine for itself; .ci/run runs it"]
fn ten_thousand_idle_connections_use_less_than_100_mb_and_still_answer() {
    let mut files = getrlimit(Resource::Nofile);
    if files.maximum.is_some_and(|max| max < FILES) {
        let max = files.maximum;
        let line =
            format!("SKIPPED: {CONNECTIONS} connections: a process may open {max:?} files\n");
        let _ = std::io::stderr().write_all(line.as_bytes()); // standard error may be closed
        return;
    }
    files.current = files.maximum;
    let _ = setrlimit(Resource::Nofile, files); // the check above has seen that it is enough
    let server = Project::new(&format!(
        "[functions.f]\ncode = '{RAW_BOOTSTRAP}'\n\
         [triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\nroutes = {{ ping = 'f' }}\n"
    ))
    .serve();
    server.connect("/prod", &[]).close(None);
    let before = census::memory(server.pid());
    let mut clients: Vec<Client> = (0..CONNECTIONS)
        .map(|_| server.connect("/prod", &[]))
        .collect();
    let used = census::memory(server.pid()).saturating_sub(before);
    let line = format!("{CONNECTIONS} idle WebSocket connections: {used} KiB\n");
    let _ = std::io::stderr().write_all(line.as_bytes()); // standard error may be closed
    assert!(used < MEMORY, "{used} KiB");
    for number in [0, CONNECTIONS / 2, CONNECTIONS - 1] {
        clients[number].send("x");
        assert_eq!(clients[number].json()["message"], "Forbidden");
    }
}
