//! `lambkin serve`: everything in the configuration, until it is told to stop.
//!
//! All sockets are bound before anything is said, so that whoever reads the ready line can connect. The first SIGINT or
//! SIGTERM stops accepting and lets requests under way finish for up to [`GRACE`]; a second one does not wait.
//! Either way every process is gone before the program ends.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use lambkin_http::{Stop, StopSignal};
use lambkin_lambda::compat::rie;
use lambkin_lambda::{Lambda, Log, invoke_api};
use lambkin_plugin::HttpTrigger;
use lambkin_trigger::http::HttpFrontDoor;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::args::{Compat, Place, Serve};
use crate::config::{Config, Origin, full_name};
use crate::host;
use crate::watch::{self, Watched};

/// How long requests under way may take after the first signal.
const GRACE: Duration = Duration::from_secs(10);

/// A trigger and its socket.
struct Door {
    plugin: String,
    listener: TcpListener,
    trigger: HttpTrigger,
}

/// Runs until a signal comes.
pub async fn run(place: &Place, args: &Serve) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let mut config = Config::read(&place.config)?;
    if args.no_freeze {
        for function in &mut config.functions {
            function.lifecycle.freeze = false;
        }
    }
    let config = Arc::new(config);
    let invoke = bind("invoke.listen", config.invoke_listen).await?;
    let doors = open_doors(place, &config).await?;
    let log = Log::to_stderr()?;
    let asynchronous = host::asynchronous(&config);
    let lambda = host::lambda(&config, &log).with_asynchronous(asynchronous.clone());
    warn_of_missing_bootstraps(&config);
    watch_functions(args, &config, &lambda, &log)?;

    announce(args.json, &config, &invoke, &doors)?;
    let (stop, signal) = StopSignal::new();
    let mut servers = JoinSet::new();
    match args.compat {
        None => servers.spawn(invoke_api::serve(invoke, signal.clone(), lambda.clone())),
        Some(Compat::Rie) => servers.spawn(rie::serve(invoke, signal.clone(), lambda.clone())),
    };
    servers.spawn(asynchronous.serve(lambda.clone(), signal.clone()));
    for door in doors {
        let front = HttpFrontDoor {
            plugin: door.trigger,
            lambda: lambda.clone(),
        };
        servers.spawn(front.serve(door.listener, signal.clone()));
    }
    lambda.start_provisioned();
    signals.received().await;
    shut_down(&stop, servers, &lambda, &mut signals).await;
    log.flush();
    Ok(ExitCode::SUCCESS)
}

async fn open_doors(place: &Place, config: &Arc<Config>) -> anyhow::Result<Vec<Door>> {
    if config.triggers.is_empty() {
        return Ok(Vec::new());
    }
    let mut listeners = Vec::new();
    for trigger in &config.triggers {
        listeners.push(bind(&format!("triggers.{}.listen", trigger.name), trigger.listen).await?);
    }
    let plugins = host::plugin_host(place)?;
    let loaded = host::http_triggers(&plugins, config).await;
    let mut doors = Vec::new();
    for ((configured, listener), trigger) in config.triggers.iter().zip(listeners).zip(loaded) {
        doors.push(Door {
            plugin: configured.plugin.name(),
            listener,
            trigger: trigger?,
        });
    }
    Ok(doors)
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    lambkin_http::bind(address).await.with_context(|| {
        format!(
            "can not listen on {address}, which {key} asks for (another program may have the port; \
             choose another one, or port 0 for any that is free)"
        )
    })
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

fn warn_of_missing_bootstraps(config: &Config) {
    for function in &config.functions {
        if let Err(error) = function.code.check(&function.layers) {
            eprintln!("warning: function {}: {error}", full_name(function));
        }
    }
}

fn announce(
    json: bool,
    config: &Config,
    invoke: &TcpListener,
    doors: &[Door],
) -> anyhow::Result<()> {
    let url = |listener: &TcpListener| anyhow::Ok(format!("http://{}", listener.local_addr()?));
    let mut out = std::io::stdout().lock();
    if json {
        let mut triggers = serde_json::Map::new();
        for door in doors {
            triggers.insert(door.trigger.name().to_owned(), url(&door.listener)?.into());
        }
        let ready =
            serde_json::json!({ "event": "ready", "invoke": url(invoke)?, "triggers": triggers });
        writeln!(out, "{ready}")?;
    } else {
        let functions: Vec<&str> = config.function_names().collect();
        let names = if functions.is_empty() {
            "no functions".to_owned()
        } else {
            functions.join(", ")
        };
        writeln!(out, "invoke API  {}  ({names})", url(invoke)?)?;
        for door in doors {
            writeln!(
                out,
                "trigger {}  {}  ({})",
                door.trigger.name(),
                url(&door.listener)?,
                door.plugin
            )?;
            for line in door.trigger.summary() {
                writeln!(out, "    {line}")?;
            }
        }
    }
    Ok(out.flush()?)
}

async fn shut_down(stop: &Stop, mut servers: JoinSet<()>, lambda: &Lambda, signals: &mut Signals) {
    stop.stop();
    tokio::select! {
        () = async { while servers.join_next().await.is_some() {} } => {}
        () = tokio::time::sleep(GRACE) => tracing::warn!("requests still under way after {GRACE:?} are dropped"),
        () = signals.received() => {}
    }
    servers.abort_all();
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
