//! The URLs of listeners, and the variables of functions that have them in their values (`url-variables`).
//!
//! Without bound sockets, as for `lambkin invoke`, the URLs are those of the configured addresses, at which `lambkin serve`
//! may be running.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use lambkin_http::CertificateSource;
use lambkin_project::local_url::{Part, Target, parts};

use crate::config::{Config, PluginSource, Service, UrlOf};

/// The built-in plugin at whose services queues have URLs.
const QUEUE_SERVICE: &str = "sqs";

/// The addresses of all listeners.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// That of the Invoke API.
    pub invoke: SocketAddr,
    /// In the order of the configuration's services.
    pub services: Vec<SocketAddr>,
    /// In the order of the configuration's triggers; `None` for one that does not listen.
    pub triggers: Vec<Option<SocketAddr>>,
}

impl Addresses {
    /// The configured ones.
    pub fn configured(config: &Config) -> Self {
        let triggers = config.triggers.iter();
        Self {
            invoke: config.invoke.listen,
            services: config.services.iter().map(|one| one.listen).collect(),
            triggers: triggers.map(|one| one.source.listen_address()).collect(),
        }
    }
}

/// The URLs of a configuration.
#[derive(Debug)]
pub struct Urls {
    /// The URL below which queues are, if there is one.
    queues: Option<String>,
    services: BTreeMap<String, String>,
    triggers: BTreeMap<String, String>,
}

impl Urls {
    /// The URLs of the listeners at these addresses.
    pub fn new(config: &Config, addresses: &Addresses) -> Self {
        let mut queues = None;
        let mut services = BTreeMap::new();
        for (service, address) in config.services.iter().zip(&addresses.services) {
            let url = service_url(service, *address);
            let is_sqs = |plugin: &PluginSource| matches!(plugin, PluginSource::BuiltIn(name) if name == QUEUE_SERVICE);
            if is_sqs(&service.section.plugin) {
                queues.get_or_insert_with(|| format!("{url}/{}", config.account.id));
            }
            services.insert(service.name.clone(), url);
        }
        let mut triggers = BTreeMap::new();
        for (trigger, address) in config.triggers.iter().zip(&addresses.triggers) {
            let Some(address) = *address else {
                continue;
            };
            let url = url_of(scheme(trigger.source.certificate()), address);
            let prefix = trigger
                .source
                .place()
                .map_or("", |place| &place.path_prefix);
            triggers.insert(trigger.name.clone(), format!("{url}{prefix}"));
        }
        Self {
            queues,
            services,
            triggers,
        }
    }

    /// The URL of a section.
    pub fn get(&self, of: &UrlOf) -> Option<String> {
        match of {
            UrlOf::Queue(name) => Some(format!("{}/{name}", self.queues.as_ref()?)),
            UrlOf::Service(name) => self.services.get(name).cloned(),
            UrlOf::Trigger(name) => self.triggers.get(name).cloned(),
            UrlOf::Socket(name) => {
                // `http` becomes `ws`, `https` becomes `wss`.
                let rest = self.triggers.get(name)?.strip_prefix("http")?;
                Some(format!("ws{rest}"))
            }
        }
    }
}

/// The outputs of the project's templates, with local URLs in them.
pub fn outputs(config: &Config, urls: &Urls) -> Vec<(String, String)> {
    let outputs = config.project.iter().flat_map(|project| &project.outputs);
    let resolved = outputs.filter_map(|output| {
        let text = output.value.as_text()?;
        let parts = parts(&text).into_iter().map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Url(target, name) => urls.get(&url_of_target(target, name)).unwrap_or_default(),
        });
        Some((output.name.clone(), parts.collect()))
    });
    resolved.collect()
}

fn url_of_target(target: Target, name: &str) -> UrlOf {
    let name = name.to_owned();
    match target {
        Target::Queue => UrlOf::Queue(name),
        Target::Trigger => UrlOf::Trigger(name),
        Target::Socket => UrlOf::Socket(name),
        Target::Service => UrlOf::Service(name),
    }
}

/// Gives functions the variables that have URLs in them.
pub fn set_url_variables(config: &mut Config, urls: &Urls) {
    let functions = config.functions.iter_mut().zip(&mut config.function_inputs);
    for (spec, inputs) in functions {
        let resolved = inputs.url_variables.iter();
        let resolved: BTreeMap<String, String> = resolved
            .map(|(name, text)| (name.clone(), text.resolve(|of| urls.get(of))))
            .collect();
        if resolved.is_empty() {
            continue;
        }
        let mut variables = spec.variables.get();
        variables.extend(resolved.clone());
        spec.variables.replace(variables);
        inputs.variables.urls = resolved;
    }
}

/// The URL of a service.
pub fn service_url(service: &Service, address: SocketAddr) -> String {
    url_of(scheme(service.certificate.as_ref()), address)
}

/// The scheme of a listener.
pub fn scheme(certificate: Option<&CertificateSource>) -> &'static str {
    match certificate {
        Some(_) => "https",
        None => "http",
    }
}

/// The URL at which a client on this machine reaches a listener.
pub fn url_of(scheme: &str, address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
        account = '111122223333'
        [functions.f]
        code = '/'
        environment = { A = 'own', B = 'b' }
        url-variables = { A = '{trigger:web}/x', Q = '{queue:orders}', S = '{service:sqs}', W = '{socket:web}/x' }
        [queues.orders]
        [services.sqs]
        plugin = 'sqs'
        listen = '127.0.0.1:0'
        queues = ['*']
        [triggers.web]
        plugin = 'api-gateway-http'
        listen = '0.0.0.0:0'
        path-prefix = '/v1'
        routes = { '$default' = 'f' }
    ";

    #[test]
    fn variables_have_the_urls_of_bound_listeners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lambkin.toml");
        std::fs::write(&path, CONFIG).unwrap();
        let mut config = Config::read(&path).unwrap();
        let [sqs, web, invoke] =
            ["127.0.0.1:1", "0.0.0.0:2", "127.0.0.1:3"].map(|it| it.parse().unwrap());
        let addresses = Addresses {
            invoke,
            services: vec![sqs],
            triggers: vec![Some(web)],
        };
        let urls = Urls::new(&config, &addresses);
        set_url_variables(&mut config, &urls);
        let expected = [
            ("A", "http://127.0.0.1:2/v1/x"),
            ("B", "b"),
            ("Q", "http://127.0.0.1:1/111122223333/orders"),
            ("S", "http://127.0.0.1:1"),
            ("W", "ws://127.0.0.1:2/v1/x"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let spec = config.functions.first().unwrap();
        assert_eq!(spec.variables.get(), BTreeMap::from(expected.clone()));
        // A reload reads the same.
        let inputs = config.function_inputs.first().unwrap();
        assert_eq!(inputs.variables.read().0, BTreeMap::from(expected));
    }

    #[test]
    fn every_listener_has_a_url_that_clients_can_use() {
        for (address, url) in [
            ("127.0.0.1:9324", "http://127.0.0.1:9324"),
            ("0.0.0.0:9324", "http://127.0.0.1:9324"),
            ("[::]:9324", "http://[::1]:9324"),
            ("192.0.2.7:80", "http://192.0.2.7:80"),
        ] {
            assert_eq!(url_of("http", address.parse().unwrap()), url);
        }
    }
}
