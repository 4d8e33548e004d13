//! The plugin host: loading plugins from bytes.
//!
//! Loading is a line of gates, cheapest first: the file's kind and names (`inspect.rs`), the compiler, the link of
//! its imports, a trial start, and the types of its roles' functions. What passes can be called; what does not is refused
//! with the gate's reason, before the host has listened for anything.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wasmtime::component::{Component, InstancePre};
use wasmtime::{Engine, PoolingAllocatorMetrics};

use crate::call::{CallContext, Runner};
use crate::error::{ComponentError, HostError, LoadError};
use crate::inspect::inspect;
use crate::plugin::{Loaded, Plugin};
use crate::quota::Quota;
use crate::roles::Roles;
use crate::state::State;
use crate::text::quote;
use crate::ticker::Ticker;
use crate::{cache, engine, limits, link};

/// What the host is to do differently.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder to keep compiled plugins in; `None` compiles them at every start. It has to be this user's own,
    /// and is created for this user alone.
    pub cache: Option<PathBuf>,
}

/// Loads plugins and has what they need to run. Cheap to clone; plugins keep it alive.
#[derive(Clone)]
pub struct PluginHost {
    runner: Arc<Runner>,
}

/// Plugins in the pool at one moment. All zero when nothing is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Running {
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
    /// The cache folder can not be trusted or created, or the machine can not run the engine.
    pub fn new(options: Options) -> Result<Self, HostError> {
        let cache = options.cache.as_deref().map(cache::open).transpose()?;
        let engine = engine::start(cache)?;
        let ticker = Ticker::start(&engine)
            .map_err(|error| HostError::Engine(format!("no thread: {error}")))?;
        Ok(Self {
            runner: Arc::new(Runner::new(engine, ticker)),
        })
    }

    /// Loads a component. `name` is what the operator calls it and what every message will.
    ///
    /// # Errors
    ///
    /// See [`ComponentError`]. Compiling takes at most [`limits::COMPILE`]; a compilation that takes longer is given up,
    /// though its thread runs on until the compiler is done.
    pub async fn load(&self, name: &str, bytes: Bytes) -> Result<Plugin, LoadError> {
        self.try_load(name, bytes).await.map_err(|cause| LoadError {
            plugin: name.to_owned(),
            cause,
        })
    }

    async fn try_load(&self, name: &str, bytes: Bytes) -> Result<Plugin, ComponentError> {
        let start = Instant::now();
        let inspection = inspect(&bytes)?;
        let component = self
            .compile(bytes.clone(), inspection.imports.clone())
            .await?;
        let roles = Roles::find(&component, &inspection)?;
        let context = CallContext {
            plugin: name,
            trigger: "",
            function: "start",
            request: None,
            quota: &Quota::new(&limits::SHAPER),
        };
        self.runner
            .try_start(&context, &component, |types| {
                roles.check(&inspection, types)
            })
            .await
            .map_err(ComponentError::Start)??;
        let interfaces = inspection.roles.iter().map(|(_, interface)| &**interface);
        let interfaces = interfaces.collect::<Vec<_>>().join(", ");
        let imports = inspection.imports.len();
        tracing::debug!(plugin = name, exports = interfaces, imports, took = ?start.elapsed(), "plugin loaded");
        Ok(Plugin::new(Loaded {
            name: name.to_owned(),
            digest: format!("{:x}", Sha256::digest(&bytes)),
            size: bytes.len(),
            inspection,
            roles,
            runner: self.runner.clone(),
        }))
    }

    /// Compiles and links on a thread of its own: it may take seconds, and a runtime that shuts down would wait for
    /// one of its own blocking threads.
    async fn compile(
        &self,
        bytes: Bytes,
        imports: Vec<String>,
    ) -> Result<InstancePre<State>, ComponentError> {
        let engine = self.runner.engine.clone();
        let (done, result) = oneshot::channel();
        let work = move || {
            // Nobody listens once the time is up.
            let _ = done.send(compile(&engine, &bytes, &imports));
        };
        thread::Builder::new()
            .name("plugin-compiler".into())
            .spawn(work)
            .map_err(|error| {
                ComponentError::Compile(format!("no thread for the compiler: {error}"))
            })?;
        match timeout(limits::COMPILE, result).await {
            Ok(Ok(result)) => {
                result.map_err(|error| ComponentError::Compile(quote(&format!("{error:#}"))))
            }
            Ok(Err(_)) => Err(ComponentError::Compile(
                "the compiler crashed on it; report it to lambkin".into(),
            )),
            Err(_) => {
                let bound = limits::COMPILE.as_secs();
                Err(ComponentError::Compile(format!(
                    "the compiler did not finish within {bound} s; make it smaller"
                )))
            }
        }
    }

    /// What is in the pool now; `None` where there is no pool.
    pub fn running(&self) -> Option<Running> {
        let of = |metrics: PoolingAllocatorMetrics| Running {
            instances: metrics.component_instances(),
            memories: metrics.memories(),
            stacks: metrics.stacks(),
        };
        self.runner.engine.pooling_allocator_metrics().map(of)
    }
}

fn compile(
    engine: &Engine,
    bytes: &[u8],
    imports: &[String],
) -> wasmtime::Result<InstancePre<State>> {
    let component = Component::from_binary(engine, bytes)?;
    // Now rather than at the first call.
    component.initialize_copy_on_write_image()?;
    link::linker(engine, imports)?.instantiate_pre(&component)
}
