//! The plugin host: loads plugins from bytes.
//!
//! Loading has several steps, the cheapest first: inspecting the file (`inspect.rs`), compiling it in a process of its
//! own unless the cache has the result (`compiler/`, `cache.rs`), linking the imports, instantiating once, and comparing
//! the types of the functions. A plugin that passes all of them can be called. If a
//! step fails, the plugin is refused with the reason, before the host listens for requests.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{panic, thread};

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use wasmtime::component::{Component, InstancePre};
use wasmtime::{Engine, PoolingAllocatorMetrics};

use crate::cache::{self, Cache};
use crate::compiler::{self, Compiler, Request};
use crate::context::CallContext;
use crate::engine::{self, Allocation, Tasks};
use crate::error::{ComponentError, HostError, LoadError};
use crate::functions::Functions;
use crate::inspect::{Inspection, inspect};
use crate::plugin::{Loaded, Plugin};
use crate::runner::Runner;
use crate::state::State;
use crate::text::quote;
use crate::ticker::Ticker;
use crate::{limits, linker, machine_code};

/// The options of a plugin host.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder for compiled plugins; `None` compiles them at every start. It must belong to this user, and is
    /// created for this user alone.
    pub cache: Option<PathBuf>,
    /// What compiles plugins.
    pub compiler: Compiler,
    /// Called with the name of a plugin whose compilation takes longer than [`limits::QUIET_COMPILE`], and called
    /// again when it has ended.
    pub on_slow_compile: Option<fn(&str, Compiling)>,
    /// Whether the host has places for calls that may wait, which those of services and sources do. Without them, it
    /// starts some milliseconds faster, and these calls fail. Default: true.
    pub runs_waiting_calls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: None,
            compiler: Compiler::default(),
            on_slow_compile: None,
            runs_waiting_calls: true,
        }
    }
}

/// The progress of a compilation that takes a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compiling {
    /// It is under way.
    Started {
        /// Whether the next start will find the result in the cache.
        kept: bool,
    },
    /// It has succeeded, after this time by the clock.
    Finished(Duration),
}

/// Loads plugins and runs them. Cheap to clone; plugins keep it alive.
#[derive(Clone)]
pub struct PluginHost {
    machine: Machine,
    loader: Arc<Loader>,
}

/// An engine, ready to run calls.
#[derive(Clone)]
struct Machine {
    runner: Arc<Runner>,
    tasks: Tasks,
    allocation: Allocation,
}

impl Machine {
    /// Starts an engine that can run this number of calls that wait, besides those that do not.
    fn start(tasks: Tasks, waiting_calls: usize) -> Result<Self, HostError> {
        let instances = limits::CALLS + limits::KEPT_INSTANCES + waiting_calls;
        let (engine, allocation) = engine::start(tasks, instances)?;
        let ticker = Ticker::start(&engine)
            .map_err(|error| HostError::Engine(format!("no thread: {error}")))?;
        Ok(Self {
            runner: Arc::new(Runner::new(engine, ticker, waiting_calls)),
            tasks,
            allocation,
        })
    }
}

/// What loading needs and calls do not.
struct Loader {
    /// For components with concurrent tasks, made for the first of them.
    concurrent: Mutex<Option<Machine>>,
    /// The number of calls that wait, on each engine.
    waiting_calls: usize,
    cache: Option<Cache>,
    compiler: Compiler,
    /// As many components are compiled at a time as there are processors.
    turns: Semaphore,
    on_slow_compile: Option<fn(&str, Compiling)>,
}

/// What is in use of the pool at one moment. All zero when no plugin is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolUsage {
    /// Component instances.
    pub instances: u64,
    /// Linear memories.
    pub memories: usize,
    /// Stacks.
    pub stacks: usize,
}

impl PluginHost {
    /// Starts the engine.
    ///
    /// # Errors
    ///
    /// The cache folder cannot be trusted, or the machine cannot run the engine. A cache folder that the system does
    /// not let be created is a warning.
    pub fn new(options: Options) -> Result<Self, HostError> {
        let cache = options.cache.as_deref().map(Cache::open).transpose()?;
        let waiting_calls = match options.runs_waiting_calls {
            true => limits::WAITING_CALLS,
            false => 0,
        };
        let machine = Machine::start(Tasks::One, waiting_calls)?;
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            machine,
            loader: Arc::new(Loader {
                concurrent: Mutex::default(),
                waiting_calls,
                cache: cache.flatten(),
                compiler: options.compiler,
                turns: Semaphore::new(processors),
                on_slow_compile: options.on_slow_compile,
            }),
        })
    }

    /// Loads a component. `name` is its name in the configuration, which all messages use.
    ///
    /// # Errors
    ///
    /// See [`ComponentError`]. If the returned future is dropped, the compiler's process is killed.
    pub async fn load(&self, name: &str, bytes: Bytes) -> Result<Plugin, LoadError> {
        self.try_load(name, bytes).await.map_err(|cause| LoadError {
            plugin: name.to_owned(),
            cause,
        })
    }

    async fn try_load(&self, name: &str, bytes: Bytes) -> Result<Plugin, ComponentError> {
        let start = Instant::now();
        let size = bytes.len();
        let found = blocking({
            let (this, bytes) = (self.clone(), bytes.clone());
            move || this.find(&bytes)
        });
        let Found {
            inspection,
            machine,
            digest,
            key,
            component,
        } = found.await?;
        let runner = &machine.runner;
        let component = match component {
            Some(component) => component,
            None => {
                let code = self.compile(name, &machine, key, bytes).await?;
                let engine = runner.engine.clone();
                blocking(move || machine_code::load(&engine, &code).map_err(uncompilable)).await?
            }
        };
        let engine = runner.engine.clone();
        let imports = inspection.imports.clone();
        let component =
            blocking(move || link(&engine, &component, &imports).map_err(uncompilable)).await?;
        let functions = Functions::find(&component, &inspection)?;
        let context = CallContext {
            plugin: name,
            trigger: "",
            function: "start",
            request: None,
            start: Instant::now(),
        };
        runner
            .try_start(&context, &component, |types| {
                functions.check(&inspection, types)
            })
            .await
            .map_err(ComponentError::Start)??;
        let interfaces = inspection.roles.iter().map(|(_, interface)| &**interface);
        let interfaces = interfaces.collect::<Vec<_>>().join(", ");
        let imports = inspection.imports.len();
        tracing::debug!(plugin = name, exports = interfaces, imports, took = ?start.elapsed(), "plugin loaded");
        Ok(Plugin::new(Loaded {
            name: name.to_owned(),
            digest,
            size,
            inspection,
            functions,
            runner: runner.clone(),
        }))
    }

    /// Inspects the file, and looks for its compiled code.
    fn find(&self, bytes: &[u8]) -> Result<Found, ComponentError> {
        let inspection = inspect(bytes)?;
        let machine = self
            .machine(inspection.tasks)
            .map_err(|error| ComponentError::Compile(error.to_string()))?;
        let engine = &machine.runner.engine;
        let digest = cache::digest(bytes);
        let key = cache::key(engine, &digest);
        let cache = self.loader.cache.as_ref();
        let kept = cache.and_then(|cache| cache.read(&key));
        Ok(Found {
            inspection,
            digest,
            component: kept.and_then(|code| machine_code::load(engine, &code).ok()),
            key,
            machine,
        })
    }

    /// The engine for a component.
    fn machine(&self, tasks: Tasks) -> Result<Machine, HostError> {
        if tasks == self.machine.tasks {
            return Ok(self.machine.clone());
        }
        let mut concurrent = self.concurrent();
        let machine = match concurrent.take() {
            Some(machine) => machine,
            None => Machine::start(tasks, self.loader.waiting_calls)?,
        };
        Ok(concurrent.insert(machine).clone())
    }

    fn concurrent(&self) -> MutexGuard<'_, Option<Machine>> {
        let concurrent = &self.loader.concurrent;
        concurrent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compiles in a process of its own, when it is this component's turn, and reports progress.
    async fn compile(
        &self,
        name: &str,
        machine: &Machine,
        key: String,
        bytes: Bytes,
    ) -> Result<Vec<u8>, ComponentError> {
        let loader = &*self.loader;
        let _turn = loader.turns.acquire().await;
        let start = Instant::now();
        let size = bytes.len();
        let request = Request {
            allocation: machine.allocation,
            tasks: machine.tasks,
            key,
            cache: loader.cache.as_ref().map(|cache| cache.folder().to_owned()),
            cpu_seconds: loader.compiler.cpu.as_secs(),
            memory: loader.compiler.memory,
            size,
        };
        let kept = request.cache.is_some();
        let report = |progress| {
            if let Some(report) = loader.on_slow_compile {
                report(name, progress);
            }
        };
        let mut compiling = Box::pin(compiler::compile(&loader.compiler, request, bytes));
        let (result, slow) = tokio::select! {
            result = &mut compiling => (result, false),
            () = sleep(limits::QUIET_COMPILE) => {
                report(Compiling::Started { kept });
                (compiling.await, true)
            }
        };
        let took = start.elapsed();
        let compiled = result.map_err(|failure| {
            ComponentError::Compile(failure.describe(&loader.compiler, size, took))
        })?;
        if slow {
            report(Compiling::Finished(took));
        }
        if let (Some(reason), Some(cache)) = (compiled.not_kept, &loader.cache) {
            tracing::warn!(
                "compiled code of plugin {name} cannot be kept in {}, so that the next start compiles it again: \
                 {reason}",
                cache.folder().display()
            );
        }
        Ok(compiled.code)
    }

    /// What is in use of all pools; `None` if there is no pool.
    pub fn pool_usage(&self) -> Option<PoolUsage> {
        let add = |sum: PoolUsage, metrics: PoolingAllocatorMetrics| PoolUsage {
            instances: sum.instances + metrics.component_instances(),
            memories: sum.memories + metrics.memories(),
            stacks: sum.stacks + metrics.stacks(),
        };
        let concurrent = self.concurrent().clone();
        let machines = std::iter::once(&self.machine).chain(&concurrent);
        machines
            .filter_map(|machine| machine.runner.engine.pooling_allocator_metrics())
            .fold(None, |sum, metrics| {
                Some(add(sum.unwrap_or_default(), metrics))
            })
    }
}

/// What is known about a file before anything is compiled.
struct Found {
    inspection: Inspection,
    machine: Machine,
    digest: String,
    key: String,
    /// From the cache.
    component: Option<Component>,
}

/// Work of some milliseconds that must not delay other tasks.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, ComponentError> + Send + 'static,
) -> Result<R, ComponentError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            Err(_) => Err(ComponentError::Compile("lambkin is shutting down".into())),
        },
    }
}

fn link(
    engine: &Engine,
    component: &Component,
    imports: &[String],
) -> wasmtime::Result<InstancePre<State>> {
    // At load time rather than at the first call.
    component.initialize_copy_on_write_image()?;
    linker::linker(engine, imports)?.instantiate_pre(component)
}

fn uncompilable(error: wasmtime::Error) -> ComponentError {
    ComponentError::Compile(quote(&format!("{error:#}")))
}
