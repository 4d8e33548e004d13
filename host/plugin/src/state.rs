//! The data of a store: its meter, and what its calls have access to.
//!
//! Every component is linked in the same way. What a call can reach is decided here, call by call. A trigger's call
//! has no capabilities but its counters and WebSocket connections: the rest is `Capabilities::default()`, the inert
//! WASI, without queues, buckets or network. So a component that is also a service has no more access than any other
//! while it shapes.

use std::sync::Arc;

use tokio::time::Instant;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::connections::ReachableConnections;
use crate::counters::ReachableCounters;
use crate::limits::{self, Bounds};
use crate::meter::Meter;
use crate::network::Network;
use crate::store::{Grants, StoreView};
use crate::wasi::Wasi;

/// The data of one call's store.
pub(crate) struct State {
    pub meter: Meter,
    pub capabilities: Capabilities,
    /// The end of the instance's last call, if it is kept for another one.
    pub idle_since: Instant,
    http: WasiHttpCtx,
}

/// What a call has access to besides its arguments.
#[derive(Default)]
pub(crate) struct Capabilities {
    pub wasi: Wasi,
    /// The queues and buckets.
    pub grants: Arc<Grants>,
    /// The origins that requests may be sent to.
    pub network: Network,
    /// The counters of an HTTP trigger.
    pub counters: ReachableCounters,
    /// The WebSocket connections.
    pub connections: ReachableConnections,
}

impl State {
    /// The data that calls of `lambkin:store` work on.
    pub(crate) fn store(&mut self) -> StoreView<'_> {
        StoreView {
            table: self.capabilities.wasi.table(),
            grants: &self.capabilities.grants,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.capabilities.wasi.view()
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.capabilities.network,
            table: self.capabilities.wasi.table(),
            ctx: &mut self.http,
        }
    }
}

/// Makes the store for one call.
pub(crate) fn new_store(
    engine: &Engine,
    bounds: &Bounds,
    capabilities: Capabilities,
    meter: Meter,
) -> Store<State> {
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(limits::HEADER_BYTES);
    let state = State {
        meter,
        capabilities,
        idle_since: Instant::now(),
        http,
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.meter);
    // Tokio's own yield also lets timers and sockets progress, not only other tasks.
    store.epoch_deadline_callback(|_| {
        let yielding = Box::pin(tokio::task::yield_now());
        Ok(UpdateDeadline::YieldCustom(1, yielding))
    });
    store.set_max_component_handles(limits::HANDLES);
    begin_call(&mut store, bounds);
    store
}

/// Prepares a store for its next call.
pub(crate) fn begin_call(store: &mut Store<State>, bounds: &Bounds) {
    store.set_epoch_deadline(1);
    store.set_hostcall_fuel(bounds.copied_bytes);
    store.data_mut().meter.begin_call();
}
