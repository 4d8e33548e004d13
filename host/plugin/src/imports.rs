//! The interfaces that a component may import, by name.
//!
//! Every component may import the parts of WASI in [`WASI_IMPORTS`], which compilers link whether the source uses
//! them or not: Python's the sockets, and one of JavaScript's HTTP. An HTTP trigger may also import its counters, a
//! WebSocket trigger its connections, and a service or a source the host's queues and objects. An import alone gives no
//! access: what a call can reach is decided call by call, see `state.rs`.
//! An interface that has nothing but types gives no access whatever its name; see `inspect.rs`.

use crate::contract::Contract;
use crate::role::Role;

/// The interfaces of WASI 0.2, in any patch version, that every component may import.
const WASI_IMPORTS: [&str; 29] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// The counters of HTTP triggers.
const COUNTERS: Contract = Contract("lambkin:http-trigger/counters@0.2.x");

/// The interfaces that only services and sources may import.
const PRIVILEGED_IMPORTS: [Contract; 2] = [
    Contract("lambkin:store/queues@0.1.x"),
    Contract("lambkin:store/objects@0.1.x"),
];

/// The interface that only WebSocket triggers may import.
const CONNECTIONS: Contract = Contract("lambkin:websocket-trigger/connections@0.2.x");

/// Whether a component with these roles may import an interface.
pub(crate) fn allows(import: &str, roles: &[Role]) -> bool {
    is_wasi(import)
        || is_counters(import)
        || (needs_privilege(import) && roles.iter().any(|role| role.is_privileged()))
        || (is_connections(import) && roles.contains(&Role::WebSocketTrigger))
}

/// Whether an import is the counters of HTTP triggers. Other roles may import them, and end if they use them.
pub(crate) fn is_counters(import: &str) -> bool {
    COUNTERS.supports(import)
}

/// Whether an import is the one for WebSocket connections.
pub(crate) fn is_connections(import: &str) -> bool {
    CONNECTIONS.supports(import)
}

/// Whether every component may import an interface.
pub(crate) fn is_wasi(import: &str) -> bool {
    import.split_once('@').is_some_and(|(interface, version)| {
        version.starts_with("0.2.") && WASI_IMPORTS.contains(&interface)
    })
}

/// Whether an import is a part of WASI's HTTP.
pub(crate) fn is_http(import: &str) -> bool {
    is_wasi(import) && import.starts_with("wasi:http/")
}

/// Whether only services and sources may import an interface.
pub(crate) fn needs_privilege(import: &str) -> bool {
    PRIVILEGED_IMPORTS
        .iter()
        .any(|contract| contract.supports(import))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_inert_interfaces_of_wasi_0_2_are_allowed() {
        for import in [
            "wasi:cli/stdout@0.2.0",
            "wasi:io/streams@0.2.12",
            "wasi:sockets/tcp@0.2.9",
            "wasi:http/types@0.2.0",
            "lambkin:http-trigger/counters@0.2.0",
        ] {
            assert!(allows(import, &[Role::HttpTrigger]), "{import}");
        }
        for import in [
            "wasi:cli/stdout@0.3.0",
            "wasi:cli/stdout",
            "wasi:sockets/tcp@0.3.0",
            "wasi:keyvalue/store@0.2.0",
            "lambkin:http-trigger/counters@0.1.0",
            "env",
        ] {
            assert!(!allows(import, &[Role::HttpTrigger]), "{import}");
        }
    }

    #[test]
    fn only_services_and_sources_may_import_the_store() {
        for import in ["lambkin:store/queues@0.1.0", "lambkin:store/objects@0.1.4"] {
            assert!(
                allows(import, &[Role::BatchTrigger, Role::Source]),
                "{import}"
            );
            assert!(!allows(import, &[Role::HttpTrigger]), "{import}");
        }
        for import in [
            "lambkin:store/queues@0.2.0",
            "wasi:http/types@0.3.0",
            "wasi:http/incoming-handler@0.2.0",
            "env",
        ] {
            assert!(!allows(import, &[Role::Service]), "{import}");
        }
    }

    #[test]
    fn only_websocket_triggers_may_import_connections() {
        let import = "lambkin:websocket-trigger/connections@0.2.1";
        assert!(allows(import, &[Role::HttpTrigger, Role::WebSocketTrigger]));
        assert!(!allows(import, &[Role::HttpTrigger, Role::Service]));
    }
}
