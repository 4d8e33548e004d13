//! What the store of one call holds: the guest's meter, and what it is given.
//!
//! A shaper is given nothing: `Given::default()` is the inert WASI, in which host functions beyond WASI find no
//! queue, no bucket and no network. Every component is linked the same way; what a call can reach is decided
//! here, call by call, so a component that is also a service computes as blindly as any other while it shapes.

use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtxView, WasiView};

use crate::limits::{self, Bounds};
use crate::meter::Meter;
use crate::wasi::Wasi;

/// What a store holds.
pub(crate) struct State {
    pub meter: Meter,
    pub given: Given,
}

/// What a call is given beside its arguments.
#[derive(Default)]
pub(crate) struct Given {
    pub wasi: Wasi,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.given.wasi.view()
    }
}

/// A store for one call.
pub(crate) fn store(engine: &Engine, bounds: &Bounds, given: Given) -> Store<State> {
    let meter = Meter::new(bounds.cpu);
    let mut store = Store::new(engine, State { meter, given });
    store.limiter(|state| &mut state.meter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| store.data_mut().meter.tick());
    store.set_hostcall_fuel(bounds.copied_bytes);
    store.set_max_component_handles(limits::HANDLES);
    store
}
