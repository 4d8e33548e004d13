//! `lambkin serve`: runs everything in the configuration until a signal comes.
//!
//! All sockets are bound before the ready line is printed, so a program that reads it can connect. The first SIGINT or
//! SIGTERM stops accepting and lets requests under way finish for up to [`GRACE`]; a second one ends the wait. In both
//! cases all processes of functions have ended before the program does. A signal before the ready line ends the program
//! at once.
//!
//! With `--watch`, a change of the configuration or of a plugin's file ends everything in the same way, and then starts
//! it again.

mod endpoints;
mod ready;

pub use endpoints::try_addresses;

use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use lambkin_invoke_api::emulator::rie;
use lambkin_lambda::{Entry, Lambda, Log, LogStyle, Versions};
use lambkin_trigger::folder_watcher::FolderWatcher;
use lambkin_trigger::{Tasks, TriggerContext, TriggerStore};
use tokio::sync::Notify;

use super::signals::Signals;
use crate::args::{Compat, GlobalArgs, Serve};
use crate::assembly::{self, Certificates, Storage, Urls};
use crate::config::{Choices, Config, FunctionInputs, full_name};
use crate::messages;
use crate::watch::{self, Configuration, Watched};
use endpoints::{Endpoints, Sockets, TriggerEndpoint};

/// How long requests under way may take after the first signal.
const GRACE: Duration = Duration::from_secs(10);

/// How long bringing the last changes of objects to the disk may take. What is left, the next host does.
const SYNCHRONIZATION_GRACE: Duration = Duration::from_secs(2);

/// How long requests to services may take after all callers have stopped. Clients of queues wait for messages for up to
/// 20 seconds, and repeat a request that was not answered.
const SERVICE_GRACE: Duration = Duration::from_secs(1);

/// Serves until a signal comes.
pub async fn run(global: &GlobalArgs, args: &Serve) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    // A task of its own, so that a signal ends it whatever it is doing. Nothing of it outlives the program.
    let setup = tokio::spawn(set_up(global.clone(), args.clone()));
    let (config, log, storage, endpoints) = tokio::select! {
        ready = setup => ready.context("the set-up failed")??,
        () = signals.received() => return Ok(ExitCode::SUCCESS),
    };
    let asynchronous = assembly::asynchronous(&config, storage.as_ref());
    let lambda = assembly::lambda(&config, &log).with_asynchronous(asynchronous.clone());
    let debuggers = open_debug_ports(&lambda)?;
    warn(&config, &endpoints.triggers);
    messages::print_notes(&debuggers);
    let restart = Arc::new(Notify::new());
    watch_files(global, args, &config, &lambda, &log, &restart)?;

    ready::announce(args.json, &config, &endpoints)?;
    let mut services = Tasks::new();
    let mut callers = Tasks::new();
    let invoke = endpoints.invoke;
    let allowlist = &config.allowlist;
    match args.compat {
        None | Some(Compat::Sam | Compat::Offline) => callers.spawn(|stop| {
            lambkin_invoke_api::serve(invoke, allowlist.clone(), stop, lambda.clone())
        }),
        Some(Compat::Rie) => {
            callers.spawn(|stop| rie::serve(invoke, allowlist.clone(), stop, lambda.clone()))
        }
    }
    callers.spawn(|stop| asynchronous.serve(lambda.clone(), stop));
    for (service, listener) in endpoints.services {
        services.spawn(|stop| service.serve(listener, stop));
    }
    if let Some(storage) = &storage {
        spawn_storage(&mut services, storage, &config);
    }
    let objects = storage.as_ref().map(|storage| storage.objects.clone());
    let store = storage.map(|storage| TriggerStore {
        queues: storage.queues,
        objects: storage.objects,
        cursors: storage.cursors,
    });
    let mut context = TriggerContext::new(&mut callers, lambda.clone(), allowlist.clone(), store);
    for endpoint in endpoints.triggers {
        let configured = endpoint.trigger.configured;
        configured.spawn(&mut context, endpoint.listener);
    }
    context.start(endpoints.setters, config.account.clone());
    lambda.start_provisioned();
    let restarts = tokio::select! {
        () = signals.received() => false,
        () = restart.notified() => true,
    };
    shut_down(callers, services, &lambda, &mut signals).await;
    if let Some(objects) = objects {
        let _ = tokio::time::timeout(SYNCHRONIZATION_GRACE, objects.synchronize()).await; // errors were logged
    }
    log.flush();
    if restarts {
        return Err(start_anew().context("cannot start lambkin again"));
    }
    Ok(ExitCode::SUCCESS)
}

/// How the configuration is read.
fn choices(global: &GlobalArgs, args: &Serve) -> Choices {
    let mut choices = global.choices(args.sandbox);
    choices.project.ports = args.compat.map(Compat::ports).unwrap_or_default();
    choices
}

/// Reads the configuration, binds the sockets, opens the store, and loads and configures the plugins, which may have to
/// be compiled.
async fn set_up(
    global: GlobalArgs,
    args: Serve,
) -> anyhow::Result<(Config, Log, Option<Storage>, Endpoints)> {
    let mut config = assembly::read_config(&global, &choices(&global, &args)).await?;
    if args.no_freeze {
        for function in &mut config.functions {
            function.lifecycle.freeze = false;
        }
    }
    let debugged = config.debug(&args.debug, args.debug_wait, &global.config);
    debugged.map_err(anyhow::Error::msg)?;
    let notes = assembly::choose_sandboxes(&mut config, args.sandbox).await?;
    config.notes.extend(notes);
    let sockets = Sockets::bind(&config, args.free_ports).await?;
    let addresses = sockets.addresses(&config)?;
    let mut certificates = Certificates::new(&config);
    assembly::offer_listeners(&mut config, &addresses, certificates.variables()?);
    // Before the store and the cache of plugins are opened, which may have warnings.
    let log = messages::start_log(LogStyle::default())?;
    let storage = Storage::open(&config).await?;
    let outputs = assembly::outputs(&config, &Urls::new(&config, &addresses));
    let endpoints = sockets
        .configure(&global, &config, storage.as_ref(), certificates)
        .await?;
    let endpoints = Endpoints {
        outputs,
        ..endpoints
    };
    Ok((config, log, storage, endpoints))
}

/// Replaces this process by one with the same command line, which reads the configuration anew. The process id, standard
/// input and outputs stay; everything else is closed. Returns only if that fails.
fn start_anew() -> anyhow::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error.into(),
    };
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments).exec().into()
}

/// Spawns what a store does besides answering requests: moving messages between queues, and watching the folders of
/// buckets.
fn spawn_storage(tasks: &mut Tasks, storage: &Storage, config: &Config) {
    let queues = storage.queues.clone();
    tasks.spawn(|stop| async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = queues.maintain() => {}
        }
    });
    for bucket in &config.buckets {
        if let Some(folder) = &bucket.folder {
            let watcher = FolderWatcher {
                bucket: bucket.name.clone(),
                folder: folder.clone(),
                objects: storage.objects.clone(),
            };
            tasks.spawn(|stop| watcher.serve(stop));
        }
    }
}

/// Opens the ports at which debuggers attach, and says which they are.
fn open_debug_ports(lambda: &Lambda) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    for function in lambda.all_versions().flat_map(Versions::all) {
        let opened = function.open_debug_port();
        let opened = opened.with_context(|| {
            let (name, debug) = (full_name(function.spec()), function.spec().debug);
            let port = debug.map_or(0, |debug| debug.port);
            let holder = endpoints::holder((Ipv4Addr::LOCALHOST, port).into());
            format!(
                "cannot listen at 127.0.0.1:{port} for the debugger of function {name} ({holder}); name another port with \
                 `debug` in lambkin.toml or --debug {name}=PORT"
            )
        })?;
        let name = full_name(function.spec());
        notes.extend(opened.map(|address| {
            let start = match function.spec().code.entry {
                Entry::Image(_) => {
                    "passes a debugger on to the one that the image starts at `{debug-port}`"
                }
                _ => "takes a debugger when the function is started, which its first call does",
            };
            format!("function {name}: {address} {start}")
        }));
    }
    Ok(notes)
}

fn watch_files(
    global: &GlobalArgs,
    args: &Serve,
    config: &Config,
    lambda: &Lambda,
    log: &Log,
    restart: &Arc<Notify>,
) -> anyhow::Result<()> {
    let project = watch::project_of(global.config.parent().unwrap_or(Path::new("")));
    let wanted = |inputs: &FunctionInputs| args.watch || (inputs.watch && !args.no_watch);
    let mut watch = Vec::new();
    for (spec, inputs) in config.functions.iter().zip(&config.function_inputs) {
        if wanted(inputs)
            && let Some(function) = lambda.function(&full_name(spec))
        {
            let function = Arc::clone(function);
            watch.push(Watched::new(function, inputs.clone(), project.clone())?);
        }
    }
    // A project is watched as its functions are.
    let is_project = config.project.is_some() && !args.no_watch;
    let configuration = (args.watch || is_project).then(|| {
        let addresses = endpoints::addresses(config).into_iter();
        let addresses = addresses.map(|(_key, address)| address).collect();
        Configuration::new(global, config, args.sandbox, addresses, Arc::clone(restart))
    });
    let (path, choices) = (global.config.clone(), choices(global, args));
    let guessed = config.guessed_from.clone();
    let anew = watch::Anew {
        guessed: guessed.map(|handler| (handler, path.clone())),
        restart: Arc::clone(restart),
        is_possible: Box::new(move || Config::read_or_guess(&path, &choices).is_ok()),
    };
    watch::start(watch, configuration, Some(anew), log.clone())
}

fn warn(config: &Config, triggers: &[TriggerEndpoint]) {
    messages::print_notes(&config.notes);
    for function in &config.functions {
        if let Err(error) = function.check_program() {
            eprintln!("warning: function {}: {error}", full_name(function));
        }
    }
    for problem in &config.problems {
        eprintln!("warning: {problem}");
    }
    for TriggerEndpoint { trigger, .. } in triggers {
        for warning in assembly::warnings(trigger) {
            eprintln!("warning: {warning}");
        }
    }
}

/// Stops the callers of functions first and the services last, because a function that is finishing may call a service.
async fn shut_down(
    mut callers: Tasks,
    mut services: Tasks,
    lambda: &Lambda,
    signals: &mut Signals,
) {
    // The tasks are moved into this future, so that dropping it aborts those that are still running.
    let end = async move {
        callers.stop().await;
        let _ = tokio::time::timeout(SERVICE_GRACE, services.stop()).await; // the rest is aborted
    };
    tokio::select! {
        () = end => {}
        () = tokio::time::sleep(GRACE) => tracing::warn!("dropping the requests that are still under way after {GRACE:?}"),
        () = signals.received() => {}
    }
    lambda.close().await;
}
