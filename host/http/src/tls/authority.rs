//! The local certificate authority: a root certificate of this user's own, which makes the certificates of listeners
//! with `tls = true`.
//!
//! It is made once and kept in a folder, so that clients that have been told to trust it go on doing so. A program that
//! can read its key can pretend to be any site to those clients, so its mode is 0600. The certificates that the
//! authority makes live in memory, for as long as the host runs.
//!
//! On failure, the error names the folder, the file and what helps. Hosts that start at the same time share one
//! authority.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificate::{AuthorityError, Certificate};
use crate::limits::{AUTHORITY_LIFETIME, CERTIFICATE_LIFETIME, CLOCK_SKEW};

/// The name of the authority in its certificate, and in the lists of those that a person has trusted.
const NAME: &str = "Lambkin local certificate authority";

/// The name of this machine, on Linux.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// The root certificate, in the authority's folder.
const CERTIFICATE: &str = "authority.pem";
/// Its key.
const KEY: &str = "authority.key";
/// Locked while the two are read or made.
const LOCK: &str = "authority.lock";

/// The local certificate authority.
#[derive(Debug)]
pub struct LocalAuthority {
    file: PathBuf,
    folder: PathBuf,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl LocalAuthority {
    /// Reads the authority of a folder, or makes one if there is none or if it is about to expire.
    ///
    /// # Errors
    ///
    /// The folder cannot be read or written, or what is in it is not an authority.
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let failed = |reason| AuthorityError {
            folder: folder.to_owned(),
            reason,
        };
        make_folder(folder).map_err(|error| failed(format!("cannot make the folder: {error}")))?;
        let lock = folder.join(LOCK);
        let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let _lock =
            locked.map_err(|error| failed(format!("cannot lock {}: {error}", lock.display())))?;
        let (file, key_file) = (folder.join(CERTIFICATE), folder.join(KEY));
        if is_missing(&file) || is_missing(&key_file) || is_old(&file) {
            make(&file, &key_file).map_err(failed)?;
        }
        let unusable = |file: &Path, why: &str| {
            format!(
                "{} {why}; remove the folder, then the next start makes a new authority, which clients have to be told \
                 to trust again",
                file.display()
            )
        };
        let read = |file: &Path| {
            fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
        };
        let text = read(&file).map_err(failed)?;
        let certificate = CertificateDer::from_pem_slice(&text)
            .map_err(|error| failed(unusable(&file, &format!("is not a certificate: {error}"))))?;
        let text = String::from_utf8(read(&key_file).map_err(failed)?).unwrap_or_default();
        let key = KeyPair::from_pem(&text)
            .map_err(|error| failed(unusable(&key_file, &format!("is not a key: {error}"))))?;
        keep_private(&key_file).map_err(|error| {
            let file = key_file.display();
            failed(format!("cannot make {file} private (mode 0600): {error}"))
        })?;
        Ok(Self {
            file,
            folder: folder.to_owned(),
            certificate,
            key,
        })
    }

    /// The PEM file with the root certificate, for clients to trust.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A certificate for names and addresses. Names can begin with `*.`.
    ///
    /// # Errors
    ///
    /// A name cannot be in a certificate, or the authority's key cannot sign.
    pub fn certificate(&self, names: &[String]) -> Result<Certificate, AuthorityError> {
        self.sign(names).map_err(|reason| AuthorityError {
            folder: self.folder.clone(),
            reason: format!(
                "cannot make a certificate for {}: {reason}",
                names.join(", ")
            ),
        })
    }

    fn sign(&self, names: &[String]) -> Result<Certificate, String> {
        let text = |error: rcgen::Error| error.to_string();
        let mut parameters = CertificateParams::new(names).map_err(text)?;
        let name = names.first().map_or(NAME, String::as_str);
        parameters.distinguished_name = Default::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        let now = SystemTime::now();
        parameters.not_before = (now - CLOCK_SKEW).into();
        parameters.not_after = (now + CERTIFICATE_LIFETIME).into();
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let own_key = KeyPair::generate().map_err(text)?;
        let authority = authority_parameters(now);
        let issuer = Issuer::from_params(&authority, &self.key);
        let certificate = parameters.signed_by(&own_key, &issuer).map_err(text)?;
        let chain = vec![certificate.der().clone(), self.certificate.clone()];
        let key = PrivateKeyDer::Pkcs8(own_key.serialize_der().into());
        Certificate::new(chain, key).map_err(|error| error.to_string())
    }
}

fn authority_parameters(now: SystemTime) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name = Default::default();
    parameters.distinguished_name.push(DnType::CommonName, NAME);
    parameters.not_before = (now - CLOCK_SKEW).into();
    parameters.not_after = (now + AUTHORITY_LIFETIME).into();
    parameters
}

/// The names and addresses under which clients on this machine, or containers on it, reach a listener at `address`. An
/// unspecified one stands for all of this machine, of which those of the loopback interface are known.
pub fn local_names(address: IpAddr) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    let machine = fs::read_to_string(HOST_NAME).unwrap_or_default();
    if is_name(machine.trim()) {
        names.push(machine.trim().to_ascii_lowercase());
    }
    if !address.is_unspecified() {
        names.push(address.to_string());
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn is_name(text: &str) -> bool {
    let mut labels = text.split('.');
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    labels.all(is_label)
}

/// Makes an authority. The key is written first: a certificate without one would never be replaced by mistake.
fn make(file: &Path, key_file: &Path) -> Result<(), String> {
    let cannot = |error: rcgen::Error| format!("cannot make it: {error}");
    let key = KeyPair::generate().map_err(cannot)?;
    let text = key.serialize_pem();
    let parameters = authority_parameters(SystemTime::now());
    let authority = CertifiedIssuer::self_signed(parameters, key).map_err(cannot)?;
    write(key_file, &text, 0o600)?;
    write(file, &authority.pem(), 0o644)
}

/// Writes a file as a whole: a reader finds all of it or nothing.
fn write(file: &Path, text: &str, mode: u32) -> Result<(), String> {
    let new = file.with_extension("new");
    let written = || {
        let _ = fs::remove_file(&new); // of a host that was killed
        let mut options = OpenOptions::new();
        let mut to = options.write(true).create_new(true).mode(mode).open(&new)?;
        to.write_all(text.as_bytes())?;
        to.sync_all()?;
        fs::rename(&new, file)
    };
    written().map_err(|error: io::Error| format!("cannot write {}: {error}", file.display()))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn keep_private(file: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(file)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o600);
        fs::set_permissions(file, permissions)?;
    }
    Ok(())
}

fn is_missing(file: &Path) -> bool {
    fs::metadata(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Whether a certificate that was made with a file expires within the lifetime of the ones that it makes.
fn is_old(file: &Path) -> bool {
    let modified = fs::metadata(file).and_then(|metadata| metadata.modified());
    let age = modified.map(|modified| modified.elapsed().unwrap_or_default());
    age.unwrap_or(Duration::ZERO) + CERTIFICATE_LIFETIME > AUTHORITY_LIFETIME
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_authority_is_made_once_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("data/lambkin");
        let first = LocalAuthority::open(&folder).unwrap();
        let second = LocalAuthority::open(&folder).unwrap();
        assert_eq!(first.certificate, second.certificate);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join(KEY)), 0o600);
        fs::set_permissions(folder.join(KEY), fs::Permissions::from_mode(0o644)).unwrap();
        LocalAuthority::open(&folder).unwrap();
        assert_eq!(mode(&folder.join(KEY)), 0o600);
    }

    #[test]
    fn an_authority_that_is_about_to_expire_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let first = LocalAuthority::open(folder.path()).unwrap();
        let old = SystemTime::now() - AUTHORITY_LIFETIME;
        let file = OpenOptions::new().write(true).open(first.file()).unwrap();
        file.set_modified(old).unwrap();
        let second = LocalAuthority::open(folder.path()).unwrap();
        assert_ne!(first.certificate, second.certificate);
    }

    #[test]
    fn a_file_that_is_no_authority_is_reported_with_what_helps() {
        let folder = tempfile::tempdir().unwrap();
        let file = LocalAuthority::open(folder.path()).unwrap().file;
        fs::write(&file, "nonsense").unwrap();
        let error = LocalAuthority::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("authority.pem is not a certificate"),
            "{error}"
        );
        assert!(error.contains("remove the folder"), "{error}");
    }

    #[test]
    fn a_name_that_no_certificate_can_have_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let authority = LocalAuthority::open(folder.path()).unwrap();
        authority
            .certificate(&["localhost", "::1", "*.example.com"].map(str::to_owned))
            .unwrap();
        let error = authority.certificate(&["é".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("certificate for é"), "{error}");
    }
}
