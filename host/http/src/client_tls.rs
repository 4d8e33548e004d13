//! TLS for the clients in the host: plugins that reach `https` origins, and registries of images. It trusts the
//! system's root certificates.
//!
//! As with OpenSSL's programs, `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificates, so a test's authority or a
//! company's proxy needs no further setting. The certificates are read once, when the first client is
//! made. Only HTTP/1.1 is offered.
//!
//! On failure, the operator learns which host it was, what is wrong and what to do. If there are no root
//! certificates, the configuration is refused; if a handshake fails, the request fails.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls_native_certs::CertificateResult;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, RootCertStore, crypto::ring,
};

const HOW_TO_TRUST: &str = "to trust an authority of your own, such as a test's or a company proxy's, name a PEM file \
     with all the roots to trust in SSL_CERT_FILE";

/// TLS for clients. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls(Arc<ClientConfig>);

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientTls").finish_non_exhaustive()
    }
}

impl ClientTls {
    /// A client that trusts the certificates of the system or of the environment variables.
    ///
    /// # Errors
    ///
    /// There are none; a text for the operator says why.
    pub fn system() -> Result<Self, String> {
        static SYSTEM: OnceLock<Result<ClientTls, String>> = OnceLock::new();
        SYSTEM
            .get_or_init(|| Self::trusting(rustls_native_certs::load_native_certs()))
            .clone()
    }

    fn trusting(found: CertificateResult) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let (_, unusable) = roots.add_parsable_certificates(found.certs);
        let mut reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        if unusable > 0 {
            reasons.push(format!("{unusable} of them are not valid certificates"));
        }
        let reasons = if reasons.is_empty() {
            "there are none".to_owned()
        } else {
            reasons.join("; ")
        };
        if roots.is_empty() {
            return Err(format!(
                "https needs root certificates to trust, and none can be read: {reasons}; install the system's \
                 (`ca-certificates`), or name a PEM file of them in SSL_CERT_FILE"
            ));
        }
        tracing::debug!("{} root certificates are trusted", roots.len());
        if !found.errors.is_empty() {
            tracing::warn!("some root certificates cannot be read: {reasons}");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Makes a TLS connection and checks that the certificate is for this name or address.
    ///
    /// # Errors
    ///
    /// The handshake fails; a text for the operator says why and what to do.
    pub async fn connect(
        &self,
        (host, port): (&str, u16),
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host:?} is not a name that a certificate can be for"))?;
        let connector = TlsConnector::from(Arc::clone(&self.0));
        let connected = connector.connect(name, stream).await;
        connected.map_err(|error| explain(host, port, &error))
    }
}

/// Which host failed, why, and what to do.
fn explain(host: &str, port: u16, error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(Error::InvalidCertificate(error)) => {
            format!("the certificate of {host}:{port} {}", refused(host, error))
        }
        Some(Error::InvalidMessage(_)) => {
            format!("{host}:{port} does not speak TLS; perhaps it is to be reached with http://")
        }
        Some(
            Error::NoApplicationProtocol
            | Error::AlertReceived(AlertDescription::NoApplicationProtocol),
        ) => format!("{host}:{port} does not offer HTTP/1.1"),
        Some(error) => format!("no TLS connection to {host}:{port}: {error}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            format!("{host}:{port} ended the connection before TLS was agreed on")
        }
        None => format!("no TLS connection to {host}:{port}: {error}"),
    }
}

fn refused(host: &str, error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            format!("comes from an authority that is not trusted (unknown issuer); {HOW_TO_TRUST}")
        }
        CertificateError::BadSignature => format!(
            "is not signed by the trusted authority that it names, perhaps by an earlier one of that name; \
            {HOW_TO_TRUST}"
        ),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = if presented.is_empty() {
                "no name at all".to_owned()
            } else {
                presented.join(", ")
            };
            format!("is for another name: it is for {names}, not for {host}; use a name it is for")
        }
        CertificateError::NotValidForName => {
            format!("is for another name, not for {host}; use a name it is for")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired; it has to be renewed there, unless the clock here is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; the clock here may be wrong".to_owned()
        }
        other => format!("is refused: {other}; {HOW_TO_TRUST}"),
    }
}
