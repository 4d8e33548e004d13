//! The addresses that the program will listen on.
//!
//! Two listeners conflict as in the operating system: on the same address, or if one of them is on all addresses of the
//! machine (`0.0.0.0`, `[::]`) and the other one on one of these.

use std::net::{IpAddr, SocketAddr};

use lambkin_http::CertificateSource;
use lambkin_trigger::Place;

use super::reader::{Diagnostics, Spanned};

/// The addresses that sections of the file have claimed so far.
#[derive(Debug, Default)]
pub struct Listeners(Vec<Claim>);

#[derive(Debug)]
struct Claim {
    address: SocketAddr,
    /// The key that claims it.
    key: String,
    /// What it is shared by, if it can be shared.
    share: Option<Share>,
}

/// A part of an address.
#[derive(Debug)]
pub struct Share {
    pub place: Place,
    pub certificate: Option<CertificateSource>,
}

impl Listeners {
    /// Reads an address and claims it, with `share` only a part of it. Returns `None` after it has reported that the
    /// text is not an address or that another listener has what is claimed. Any number of listeners may ask for a free
    /// port with port 0; each gets its own.
    pub fn add(
        &mut self,
        listen: &Spanned<String>,
        share: Option<Share>,
        diagnostics: &Diagnostics,
    ) -> Option<SocketAddr> {
        match self.claim(listen, share) {
            Ok(address) => Some(address),
            Err(message) => {
                diagnostics.add(listen.span.clone(), &listen.key, message);
                None
            }
        }
    }

    /// Claims an address that applies because the file does not have its key.
    pub fn add_default(&mut self, address: SocketAddr, key: &str) {
        self.0.push(Claim {
            address,
            key: format!("{key} (by default)"),
            share: None,
        });
    }

    fn claim(
        &mut self,
        listen: &Spanned<String>,
        share: Option<Share>,
    ) -> Result<SocketAddr, String> {
        let text = listen.value.replace("localhost:", "127.0.0.1:");
        let address = text.parse::<SocketAddr>().map_err(|_| {
            format!(
                "must be an address and a port, such as \"127.0.0.1:8000\", not {:?}",
                listen.value
            )
        })?;
        if address.port() != 0 {
            for claim in &self.0 {
                if claim.address == address {
                    check(address, claim, share.as_ref())?;
                } else if includes(address, claim.address) || includes(claim.address, address) {
                    return Err(conflict(address, claim));
                }
            }
        }
        self.0.push(Claim {
            address,
            key: listen.key.clone(),
            share,
        });
        Ok(address)
    }
}

/// Whether an address stands for all addresses of the machine, and the other one is one of these. A socket on `[::]`
/// takes the connections to IPv4 addresses, too.
fn includes(all: SocketAddr, one: SocketAddr) -> bool {
    let has_family = match all.ip() {
        IpAddr::V4(_) => one.is_ipv4(),
        IpAddr::V6(_) => true,
    };
    all.port() == one.port() && all.ip().is_unspecified() && has_family
}

fn conflict(
    address: SocketAddr,
    Claim {
        address: other,
        key,
        ..
    }: &Claim,
) -> String {
    let all = if address.ip().is_unspecified() {
        address
    } else {
        *other
    };
    format!(
        "{address} is taken by {key}, which listens on {other}: {all} stands for all addresses of this machine; give one \
         of the two another port, or both the same address"
    )
}

/// Whether an address can be shared with another listener.
fn check(address: SocketAddr, other: &Claim, share: Option<&Share>) -> Result<(), String> {
    let key = &other.key;
    let (Some(others), Some(share)) = (&other.share, share) else {
        return Err(format!(
            "{address} is taken by {key}; each listener needs its own port (0 picks a free one)"
        ));
    };
    if let Some(both) = share.place.shares_with(&others.place) {
        return Err(format!(
            "{address} is taken by {key} for the same requests ({both}); give one of the two another port, or other \
             `host-names` or another `path-prefix`"
        ));
    }
    if !CertificateSource::is_same(share.certificate.as_ref(), others.certificate.as_ref()) {
        return Err(format!(
            "{address} is shared with {key}, whose `tls` is another one; triggers at one address have the same"
        ));
    }
    Ok(())
}
