//! `lambkin serve`: everything in the configuration, until it is told to stop.
//!
//! All sockets are bound before anything is said, so that whoever reads the ready line can connect. The first SIGINT or
//! SIGTERM stops accepting and lets requests under way finish for up to [`GRACE`]; a second one does not wait.
//! Either way every process is gone before the program ends.

mod fronts;
mod ready;
mod servers;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lambkin_lambda::compat::rie;
use lambkin_lambda::{Lambda, Log, LogStyle, invoke_api};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::{Compat, GlobalArgs, Serve};
use crate::assembly::{self, Storage};
use crate::config::{Config, Origin, full_name};
use crate::messages;
use crate::watch::{self, Watched};
use fronts::{Fronts, Sockets};
use servers::Servers;

/// How long requests under way may take after the first signal.
const GRACE: Duration = Duration::from_secs(10);

/// How long requests to services may take when nothing else is left. Clients wait for messages for up to 20 seconds there,
/// and ask again if they get no answer.
const SERVICE_GRACE: Duration = Duration::from_secs(1);

/// Runs until a signal comes.
pub async fn run(global: &GlobalArgs, args: &Serve) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let mut config = Config::read(&global.config)?;
    if args.no_freeze {
        for function in &mut config.functions {
            function.lifecycle.freeze = false;
        }
    }
    let sockets = Sockets::bind(&config).await?;
    assembly::offer_services(&mut config, &sockets.services()?);
    let storage = Storage::open(&config).await?;
    let (invoke, fronts) = sockets.open(global, &config, storage.as_ref()).await?;
    let log = messages::start_log(LogStyle::default())?;
    let asynchronous = assembly::asynchronous(&config, storage.as_ref());
    let lambda = assembly::lambda(&config, &log).with_asynchronous(asynchronous.clone());
    warn(&config, &fronts);
    watch_functions(args, &config, &lambda, &log)?;

    ready::announce(args.json, &config, &invoke, &fronts)?;
    let mut services = Servers::new();
    let mut callers = Servers::new();
    match args.compat {
        None => callers.spawn(|stop| invoke_api::serve(invoke, stop, lambda.clone())),
        Some(Compat::Rie) => callers.spawn(|stop| rie::serve(invoke, stop, lambda.clone())),
    }
    callers.spawn(|stop| asynchronous.serve(lambda.clone(), stop));
    for (service, listener) in fronts.services {
        services.spawn(|stop| service.serve(listener, stop));
    }
    if let Some(storage) = &storage {
        services.spawn_storage(storage, &config);
    }
    callers.spawn_triggers(fronts.triggers, storage.as_ref(), &lambda);
    lambda.start_provisioned();
    signals.received().await;
    shut_down(callers, services, &lambda, &mut signals).await;
    log.flush();
    Ok(ExitCode::SUCCESS)
}

fn watch_functions(
    args: &Serve,
    config: &Config,
    lambda: &Lambda,
    log: &Log,
) -> anyhow::Result<()> {
    let wanted = |origin: &Origin| args.watch || (origin.watch && !args.no_watch);
    let mut watch = Vec::new();
    for (spec, origin) in config.functions.iter().zip(&config.origins) {
        if wanted(origin)
            && let Some(function) = lambda.function(&full_name(spec))
        {
            watch.push(Watched::new(Arc::clone(function), origin.clone())?);
        }
    }
    watch::start(watch, log.clone())
}

fn warn(config: &Config, fronts: &Fronts) {
    for function in &config.functions {
        if let Err(error) = function.code.check(&function.layers) {
            eprintln!("warning: function {}: {error}", full_name(function));
        }
    }
    for (trigger, _) in &fronts.triggers {
        if let Some(warning) = assembly::warning(trigger, config) {
            eprintln!("warning: {warning}");
        }
    }
}

/// Services are stopped when their callers are done: a function that finishes may still want to call one.
async fn shut_down(
    mut callers: Servers,
    mut services: Servers,
    lambda: &Lambda,
    signals: &mut Signals,
) {
    // It owns them: what still runs when it is given up is aborted.
    let end = async move {
        callers.end().await;
        let _dropped = tokio::time::timeout(SERVICE_GRACE, services.end()).await;
    };
    tokio::select! {
        () = end => {}
        () = tokio::time::sleep(GRACE) => tracing::warn!("requests still under way after {GRACE:?} are dropped"),
        () = signals.received() => {}
    }
    lambda.close().await;
}

/// SIGINT and SIGTERM.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
