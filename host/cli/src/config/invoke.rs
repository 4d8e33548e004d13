//! `[invoke]`: the listener of the Invoke API.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use lambkin_http::CertificateSource;

use super::key::{Key, Kind, Table};
use super::listeners::Listeners;
use super::reader::{Diagnostics, Reader};
use super::tls::{self, TLS};

/// `[invoke]`
pub const TABLE: Table = Table::new(&[&[
    Key::with_default(
        "listen",
        Kind::Text,
        "\"127.0.0.1:9001\"",
        "The address and port of the Invoke API. Port 0 picks a free port.",
    ),
    TLS,
]]);

/// The default of `listen`.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9001);

/// The listener of the Invoke API.
#[derive(Debug)]
pub struct Invoke {
    pub listen: SocketAddr,
    /// The certificate of the connections, if they are encrypted.
    pub certificate: Option<CertificateSource>,
}

/// Reads the section. Mistakes are reported.
pub fn read(
    root: &mut Reader<'_>,
    folder: &Path,
    listeners: &mut Listeners,
    diagnostics: &Diagnostics,
) -> Invoke {
    let mut invoke = Invoke {
        listen: DEFAULT,
        certificate: None,
    };
    let mut table = root.table("invoke");
    if !table.as_ref().is_some_and(|table| table.has("listen")) {
        listeners.add_default(DEFAULT, "invoke.listen");
    }
    if let Some(table) = &mut table {
        if let Some(listen) = table.text("listen") {
            let address = listeners.add(&listen, None, diagnostics);
            invoke.listen = address.unwrap_or(DEFAULT);
        }
        invoke.certificate = tls::read(table, folder, diagnostics);
    }
    if let Some(table) = table {
        table.finish();
    }
    invoke
}
