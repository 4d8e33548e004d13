//! What the store of one call holds: the guest's meter, and what it is given.
//!
//! A shaper is given nothing: `Capabilities::default()` is the inert WASI, in which host functions beyond WASI find no
//! queue, no bucket and no network. Every component is linked the same way; what a call can reach is decided
//! here, call by call, so a component that is also a service computes as blindly as any other while it shapes.

use std::sync::Arc;

use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::limits::{self, Bounds};
use crate::meter::Meter;
use crate::network::Network;
use crate::service::{Grants, StoreView};
use crate::wasi::Wasi;

/// What a store holds.
pub(crate) struct State {
    pub meter: Meter,
    pub capabilities: Capabilities,
    http: WasiHttpCtx,
}

impl State {
    /// What calls of `lambkin:store` work on.
    pub(crate) fn store(&mut self) -> StoreView<'_> {
        StoreView {
            table: self.capabilities.wasi.table(),
            grants: &self.capabilities.grants,
        }
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

/// What a call is given beside its arguments.
#[derive(Default)]
pub(crate) struct Capabilities {
    pub wasi: Wasi,
    /// The queues and buckets it may see.
    pub grants: Arc<Grants>,
    /// The origins it may reach.
    pub network: Network,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.capabilities.wasi.view()
    }
}

/// A store for one call.
pub(crate) fn store(
    engine: &Engine,
    bounds: &Bounds,
    capabilities: Capabilities,
    meter: Meter,
) -> Store<State> {
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(limits::HEADER_BYTES);
    let mut store = Store::new(
        engine,
        State {
            meter,
            capabilities,
            http,
        },
    );
    store.limiter(|state| &mut state.meter);
    store.set_epoch_deadline(1);
    // Tokio's own yield lets timers and sockets have their turn too, not only other tasks.
    store.epoch_deadline_callback(|_| {
        let yielding = Box::pin(tokio::task::yield_now());
        Ok(UpdateDeadline::YieldCustom(1, yielding))
    });
    store.set_hostcall_fuel(bounds.copied_bytes);
    store.set_max_component_handles(limits::HANDLES);
    store
}
