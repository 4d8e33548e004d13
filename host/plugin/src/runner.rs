//! Runs one call of a plugin, from a new store to a result or a [`PluginError`].
//!
//! A call has a store of its own, which is dropped when the call ends, so nothing of one call is left for the next,
//! even after a trap. Only a trigger whose plugin asks for it reuses instances, see `reuse.rs`. A call is limited by the
//! engine's traps and stack guard, the [`Meter`] for memory and processor time, the limit on copied bytes, the wall
//! clock, and two permits: one of its [`Quota`] and one of the host's. If there is no permit, the call waits for one.
//!
//! A running guest yields its thread at every tick, so a busy plugin never blocks the host's other tasks.

use std::io;
use std::sync::Arc;

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use wasmtime::component::{ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Engine, PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::adapter::{Function, TypeCheck};
use crate::context::CallContext;
use crate::error::{CallError, GuestError, PluginError};
use crate::limits::{self, Bounds};
use crate::logs::Output;
use crate::meter::{Meter, metered};
use crate::quota::{self, Quota};
use crate::reuse::{Instances, Kept};
use crate::state::{Capabilities, State, begin_call, new_store};
use crate::text::quote;
use crate::ticker::Ticker;

/// The number of functions of a trap's backtrace that a message names.
const FRAMES: usize = 4;

/// Runs calls on one engine.
pub(crate) struct Runner {
    pub engine: Engine,
    ticker: Ticker,
    permits: Semaphore,
    /// The permits of calls that may wait for long.
    waiting_permits: Semaphore,
    /// The permits of instances that are kept between calls.
    kept_permits: Arc<Semaphore>,
}

impl Runner {
    /// Runs [`limits::CALLS`] calls at a time, and this number of calls that wait.
    pub(crate) fn new(engine: Engine, ticker: Ticker, waiting_calls: usize) -> Self {
        Self {
            engine,
            ticker,
            permits: Semaphore::new(limits::CALLS),
            waiting_permits: Semaphore::new(waiting_calls),
            kept_permits: Arc::new(Semaphore::new(limits::KEPT_INSTANCES)),
        }
    }

    /// Instantiates a component once, which runs its start functions, and applies `look` to the instance.
    pub(crate) async fn try_start<R>(
        &self,
        context: &CallContext<'_>,
        component: &InstancePre<State>,
        look: impl Fn(&mut TypeCheck<'_>) -> R,
    ) -> Result<R, PluginError> {
        let quota = Quota::new(&limits::SHAPER);
        let capabilities = Capabilities::default();
        self.run(
            context,
            &quota,
            &limits::SHAPER,
            capabilities,
            async |store| {
                let instance = &component.instantiate_async(&mut *store).await?;
                Ok(look(&mut TypeCheck { instance, store }))
            },
        )
        .await
    }

    /// Runs `work` with a new store, within the limits.
    pub(crate) async fn run<R>(
        &self,
        context: &CallContext<'_>,
        quota: &Quota,
        bounds: &Bounds,
        capabilities: Capabilities,
        work: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<R>,
    ) -> Result<R, PluginError> {
        let _permits = self.begin(context, quota, bounds).await?;
        let mut store = LoggedStore::new(context, self.store(quota, bounds, capabilities));
        self.limited(context, quota, bounds, &mut store, work).await
    }

    /// Calls a function in a kept instance, or else in a new one, within the limits. A new instance has these
    /// capabilities; a kept one has those of the same trigger already.
    /// Returns the instance as well, unless the host keeps enough others: whether it may be kept depends on the result.
    #[allow(
        clippy::too_many_arguments,
        reason = "these are what a call consists of"
    )]
    pub(crate) async fn call_kept<P, R>(
        &self,
        context: &CallContext<'_>,
        quota: &Quota,
        bounds: &Bounds,
        capabilities: Capabilities,
        instances: &Instances,
        function: &Function,
        arguments: P,
    ) -> Result<(R, Option<Kept>), PluginError>
    where
        P: ComponentNamedList + Lower + Send,
        R: ComponentNamedList + Lift + Send + 'static,
    {
        let _permits = self.begin(context, quota, bounds).await?;
        let (store, instance, calls, permit) = match instances.take() {
            Some(mut kept) => {
                begin_call(&mut kept.store, bounds);
                (
                    kept.store,
                    Some(kept.instance),
                    kept.calls,
                    Some(kept.permit),
                )
            }
            None => {
                let store = self.store(quota, bounds, capabilities);
                let permit = Arc::clone(&self.kept_permits).try_acquire_owned().ok();
                (store, None, 0, permit)
            }
        };
        let mut store = LoggedStore::new(context, store);
        let work = async |store: &mut Store<State>| {
            let instance = match instance {
                Some(instance) => instance,
                None => function.component.instantiate_async(&mut *store).await?,
            };
            let function = instance.get_typed_func::<P, R>(&mut *store, &function.export)?;
            Ok((instance, function.call_async(store, arguments).await?))
        };
        let (instance, result) = self
            .limited(context, quota, bounds, &mut store, work)
            .await?;
        let kept = permit.and_then(|permit| {
            Some(Kept {
                store: store.finish()?,
                instance,
                calls: calls + 1,
                permit,
            })
        });
        Ok((result, kept))
    }

    /// Waits for the call's permits.
    async fn begin<'a>(
        &'a self,
        context: &CallContext<'_>,
        quota: &'a Quota,
        bounds: &Bounds,
    ) -> Result<[SemaphorePermit<'a>; 2], PluginError> {
        match timeout(limits::QUEUE_WAIT, self.permits(quota, bounds)).await {
            Ok(Ok(permits)) => Ok(permits),
            _ => Err(context.error(no_permit(bounds))),
        }
    }

    fn store(&self, quota: &Quota, bounds: &Bounds, capabilities: Capabilities) -> Store<State> {
        let meter = Meter::new(quota.memory.clone());
        new_store(&self.engine, bounds, capabilities, meter)
    }

    /// Runs `work` within the limits on processor time and wall-clock time.
    async fn limited<R>(
        &self,
        context: &CallContext<'_>,
        quota: &Quota,
        bounds: &Bounds,
        logged: &mut LoggedStore<'_>,
        work: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<R>,
    ) -> Result<R, PluginError> {
        let Some(store) = &mut logged.store else {
            return Err(context.error(CallError::Host("the call has no store".to_owned())));
        };
        let running = metered(&self.ticker, quota, bounds.cpu, work(store));
        let error = match timeout(bounds.wall, running).await {
            Ok(Some(Ok(result))) => return Ok(result),
            Ok(Some(Err(error))) => call_error(&error, &store.data().meter, bounds),
            Ok(None) => CallError::Guest(GuestError::Cpu(bounds.cpu)),
            Err(_) => CallError::Guest(GuestError::Wall(bounds.wall)),
        };
        let output = store.data().capabilities.wasi.output();
        let error =
            error.after_printing(|| output.map(Output::take_last_words).unwrap_or_default());
        Err(context.error(error))
    }

    /// Waits for a permit of the quota, then for one of the host. A call that waits for the first holds none of the
    /// second.
    async fn permits<'a>(
        &'a self,
        quota: &'a Quota,
        bounds: &Bounds,
    ) -> Result<[SemaphorePermit<'a>; 2], AcquireError> {
        let pool = if bounds.waits {
            &self.waiting_permits
        } else {
            &self.permits
        };
        Ok([quota.calls.acquire().await?, pool.acquire().await?])
    }
}

/// A store that writes its guest's output to the log when it is dropped, for whatever reason.
struct LoggedStore<'a> {
    context: &'a CallContext<'a>,
    /// `None` once it is finished.
    store: Option<Store<State>>,
}

impl<'a> LoggedStore<'a> {
    fn new(context: &'a CallContext<'a>, store: Store<State>) -> Self {
        Self {
            context,
            store: Some(store),
        }
    }

    /// Writes the output to the log, and returns the store.
    fn finish(mut self) -> Option<Store<State>> {
        self.log();
        self.store.take()
    }

    fn log(&self) {
        let store = self.store.as_ref();
        if let Some(output) = store.and_then(|store| store.data().capabilities.wasi.output()) {
            output.log(self.context);
        }
    }
}

impl Drop for LoggedStore<'_> {
    fn drop(&mut self) {
        self.log();
    }
}

fn no_permit(bounds: &Bounds) -> CallError {
    let all = if bounds.waits {
        limits::WAITING_CALLS
    } else {
        limits::CALLS
    };
    CallError::Host(format!(
        "the call waited for {} s without being started: one trigger or service may have {} calls at a time, and all \
         plugins together {all}",
        limits::QUEUE_WAIT.as_secs(),
        quota::concurrent_calls(bounds),
    ))
}

/// Converts an error of the engine. No other function looks into one.
fn call_error(error: &wasmtime::Error, meter: &Meter, bounds: &Bounds) -> CallError {
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::Host(format!("the pool of instances is used up: {error:#}"));
    }
    if error.is::<rustix::io::Errno>() || error.is::<io::Error>() {
        return CallError::Host(format!(
            "the system has no memory for an instance: {}",
            error.root_cause()
        ));
    }
    if meter.quota_exceeded() && !meter.memory_refused() && !error.is::<I32Exit>() {
        return CallError::Host(format!(
            "its concurrent calls use {} MiB of memory together, which is the limit",
            limits::QUOTA_MEMORY_BYTES >> 20
        ));
    }
    CallError::Guest(guest_error(error, meter, bounds))
}

fn guest_error(error: &wasmtime::Error, meter: &Meter, bounds: &Bounds) -> GuestError {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return GuestError::Trap {
            reason: format!("it ended itself with exit code {code}").into(),
            frames: Box::default(),
            printed: Box::default(),
        };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => GuestError::Stack,
        Some(_) if meter.memory_refused() => GuestError::Memory,
        Some(trap) => GuestError::Trap {
            reason: trap.to_string().into(),
            frames: frames(error),
            printed: Box::default(),
        },
        // The engine has no type for this error.
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

/// The innermost functions of a trap, demangled, as far as the component names them.
fn frames(error: &wasmtime::Error) -> Box<[String]> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Box::default();
    };
    // Only its text has the names demangled: `0: 0x1d2 - module!function`.
    let text = backtrace.to_string();
    text.lines()
        .filter_map(|line| Some(quote(line.split_once(" - ")?.1)))
        .take(FRAMES)
        .collect()
}
