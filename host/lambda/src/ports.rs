//! The fixed ports on which functions listen.
//!
//! On AWS each environment has a network of its own, so that every environment of every function can listen on port
//! 8080. Here they share the machine's network: users other than root cannot separate it without losing access to it.
//!
//! An environment without a port that another one of its function has cannot serve calls: either its init phase fails,
//! or its runtime would pass the events on to the server of the other environment, as a web adapter does that finds the
//! port in use and believes that its own server is ready.
//!
//! On failure: where it cannot be determined who listens, no process does.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lambkin_process::{Listener, Tree, listeners_below};

use crate::runtime_api::Peers;

/// The first port that Linux assigns to programs that ask for any port, unless it is configured otherwise.
const FIRST_EPHEMERAL_PORT: u16 = 32768;

/// The sandboxes of one function, and the fixed ports that they have.
#[derive(Debug, Default)]
pub(crate) struct Sandboxes(Mutex<Vec<Sandbox>>);

#[derive(Debug)]
struct Sandbox {
    processes: Weak<Peers>,
    /// The ports at the end of the init phase, if they have been looked up.
    ports: Option<Vec<u16>>,
}

impl Sandboxes {
    /// Adds a sandbox. It is forgotten when its processes have ended.
    pub(crate) fn add(&self, processes: &Arc<Peers>) {
        let mut sandboxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sandboxes.retain(|sandbox| sandbox.processes.strong_count() > 0);
        sandboxes.push(Sandbox {
            processes: Arc::downgrade(processes),
            ports: None,
        });
    }

    /// The first fixed port that another sandbox of the function has and this one has not, at the end of its init
    /// phase. This takes some hundred microseconds if there are others.
    pub(crate) fn port_of_another(&self, own: &Arc<Peers>) -> Option<u16> {
        let others = self.others(own);
        if others.is_empty() {
            return None;
        }
        let own_ports = fixed_ports_of(own);
        self.remember(own, own_ports.clone());
        others.into_iter().find_map(|(other, known)| {
            let lacks = |port: &u16| !own_ports.contains(port);
            if let Some(known) = known
                && !known.iter().any(lacks)
            {
                return None;
            }
            // Also if it is known: the other one may have closed the port.
            let ports = fixed_ports_of(&other);
            let port = ports.iter().copied().find(lacks);
            self.remember(&other, ports);
            port
        })
    }

    fn others(&self, own: &Arc<Peers>) -> Vec<(Arc<Peers>, Option<Vec<u16>>)> {
        let sandboxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = sandboxes
            .iter()
            .filter_map(|one| Some((one.processes.upgrade()?, one.ports.clone())));
        all.filter(|(processes, _)| !Arc::ptr_eq(processes, own))
            .collect()
    }

    fn remember(&self, processes: &Arc<Peers>, ports: Vec<u16>) {
        let mut sandboxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |one: &&mut Sandbox| std::ptr::eq(one.processes.as_ptr(), Arc::as_ptr(processes));
        if let Some(sandbox) = sandboxes.iter_mut().find(is_it) {
            sandbox.ports = Some(ports);
        }
    }
}

/// The fixed ports on which the processes of a sandbox listen.
fn fixed_ports_of(sandbox: &Peers) -> Vec<u16> {
    let first_ephemeral = first_ephemeral_port();
    let listeners = listeners_below(&sandbox.supervisors());
    let ports = listeners.into_iter().map(|listener| listener.port);
    ports.filter(|port| *port < first_ephemeral).collect()
}

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
