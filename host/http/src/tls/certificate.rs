//! A listener's certificate and key, from PEM files or as made by the local authority.
//!
//! Everything that can be wrong with files is found here, before a listener starts: what cannot be read, is no
//! certificate or no key, does not belong together, or is not valid at this time. The error names the file, what is
//! wrong with it and what would be right. What clients think of the certificate is theirs to say.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError as Refused, Error, RootCertStore, ServerConfig, crypto::ring,
};

/// A certificate with its key, for the listeners of one address. Cheap to clone.
#[derive(Clone)]
pub struct Certificate {
    config: Arc<ServerConfig>,
    first: CertificateDer<'static>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").finish_non_exhaustive()
    }
}

/// Which of the two files is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFile {
    /// The one with the certificates.
    Certificate,
    /// The one with the private key.
    Key,
}

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CertificateError {
    /// The file that is to blame.
    pub file: CertificateFile,
    /// What is wrong, with the path, and what would be right.
    pub message: String,
}

impl Certificate {
    /// Reads PEM files: the listener's certificate, followed by those that lead to its root, and the key of the first.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is of another kind, the two do not belong together, or the certificate has expired or
    /// is not valid yet.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let chain = read_chain(certificate).map_err(|message| CertificateError {
            file: CertificateFile::Certificate,
            message,
        })?;
        let key_of_file = read_key(key).map_err(|message| CertificateError {
            file: CertificateFile::Key,
            message,
        })?;
        let invalid = |(file, message)| CertificateError { file, message };
        check_validity(certificate, &chain).map_err(|message| CertificateError {
            file: CertificateFile::Certificate,
            message,
        })?;
        Self::new(chain, key_of_file)
            .map_err(|error| explain(&error, certificate, key))
            .map_err(invalid)
    }

    /// The certificate of a listener and those that lead to its root, and the key.
    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Error> {
        let first = chain.first().ok_or(Error::NoCertificatesPresented)?.clone();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut config = config.with_single_cert(chain, key)?;
        config.alpn_protocols = [super::HTTP_2, super::HTTP_1].map(Vec::from).to_vec();
        Ok(Self {
            config: Arc::new(config),
            first,
        })
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn explain(error: &Error, certificate: &Path, key: &Path) -> (CertificateFile, String) {
    let (certificate, key) = (certificate.display(), key.display());
    match error {
        Error::InconsistentKeys(_) => (
            CertificateFile::Key,
            format!(
                "{key} is the key of another certificate than the first one in {certificate}; name the key that it was \
                 made with"
            ),
        ),
        Error::InvalidCertificate(error) => (
            CertificateFile::Certificate,
            format!("the first certificate in {certificate} cannot be used: {error}"),
        ),
        error => (
            CertificateFile::Key,
            format!(
                "the key in {key} cannot be used: {error}; RSA keys of 2048 bits and more, ECDSA keys (P-256, P-384) and \
                 Ed25519 keys can"
            ),
        ),
    }
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(format!(
            "{} has no certificate: a PEM file has a line `-----BEGIN CERTIFICATE-----`{}",
            file.display(),
            what_it_is(&text)
        )),
        Err(error) => Err(not_pem(file, &error)),
    }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read(file)?;
    match PrivateKeyDer::from_pem_slice(&text) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(format!(
            "{} has no private key: a PEM file has a line `-----BEGIN PRIVATE KEY-----`{}",
            file.display(),
            what_it_is(&text)
        )),
        Err(error) => Err(not_pem(file, &error)),
    }
}

/// What a file without the wanted part has instead.
fn what_it_is(text: &[u8]) -> &'static str {
    let has = |wanted: &[u8]| text.windows(wanted.len()).any(|bytes| bytes == wanted);
    if has(b"ENCRYPTED PRIVATE KEY") {
        "; this key is encrypted, write it without a passphrase: openssl pkey -in KEY -out PLAIN-KEY"
    } else if has(b"PRIVATE KEY-----") {
        "; this is a private key"
    } else if has(b"BEGIN CERTIFICATE-----") {
        "; this is a certificate"
    } else if text.first() == Some(&0x30) {
        "; this seems to be DER, convert it to PEM: openssl x509 -inform der -in CERTIFICATE -out PEM-FILE"
    } else {
        ""
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let is_other = |kind: &str| format!("{} is {kind}; name a PEM file", file.display());
    let cannot = |error: io::Error| format!("cannot read {}: {error}", file.display());
    let kind = std::fs::metadata(file).map_err(cannot)?;
    if kind.is_dir() {
        return Err(is_other("a folder"));
    }
    if !kind.is_file() {
        return Err(is_other("not a file"));
    }
    std::fs::read(file).map_err(cannot)
}

fn not_pem(file: &Path, error: &pem::Error) -> String {
    format!("{} is not valid PEM: {error}", file.display())
}

/// Whether a certificate is valid at this time. Nothing else is checked: it need not come from an authority.
fn check_validity(file: &Path, chain: &[CertificateDer<'static>]) -> Result<(), String> {
    let Some((first, rest)) = chain.split_first() else {
        return Ok(());
    };
    let mut roots = RootCertStore::empty();
    if roots.add(first.clone()).is_err() {
        return Ok(()); // what is wrong with it is found when it is used
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let (Ok(verifier), Ok(name)) = (verifier, ServerName::try_from("localhost")) else {
        return Ok(());
    };
    let verified = verifier.verify_server_cert(first, rest, &name, &[], UnixTime::now());
    match verified {
        Err(Error::InvalidCertificate(Refused::Expired | Refused::ExpiredContext { .. })) => {
            Err(format!(
                "the certificate in {} has expired; make a new one, or let Lambkin make one with `tls = true`",
                file.display()
            ))
        }
        Err(Error::InvalidCertificate(
            Refused::NotValidYet | Refused::NotValidYetContext { .. },
        )) => Err(format!(
            "the certificate in {} is not valid yet; is the clock of this machine right?",
            file.display()
        )),
        _ => Ok(()),
    }
}

/// Where the certificate of a listener comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// It is made by the [`LocalAuthority`](super::LocalAuthority), for the names of the listener.
    Local,
    /// The operator gave it.
    Given(Certificate),
}

impl CertificateSource {
    /// Whether listeners with either of them have the same certificate.
    pub fn is_same(one: Option<&Self>, other: Option<&Self>) -> bool {
        match (one, other) {
            (None, None) | (Some(Self::Local), Some(Self::Local)) => true,
            (Some(Self::Given(one)), Some(Self::Given(other))) => one.first == other.first,
            _ => false,
        }
    }
}

/// A mistake of the local authority's folder.
#[derive(Debug, thiserror::Error)]
#[error("the local certificate authority in {}: {reason}", folder.display())]
pub struct AuthorityError {
    /// The folder.
    pub folder: PathBuf,
    /// What failed, on which file, and what helps.
    pub reason: String,
}
