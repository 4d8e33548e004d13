//! The plugin host: loads plugins from bytes.
//!
//! Loading has several steps, the cheapest first: inspecting the file (`inspect.rs`), compiling, linking the imports,
//! instantiating once, and comparing the types of the functions. A plugin that passes all of them can be called. If a
//! step fails, the plugin is refused with the reason, before the host listens for requests.

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

use crate::cache::CodeCache;
use crate::context::CallContext;
use crate::error::{ComponentError, HostError, LoadError};
use crate::functions::Functions;
use crate::inspect::inspect;
use crate::plugin::{Loaded, Plugin};
use crate::runner::Runner;
use crate::state::State;
use crate::text::quote;
use crate::ticker::Ticker;
use crate::{engine, limits, linker};

/// The options of a plugin host.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder for compiled plugins; `None` compiles them at every start. It must belong to this user, and is
    /// created for this user alone.
    pub cache: Option<PathBuf>,
}

/// Loads plugins and runs them. Cheap to clone; plugins keep it alive.
#[derive(Clone)]
pub struct PluginHost {
    cache: Option<CodeCache>,
    runner: Arc<Runner>,
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
    /// The cache folder cannot be trusted or created, or the machine cannot run the engine.
    pub fn new(options: Options) -> Result<Self, HostError> {
        let cache = options.cache.as_deref().map(CodeCache::open).transpose()?;
        let engine = engine::start(cache.as_ref().map(|cache| cache.engine.clone()))?;
        let ticker = Ticker::start(&engine)
            .map_err(|error| HostError::Engine(format!("no thread: {error}")))?;
        Ok(Self {
            cache,
            runner: Arc::new(Runner::new(engine, ticker)),
        })
    }

    /// Loads a component. `name` is its name in the configuration, which all messages use.
    ///
    /// # Errors
    ///
    /// See [`ComponentError`]. A compilation that takes longer than [`limits::COMPILE`] is an error, although its
    /// thread runs on until the compiler has finished.
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
            .compile(name, bytes.clone(), inspection.imports.clone())
            .await?;
        let functions = Functions::find(&component, &inspection)?;
        let context = CallContext {
            plugin: name,
            trigger: "",
            function: "start",
            request: None,
            start: Instant::now(),
        };
        self.runner
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
            digest: format!("{:x}", Sha256::digest(&bytes)),
            size: bytes.len(),
            inspection,
            functions,
            runner: self.runner.clone(),
        }))
    }

    /// Compiles and links on a separate thread. It may take seconds, and a runtime that shuts down would wait for a
    /// blocking thread of its own.
    async fn compile(
        &self,
        name: &str,
        bytes: Bytes,
        imports: Vec<String>,
    ) -> Result<InstancePre<State>, ComponentError> {
        let engine = self.runner.engine.clone();
        let (name, cache) = (name.to_owned(), self.cache.clone());
        let (done, result) = oneshot::channel();
        let work = move || {
            let work = || compile(&engine, &bytes, &imports);
            let compiled = match cache {
                Some(cache) => cache.compile(&name, &engine, &bytes, work),
                None => work(),
            };
            let _ = done.send(compiled); // the time is over
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
                "the compiler crashed; report this to lambkin".into(),
            )),
            Err(_) => {
                let bound = limits::COMPILE.as_secs();
                Err(ComponentError::Compile(format!(
                    "the compiler did not finish within {bound} s; make it smaller"
                )))
            }
        }
    }

    /// What is in use of the pool; `None` if there is no pool.
    pub fn pool_usage(&self) -> Option<PoolUsage> {
        let of = |metrics: PoolingAllocatorMetrics| PoolUsage {
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
    // At load time rather than at the first call.
    component.initialize_copy_on_write_image()?;
    linker::linker(engine, imports)?.instantiate_pre(&component)
}
