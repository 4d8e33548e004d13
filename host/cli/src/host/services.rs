//! Services: their plugins, what they may see, and how functions find them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use lambkin_lambda::FunctionSpec;
use lambkin_plugin::{Granted, Service, ServiceSetup};

use super::{Plugins, Storage, problems_of};
use crate::config::{self, Config, Problem};

/// Credentials that every service accepts. SDKs do not send a request without any.
const CREDENTIALS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
];

/// Variables of a function that lead the SDKs to credentials of its own, which `CREDENTIALS` would hide.
const OWN_CREDENTIALS: [&str; 4] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// Has a service's plugin check its settings. Without a store, as in `lambkin check`, it can not answer requests.
pub async fn configure_service(
    plugins: &Plugins,
    service: &config::Service,
    config: &Config,
    storage: Option<&Storage>,
) -> Result<Service, Vec<Problem>> {
    let plugin = plugins.of(&service.section).map_err(|error| vec![error])?;
    let setup = ServiceSetup {
        settings: service.section.settings.clone(),
        region: config.account.region.clone(),
        account: config.account.id.clone(),
        queues: grant(&service.queues, storage.map(|storage| &storage.queues)),
        buckets: grant(&service.buckets, storage.map(|storage| &storage.objects)),
    };
    let configured = plugin.service(&service.name, setup).await;
    configured.map_err(|error| problems_of(error, &service.section))
}

fn grant<T: Clone>(names: &Option<Vec<String>>, store: Option<&T>) -> Option<Granted<T>> {
    Some(Granted {
        store: store?.clone(),
        names: names.clone()?,
    })
}

/// Tells functions where the services are that listen on these addresses, in the configuration's order.
pub fn offer_services(config: &mut Config, addresses: &[SocketAddr]) {
    let services = config.services.iter().zip(addresses);
    let endpoints: BTreeMap<String, String> = services
        .map(|(service, address)| (service.variable(), url_of(*address)))
        .collect();
    if endpoints.is_empty() {
        return;
    }
    for (spec, origin) in config.functions.iter_mut().zip(&config.origins) {
        if !origin.service_endpoints {
            continue;
        }
        spec.default_variables = endpoints.clone();
        if !has_credentials(spec) {
            let credentials = CREDENTIALS.map(|(key, value)| (key.to_owned(), value.to_owned()));
            spec.default_variables.extend(credentials);
        }
    }
}

fn has_credentials(spec: &FunctionSpec) -> bool {
    let [(key_id, _), _] = CREDENTIALS;
    let own = spec.variables.get();
    std::env::var_os(key_id).is_some_and(|value| !value.is_empty())
        || OWN_CREDENTIALS.iter().any(|key| own.contains_key(*key))
}

/// The URL by which a client on this machine reaches a listener.
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

    #[test]
    fn every_listener_has_an_address_that_can_be_called() {
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
