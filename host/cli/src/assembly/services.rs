//! Services: their plugins, configured with their grants, and the variables by which functions find them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use lambkin_lambda::FunctionSpec;
use lambkin_plugin::{Grant, Role, Service, ServiceSetup, Targets};
use lambkin_trigger::TriggerSetter;

use super::functions::function_names;
use super::plugins::{Plugins, diagnostics_of};
use super::storage::Storage;
use super::urls::{Addresses, Urls, scheme, service_url, set_url_variables, url_of};
use crate::config::{self, Config, Diagnostic};

/// Credentials that every service accepts. Without any, SDKs refuse to send a request. As those of a role, which
/// functions have on AWS, they include a session token.
const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_SESSION_TOKEN", "test"),
];

/// The variable by which AWS SDKs find the Invoke API.
const INVOKE_VARIABLE: &str = "AWS_ENDPOINT_URL_LAMBDA";

/// The variable by which AWS SDKs find every service that has no variable of its own.
const ALL_ENDPOINTS: &str = "AWS_ENDPOINT_URL";

/// The files of the AWS CLI in which SDKs look for credentials, below the home folder.
const PROFILES: [&str; 2] = [".aws/credentials", ".aws/config"];

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
        targets: storage.map(|storage| Targets {
            functions: function_names(config).collect(),
            queues: storage.queues.clone(),
        }),
    };
    let configured = plugin.service(&service.name, setup).await;
    configured.map_err(|error| diagnostics_of(error, &service.section))
}

/// The services whose plugins are object triggers, too: they can set triggers at run time.
pub fn trigger_setters(plugins: &Plugins, config: &Config) -> Vec<TriggerSetter> {
    let setter = |service: &config::Service| {
        let plugin = plugins.of(&service.section).ok()?;
        let buckets = service.buckets.clone()?;
        plugin.plays(Role::ObjectTrigger).then(|| TriggerSetter {
            buckets,
            plugin: plugin.clone(),
        })
    };
    config.services.iter().filter_map(setter).collect()
}

fn grant<T: Clone>(names: &Option<Vec<String>>, store: Option<&T>) -> Option<Grant<T>> {
    Some(Grant {
        store: store?.clone(),
        names: names.clone()?,
    })
}

/// The credentials that functions have without Lambkin.
#[derive(Debug, Clone, Copy)]
struct Shell {
    /// In the variables of the shell that Lambkin was started in, which functions inherit. The key id `test` does not
    /// count: it is no key of AWS's, which have at least 16 characters, so that a session token does no harm.
    has_credentials: bool,
    /// In the files of the AWS CLI, which functions find through `HOME`.
    has_profile: bool,
}

impl Shell {
    fn here() -> Self {
        let [(key_id, known), ..] = CREDENTIALS;
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let has_file = |home: PathBuf| {
            let mut files = PROFILES.iter().map(|file| home.join(file));
            files.any(|file| file.exists())
        };
        Self {
            has_credentials: std::env::var_os(key_id)
                .is_some_and(|value| !value.is_empty() && value != known),
            has_profile: home.is_some_and(has_file),
        }
    }
}

/// Sets the variables by which functions find the Invoke API, where it runs alone and is not encrypted, and those with
/// URLs in them, which are those of the configured addresses.
pub fn offer_endpoints(config: &mut Config, invoke: SocketAddr) {
    let endpoints = Endpoints {
        services: BTreeMap::new(),
        invoke: url_of("http", invoke),
        trust: BTreeMap::new(),
    };
    offer(config, &endpoints, Shell::here());
    let urls = Urls::new(config, &Addresses::configured(config));
    set_url_variables(config, &urls);
}

/// Sets the variables by which functions find the services and the Invoke API, and those with URLs in them. `trust`: the
/// variables by which clients trust the certificates.
pub fn offer_listeners(
    config: &mut Config,
    addresses: &Addresses,
    trust: BTreeMap<String, String>,
) {
    let endpoints = Endpoints::of(config, addresses, trust);
    offer(config, &endpoints, Shell::here());
    let urls = Urls::new(config, addresses);
    set_url_variables(config, &urls);
}

/// What functions learn of the listeners.
struct Endpoints {
    /// The variables of the services.
    services: BTreeMap<String, String>,
    /// The URL of the Invoke API.
    invoke: String,
    /// The variables by which clients trust the certificates.
    trust: BTreeMap<String, String>,
}

impl Endpoints {
    fn of(config: &Config, addresses: &Addresses, trust: BTreeMap<String, String>) -> Self {
        let services = config.services.iter().zip(&addresses.services);
        let variables =
            services.map(|(service, address)| (service.variable(), service_url(service, *address)));
        Self {
            services: variables.collect(),
            invoke: url_of(scheme(config.invoke.certificate.as_ref()), addresses.invoke),
            trust,
        }
    }
}

/// Sets the variable by which a function finds the API that invokes it, unless it finds another one.
pub fn offer_invoke_api(spec: &mut FunctionSpec, address: SocketAddr) {
    offer_invoke_url(spec, &url_of("http", address));
}

fn offer_invoke_url(spec: &mut FunctionSpec, url: &str) {
    if !spec.variables.get().contains_key(ALL_ENDPOINTS) {
        let variable = INVOKE_VARIABLE.to_owned();
        spec.default_variables
            .entry(variable)
            .or_insert_with(|| url.to_owned());
    }
}

fn offer(config: &mut Config, endpoints: &Endpoints, shell: Shell) {
    for (spec, inputs) in config.functions.iter_mut().zip(&config.function_inputs) {
        if !inputs.service_endpoints {
            continue;
        }
        spec.default_variables = endpoints.services.clone();
        spec.default_variables.extend(endpoints.trust.clone());
        offer_invoke_url(spec, &endpoints.invoke);
        // A function without services may use AWS with the credentials of a profile, and its SDK would not read them.
        let uses_profile = endpoints.services.is_empty() && shell.has_profile;
        if !shell.has_credentials && !uses_profile && !has_credentials(spec) {
            let credentials = CREDENTIALS.map(|(key, value)| (key.to_owned(), value.to_owned()));
            spec.default_variables.extend(credentials);
        }
    }
}

fn has_credentials(spec: &FunctionSpec) -> bool {
    let own = spec.variables.get();
    OWN_CREDENTIALS.iter().any(|key| own.contains_key(*key))
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

    const NO_SHELL: Shell = Shell {
        has_credentials: false,
        has_profile: false,
    };

    /// The variables that are set for each function.
    fn offered(text: &str, shell: Shell) -> Vec<(String, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lambkin.toml");
        std::fs::write(&path, text).unwrap();
        let mut config = Config::read(&path).unwrap();
        let [sqs, invoke] = ["127.0.0.1:9324", "0.0.0.0:9001"].map(|text| text.parse().unwrap());
        let addresses = Addresses {
            invoke,
            services: vec![sqs],
            triggers: Vec::new(),
        };
        let endpoints = Endpoints::of(&config, &addresses, BTreeMap::new());
        offer(&mut config, &endpoints, shell);
        let functions = config.functions.iter().map(|spec| {
            let variables = spec.default_variables.iter();
            let variables = variables.map(|(key, value)| format!("{key}={value}"));
            (config::full_name(spec), variables.collect())
        });
        functions.collect()
    }

    fn own(name: &str, variables: &[&str]) -> (String, Vec<String>) {
        let variables = variables.iter().map(|variable| (*variable).to_owned());
        (name.to_owned(), variables.collect())
    }

    const INVOKE: &str = "AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:9001";
    const KEY_ID: &str = "AWS_ACCESS_KEY_ID=test";
    const KEY: &str = "AWS_SECRET_ACCESS_KEY=test";
    const TOKEN: &str = "AWS_SESSION_TOKEN=test";

    #[test]
    fn functions_find_services_unless_they_opt_out() {
        let url = "AWS_ENDPOINT_URL_SQS=http://127.0.0.1:9324";
        let test = [KEY_ID, INVOKE, url, KEY, TOKEN];
        assert_eq!(
            offered(CONFIG, NO_SHELL),
            [
                own("alone", &[]),
                own("known", &[INVOKE, url]),
                own("plain", &test),
                own("plain:1", &test)
            ]
        );
        let shell = Shell {
            has_credentials: true,
            ..NO_SHELL
        };
        assert_eq!(offered(CONFIG, shell)[2], own("plain", &[INVOKE, url]));
        let profile = Shell {
            has_profile: true,
            ..NO_SHELL
        };
        assert_eq!(offered(CONFIG, profile)[2], own("plain", &test));
        let text = format!("service-endpoints = false\n{CONFIG}").replace(
            "[functions.known]",
            "[functions.known]\nservice-endpoints = true",
        );
        let offered = offered(&text, NO_SHELL);
        assert_eq!(offered[1], own("known", &[INVOKE, url]));
        assert_eq!(offered[2], own("plain", &[]));
    }

    #[test]
    fn functions_find_the_invoke_api_unless_they_find_another_one() {
        const TEXT: &str = "
            [functions.a]
            code = '/'
            [functions.b]
            code = '/'
            environment = { AWS_ENDPOINT_URL = 'http://elsewhere' }
        ";
        assert_eq!(
            offered(TEXT, NO_SHELL),
            [
                own("a", &[KEY_ID, INVOKE, KEY, TOKEN]),
                own("b", &[KEY_ID, KEY, TOKEN])
            ]
        );
        let profile = Shell {
            has_profile: true,
            ..NO_SHELL
        };
        assert_eq!(
            offered(TEXT, profile),
            [own("a", &[INVOKE]), own("b", &[])],
            "credentials of a profile are not hidden"
        );
        let service =
            "[services.lambda]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'\n[functions.a]\ncode = '/'";
        let variable = "AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:9324";
        assert_eq!(
            offered(service, NO_SHELL),
            [own("a", &[KEY_ID, variable, KEY, TOKEN])]
        );
    }
}
