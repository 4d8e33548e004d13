//! The certificates of listeners.
//!
//! The local authority is opened, or made, for the first listener that needs it: a configuration without `tls = true`
//! leaves no files.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use lambkin_http::{CertificateSource, Listener, LocalAuthority, local_names};
use tokio::net::TcpListener;

use crate::config::Config;

/// Makes listeners of sockets.
pub struct Certificates {
    /// The names that the operator allows, or gives to triggers, in addition to those of this machine.
    names: Vec<String>,
    authority: Option<LocalAuthority>,
}

impl Certificates {
    pub fn new(config: &Config) -> Self {
        let places = config.triggers.iter().filter_map(|it| it.source.place());
        let hosts = places.flat_map(|place| &place.host_names);
        let allowed = config.allowlist.with_hosts(hosts);
        Self {
            names: allowed.certificate_names().map(str::to_owned).collect(),
            authority: None,
        }
    }

    /// The socket as a listener with the certificate that its section asks for.
    pub fn listener(
        &mut self,
        socket: TcpListener,
        source: Option<&CertificateSource>,
    ) -> anyhow::Result<Listener> {
        let certificate = match source {
            None => None,
            Some(CertificateSource::Given(certificate)) => Some(certificate.clone()),
            Some(CertificateSource::Local) => {
                let names = self.names(socket.local_addr()?.ip());
                Some(self.authority()?.certificate(&names)?)
            }
        };
        Ok(Listener {
            socket,
            certificate,
        })
    }

    /// The file with the local authority, if a listener has a certificate of it.
    pub fn authority_file(&self) -> Option<PathBuf> {
        let authority = self.authority.as_ref();
        authority.map(LocalAuthority::file).map(Path::to_owned)
    }

    fn names(&self, address: IpAddr) -> Vec<String> {
        let mut names = local_names(address);
        let added = self.names.iter().filter(|name| !names.contains(name));
        let added: Vec<String> = added.cloned().collect();
        names.extend(added);
        names
    }

    fn authority(&mut self) -> anyhow::Result<&LocalAuthority> {
        if self.authority.is_none() {
            self.authority = Some(LocalAuthority::open(&folder()?)?);
        }
        let missing = || anyhow!("there is no local certificate authority");
        self.authority.as_ref().ok_or_else(missing)
    }
}

/// `$XDG_DATA_HOME/lambkin`, otherwise `~/.local/share/lambkin`.
fn folder() -> anyhow::Result<PathBuf> {
    let set = |name| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let data = set("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let data = data.or_else(|| Some(set("HOME")?.join(".local/share")));
    let data = data.ok_or_else(|| {
        anyhow!(
            "`tls = true` keeps its certificate authority below $XDG_DATA_HOME or ~/.local/share, and neither \
             XDG_DATA_HOME nor HOME is set; set one of them, or name files: tls = {{ certificate = \"…\", key = \"…\" }}"
        )
    })?;
    Ok(data.join("lambkin"))
}
