//! The fixed ports on which functions listen.
//!
//! On AWS each environment has a network of its own, so that every environment of every function can listen on port
//! 8080. Here they share the machine's network: users other than root cannot separate it without losing access to it.
//!
//! On failure: where it cannot be determined who listens, nobody does.

use std::fs;

use lambkin_process::{Listener, Tree, listeners_below};

/// The first port that Linux assigns to programs that ask for any port, unless it is configured otherwise.
const FIRST_EPHEMERAL_PORT: u16 = 32768;

/// A port that a function has chosen and listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FixedPort {
    pub port: u16,
    /// The name of the function.
    pub function: String,
}

/// The fixed ports of all environments of this host, except for that below the supervisors `own`.
pub(crate) fn fixed_ports(own: &[i32]) -> Vec<FixedPort> {
    let Ok(host) = i32::try_from(std::process::id()) else {
        return Vec::new();
    };
    let mut tree = Tree::default();
    let own = tree.walk(own);
    let first_ephemeral = first_ephemeral_port();
    let mut ports: Vec<FixedPort> = listeners_below(&[host])
        .into_iter()
        .filter(|listener| {
            listener.pid != host && listener.port < first_ephemeral && !own.contains(&listener.pid)
        })
        .filter_map(|Listener { port, pid }| {
            let function = function_of(pid)?;
            Some(FixedPort { port, function })
        })
        .collect();
    ports.dedup(); // the processes of a function share their sockets
    ports
}

fn first_ephemeral_port() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next();
    first
        .and_then(|first| first.parse().ok())
        .unwrap_or(FIRST_EPHEMERAL_PORT)
}

/// The name of the function that a process belongs to.
fn function_of(pid: i32) -> Option<String> {
    let variables = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = variables.split(|byte| *byte == 0);
    let name = variables.find_map(|one| one.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME="))?;
    String::from_utf8(name.to_vec()).ok()
}
