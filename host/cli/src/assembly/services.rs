//! Services: their plugins, configured with their grants, and the variables by which functions find them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use lambkin_lambda::FunctionSpec;
use lambkin_plugin::{Grant, Service, ServiceSetup};

use super::plugins::{Plugins, diagnostics_of};
use super::storage::Storage;
use crate::config::{self, Config, Diagnostic};

/// Credentials that every service accepts. Without any, SDKs refuse to send a request.
const CREDENTIALS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
];

/// Variables that lead a function's SDK to other credentials, over which [`CREDENTIALS`] would take precedence.
const OWN_CREDENTIALS: [&str; 4] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// Configures a service's plugin, which checks its settings. Without a store, as in `lambkin check`, the service cannot
/// answer requests.
pub async fn configure_service(
    plugins: &Plugins,
    service: &config::Service,
    config: &Config,
    storage: Option<&Storage>,
) -> Result<Service, Vec<Diagnostic>> {
    let plugin = plugins.of(&service.section).map_err(|error| vec![error])?;
    let setup = ServiceSetup {
        settings: service.section.settings.clone(),
        region: config.account.region.clone(),
        account: config.account.id.clone(),
        queues: grant(&service.queues, storage.map(|storage| &storage.queues)),
        buckets: grant(&service.buckets, storage.map(|storage| &storage.objects)),
    };
    let configured = plugin.service(&service.name, setup).await;
    configured.map_err(|error| diagnostics_of(error, &service.section))
}

fn grant<T: Clone>(names: &Option<Vec<String>>, store: Option<&T>) -> Option<Grant<T>> {
    Some(Grant {
        store: store?.clone(),
        names: names.clone()?,
    })
}

/// Sets the variables by which functions find the services. The addresses are in the order of the configuration.
pub fn offer_services(config: &mut Config, addresses: &[SocketAddr]) {
    let [(key_id, _), _] = CREDENTIALS;
    let has_shell_credentials = std::env::var_os(key_id).is_some_and(|value| !value.is_empty());
    offer(config, addresses, has_shell_credentials);
}

/// `has_shell_credentials`: functions inherit credentials from the shell that Lambkin was started in.
fn offer(config: &mut Config, addresses: &[SocketAddr], has_shell_credentials: bool) {
    let services = config.services.iter().zip(addresses);
    let endpoints: BTreeMap<String, String> = services
        .map(|(service, address)| (service.variable(), url_of(*address)))
        .collect();
    if endpoints.is_empty() {
        return;
    }
    for (spec, inputs) in config.functions.iter_mut().zip(&config.function_inputs) {
        if !inputs.service_endpoints {
            continue;
        }
        spec.default_variables = endpoints.clone();
        if !has_shell_credentials && !has_credentials(spec) {
            let credentials = CREDENTIALS.map(|(key, value)| (key.to_owned(), value.to_owned()));
            spec.default_variables.extend(credentials);
        }
    }
}

fn has_credentials(spec: &FunctionSpec) -> bool {
    let own = spec.variables.get();
    OWN_CREDENTIALS.iter().any(|key| own.contains_key(*key))
}

/// The URL at which a client on this machine reaches a listener.
pub fn url_of(address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
        [functions.plain]
        code = '/'
        [functions.plain.versions.1]
        [functions.alone]
        code = '/'
        service-endpoints = false
        [functions.known]
        code = '/'
        environment = { AWS_PROFILE = 'work' }
        [services.sqs]
        plugin = 'sqs'
        listen = '127.0.0.1:0'
    ";

    /// The variables that are set for each function.
    fn offered(text: &str, has_shell_credentials: bool) -> Vec<(String, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lambkin.toml");
        std::fs::write(&path, text).unwrap();
        let mut config = Config::read(&path).unwrap();
        offer(
            &mut config,
            &["127.0.0.1:9324".parse().unwrap()],
            has_shell_credentials,
        );
        let functions = config.functions.iter().map(|spec| {
            let variables = spec.default_variables.iter();
            let variables = variables.map(|(key, value)| format!("{key}={value}"));
            (config::full_name(spec), variables.collect())
        });
        functions.collect()
    }

    #[test]
    fn functions_find_services_unless_they_opt_out() {
        let url = "AWS_ENDPOINT_URL_SQS=http://127.0.0.1:9324";
        let test = ["AWS_ACCESS_KEY_ID=test", url, "AWS_SECRET_ACCESS_KEY=test"];
        let own = |name: &str, variables: &[&str]| {
            let variables = variables.iter().map(|variable| (*variable).to_owned());
            (name.to_owned(), variables.collect::<Vec<_>>())
        };
        assert_eq!(
            offered(CONFIG, false),
            [
                own("alone", &[]),
                own("known", &[url]),
                own("plain", &test),
                own("plain:1", &test)
            ]
        );
        assert_eq!(offered(CONFIG, true)[2], own("plain", &[url]));
        let text = format!("service-endpoints = false\n{CONFIG}").replace(
            "[functions.known]",
            "[functions.known]\nservice-endpoints = true",
        );
        let offered = offered(&text, false);
        assert_eq!(offered[1], own("known", &[url]));
        assert_eq!(offered[2], own("plain", &[]));
    }

    #[test]
    fn every_listener_has_a_url_that_clients_can_use() {
        for (address, url) in [
            ("127.0.0.1:9324", "http://127.0.0.1:9324"),
            ("0.0.0.0:9324", "http://127.0.0.1:9324"),
            ("[::]:9324", "http://[::1]:9324"),
            ("192.0.2.7:80", "http://192.0.2.7:80"),
        ] {
            assert_eq!(url_of(address.parse().unwrap()), url);
        }
    }
}
