//! Links the interfaces that a component imports.
//!
//! A component is linked once, for all its roles. A linked function alone gives no access: what a call can reach is
//! decided call by call, see `state.rs`.

use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::add_only_http_to_linker_async as link_http;

use crate::state::State;
use crate::{connection_calls, counter_calls, imports, store, wasi};

/// A linker with the interfaces that these imports need.
pub(crate) fn linker(engine: &Engine, imports: &[String]) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    if imports.iter().any(|import| imports::is_wasi(import)) {
        wasi::link(&mut linker)?;
    }
    if imports.iter().any(|import| imports::is_http(import)) {
        link_http(&mut linker)?;
    }
    if imports
        .iter()
        .any(|import| imports::needs_privilege(import))
    {
        store::link(&mut linker, State::store)?;
    }
    if imports.iter().any(|import| imports::is_counters(import)) {
        counter_calls::link(&mut linker)?;
    }
    if imports.iter().any(|import| imports::is_connections(import)) {
        connection_calls::link(&mut linker)?;
    }
    Ok(linker)
}
