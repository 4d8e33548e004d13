//! `tls`: the certificate of a listener, made by the local authority or given as files.

use std::path::Path;

use lambkin_http::{Certificate, CertificateFile, CertificateSource};

use super::key::{Key, Kind, Table};
use super::reader::{Diagnostics, Reader};

/// The key, in sections with `listen`.
pub const TLS: Key = Key::optional(
    "tls",
    Kind::FlagOrTable(&FILES),
    "Whether the connections to `listen` are encrypted (https). `true` makes a certificate for this machine, the address \
     and the allowed hosts, from an authority that clients have to trust once (see [Security](security.md#certificates)); \
     a table names files.",
);

const FILES: Table = Table::new(&[&[
    Key::required(
        "certificate",
        Kind::Text,
        "A PEM file with the certificate, followed by those that lead to its root. Relative to the folder of \
         `lambkin.toml`.",
    ),
    Key::required(
        "key",
        Kind::Text,
        "A PEM file with the certificate's private key, without a passphrase.",
    ),
]]);

/// Reads the key. Mistakes in the files are reported at the key that names the file.
pub fn read(
    table: &mut Reader<'_>,
    folder: &Path,
    diagnostics: &Diagnostics,
) -> Option<CertificateSource> {
    let mut files = match table.flag_or_table(TLS.name)? {
        (false, _) => return None,
        (true, None) => return Some(CertificateSource::Local),
        (true, Some(files)) => files,
    };
    for key in ["certificate", "key"] {
        if !files.has(key) {
            let message = format!("needs `{key}`, a PEM file; `tls = true` needs no files");
            diagnostics.add(files.span(), files.path(), message);
        }
    }
    let (certificate, key) = (files.text("certificate"), files.text("key"));
    files.finish();
    let (certificate, key) = (certificate?, key?);
    let read = Certificate::read(&folder.join(&certificate.value), &folder.join(&key.value));
    match read {
        Ok(certificate) => Some(CertificateSource::Given(certificate)),
        Err(error) => {
            let at = match error.file {
                CertificateFile::Certificate => certificate,
                CertificateFile::Key => key,
            };
            diagnostics.add(at.span, &at.key, error.message);
            None
        }
    }
}
