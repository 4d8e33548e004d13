//! Calls the functions of a plugin for one trigger, service or source.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Lift, Lower};

use crate::adapter::Function;
use crate::check;
use crate::connections::{Connections, ReachableConnections};
use crate::context::CallContext;
use crate::counters::ReachableCounters;
use crate::error::{CallError, ConfigureError, ContractError, PluginError, Problem};
use crate::limits::Bounds;
use crate::quota::Quota;
use crate::reuse::{Instances, Kept, Reuse};
use crate::runner::Runner;
use crate::state::{Capabilities, State};
use crate::text::quote;

/// The plugin of one trigger, service or source, with its quota. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    plugin: Arc<str>,
    runner: Arc<Runner>,
    name: Arc<str>,
    quota: Arc<Quota>,
    reuse: Reuse,
    counters: ReachableCounters,
    connections: ReachableConnections,
    /// The kept instances, if the trigger reuses them.
    instances: Option<Arc<Instances>>,
}

impl Caller {
    /// A caller with a quota of its own. `plugin` and `name` are the names of the plugin and of the trigger, service or
    /// source in the configuration.
    pub(crate) fn new(plugin: &str, runner: Arc<Runner>, name: &str, bounds: &Bounds) -> Self {
        Self {
            plugin: plugin.into(),
            runner,
            name: name.into(),
            quota: Quota::new(bounds),
            reuse: Reuse::DEFAULT,
            counters: None,
            connections: None,
            instances: None,
        }
    }

    /// The same caller with the operator's limits on reuse.
    pub(crate) fn with_reuse(self, reuse: Reuse) -> Self {
        Self { reuse, ..self }
    }

    /// The same caller, whose calls reach counters of their own.
    pub(crate) fn with_counters(self) -> Self {
        Self {
            counters: Some(Arc::default()),
            ..self
        }
    }

    /// The same caller, whose calls reach these WebSocket connections.
    pub(crate) fn with_connections(self, connections: Arc<dyn Connections>) -> Self {
        Self {
            connections: Some(connections),
            ..self
        }
    }

    /// Reuses instances from now on, if the plugin says that they are reusable and the operator allows it.
    pub(crate) fn reuse_instances(&mut self, is_reusable: bool) {
        let reuses = is_reusable && self.reuse.instances > 0;
        self.instances = reuses.then(|| Instances::new(self.reuse));
    }

    /// The name of the trigger, service or source.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Begins a call of a function. `request` is the id of the request or of the change, if there is one.
    pub(crate) fn begin<'a>(
        &'a self,
        function: &'static str,
        request: Option<&'a str>,
    ) -> Call<'a> {
        Call {
            context: CallContext {
                plugin: &self.plugin,
                trigger: &self.name,
                function,
                request,
                start: Instant::now(),
            },
            runner: &self.runner,
            quota: &self.quota,
            counters: &self.counters,
            connections: &self.connections,
            instances: self.instances.as_ref(),
            answered: Mutex::default(),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("plugin", &self.plugin)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// One call of a function, from its arguments to its checked result.
pub(crate) struct Call<'a> {
    context: CallContext<'a>,
    runner: &'a Runner,
    quota: &'a Quota,
    counters: &'a ReachableCounters,
    connections: &'a ReachableConnections,
    instances: Option<&'a Arc<Instances>>,
    /// The instance that has answered, which is kept once its result is checked, and dropped with the call otherwise.
    answered: Mutex<Option<Kept>>,
}

impl Call<'_> {
    /// Calls the function without capabilities but the trigger's counters and WebSocket connections, in a kept instance if
    /// the trigger reuses them, otherwise in a new one. The result is the guest's, unchecked.
    pub(crate) async fn run<P, R>(
        &self,
        bounds: &Bounds,
        function: &Function,
        arguments: P,
    ) -> Result<R, PluginError>
    where
        P: ComponentNamedList + Lower + Send,
        R: ComponentNamedList + Lift + Send + 'static,
    {
        let capabilities = Capabilities {
            counters: self.counters.clone(),
            connections: self.connections.clone(),
            ..Capabilities::default()
        };
        match self.instances {
            Some(instances) => {
                let called = self.runner.call_kept(
                    &self.context,
                    self.quota,
                    bounds,
                    capabilities,
                    instances,
                    function,
                    arguments,
                );
                let (result, instance) = called.await?;
                *self.answered() = instance;
                Ok(result)
            }
            None => {
                self.run_with(capabilities, bounds, function, arguments)
                    .await
            }
        }
    }

    /// Calls the function in a new instance with these capabilities.
    pub(crate) async fn run_with<P, R>(
        &self,
        capabilities: Capabilities,
        bounds: &Bounds,
        function: &Function,
        arguments: P,
    ) -> Result<R, PluginError>
    where
        P: ComponentNamedList + Lower + Send,
        R: ComponentNamedList + Lift + Send + 'static,
    {
        self.run_in_store(capabilities, bounds, async |store| {
            let instance = function.component.instantiate_async(&mut *store).await?;
            let function = instance.get_typed_func::<P, R>(&mut *store, &function.export)?;
            function.call_async(store, arguments).await
        })
        .await
    }

    /// Runs `work` with a new store that has these capabilities.
    pub(crate) async fn run_in_store<R>(
        &self,
        capabilities: Capabilities,
        bounds: &Bounds,
        work: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<R>,
    ) -> Result<R, PluginError> {
        self.runner
            .run(&self.context, self.quota, bounds, capabilities, work)
            .await
    }

    /// The error of this call, which fails now.
    pub(crate) fn error(&self, cause: impl Into<CallError>) -> PluginError {
        self.context.error(cause)
    }

    /// The result of a function, or the error that the plugin returned.
    pub(crate) fn reported<T>(&self, result: Result<T, String>) -> Result<T, PluginError> {
        result.map_err(|message| self.error(CallError::Reported(quote(&message))))
    }

    /// A result that keeps the contract, or the error about how it does not. Only after the former, the instance is
    /// kept.
    pub(crate) fn checked<T>(&self, result: Result<T, ContractError>) -> Result<T, PluginError> {
        let value = result.map_err(|error| self.error(error))?;
        if let (Some(instances), Some(instance)) = (self.instances, self.answered().take()) {
            instances.keep(instance);
        }
        Ok(value)
    }

    fn answered(&self) -> MutexGuard<'_, Option<Kept>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The checked result of `configure`, or the problems that the plugin found.
    pub(crate) fn configured<T>(
        &self,
        result: Result<Result<T, ContractError>, Vec<Problem>>,
    ) -> Result<T, ConfigureError> {
        match result {
            Ok(setup) => Ok(self.checked(setup)?),
            Err(problems) => {
                let problems = self.checked(check::problems(&problems))?;
                Err(ConfigureError::Problems(problems))
            }
        }
    }
}
