//! A sandbox: the runtime's process, the extensions, and the server for the requests of both.
//!
//! A sandbox begins with the start of its processes and ends when they have ended. If a process crashes or is killed,
//! the environment starts a new sandbox at the next call. It has another address, so that a late request of an old
//! process does not reach it.
//!
//! [`Sandbox::next`] returns everything that happens in a sandbox: the events of the runtime and the extensions, the
//! ends of processes, and the passing of time. The environment decides what an event means for the caller.
//!
//! A sandbox with extensions is shut down as on AWS: the runtime gets SIGTERM, then the extensions that subscribed to
//! it get SHUTDOWN, each with a time limit. A sandbox without extensions is killed at once.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambkin_http::{CrossOrigin, ForeignPages, Server};
use lambkin_process::limits::MAX_TASKS;
use lambkin_process::sandbox::Failure;
use lambkin_process::{Exit, Launch, Process, advice};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::address;
use super::alarm::Alarm;
use super::extension_processes::{ExtensionProcesses, ProcessEvent};
use super::output::Output;
use crate::clock::ClockChanges;
use crate::code::Entry;
use crate::debugger::Debugger;
use crate::extension::discover::{Discovered, ExternalExtension};
use crate::extension::event::{InvokeEvent, ShutdownReason, Tracing};
use crate::extension::registry::{self, ExtensionRegistry, FunctionInfo};
use crate::extension::variables::extension_variables;
use crate::function::Function;
use crate::limits::{
    EXTERNAL_SHUTDOWN_TIMEOUT, INTERNAL_SHUTDOWN_TIMEOUT, KILL_TIMEOUT, RUNTIME_SHUTDOWN_TIMEOUT,
};
use crate::log::{EnvironmentLog, Source};
use crate::runtime_api::session::{Delivery, RuntimeEvent, RuntimeSession};
use crate::runtime_api::{self, Connection, Metadata, Peers, SandboxApi, availability_zone_id};
use crate::spec::{FunctionSpec, InitializationType, SandboxMode};
use crate::telemetry::hub::Telemetry;
use crate::time::now_ms;
use crate::variables::{SandboxInfo, runtime_variables};
use crate::view::View;
use crate::wrapper::wrap;

/// Running processes and their connections to the host.
#[derive(Debug)]
pub(super) struct Sandbox {
    api: Arc<SandboxApi>,
    peers: Arc<Peers>,
    /// The runtime's program, until its process has been started.
    launch: Option<Launch>,
    /// The runtime's process while it runs.
    process: Option<Process>,
    stdout: Option<Output>,
    stderr: Option<Output>,
    extension_processes: ExtensionProcesses,
    runtime_events: mpsc::UnboundedReceiver<RuntimeEvent>,
    extension_events: mpsc::UnboundedReceiver<registry::ExtensionEvent>,
    alarm: Alarm,
    frozen: bool,
    mode: SandboxMode,
    server: AbortHandle,
    /// The debugger's way to the runtime, and the changes of the clock that it makes.
    debugger: Option<(Debugger, ClockChanges)>,
}

/// What happens in a sandbox.
#[derive(Debug)]
pub(super) enum SandboxEvent {
    /// An event of the runtime.
    Runtime(RuntimeEvent),
    /// An event of an extension.
    Extension(registry::ExtensionEvent),
    /// The runtime's process has ended.
    RuntimeExited(Exit),
    /// The process of the external extension with this name has ended.
    ExtensionExited(String, Exit),
    /// The time that was passed to [`Sandbox::next`] has come.
    TimeReached,
    /// The function's clock is paused, or goes on again.
    ClockChanged,
}

/// The program of the runtime.
pub(super) struct RuntimeProgram {
    pub program: PathBuf,
    pub arguments: Vec<String>,
}

impl Sandbox {
    /// Starts the server and the external extensions. The runtime is started by [`Sandbox::start_runtime`].
    pub(super) async fn begin(
        function: &Function,
        runtime: RuntimeProgram,
        discovered: Discovered,
        log_stream: &str,
    ) -> io::Result<Self> {
        let debugger = function.debugger()?;
        let listener = address::listen(function.spec.runtime_api).await?;
        let address = listener.local_addr()?;
        let spec = &function.spec;
        let (session, runtime_events) = RuntimeSession::new(spec.lifecycle.concurrency);
        let (extensions, extension_events) = extensions(function, &discovered);
        let api = Arc::new(SandboxApi {
            session,
            extensions,
            telemetry: Telemetry::new(address.port()),
            metadata: Metadata {
                token: Uuid::new_v4().to_string(),
                availability_zone_id: availability_zone_id(&function.account.region),
            },
            snap_start: spec.initialization_type() == InitializationType::SnapStart,
        });
        let view = View::of(spec);
        let placed = view.place(&runtime.program);
        let mut variables = runtime_variables(
            spec,
            &function.account,
            &SandboxInfo {
                runtime_api: &address.to_string(),
                metadata_token: &api.metadata.token,
                log_stream,
                view: &view,
                programs: &placed.folders,
            },
        );
        let mut arguments = match &spec.code.entry {
            // These are Lambkin's own.
            Entry::Managed(_) => {
                let arguments = runtime.arguments.iter();
                arguments.map(|argument| view.text(argument)).collect()
            }
            _ => runtime.arguments,
        };
        if let Some(debugger) = &debugger {
            let port = debugger.runtime_port.to_string();
            variables.insert("LAMBKIN_DEBUG_PORT".to_owned(), port);
            for text in variables.values_mut().chain(&mut arguments) {
                *text = debugger.fill_in(text);
            }
        }
        let directory = view.directory();
        let peers = Arc::new(Peers::new(&spec.name, address, spec.runtime_api.is_some()));
        function.sandboxes.add(&peers);
        let mut extension_processes = ExtensionProcesses::new(Arc::clone(&peers));
        for ExternalExtension { name, path } in discovered.extensions {
            let placed = view.place(&path);
            let launch = Launch {
                program: placed.program,
                arguments: Vec::new(),
                variables: extension_variables(&variables),
                directory: directory.clone(),
                sandbox: placed.sandbox,
            };
            extension_processes.start(name, launch);
        }
        let (program, arguments) = match spec.wrapper() {
            Some(wrapper) => wrap(&view.path(&wrapper), placed.program, arguments),
            None => (placed.program, arguments),
        };
        Ok(Self {
            launch: Some(Launch {
                program,
                arguments,
                variables,
                directory,
                sandbox: placed.sandbox,
            }),
            process: None,
            stdout: None,
            stderr: None,
            extension_processes,
            runtime_events,
            extension_events,
            alarm: Alarm::default(),
            frozen: false,
            mode: spec.sandbox,
            debugger: debugger.map(|debugger| (debugger, function.clock.changes())),
            server: serve(listener, spec, Arc::clone(&peers), Arc::clone(&api)),
            api,
            peers,
        })
    }

    /// Starts the runtime's process, unless it has been started already.
    pub(super) fn start_runtime(&mut self) -> io::Result<()> {
        if let Some(launch) = self.launch.take() {
            let spawn = || Process::spawn(&launch);
            let (process, outputs) = self.peers.add(spawn, |(one, _)| one.supervisor_pid())?;
            self.process = Some(process);
            self.stdout = Some(Output::new(outputs.stdout));
            self.stderr = Some(Output::new(outputs.stderr));
        }
        Ok(())
    }

    /// Where a debugger attaches, if the function is debugged.
    pub(super) fn debug_address(&self) -> Option<SocketAddr> {
        self.debugger.as_ref().map(|(debugger, _)| debugger.address)
    }

    /// Where a debugger attaches, if the function waits for one and none has attached yet.
    pub(super) fn awaited_at(&self) -> Option<SocketAddr> {
        let (debugger, _) = self.debugger.as_ref()?;
        debugger.is_awaited().then_some(debugger.address)
    }

    /// The init phase has ended.
    pub(super) fn initialized(&mut self) {
        if let Some((debugger, _)) = &mut self.debugger {
            debugger.initialized();
        }
    }

    pub(super) fn extensions(&self) -> &Arc<ExtensionRegistry> {
        &self.api.extensions
    }

    pub(super) fn telemetry(&self) -> &Arc<Telemetry> {
        &self.api.telemetry
    }

    /// The ids of the host's own processes around the sandbox, below which are all processes of the sandbox.
    pub(super) fn pids(&self) -> Vec<i32> {
        let runtime = self.process.iter().flat_map(Process::own_pids);
        runtime.chain(self.extension_processes.pids()).collect()
    }

    /// The processes of the sandbox.
    pub(super) fn peers(&self) -> &Arc<Peers> {
        &self.peers
    }

    /// Delivers the event of an invocation to the runtime, and INVOKE to the extensions that subscribed to it.
    pub(super) fn deliver(&mut self, delivery: Delivery) {
        self.thaw();
        if !self.api.extensions.is_empty() {
            self.api.extensions.deliver_invoke(InvokeEvent {
                deadline_ms: delivery.deadline_ms,
                request_id: delivery.request_id.as_str(),
                invoked_function_arn: &delivery.function_arn,
                tracing: Tracing {
                    value: &delivery.trace_id,
                },
                tenant_id: delivery.tenant_id.as_deref(),
            });
        }
        self.api.session.deliver(delivery);
    }

    /// Drops an event that has timed out. The runtime continues with its other events.
    pub(super) fn expire(&self, delivery_id: u64) {
        self.api.session.expire(delivery_id);
    }

    /// Answers the request of a runtime that waits to be restored from a snapshot.
    pub(super) fn restore(&self) {
        self.api.session.restore();
    }

    /// Freezes all processes.
    pub(super) fn freeze(&mut self) {
        if let Some(process) = &self.process {
            process.freeze();
            self.extension_processes.freeze();
            self.frozen = true;
        }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen
    }

    fn thaw(&mut self) {
        if std::mem::take(&mut self.frozen) {
            if let Some(process) = &self.process {
                process.thaw();
            }
            self.extension_processes.thaw();
        }
    }

    /// Waits for the next event, or for `until`. Meanwhile it writes the outputs of the processes to `log`.
    pub(super) async fn next(
        &mut self,
        until: Option<Instant>,
        log: &mut EnvironmentLog,
    ) -> SandboxEvent {
        loop {
            tokio::select! {
                biased;
                Some(event) = self.runtime_events.recv() => return SandboxEvent::Runtime(event),
                Some(event) = self.extension_events.recv() => return SandboxEvent::Extension(event),
                exit = exited(&mut self.process) => {
                    let process = self.process.take();
                    self.drain(log);
                    log.finish_lines();
                    let failure = process.as_ref().and_then(Process::failure);
                    explain(exit, failure, log);
                    if failure.is_none() {
                        explain_start(exit, self.mode, log);
                    }
                    return SandboxEvent::RuntimeExited(exit);
                }
                event = self.extension_processes.next(), if !self.extension_processes.is_empty() => match event {
                    ProcessEvent::Started(..) => {}
                    ProcessEvent::Output(number, piece) => log.output(Source::Extension(number), &piece),
                    ProcessEvent::Exited(name, exit) => {
                        explain(exit, None, log);
                        return SandboxEvent::ExtensionExited(name, exit);
                    }
                },
                () = readable(&self.stdout) => write(&mut self.stdout, Source::Stdout, log),
                () = readable(&self.stderr) => write(&mut self.stderr, Source::Stderr, log),
                () = clock_changed(&mut self.debugger) => return SandboxEvent::ClockChanged,
                () = self.alarm.reached(until) => return SandboxEvent::TimeReached,
            }
        }
    }

    /// Writes all output so far to `log`: what the runtime wrote before it sent a request is in the pipe by now.
    pub(super) fn drain(&mut self, log: &mut EnvironmentLog) {
        let outputs = [
            (&mut self.stdout, Source::Stdout),
            (&mut self.stderr, Source::Stderr),
        ];
        for (output, source) in outputs {
            if let Some(output) = output {
                output.drain(|piece| log.output(source, piece));
            }
        }
    }

    /// Ends all processes and their descendants. Returns when they have ended.
    pub(super) async fn end(mut self, reason: ShutdownReason, log: &mut EnvironmentLog) {
        if !self.api.extensions.is_empty() {
            self.shut_down(reason, log).await;
        }
        self.kill_runtime(log).await;
        self.extension_processes.kill_all_except(&[]);
        let deadline = Instant::now() + KILL_TIMEOUT;
        self.wait_for_extensions(deadline, log).await;
        log.finish_lines();
    }

    /// Lets the processes shut down within AWS's time limits.
    async fn shut_down(&mut self, reason: ShutdownReason, log: &mut EnvironmentLog) {
        let extensions = Arc::clone(&self.api.extensions);
        let has_external = extensions.has_external();
        let began = Instant::now();
        let (runtime_timeout, timeout) = if has_external {
            (RUNTIME_SHUTDOWN_TIMEOUT, EXTERNAL_SHUTDOWN_TIMEOUT)
        } else {
            (INTERNAL_SHUTDOWN_TIMEOUT, INTERNAL_SHUTDOWN_TIMEOUT)
        };
        self.thaw();
        if let Some(process) = &self.process {
            process.terminate();
        }
        while self.process.is_some() {
            if let SandboxEvent::TimeReached = self.next(Some(began + runtime_timeout), log).await {
                break;
            }
        }
        self.kill_runtime(log).await;
        if !has_external {
            return;
        }
        let deadline = began + timeout;
        let telemetry = Arc::clone(&self.api.telemetry);
        tokio::spawn(async move { telemetry.flush(deadline).await });
        self.extension_processes
            .kill_all_except(&extensions.shutdown_subscribers());
        let left = deadline.saturating_duration_since(Instant::now());
        extensions.deliver_shutdown(reason, now_ms() + milliseconds(left));
        self.wait_for_extensions(deadline, log).await;
    }

    async fn wait_for_extensions(&mut self, deadline: Instant, log: &mut EnvironmentLog) {
        while !self.extension_processes.is_empty() {
            if let SandboxEvent::TimeReached = self.next(Some(deadline), log).await {
                return;
            }
        }
    }

    async fn kill_runtime(&mut self, log: &mut EnvironmentLog) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        // The server still runs: without it, the runtime would log errors before it ends.
        if tokio::time::timeout(KILL_TIMEOUT, process.kill())
            .await
            .is_err()
        {
            log.platform(
                "lambkin: SIGKILL has not ended a process; it is left to the operating system",
            );
        }
        self.drain(log);
        log.finish_lines();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn extensions(
    function: &Function,
    discovered: &Discovered,
) -> (
    Arc<ExtensionRegistry>,
    mpsc::UnboundedReceiver<registry::ExtensionEvent>,
) {
    let info = FunctionInfo {
        function_name: function.spec.name.clone(),
        function_version: function.spec.version.clone(),
        handler: function.spec.current_handler(),
        account_id: function.account.id.clone(),
    };
    if discovered.disabled_by.is_some() {
        return ExtensionRegistry::disabled(info);
    }
    let names = discovered.extensions.iter();
    ExtensionRegistry::new(names.map(|one| one.name.clone()).collect(), info)
}

fn serve(
    listener: tokio::net::TcpListener,
    spec: &FunctionSpec,
    peers: Arc<Peers>,
    api: Arc<SandboxApi>,
) -> AbortHandle {
    let rules = CrossOrigin::new(spec.allowlist.clone(), ForeignPages::Refused);
    let server = tokio::spawn(async move {
        // Never cancelled: the server runs until it is aborted.
        let stop = CancellationToken::new();
        let connect = move |client| {
            let connection = Connection::new(Arc::clone(&peers), client);
            let api = Arc::clone(&api);
            move |request, _: SocketAddr| {
                runtime_api::respond(request, connection.clone(), Arc::clone(&api))
            }
        };
        Server::for_runtimes(rules, stop)
            .serve_connections(listener, connect)
            .await;
    });
    server.abort_handle()
}

/// Logs why a program ended, where its exit on its own does not say it.
fn explain(exit: Exit, failure: Option<&Failure>, log: &mut EnvironmentLog) {
    if let Some(failure) = failure {
        log.platform(&format!(
            "lambkin: the function's sandbox could not be made: {failure}{}",
            advice(failure).map_or_else(String::new, |advice| format!("; {advice}"))
        ));
    }
    match exit {
        Exit::TooManyTasks(tasks) => log.platform(&format!(
            "lambkin: the function had {tasks} processes and threads and was killed; the limit is {MAX_TASKS}, as on \
             AWS, where starting another one fails with EAGAIN (\"Resource temporarily unavailable\")"
        )),
        Exit::Lost => log.platform(
            "lambkin: the supervisor of the function's processes was killed, so all of them were killed; \
             a function must not kill its parent process",
        ),
        _ => {}
    }
}

/// Explains why a program that can be executed on the host was not started in a sandbox.
fn explain_start(exit: Exit, mode: SandboxMode, log: &mut EnvironmentLog) {
    let Exit::NotStarted(errno) = exit else {
        return;
    };
    match io::Error::from_raw_os_error(errno).kind() {
        _ if mode == SandboxMode::Process => {}
        io::ErrorKind::PermissionDenied if mode == SandboxMode::Image => log.platform(
            "lambkin: an image's processes are a user who owns none of its files, as on AWS, whatever USER says: let \
             others read its files and execute its program (`RUN chmod -R a+rX …`)",
        ),
        _ if mode == SandboxMode::Image => {}
        io::ErrorKind::PermissionDenied => log.platform(
            "lambkin: in its sandbox, the function is a user who owns none of its files, as on AWS: let others read the \
             code and execute the program (`chmod -R a+rX`)",
        ),
        io::ErrorKind::NotFound => log.platform(
            "lambkin: the program, or the interpreter or loader that it needs, is not visible in the function's sandbox, \
             which has its code, its layers, /usr and the folder of its interpreter",
        ),
        _ => {}
    }
}

async fn exited(process: &mut Option<Process>) -> Exit {
    match process {
        Some(process) => process.exited().await,
        None => future::pending().await,
    }
}

async fn clock_changed(debugger: &mut Option<(Debugger, ClockChanges)>) {
    match debugger {
        Some((_, changes)) => changes.changed().await,
        None => future::pending().await,
    }
}

async fn readable(output: &Option<Output>) {
    match output {
        Some(output) => output.readable().await,
        None => future::pending().await,
    }
}

fn write(output: &mut Option<Output>, source: Source, log: &mut EnvironmentLog) {
    if let Some(output) = output {
        output.read(|piece| log.output(source, piece));
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
