//! `lambkin:http-trigger/counters`: the calls of plugins reach the counters of their trigger.
//!
//! On failure: a call with a key that is too long, and one for another role than an HTTP trigger, end with a trap.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use crate::counters::Counters;
use crate::limits::COUNTER_KEY_BYTES;
use crate::state::State;

/// The interface as components import it.
const INTERFACE: &str = "lambkin:http-trigger/counters@0.2.0";

/// Links the interface.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(INTERFACE)?;
    interface.func_wrap(
        "take-token",
        |store: StoreContextMut<'_, State>, (key, at_ms, rate, burst): (String, u64, f64, u32)| {
            let counters = reachable(&store, &key)?;
            Ok((counters.take_token(key, at_ms, rate, burst),))
        },
    )?;
    interface.func_wrap(
        "count",
        |store: StoreContextMut<'_, State>, (key, window, limit): (String, u64, u64)| {
            let counters = reachable(&store, &key)?;
            Ok((counters.count(key, window, limit),))
        },
    )
}

fn reachable(store: &StoreContextMut<'_, State>, key: &str) -> wasmtime::Result<Arc<Counters>> {
    if key.len() > COUNTER_KEY_BYTES {
        wasmtime::bail!(
            "the key of a counter has {} bytes; the most is {COUNTER_KEY_BYTES}",
            key.len()
        );
    }
    match &store.data().capabilities.counters {
        Some(counters) => Ok(Arc::clone(counters)),
        None => wasmtime::bail!("only an HTTP trigger has counters"),
    }
}
