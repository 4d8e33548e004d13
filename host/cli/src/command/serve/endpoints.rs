//! What callers and events reach functions through: the sockets, the services and the triggers.
//!
//! Sockets are bound first, so that a port in use is reported at once. Then the store is opened, then plugins are
//! loaded and configured.
//!
//! On failure of any plugin or setting, all mistakes are reported together and nothing is served.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, bail};
use lambkin_http::Listener;
use lambkin_trigger::TriggerSetter;
use lambkin_trigger::service_listener::ServiceListener;
use tokio::net::TcpListener;

use crate::args::GlobalArgs;
use crate::assembly::{self, Addresses, AuthorityFiles, Certificates, Plugins, Storage, Trigger};
use crate::command::port_holder::Holder;
use crate::config::{self, Config, full_name};
use crate::watch::OWN_ADDRESSES;

/// The sockets of a configuration, bound.
pub struct Sockets {
    invoke: TcpListener,
    /// In the order of the configuration's services.
    services: Vec<TcpListener>,
    /// In the order of the configuration's triggers; `None` for a trigger that does not listen.
    triggers: Vec<Option<TcpListener>>,
}

/// Everything that is ready to serve, with its sockets.
pub struct Endpoints {
    pub invoke: Listener,
    pub services: Vec<(ServiceListener, Listener)>,
    pub triggers: Vec<TriggerEndpoint>,
    /// The files of the local certificate authority, if a listener has a certificate of it.
    pub authority: Option<AuthorityFiles>,
    /// The services that can set triggers at run time.
    pub setters: Vec<TriggerSetter>,
    /// The outputs of a project's templates.
    pub outputs: Vec<(String, String)>,
}

/// A trigger with what it listens on.
pub struct TriggerEndpoint {
    pub trigger: Trigger,
    /// `None` if it does not listen, or if a trigger before it has the listener that they share.
    pub listener: Option<Listener>,
    /// Where its requests go, if it listens.
    pub url: Option<String>,
}

impl Sockets {
    /// Binds every socket of the configuration, with `free_ports` at ports that the operating system chooses. Triggers
    /// that share an address share the port.
    pub async fn bind(config: &Config, free_ports: bool) -> anyhow::Result<Self> {
        let chosen = |address: SocketAddr| match free_ports {
            true => SocketAddr::new(address.ip(), 0),
            false => address,
        };
        let invoke = bind("invoke.listen", chosen(config.invoke.listen)).await?;
        let mut services = Vec::new();
        for service in &config.services {
            let key = format!("services.{}.listen", service.name);
            services.push(bind(&key, chosen(service.listen)).await?);
        }
        let mut triggers = Vec::new();
        let mut bound = HashSet::new();
        for trigger in &config.triggers {
            triggers.push(match trigger.source.listen_address() {
                Some(address) if is_shared(address, &mut bound) => None,
                Some(address) => {
                    let key = format!("triggers.{}.listen", trigger.name);
                    Some(bind(&key, chosen(address)).await?)
                }
                None => None,
            });
        }
        Ok(Self {
            invoke,
            services,
            triggers,
        })
    }

    /// The addresses of the sockets.
    pub fn addresses(&self, config: &Config) -> std::io::Result<Addresses> {
        let services = self.services.iter().map(TcpListener::local_addr);
        // The sockets of triggers by their configured addresses, which several triggers can share.
        let mut shared = HashMap::new();
        let mut triggers = Vec::new();
        for (trigger, socket) in config.triggers.iter().zip(&self.triggers) {
            let configured = trigger.source.listen_address();
            let own = socket.as_ref().map(TcpListener::local_addr).transpose()?;
            if let (Some(configured), Some(own)) = (configured, own) {
                shared.insert(configured, own);
            }
            triggers.push(own.or_else(|| shared.get(&configured?).copied()));
        }
        Ok(Addresses {
            invoke: self.invoke.local_addr()?,
            services: services.collect::<Result<_, _>>()?,
            triggers,
        })
    }

    /// Loads and configures all plugins.
    pub async fn configure(
        self,
        global: &GlobalArgs,
        config: &Config,
        storage: Option<&Storage>,
        mut certificates: Certificates,
    ) -> anyhow::Result<Endpoints> {
        let all_triggers: Vec<_> = config.triggers.iter().collect();
        let plugins = Plugins::load(global, &config.services, &all_triggers).await?;
        let mut services = Vec::new();
        let mut triggers = Vec::new();
        let mut diagnostics = Vec::new();
        let invoke = certificates.listener(self.invoke, config.invoke.certificate.as_ref())?;
        for (service, socket) in config.services.iter().zip(self.services) {
            let listener = certificates.listener(socket, service.certificate.as_ref())?;
            match assembly::configure_service(&plugins, service, config, storage).await {
                Ok(service) => {
                    let allowlist = config.allowlist.clone();
                    services.push((ServiceListener { service, allowlist }, listener));
                }
                Err(found) => diagnostics.extend(found),
            }
        }
        let mut urls = HashMap::new();
        for (trigger, socket) in config.triggers.iter().zip(self.triggers) {
            let source = trigger.source.certificate();
            let listener = socket.map(|socket| certificates.listener(socket, source));
            let listener = listener.transpose()?;
            let url = url(trigger, listener.as_ref(), &mut urls)?;
            match assembly::configure_trigger(&plugins, trigger, config).await {
                Ok(trigger) => triggers.push(TriggerEndpoint {
                    trigger,
                    listener,
                    url,
                }),
                Err(found) => diagnostics.extend(found),
            }
        }
        if !diagnostics.is_empty() {
            bail!("{}", config.render(&diagnostics));
        }
        Ok(Endpoints {
            invoke,
            services,
            triggers,
            authority: certificates.files(),
            setters: assembly::trigger_setters(&plugins, config),
            outputs: Vec::new(),
        })
    }
}

/// Whether a trigger before this one has bound the address.
fn is_shared(address: SocketAddr, bound: &mut HashSet<SocketAddr>) -> bool {
    address.port() != 0 && !bound.insert(address)
}

/// The URL of a trigger, with its path prefix. `urls` has those of the listeners so far, by their configured addresses.
fn url(
    trigger: &config::Trigger,
    listener: Option<&Listener>,
    urls: &mut HashMap<SocketAddr, String>,
) -> std::io::Result<Option<String>> {
    let source = &trigger.source;
    let (Some(address), Some(place)) = (source.listen_address(), source.place()) else {
        return listener.map(Listener::url).transpose();
    };
    if let Some(listener) = listener {
        urls.insert(address, listener.url()?);
    }
    let url = urls.get(&address);
    Ok(url.map(|url| format!("{url}{}", place.path_prefix)))
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    lambkin_http::bind(address).await.with_context(|| {
        let holder = holder(address);
        format!(
            "cannot listen on {address}, which {key} asks for ({holder}; choose another one, or port 0 for any that is free)"
        )
    })
}

/// Who uses a port that cannot be used, in words.
pub fn holder(address: SocketAddr) -> String {
    Holder::of(address).map_or_else(
        || "another program may be using the port".to_owned(),
        |Holder { pid, name }| format!("the program {name}, process {pid}, uses the port"),
    )
}

/// Tries every address that [`Sockets::bind`] would bind, and releases it. Returns what is wrong with each that cannot
/// be bound, except where this configuration is being served there, which is a note.
pub async fn try_addresses(config: &Config, path: &Path) -> (Vec<String>, Vec<String>) {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let own = std::env::var(OWN_ADDRESSES).unwrap_or_default();
    let mut bound = HashSet::new();
    for (key, address) in addresses(config) {
        if is_shared(address, &mut bound) {
            continue;
        }
        if own.split(' ').any(|own| own == address.to_string()) {
            continue;
        }
        let Err(error) = bind(&key, address).await else {
            continue;
        };
        match Holder::of(address).filter(|holder| holder.serves(path)) {
            Some(Holder { pid, .. }) => notes.push(format!(
                "{key}: {address} is used by `lambkin serve` of this configuration, process {pid}"
            )),
            None => problems.push(format!("{error:#}")),
        }
    }
    (problems, notes)
}

/// All addresses in the configuration with their keys.
pub fn addresses(config: &Config) -> Vec<(String, SocketAddr)> {
    let mut addresses = vec![("invoke.listen".to_owned(), config.invoke.listen)];
    for service in &config.services {
        addresses.push((format!("services.{}.listen", service.name), service.listen));
    }
    for trigger in &config.triggers {
        if let Some(address) = trigger.source.listen_address() {
            addresses.push((format!("triggers.{}.listen", trigger.name), address));
        }
    }
    for function in &config.functions {
        if let Some(debug) = function.debug {
            let address = (Ipv4Addr::LOCALHOST, debug.port).into();
            addresses.push((format!("functions.{}.debug", full_name(function)), address));
        }
    }
    addresses
}
