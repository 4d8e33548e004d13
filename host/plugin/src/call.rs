//! One call of a plugin, from a fresh store to a result or a [`PluginError`].
//!
//! Every call gets a store of its own and takes it along when it ends, however it ends: nothing of one call is there
//! for the next, and a trap poisons nothing. Around the call stand, from the inside out: the engine's traps and
//! stack guard, the [`Meter`] for memory and processor time, the bound on copied bytes, the wall clock, and a permit
//! for one of the pool's places, so that calls queue instead of failing when the pool is full.
//!
//! A running guest hands its thread back at every tick, so a busy plugin never blocks the host's other tasks.

use std::fmt;
use std::io;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower,
};
use wasmtime::{
    Engine, PoolConcurrencyLimitError, ResourceLimiter, Store, Trap, UpdateDeadline, WasmBacktrace,
};
use wasmtime_wasi::{I32Exit, WasiCtxView, WasiView};

use crate::error::{Failure, Fault, PluginError};
use crate::limits;
use crate::text::quote;
use crate::ticker::Ticker;
use crate::wasi::Wasi;

/// Functions of a trap's backtrace that a message names.
const FRAMES: usize = 4;

/// Who is called for whom: what every message and log line says.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub plugin: &'a str,
    /// Empty while the plugin is loaded.
    pub trigger: &'a str,
    pub function: &'static str,
    /// The id of the request, where there is one.
    pub request: Option<&'a str>,
}

impl Site<'_> {
    /// A failure at this site of a call that began at `start`.
    pub(crate) fn error(&self, start: Instant, failure: Failure) -> PluginError {
        PluginError {
            plugin: self.plugin.into(),
            trigger: self.trigger.into(),
            function: self.function,
            took: start.elapsed(),
            failure,
        }
    }
}

/// Runs calls on one engine.
pub(crate) struct Runner {
    pub engine: Engine,
    ticker: Ticker,
    permits: Semaphore,
}

/// A function of a plugin: the component that waits to be instantiated, and where the function is in it.
#[derive(Clone, Copy)]
pub(crate) struct Function<'a> {
    pub component: &'a InstancePre<State>,
    pub export: &'a ComponentExportIndex,
}

impl Runner {
    pub(crate) fn new(engine: Engine, ticker: Ticker) -> Self {
        Self {
            engine,
            ticker,
            permits: Semaphore::new(limits::CALLS),
        }
    }

    /// Calls a function in a fresh instance. The result is as the guest made it, not yet checked.
    pub(crate) async fn call<P, R>(
        &self,
        site: &Site<'_>,
        function: Function<'_>,
        arguments: P,
    ) -> Result<R, PluginError>
    where
        P: ComponentNamedList + Lower + Send,
        R: ComponentNamedList + Lift + Send + 'static,
    {
        self.run(site, async |store| {
            let instance = function.component.instantiate_async(&mut *store).await?;
            let function = instance.get_typed_func::<P, R>(&mut *store, function.export)?;
            function.call_async(store, arguments).await
        })
        .await
    }

    /// Instantiates a component once, for what its start does and for what `look` says of its exports.
    pub(crate) async fn trial<R>(
        &self,
        site: &Site<'_>,
        component: &InstancePre<State>,
        look: impl Fn(&Instance, &mut Store<State>) -> R,
    ) -> Result<R, PluginError> {
        self.run(site, async |store| {
            let instance = component.instantiate_async(&mut *store).await?;
            Ok(look(&instance, store))
        })
        .await
    }

    async fn run<R>(
        &self,
        site: &Site<'_>,
        work: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<R>,
    ) -> Result<R, PluginError> {
        let start = Instant::now();
        let _permit = match timeout(limits::QUEUE, self.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => return Err(site.error(start, Failure::Host(busy()))),
        };
        let _ticking = self.ticker.call();
        let mut store = store(&self.engine);
        let result = timeout(limits::WALL, work(&mut store)).await;
        if let Some(output) = store.data().wasi.output() {
            output.log(site);
        }
        let failure = match result {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(error)) => failure(&error, &store.data().meter),
            Err(_) => Failure::Faulted(Fault::Wall),
        };
        Err(site.error(start, failure))
    }
}

fn busy() -> String {
    format!(
        "all {} places for running plugins were taken for {} s",
        limits::CALLS,
        limits::QUEUE.as_secs()
    )
}

/// What a store holds: the guest's meter and its WASI.
#[derive(Default)]
pub(crate) struct State {
    meter: Meter,
    wasi: Wasi,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

fn store(engine: &Engine) -> Store<State> {
    let mut store = Store::new(engine, State::default());
    store.limiter(|state| &mut state.meter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| store.data_mut().meter.tick());
    store.set_hostcall_fuel(limits::COPIED_BYTES);
    store.set_max_component_handles(limits::HANDLES);
    store
}

/// Counts what a guest uses, and stops it at its bounds.
#[derive(Default)]
struct Meter {
    ticks: u128,
    memory: usize,
    /// Whether the guest was ever refused memory: it rarely survives that, and then this is the reason.
    memory_refused: bool,
}

impl Meter {
    /// The guest was running when the clock ticked.
    fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.ticks += 1;
        if self.ticks * limits::TICK.as_millis() > limits::CPU.as_millis() {
            return Err(CpuUsedUp.into());
        }
        // Tokio's own yield lets timers and sockets have their turn too, not only other tasks.
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    }
}

impl ResourceLimiter for Meter {
    /// All memories of a call together share the bound.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_sub(current).saturating_add(desired);
        if total > limits::MEMORY_BYTES {
            self.memory_refused = true;
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= limits::TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        limits::CORE_INSTANCES
    }

    fn memories(&self) -> usize {
        limits::MEMORIES
    }

    fn tables(&self) -> usize {
        limits::TABLES
    }
}

/// The mark by which [`failure`] recognizes the meter's own verdict.
#[derive(Debug)]
struct CpuUsedUp;

impl fmt::Display for CpuUsedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("processor time used up")
    }
}

impl std::error::Error for CpuUsedUp {}

/// Reads an error of the engine: the only place where one is looked into.
fn failure(error: &wasmtime::Error, meter: &Meter) -> Failure {
    if error.is::<PoolConcurrencyLimitError>() {
        return Failure::Host(format!("the pool of instances is used up: {error:#}"));
    }
    if error.is::<rustix::io::Errno>() || error.is::<io::Error>() {
        return Failure::Host(format!(
            "the system has no room for an instance: {}",
            error.root_cause()
        ));
    }
    Failure::Faulted(fault(error, meter))
}

fn fault(error: &wasmtime::Error, meter: &Meter) -> Fault {
    if error.is::<CpuUsedUp>() {
        return Fault::Cpu;
    }
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return Fault::Trap {
            reason: format!("it ended itself with exit code {code}"),
            frames: Vec::new(),
        };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Fault::Stack,
        Some(_) if meter.memory_refused => Fault::Memory,
        Some(trap) => Fault::Trap {
            reason: trap.to_string(),
            frames: frames(error),
        },
        // Not a type of its own in the engine's interface.
        None if error
            .root_cause()
            .to_string()
            .contains("fuel allocated for hostcalls") =>
        {
            Fault::Copied
        }
        None if meter.memory_refused => Fault::Memory,
        None => Fault::Invalid(quote(&error.root_cause().to_string())),
    }
}

/// The innermost functions of a trap, demangled, as far as the component has names.
fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    // Only its text has the names demangled: `0: 0x1d2 - module!function`.
    let text = backtrace.to_string();
    let frames = text
        .lines()
        .filter_map(|line| Some(quote(line.split_once(" - ")?.1)));
    frames.take(FRAMES).collect()
}
