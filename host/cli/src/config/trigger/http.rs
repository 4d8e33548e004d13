//! `listen = "127.0.0.1:8000"`: HTTP requests at an address.

use lambkin_trigger::http::HttpSource;

use super::kind::{Context, ReadSource, TriggerKind};
use crate::config::key::{Key, Kind};
use crate::config::reader::Reader;
use crate::config::tls::{self, TLS};

/// The keys of a trigger of this kind, besides the one that makes it one.
pub const KEYS: &[Key] = &[TLS];

/// A legal value for each of [`KEYS`]; a certificate needs files.
#[cfg(test)]
pub const SAMPLES: &[(&str, &str)] = &[
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
    let address = context.listeners.add(&listen, context.diagnostics)?;
    Some(ReadSource::new(HttpSource {
        address,
        certificate,
    }))
}
