//! Every accepted event runs at least once, no matter when the host is killed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use lambkin_tests::wire::Responses;
use rustix::process::Signal;
use serde_json::json;

use crate::support::{Project, Server, eventually};

/// Number of callers that send at the same time.
const CALLERS: usize = 4;

/// Small, so that most events are still pending when the host dies.
const CONCURRENCY: usize = 3;

#[test]
fn every_accepted_event_runs_when_the_host_is_killed_repeatedly() {
    survive(20);
}

/// Takes a minute or two; CI runs it explicitly.
#[test]
#[ignore = "takes long; .ci/run runs it"]
fn every_accepted_event_runs_when_the_host_is_killed_a_hundred_times() {
    survive(100);
}

/// Kills the host in the middle of each round, then asserts that every event accepted in any round has run.
#[track_caller]
pub fn survive(rounds: usize) {
    let project = Project::echo(&format!("concurrency = {CONCURRENCY}\n"));
    let ran = project.path().join("ran");
    let mut accepted = BTreeSet::new();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..rounds {
        let mut server = project.serve();
        let limit = random.below(120);
        accepted.extend(load_and_kill(&mut server, &ran, round, limit));
    }
    let _last = project.serve();
    eventually("every accepted event to have run", || {
        accepted.is_subset(&lines(&ran))
    });
    assert!(accepted.len() >= rounds, "{} events", accepted.len());
}

/// Sends events and kills the host once it has accepted more than `limit`. Returns the names of the accepted events.
fn load_and_kill(server: &mut Server, ran: &Path, round: usize, limit: usize) -> Vec<String> {
    let accepted = Mutex::new(Vec::new());
    let address = server.invoke_url().trim_start_matches("http://").to_owned();
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (accepted, address) = (&accepted, &address);
            scope.spawn(move || {
                let mut sent = 0;
                // Ignored: the host was killed.
                let _ = send_until_it_fails(
                    address,
                    || {
                        sent += 1;
                        let name = format!("{round}-{caller}-{sent}");
                        (json!({ "append": [ran, name] }).to_string(), name)
                    },
                    accepted,
                );
            });
        }
        eventually("enough accepted events", || {
            accepted.lock().unwrap().len() > limit
        });
        server.signal(Signal::KILL);
    });
    server.wait();
    accepted.into_inner().unwrap()
}

/// One caller: records the name of each event that was accepted, until the connection fails.
fn send_until_it_fails(
    address: &str,
    mut next: impl FnMut() -> (String, String),
    accepted: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut responses = Responses::default();
    loop {
        let (event, name) = next();
        let request = format!(
            "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nhost: {address}\r\n\
             x-amz-invocation-type: Event\r\ncontent-length: {}\r\n\r\n{event}",
            event.len()
        );
        connection.write_all(request.as_bytes())?;
        let response = responses.read_from(&mut connection)?;
        assert_eq!(
            response.status,
            202,
            "{}",
            String::from_utf8_lossy(&response.body)
        );
        accepted.lock().unwrap().push(name);
    }
}

fn lines(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A xorshift generator with a fixed seed: every run kills the host after the same numbers of events.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit).unwrap()
    }
}
