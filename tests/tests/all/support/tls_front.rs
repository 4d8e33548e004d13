//! TLS in front of a server that has none, with certificates made for the test.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pem: (String, String),
}

impl Authority {
    pub fn named(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(parameters, key).expect("a root certificate"))
    }

    /// Writes the root certificate into a folder.
    pub fn root_in(&self, folder: &Path) -> PathBuf {
        let file = folder.join("root.pem");
        fs::write(&file, self.0.pem()).expect("a file");
        file
    }

    /// A certificate for names and addresses.
    pub fn identity(&self, names: &[&str]) -> Identity {
        self.signed(Self::parameters(names))
    }

    /// A certificate that has expired.
    pub fn expired(&self, names: &[&str]) -> Identity {
        let mut parameters = Self::parameters(names);
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2021, 1, 1);
        self.signed(parameters)
    }

    fn parameters(names: &[&str]) -> CertificateParams {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        CertificateParams::new(names).expect("names")
    }

    fn signed(&self, parameters: CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.0).expect("a certificate");
        Identity {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            pem: (certificate.pem(), key.serialize_pem()),
        }
    }
}

impl Identity {
    /// The certificate and the key as PEM files have them.
    pub fn pem(self) -> (String, String) {
        self.pem
    }
}

/// A listener that terminates TLS and forwards the plain text. Dropping it stops it.
pub struct TlsFront {
    port: u16,
    agreed: Arc<Mutex<Vec<String>>>,
    _runtime: tokio::runtime::Runtime,
}

impl TlsFront {
    /// Starts a listener in front of the server at a URL.
    pub fn start(identity: Identity, url: &str) -> Self {
        let back = url.trim_start_matches("http://").parse().expect("a URL");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let agreed = Arc::new(Mutex::new(Vec::new()));
        runtime.spawn(accept(
            listener,
            acceptor(identity),
            back,
            Arc::clone(&agreed),
        ));
        Self {
            port,
            agreed,
            _runtime: runtime,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The protocols negotiated by ALPN, one for each connection.
    pub fn protocols(&self) -> Vec<String> {
        self.agreed.lock().unwrap().clone()
    }
}

/// Prefers HTTP/2, as many servers do.
fn acceptor(identity: Identity) -> TlsAcceptor {
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![identity.certificate], identity.key);
    let mut config = config.expect("a certificate and its key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    back: SocketAddr,
    agreed: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, agreed) = (acceptor.clone(), Arc::clone(&agreed));
        tokio::spawn(async move {
            // Fails if the client does not trust the certificate.
            let mut stream = acceptor.accept(stream).await.ok()?;
            let protocol = stream.get_ref().1.alpn_protocol().unwrap_or_default();
            let protocol = String::from_utf8_lossy(protocol).into_owned();
            agreed.lock().unwrap().push(protocol);
            let mut back = TcpStream::connect(back).await.ok()?;
            copy_bidirectional(&mut stream, &mut back).await.ok()
        });
    }
}
