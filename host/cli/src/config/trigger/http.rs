//! `listen = "127.0.0.1:8000"`: HTTP requests at an address.

use std::net::{Ipv4Addr, SocketAddr};

use lambkin_http::HostPattern;
use lambkin_trigger::Place;
use lambkin_trigger::http::HttpSource;

use super::kind::{Context, ReadSource, TriggerKind};
use crate::config::key::{Key, Kind};
use crate::config::listeners::Share;
use crate::config::reader::Reader;
use crate::config::tls::{self, TLS};

/// The keys of a trigger of this kind, besides the one that makes it one.
pub const KEYS: &[Key] = &[
    TLS,
    Key::optional(
        "host-names",
        Kind::Texts,
        "With `listen`: the hosts whose requests are for this trigger, such as `[\"api.example.com\", \"*.shop.test\"]`; \
         left out, all. They need not be in `allowed-hosts`. Triggers can share an address if their hosts or prefixes \
         differ: a request is for the one with the most specific host, then for the one with the longest prefix.",
    ),
    Key::with_default(
        "path-prefix",
        Kind::Text,
        "\"\"",
        "With `listen`: the beginning of the paths whose requests are for this trigger, in whole segments, such as \
         `\"/orders\"`. It stays in the path that the plugin gets.",
    ),
];

/// A legal value for each of [`KEYS`]; a certificate needs files.
#[cfg(test)]
pub const SAMPLES: &[(&str, &str)] = &[
    ("host-names", "['api.example.com', '*.shop.test']"),
    ("path-prefix", "'/orders'"),
    ("tls", "true"),
    ("tls.certificate", "'src/config/fixtures/listener.pem'"),
    ("tls.key", "'src/config/fixtures/listener.key'"),
];

pub const KIND: TriggerKind = TriggerKind {
    key: Key::optional(
        "listen",
        Kind::Text,
        "For HTTP requests: the address and port to listen on. Port 0 picks a free port.",
    ),
    role: "http-trigger",
    events: "HTTP requests at an address",
    read,
    #[cfg(test)]
    samples: &[("listen", "'127.0.0.1:0'")],
};

fn read(context: &mut Context<'_>, table: &mut Reader<'_>) -> Option<ReadSource> {
    let listen = table.text(KIND.key.name)?;
    let certificate = tls::read(table, context.project, context.diagnostics);
    let place = read_place(context, table);
    let share = Share {
        place: place.clone(),
        certificate: certificate.clone(),
    };
    let diagnostics = context.diagnostics;
    let address = context.listeners.add(&listen, Some(share), diagnostics);
    // After a mistake nothing runs; the plugin can still look for its own.
    let address = address.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    Some(ReadSource::new(HttpSource {
        address,
        certificate,
        place,
    }))
}

fn read_place(context: &Context<'_>, table: &mut Reader<'_>) -> Place {
    let mut place = Place::default();
    if let Some(names) = table.texts("host-names") {
        let parse = |name: &String| match name.as_str() {
            "*" => Err("\"*\" stands for all hosts, as without `host-names`".to_owned()),
            name => HostPattern::parse(name),
        };
        let patterns = names.value.iter().map(parse);
        place.host_names = patterns
            .filter_map(|pattern| context.report(pattern, &names))
            .collect();
        if names.value.is_empty() {
            let message = "must have a host name; leave it out for all hosts";
            context.report(Err::<(), _>(message.to_owned()), &names);
        }
    }
    if let Some(prefix) = table.text("path-prefix") {
        let checked = check_prefix(&prefix.value);
        place.path_prefix = context.report(checked, &prefix).unwrap_or_default();
    }
    place
}

/// The prefix without a `/` at its end.
fn check_prefix(prefix: &str) -> Result<String, String> {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&byte);
    let stripped = prefix.trim_end_matches('/');
    let starts = stripped.is_empty() || stripped.starts_with('/');
    if starts && !stripped.contains("//") && stripped.bytes().all(is_plain) {
        return Ok(stripped.to_owned());
    }
    Err(format!(
        "must be the beginning of a path as clients send it, such as \"/orders\", not {prefix:?}"
    ))
}
