//! One life of an environment: a runtime's process, its extensions, and the private address where all of them speak to
//! the host.
//!
//! A life begins with the start of its processes and ends with their death. An environment whose process crashed or was
//! stopped begins a new life at the next call, on a new address, so nothing a dead process still had in flight can be
//! taken for its successor's.
//!
//! [`Life::next`] is the one place where everything that can happen to a process arrives: what its runtime and its
//! extensions say, output, ends, and the time. What that means for the caller is the environment's business.
//!
//! A life that has extensions is ended as AWS ends one: the runtime gets SIGTERM and a moment, then the extensions that
//! asked for it get SHUTDOWN and a moment more. Without any, everything is killed at once.

use std::future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambkin_http::IdleTimeout;
use lambkin_process::{Exit, Launch, Process};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::address;
use super::output::Output;
use super::program::{News, Programs};
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
use crate::runtime_api::{self, Metadata, SandboxApi, availability_zone_id};
use crate::spec::InitializationType;
use crate::telemetry::hub::Telemetry;
use crate::time::now_ms;
use crate::variables::{self, Surroundings};

/// Running processes and what they say.
#[derive(Debug)]
pub(crate) struct Life {
    api: Arc<SandboxApi>,
    /// The runtime's launch, until its process has been started.
    launch: Option<Launch>,
    /// The runtime's process, while it runs.
    process: Option<Process>,
    stdout: Option<Output>,
    stderr: Option<Output>,
    programs: Programs,
    events: mpsc::UnboundedReceiver<RuntimeEvent>,
    extension_events: mpsc::UnboundedReceiver<registry::ExtensionEvent>,
    alarm: Alarm,
    frozen: bool,
    server: AbortHandle,
}

/// What can happen to running processes.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The runtime said something.
    Said(RuntimeEvent),
    /// An extension did.
    ExtensionSaid(registry::ExtensionEvent),
    /// The runtime ended.
    Exited(Exit),
    /// An external extension ended.
    ExtensionExited(String, Exit),
    /// The given time came.
    TimeIsUp,
}

/// What the runtime is started with.
pub(crate) struct Runtime {
    pub program: std::path::PathBuf,
    pub arguments: Vec<String>,
}

impl Life {
    /// Opens the address and starts the external extensions. The runtime follows with [`Life::start_runtime`].
    pub(crate) async fn begin(
        function: &Function,
        runtime: Runtime,
        discovered: Discovered,
        log_stream: &str,
    ) -> io::Result<Self> {
        let listener = address::listen(function.spec.runtime_api).await?;
        let address = listener.local_addr()?;
        let spec = &function.spec;
        let (session, events) = RuntimeSession::new(spec.lifecycle.concurrency);
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
        let variables = variables::of_runtime(
            spec,
            &function.account,
            &Surroundings {
                runtime_api: &address.to_string(),
                metadata_token: &api.metadata.token,
                log_stream,
            },
        );
        let directory = spec.code.task_root.clone();
        let mut programs = Programs::new();
        for ExternalExtension { name, path } in discovered.extensions {
            let launch = Launch {
                program: path,
                arguments: Vec::new(),
                variables: extension_variables(&variables),
                directory: directory.clone(),
            };
            programs.start(name, launch);
        }
        Ok(Self {
            launch: Some(Launch {
                program: runtime.program,
                arguments: runtime.arguments,
                variables,
                directory,
            }),
            process: None,
            stdout: None,
            stderr: None,
            programs,
            events,
            extension_events,
            alarm: Alarm::default(),
            frozen: false,
            server: serve(listener, Arc::clone(&api)),
            api,
        })
    }

    /// Starts the runtime's process, unless that has happened.
    pub(crate) fn start_runtime(&mut self) -> io::Result<()> {
        if let Some(launch) = self.launch.take() {
            let (process, outputs) = Process::spawn(&launch)?;
            self.process = Some(process);
            self.stdout = Some(Output::new(outputs.stdout));
            self.stderr = Some(Output::new(outputs.stderr));
        }
        Ok(())
    }

    pub(crate) fn extensions(&self) -> &Arc<ExtensionRegistry> {
        &self.api.extensions
    }

    pub(crate) fn telemetry(&self) -> &Arc<Telemetry> {
        &self.api.telemetry
    }

    /// The ids of the processes that are known to run.
    pub(crate) fn pids(&self) -> Vec<i32> {
        let runtime = self.process.as_ref().and_then(Process::pid);
        runtime.into_iter().chain(self.programs.pids()).collect()
    }

    /// Hands over the event of an invocation, to the runtime and to whoever watches.
    pub(crate) fn deliver(&mut self, delivery: Delivery) {
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

    /// Gives up an event whose time is up while the process goes on with others.
    pub(crate) fn expire(&self, attempt: u64) {
        self.api.session.expire(attempt);
    }

    /// Tells a runtime that waits for it that it has been restored from its snapshot.
    pub(crate) fn restore(&self) {
        self.api.session.restore();
    }

    /// Stops every process where it stands.
    pub(crate) fn freeze(&mut self) {
        if let Some(process) = &self.process {
            process.freeze();
            self.programs.freeze();
            self.frozen = true;
        }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen
    }

    fn thaw(&mut self) {
        if std::mem::take(&mut self.frozen) {
            if let Some(process) = &self.process {
                process.thaw();
            }
            self.programs.thaw();
        }
    }

    /// Waits for the next thing that matters, or for `until`; passes output on to `log` meanwhile.
    pub(crate) async fn next(
        &mut self,
        until: Option<Instant>,
        log: &mut EnvironmentLog,
    ) -> Happening {
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => return Happening::Said(event),
                Some(event) = self.extension_events.recv() => return Happening::ExtensionSaid(event),
                exit = exited(&mut self.process) => {
                    self.process = None;
                    self.drain(log);
                    log.finish_lines();
                    return Happening::Exited(exit);
                }
                news = self.programs.next(), if !self.programs.is_empty() => match news {
                    News::Started(..) => {}
                    News::Output(number, piece) => log.output(Source::Extension(number), &piece),
                    News::Exited(name, exit) => return Happening::ExtensionExited(name, exit),
                },
                () = readable(&self.stdout) => pass_on(&mut self.stdout, Source::Stdout, log),
                () = readable(&self.stderr) => pass_on(&mut self.stderr, Source::Stderr, log),
                () = self.alarm.reached(until) => return Happening::TimeIsUp,
            }
        }
    }

    /// Passes on all output written so far. What a process printed before it sent a request is in its pipe by now.
    pub(crate) fn drain(&mut self, log: &mut EnvironmentLog) {
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

    /// Ends every process and everything it started; returns when all of it is gone.
    pub(crate) async fn end(mut self, reason: ShutdownReason, log: &mut EnvironmentLog) {
        if !self.api.extensions.is_empty() {
            self.shut_down(reason, log).await;
        }
        self.kill_runtime(log).await;
        self.programs.kill_all_but(&[]);
        let deadline = Instant::now() + KILL_TIMEOUT;
        self.wait_for_programs(deadline, log).await;
        log.finish_lines();
    }

    /// Gives the processes the time to say good-bye that AWS gives them.
    async fn shut_down(&mut self, reason: ShutdownReason, log: &mut EnvironmentLog) {
        let extensions = Arc::clone(&self.api.extensions);
        let has_external = extensions.has_external();
        let began = Instant::now();
        let (runtimes_share, all) = if has_external {
            (RUNTIME_SHUTDOWN_TIMEOUT, EXTERNAL_SHUTDOWN_TIMEOUT)
        } else {
            (INTERNAL_SHUTDOWN_TIMEOUT, INTERNAL_SHUTDOWN_TIMEOUT)
        };
        self.thaw();
        if let Some(process) = &self.process {
            process.terminate();
        }
        while self.process.is_some() {
            if let Happening::TimeIsUp = self.next(Some(began + runtimes_share), log).await {
                break;
            }
        }
        self.kill_runtime(log).await;
        if !has_external {
            return;
        }
        let deadline = began + all;
        let telemetry = Arc::clone(&self.api.telemetry);
        tokio::spawn(async move { telemetry.flush(deadline).await });
        self.programs
            .kill_all_but(&extensions.shutdown_subscribers());
        let left = deadline.saturating_duration_since(Instant::now());
        extensions.deliver_shutdown(reason, now_ms() + milliseconds(left));
        self.wait_for_programs(deadline, log).await;
    }

    async fn wait_for_programs(&mut self, deadline: Instant, log: &mut EnvironmentLog) {
        while !self.programs.is_empty() {
            if let Happening::TimeIsUp = self.next(Some(deadline), log).await {
                return;
            }
        }
    }

    async fn kill_runtime(&mut self, log: &mut EnvironmentLog) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        // The process first: a runtime whose API vanished would complain in the log with its last breath.
        if tokio::time::timeout(KILL_TIMEOUT, process.kill())
            .await
            .is_err()
        {
            log.platform(
                "lambkin: a process does not die of SIGKILL; it is left to the operating system",
            );
        }
        self.drain(log);
        log.finish_lines();
    }
}

impl Drop for Life {
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
        handler: function.spec.handler.clone(),
        account_id: function.account.id.clone(),
    };
    if discovered.disabled_by.is_some() {
        return ExtensionRegistry::disabled(info);
    }
    let names = discovered.extensions.iter();
    ExtensionRegistry::new(names.map(|one| one.name.clone()).collect(), info)
}

fn serve(listener: tokio::net::TcpListener, api: Arc<SandboxApi>) -> AbortHandle {
    let server = tokio::spawn(async move {
        // Never cancelled: the server runs until it is aborted.
        let stop = CancellationToken::new();
        lambkin_http::serve(
            listener,
            IdleTimeout::Unlimited,
            stop,
            move |request, _peer| runtime_api::respond(request, Arc::clone(&api)),
        )
        .await;
    });
    server.abort_handle()
}

async fn exited(process: &mut Option<Process>) -> Exit {
    match process {
        Some(process) => process.exited().await,
        None => future::pending().await,
    }
}

async fn readable(output: &Option<Output>) {
    match output {
        Some(output) => output.readable().await,
        None => future::pending().await,
    }
}

fn pass_on(output: &mut Option<Output>, source: Source, log: &mut EnvironmentLog) {
    if let Some(output) = output {
        output.pass_on(|piece| log.output(source, piece));
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Tells when a time has come, with one timer for all times asked for one after the other.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Returns at `until`; never, without it. A timer set for an earlier time is left to go off and then set again, so
    /// that a thousand short calls in a row set it once.
    async fn reached(&mut self, until: Option<Instant>) {
        let Some(until) = until else {
            return future::pending().await;
        };
        let until = until.into();
        let timer = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().await;
        while tokio::time::Instant::now() < until {
            timer.as_mut().reset(until);
            timer.as_mut().await;
        }
    }
}
