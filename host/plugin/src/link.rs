//! What a component may import, and how it gets it.
//!
//! Permission follows from what the component can be. Whoever only shapes may import the inert WASI and nothing else;
//! a service or a source may also import the host's queues and objects, and HTTP. A component is linked once for all
//! its roles: that a function is there does not yet give anything, see `state.rs`.

use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::add_only_http_to_linker_async as link_http;

use crate::role::Contract;
use crate::state::State;
use crate::{service, wasi};

/// What services and sources may import beside the inert WASI.
const PRIVILEGED_IMPORTS: [Contract; 4] = [
    Contract("lambkin:store/queues@0.1.x"),
    Contract("lambkin:store/objects@0.1.x"),
    Contract("wasi:http/types@0.2.x"),
    Contract("wasi:http/outgoing-handler@0.2.x"),
];

/// Whether a component may import this; `is_privileged` if it is a service or a source.
pub(crate) fn allows(import: &str, is_privileged: bool) -> bool {
    wasi::allows(import) || (is_privileged && is_privileged_import(import))
}

fn is_privileged_import(import: &str) -> bool {
    PRIVILEGED_IMPORTS
        .iter()
        .any(|privileged| privileged.speaks(import))
}

/// A linker with what these imports need.
pub(crate) fn linker(engine: &Engine, imports: &[String]) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    if imports.iter().any(|import| wasi::allows(import)) {
        wasi::link(&mut linker)?;
    }
    if imports.iter().any(|import| is_privileged_import(import)) {
        link_http(&mut linker)?;
        service::link_store(&mut linker, State::store)?;
    }
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_services_and_sources_have_means() {
        for import in [
            "lambkin:store/queues@0.1.0",
            "lambkin:store/objects@0.1.4",
            "wasi:http/types@0.2.3",
            "wasi:http/outgoing-handler@0.2.0",
        ] {
            assert!(allows(import, true), "{import}");
            assert!(!allows(import, false), "{import}");
        }
        for import in [
            "lambkin:store/queues@0.2.0",
            "wasi:http/types@0.3.0",
            "wasi:http/incoming-handler@0.2.0",
            "wasi:sockets/tcp@0.2.0",
            "env",
        ] {
            assert!(!allows(import, true), "{import}");
        }
        assert!(allows("wasi:cli/stdout@0.2.0", false));
    }
}
