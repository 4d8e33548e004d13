//! `[services.NAME]`: a plugin that serves a protocol such as SQS's, its address, and the queues and buckets that it
//! may use.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use lambkin_http::CertificateSource;

use super::key::{Key, Kind, Role, Table};
use super::listeners::Listeners;
use super::reader::{Diagnostics, Reader, Spanned};
use super::section::{PLUGIN, Section, read_plugin};
use super::tls::{self, TLS};

/// `[services.NAME]`
pub const TABLE: Table = Table {
    keys: &[&[
        PLUGIN,
        Key::required(
            "listen",
            Kind::Text,
            "The address and port of the service. Port 0 picks a free port.",
        ),
        TLS,
        Key::optional(
            "queues",
            Kind::Texts,
            "The names of the queues that the service can see and create. `*` stands for any characters. Left out, it \
             sees none.",
        ),
        Key::optional(
            "buckets",
            Kind::Texts,
            "The names of the buckets that the service can see and create. `*` stands for any characters. Left out, it \
             sees none.",
        ),
    ]],
    roles: &[Role {
        name: "service",
        key: None,
    }],
};

/// The prefix of the variable by which functions find a service.
const VARIABLE: &str = "AWS_ENDPOINT_URL_";

/// The maximum length of a service's name.
const NAME_LENGTH: usize = 64;

/// A service as configured.
#[derive(Debug)]
pub struct Service {
    pub name: String,
    pub listen: SocketAddr,
    /// The certificate of the connections, if they are encrypted.
    pub certificate: Option<CertificateSource>,
    /// The names of the queues that it may use; `*` stands for any characters. `None`, the default, stands for no
    /// queues.
    pub queues: Option<Vec<String>>,
    /// The names of the buckets that it may use, in the same form.
    pub buckets: Option<Vec<String>>,
    pub section: Section,
}

impl Service {
    /// The variable by which AWS SDKs find the service: `AWS_ENDPOINT_URL_SQS`.
    pub fn variable(&self) -> String {
        variable(&self.name)
    }
}

fn variable(name: &str) -> String {
    format!("{VARIABLE}{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// Reads all services.
pub fn read(
    root: &mut Reader<'_>,
    project: &Path,
    listeners: &mut Listeners,
    diagnostics: &Diagnostics,
) -> Vec<Service> {
    let mut names: Vec<Spanned<String>> = Vec::new();
    let mut services = Vec::new();
    for (name, table) in root.tables("services") {
        if let Err(message) = check_name(&name.value, &names) {
            diagnostics.add(name.span.clone(), &name.key, message);
        }
        names.push(name.clone());
        services.extend(read_one(name, table, project, listeners, diagnostics));
    }
    services
}

fn read_one(
    name: Spanned<String>,
    mut table: Reader<'_>,
    project: &Path,
    listeners: &mut Listeners,
    diagnostics: &Diagnostics,
) -> Option<Service> {
    let plugin = read_plugin(&mut table, project, diagnostics);
    if !table.has("listen") {
        let message = "needs `listen`: an address and a port, such as \"127.0.0.1:9324\"";
        diagnostics.add(table.span(), table.path(), message);
    }
    let listen = table.text("listen");
    let address = listen.and_then(|listen| listeners.add(&listen, None, diagnostics));
    // After a mistake nothing runs; the plugin can still look for its own.
    let address = address.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let certificate = tls::read(&mut table, project, diagnostics);
    let mut grant = |key| {
        let names = table.texts(key)?;
        check_grant(&names, diagnostics);
        Some(names.value)
    };
    let (queues, buckets) = (grant("queues"), grant("buckets"));
    let section = Section::new(plugin?, table, project, diagnostics);
    Some(Service {
        name: name.value,
        listen: address,
        certificate,
        queues,
        buckets,
        section,
    })
}

fn check_name(name: &str, others: &[Spanned<String>]) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !(1..=NAME_LENGTH).contains(&name.len()) || !name.bytes().all(legal) {
        return Err(format!(
            "a service's name is 1 to {NAME_LENGTH} letters, digits, `-` and `_`, as it becomes part of the name of a \
             variable"
        ));
    }
    let same = |other: &&Spanned<String>| variable(&other.value) == variable(name);
    match others.iter().find(same) {
        Some(other) => Err(format!(
            "the variable {} already leads to {}; choose another name",
            variable(name),
            other.key
        )),
        None => Ok(()),
    }
}

/// Checks that grants are names of queues or buckets, perhaps with `*`. They need not be defined: a service may create
/// them.
fn check_grant(names: &Spanned<Vec<String>>, diagnostics: &Diagnostics) {
    let legal =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*');
    for name in &names.value {
        if name.is_empty() || !name.bytes().all(legal) {
            let message = format!(
                "must be names, in which `*` stands for any characters, such as [\"orders\", \"test-*\"]; {name:?} is \
                 not a name"
            );
            diagnostics.add(names.span.clone(), &names.key, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Source};

    use super::*;

    fn parse(text: &str) -> Result<Vec<Service>, String> {
        let source = Source::new(Path::new("lambkin.toml"), text.to_owned());
        let config = Config::parse(source, Path::new("")).map_err(|error| error.to_string());
        config.map(|config| config.services)
    }

    #[test]
    fn a_service_has_grants_and_the_plugins_settings() {
        let services = parse(
            "[services.step-functions]\nplugin = 'sqs'\nlisten = 'localhost:0'\nqueues = ['orders', 'test-*']\ncolour = ['red']\n",
        )
        .unwrap();
        let service = &services[0];
        assert_eq!(service.variable(), "AWS_ENDPOINT_URL_STEP_FUNCTIONS");
        assert_eq!(service.queues.as_deref().unwrap(), ["orders", "test-*"]);
        assert_eq!(service.buckets, None);
        assert_eq!(service.section.settings, r#"{"colour":["red"]}"#);
        let diagnostic = service
            .section
            .diagnostic_at(&["colour".to_owned(), "0".to_owned()], "no".to_owned());
        assert_eq!(diagnostic.key, "services.step-functions.colour.0");
    }

    #[test]
    fn mistakes_are_reported_at_their_place_with_what_would_be_right() {
        const SQS: &str = "[services.sqs]\nplugin = 'sqs'\nlisten = '127.0.0.1:9324'\n";
        for (lines, message) in [
            (
                "[services.sqs]",
                "services.sqs: needs `plugin`: a built-in's name",
            ),
            (
                "[services.sqs]",
                "services.sqs: needs `listen`: an address and a port",
            ),
            (
                "[services.x]\nplugin = 'sqss'\nlisten = '127.0.0.1:0'",
                "2:10: services.x.plugin: there is no built-in plugin \"sqss\"; did you mean `sqs`?",
            ),
            (
                "[services.\"a b\"]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'",
                "a service's name is 1 to 64",
            ),
            (
                &format!("{SQS}queues = ['a b']"),
                "4:10: services.sqs.queues: must be names",
            ),
            (
                &format!("{SQS}queues = 'orders'"),
                "must be a list of strings",
            ),
            (
                &format!("{SQS}[services.SQS]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'"),
                "the variable AWS_ENDPOINT_URL_SQS already leads to services.SQS",
            ),
            (
                &format!("[invoke]\nlisten = '127.0.0.1:9324'\n{SQS}"),
                "services.sqs.listen: 127.0.0.1:9324 is taken by invoke.listen",
            ),
        ] {
            let diagnostics = parse(lines).unwrap_err();
            assert!(diagnostics.contains(message), "{lines}: {diagnostics}");
        }
    }
}
