//! One call of a plugin, from a fresh store to a result or a [`PluginError`].
//!
//! Every call gets a store of its own and takes it along when it ends, however it ends: nothing of one call is there
//! for the next, and a trap poisons nothing. Around the call stand, from the inside out: the engine's traps and
//! stack guard, the [`Meter`] for memory and processor time, the bound on copied bytes, the wall clock, and permits
//! for a place in its [`Quota`] and one in the pool, so that calls queue instead of failing when these are full. How much a call may use is told
//! by its [`Bounds`], what it can reach by what it is [`Capabilities`].
//!
//! A running guest hands its thread back at every tick, so a busy plugin never blocks the host's other tasks.

use std::fmt;
use std::io;
use std::time::Instant;

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Engine, PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::error::{CallError, GuestError, PluginError};
use crate::limits::{self, Bounds};
use crate::meter::{Meter, metered};
use crate::quota::{self, Quota};
use crate::roles::TypeCheck;
use crate::state::{Capabilities, State, store};
use crate::text::quote;
use crate::ticker::Ticker;

/// Functions of a trap's backtrace that a message names.
const FRAMES: usize = 4;

/// Who is called for whom: what every message and log line says.
#[derive(Clone, Copy)]
pub(crate) struct CallContext<'a> {
    pub plugin: &'a str,
    /// Empty while the plugin is loaded.
    pub trigger: &'a str,
    pub function: &'static str,
    /// The id of the request or the change, where there is one.
    pub request: Option<&'a str>,
    pub quota: &'a Quota,
}

impl CallContext<'_> {
    /// A failure at this context of a call that began at `start`.
    pub(crate) fn error(&self, start: Instant, cause: CallError) -> PluginError {
        PluginError {
            plugin: self.plugin.into(),
            trigger: self.trigger.into(),
            function: self.function,
            took: start.elapsed(),
            cause,
        }
    }
}

/// Runs calls on one engine.
pub(crate) struct Runner {
    pub engine: Engine,
    ticker: Ticker,
    permits: Semaphore,
    /// For calls that may wait for long.
    waiting_permits: Semaphore,
}

/// A function of a plugin: the component that waits to be instantiated, and where the function is in it.
pub(crate) struct Function {
    pub component: InstancePre<State>,
    pub export: ComponentExportIndex,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").finish_non_exhaustive()
    }
}

impl Runner {
    pub(crate) fn new(engine: Engine, ticker: Ticker) -> Self {
        Self {
            engine,
            ticker,
            permits: Semaphore::new(limits::CALLS),
            waiting_permits: Semaphore::new(limits::WAITING_CALLS),
        }
    }

    /// Calls a function of a shaper, which is given nothing, in a fresh instance. The result is as the guest made it, not
    /// yet checked.
    pub(crate) async fn call<P, R>(
        &self,
        context: &CallContext<'_>,
        bounds: &Bounds,
        function: &Function,
        arguments: P,
    ) -> Result<R, PluginError>
    where
        P: ComponentNamedList + Lower + Send,
        R: ComponentNamedList + Lift + Send + 'static,
    {
        self.call_with(
            context,
            bounds,
            Capabilities::default(),
            function,
            arguments,
        )
        .await
    }

    /// Calls a function that is given something.
    pub(crate) async fn call_with<P, R>(
        &self,
        context: &CallContext<'_>,
        bounds: &Bounds,
        capabilities: Capabilities,
        function: &Function,
        arguments: P,
    ) -> Result<R, PluginError>
    where
        P: ComponentNamedList + Lower + Send,
        R: ComponentNamedList + Lift + Send + 'static,
    {
        self.run(context, bounds, capabilities, async |store| {
            let instance = function.component.instantiate_async(&mut *store).await?;
            let function = instance.get_typed_func::<P, R>(&mut *store, &function.export)?;
            function.call_async(store, arguments).await
        })
        .await
    }

    /// Instantiates a component once, for what its start does and for what `look` says of its exports.
    pub(crate) async fn try_start<R>(
        &self,
        context: &CallContext<'_>,
        component: &InstancePre<State>,
        look: impl Fn(&mut TypeCheck<'_>) -> R,
    ) -> Result<R, PluginError> {
        self.run(
            context,
            &limits::SHAPER,
            Capabilities::default(),
            async |store| {
                let instance = &component.instantiate_async(&mut *store).await?;
                Ok(look(&mut TypeCheck { instance, store }))
            },
        )
        .await
    }

    /// Runs whatever `work` does with a fresh store, within bounds.
    pub(crate) async fn run<R>(
        &self,
        context: &CallContext<'_>,
        bounds: &Bounds,
        capabilities: Capabilities,
        work: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<R>,
    ) -> Result<R, PluginError> {
        let start = Instant::now();
        let quota = context.quota;
        let _places = match timeout(limits::QUEUE, self.places(quota, bounds)).await {
            Ok(Ok(places)) => places,
            Ok(Err(_)) | Err(_) => return Err(context.error(start, CallError::Host(busy(bounds)))),
        };
        let store = store(
            &self.engine,
            bounds,
            capabilities,
            Meter::new(quota.memory.clone()),
        );
        let mut logged = Logged { context, store };
        let work = metered(&self.ticker, quota, bounds.cpu, work(&mut logged.store));
        let result = timeout(bounds.wall, work).await;
        let failure = match result {
            Ok(Some(Ok(result))) => return Ok(result),
            Ok(Some(Err(error))) => call_error(&error, &logged.store.data().meter, bounds),
            Ok(None) => CallError::Guest(GuestError::Cpu(bounds.cpu)),
            Err(_) => CallError::Guest(GuestError::Wall(bounds.wall)),
        };
        Err(context.error(start, failure))
    }

    /// A place in the quota and one in the pool. Who waits for the first holds none of the second.
    async fn places<'a>(
        &'a self,
        quota: &'a Quota,
        bounds: &Bounds,
    ) -> Result<[SemaphorePermit<'a>; 2], AcquireError> {
        let pool = match bounds.waits {
            true => &self.waiting_permits,
            false => &self.permits,
        };
        Ok([quota.calls.acquire().await?, pool.acquire().await?])
    }
}

/// A store whose guest's output is written to the log when it goes, whatever the reason.
struct Logged<'a> {
    context: &'a CallContext<'a>,
    store: Store<State>,
}

impl Drop for Logged<'_> {
    fn drop(&mut self) {
        if let Some(output) = self.store.data().capabilities.wasi.output() {
            output.log(self.context);
        }
    }
}

fn busy(bounds: &Bounds) -> String {
    let all = match bounds.waits {
        true => limits::WAITING_CALLS,
        false => limits::CALLS,
    };
    format!(
        "no place for the call became free within {} s: it may have {} calls at a time, and all plugins {all}",
        limits::QUEUE.as_secs(),
        quota::calls(bounds),
    )
}

/// Reads an error of the engine: the only place where one is looked into.
fn call_error(error: &wasmtime::Error, meter: &Meter, bounds: &Bounds) -> CallError {
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::Host(format!("the pool of instances is used up: {error:#}"));
    }
    if error.is::<rustix::io::Errno>() || error.is::<io::Error>() {
        return CallError::Host(format!(
            "the system has no quota for an instance: {}",
            error.root_cause()
        ));
    }
    if meter.quota_is_full() && !meter.memory_refused() && !error.is::<I32Exit>() {
        return CallError::Host(format!(
            "its calls at the same time have {} MiB of memory together, and may not have more",
            limits::QUOTA_MEMORY_BYTES >> 20
        ));
    }
    CallError::Guest(guest_error(error, meter, bounds))
}

fn guest_error(error: &wasmtime::Error, meter: &Meter, bounds: &Bounds) -> GuestError {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return GuestError::Trap {
            reason: format!("it ended itself with exit code {code}"),
            frames: Vec::new(),
        };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => GuestError::Stack,
        Some(_) if meter.memory_refused() => GuestError::Memory,
        Some(trap) => GuestError::Trap {
            reason: trap.to_string(),
            frames: frames(error),
        },
        // Not a type of its own in the engine's interface.
        None if error
            .root_cause()
            .to_string()
            .contains("fuel allocated for hostcalls") =>
        {
            GuestError::Copied(bounds.copied_bytes)
        }
        None if meter.memory_refused() => GuestError::Memory,
        None => GuestError::Invalid(quote(&error.root_cause().to_string())),
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
