//! The certificates of listeners.
//!
//! The local authority is opened, or made, for the first listener that needs it: a configuration without `tls = true`
//! leaves no files.
//!
//! Functions that call such a listener trust the authority through variables. `NODE_EXTRA_CA_CERTS` adds to what Node
//! trusts. The other variables replace what a program trusts, so they name a file with the roots of the system, too:
//! functions may also call servers elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use lambkin_http::{CertificateSource, Listener, LocalAuthority, local_names};
use pem::Pem;
use tokio::net::TcpListener;

use crate::config::Config;

/// Added to the roots that a program trusts. Read by Node, and so by the SDK for JavaScript.
const ADDED: &str = "NODE_EXTRA_CA_CERTS";

/// In place of the roots that a program trusts. The first is read by the AWS CLI and the SDKs for Python, Go and Ruby,
/// the second by the SDK for Rust, and by Go and OpenSSL and thereby other clients of functions.
const REPLACED: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// The file with the roots of the system and the local authority, in the folder of the authority.
const TRUSTED: &str = "trusted.pem";

/// The files by which clients trust the local authority.
pub struct AuthorityFiles {
    /// Its root certificate, for programs that add it to those they trust.
    pub authority: PathBuf,
    /// The root certificate and those of the system, for programs that trust nothing else then.
    pub trusted: PathBuf,
}

/// Makes listeners of sockets.
pub struct Certificates {
    /// The names that the operator allows, or gives to triggers, in addition to those of this machine.
    names: Vec<String>,
    /// Whether a listener has a certificate of the local authority.
    needs_authority: bool,
    authority: Option<LocalAuthority>,
}

impl Certificates {
    pub fn new(config: &Config) -> Self {
        let places = config.triggers.iter().filter_map(|it| it.source.place());
        let hosts = places.flat_map(|place| &place.host_names);
        let allowed = config.allowlist.with_hosts(hosts);
        let of_triggers = config.triggers.iter().map(|it| it.source.certificate());
        let of_services = config.services.iter().map(|it| it.certificate.as_ref());
        let mut all = of_triggers
            .chain(of_services)
            .chain([config.invoke.certificate.as_ref()]);
        Self {
            needs_authority: all.any(|it| matches!(it, Some(CertificateSource::Local))),
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

    /// The variables by which the clients of functions trust the listeners. There are none if no listener has a
    /// certificate of the local authority.
    pub fn variables(&mut self) -> anyhow::Result<BTreeMap<String, String>> {
        if !self.needs_authority {
            return Ok(BTreeMap::new());
        }
        let authority = self.authority()?.file().to_owned();
        let trusted = authority.with_file_name(TRUSTED);
        write_trusted(&authority, &trusted)
            .with_context(|| format!("cannot write {}", trusted.display()))?;
        let text = |path: &Path| path.display().to_string();
        let replaced = REPLACED.map(|name| (name.to_owned(), text(&trusted)));
        let added = (ADDED.to_owned(), text(&authority));
        Ok(replaced.into_iter().chain([added]).collect())
    }

    /// The files for clients, if a listener has a certificate of the local authority.
    pub fn files(&self) -> Option<AuthorityFiles> {
        let authority = self.authority.as_ref()?.file().to_owned();
        Some(AuthorityFiles {
            trusted: authority.with_file_name(TRUSTED),
            authority,
        })
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

/// Writes the roots of the system and the authority to a file. Hosts that do so at the same time write the same.
fn write_trusted(authority: &Path, trusted: &Path) -> anyhow::Result<()> {
    // What cannot be read is left out, as in every other program.
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots = roots
        .iter()
        .map(|root| Pem::new("CERTIFICATE", root.to_vec()));
    let mut text = fs::read_to_string(authority)?;
    text.push_str(&pem::encode_many(&roots.collect::<Vec<_>>()));
    lambkin_files::replace(trusted, text.as_bytes())?;
    Ok(())
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
