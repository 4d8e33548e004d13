//! What stands in front of the functions: sockets first, so that a port that is taken is told at once, then plugins.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use lambkin_trigger::service_listener::ServiceListener;
use tokio::net::TcpListener;

use crate::args::GlobalArgs;
use crate::assembly::{self, Joined, Plugins, Storage};
use crate::config::{Config, Feed};

/// Every socket of the configuration, each list in its order.
pub struct Sockets {
    invoke: TcpListener,
    services: Vec<TcpListener>,
    /// `None` for a trigger that does not listen.
    triggers: Vec<Option<TcpListener>>,
}

/// What stands in front of the functions, with its sockets.
pub struct Fronts {
    pub services: Vec<(ServiceListener, TcpListener)>,
    pub triggers: Vec<(Joined, Option<TcpListener>)>,
}

impl Sockets {
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        let invoke = bind("invoke.listen", config.invoke_listen).await?;
        let mut services = Vec::new();
        for service in &config.services {
            let key = format!("services.{}.listen", service.name);
            services.push(bind(&key, service.listen).await?);
        }
        let mut triggers = Vec::new();
        for trigger in &config.triggers {
            triggers.push(match &trigger.feed {
                Feed::Listen(address) => {
                    let key = format!("triggers.{}.listen", trigger.name);
                    Some(bind(&key, *address).await?)
                }
                _ => None,
            });
        }
        Ok(Self {
            invoke,
            services,
            triggers,
        })
    }

    /// The services' addresses.
    pub fn services(&self) -> std::io::Result<Vec<SocketAddr>> {
        self.services.iter().map(TcpListener::local_addr).collect()
    }

    /// Loads and configures every plugin. All that is wrong is told at once.
    pub async fn open(
        self,
        global: &GlobalArgs,
        config: &Config,
        storage: Option<&Storage>,
    ) -> anyhow::Result<(TcpListener, Fronts)> {
        let triggers: Vec<_> = config.triggers.iter().collect();
        let plugins = Plugins::load(global, &config.services, &triggers).await?;
        let mut fronts = Fronts {
            services: Vec::new(),
            triggers: Vec::new(),
        };
        let mut problems = Vec::new();
        for (service, listener) in config.services.iter().zip(self.services) {
            match assembly::configure_service(&plugins, service, config, storage).await {
                Ok(service) => fronts
                    .services
                    .push((ServiceListener { service }, listener)),
                Err(found) => problems.extend(found),
            }
        }
        for (trigger, listener) in config.triggers.iter().zip(self.triggers) {
            match assembly::configure_trigger(&plugins, trigger, config).await {
                Ok(joined) => fronts.triggers.push((joined, listener)),
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            bail!("{}", config.render(&problems));
        }
        Ok((self.invoke, fronts))
    }
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    lambkin_http::bind(address).await.with_context(|| {
        format!(
            "can not listen on {address}, which {key} asks for (another program may have the port; \
             choose another one, or port 0 for any that is free)"
        )
    })
}
