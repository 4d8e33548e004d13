//! The part of `/etc` that a program sees: what name resolution, TLS, the dynamic loader and interpreters need.
//!
//! Everything else stays outside, as it may be secret: keys in `/etc/ssl/private`, passwords in `/etc/shadow`, settings
//! of other programs. The accounts are those of Lambda, not the machine's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::spec::{GROUP_ID, USER_ID};

/// Files that are copied. Some are links, such as `resolv.conf` with systemd.
const FILES: [&str; 24] = [
    "ca-certificates.conf",
    "debian_version",
    "gai.conf",
    "host.conf",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "locale.alias",
    "locale.conf",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "protocols",
    "redhat-release",
    "resolv.conf",
    "services",
    "ssl/cert.pem",
    "ssl/openssl.cnf",
    "system-release",
    "timezone",
    "pki/tls/openssl.cnf",
];

/// Folders that are mounted.
const FOLDERS: [&str; 9] = [
    "alternatives",
    "ca-certificates/extracted",
    "crypto-policies",
    "fonts",
    "ld.so.conf.d",
    "pki/ca-trust/extracted",
    "pki/tls/certs",
    "ssl/certs",
    "terminfo",
];

/// Beginnings of the names of folders that are mounted, such as `java-17-openjdk`, whose settings Debian keeps here.
const FOLDER_PREFIXES: [&str; 3] = ["java", "python", "dotnet"];

/// The largest file that is copied. The loader's cache is below it by far.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// Fills `/etc`, with `host` as the folder of the host's root. Returns the folders to mount there, by their paths below
/// `/etc`. What is missing or cannot be read is left out.
pub(super) fn fill(host: &Path) -> io::Result<Vec<PathBuf>> {
    let etc = Path::new("/etc");
    fs::create_dir(etc)?;
    let host_etc = host.join("etc");
    for name in FILES {
        let Some(content) = content(host, &host_etc.join(name)) else {
            continue;
        };
        let target = etc.join(name);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(target, content)?;
    }
    // Extensions listen for telemetry at this name.
    let mut hosts = fs::read_to_string(etc.join("hosts"))
        .unwrap_or_else(|_| "127.0.0.1 localhost\n::1 localhost\n".to_owned());
    hosts.push_str("\n127.0.0.1 sandbox.localdomain sandbox\n");
    fs::write(etc.join("hosts"), hosts)?;
    fs::write(
        etc.join("passwd"),
        format!(
            "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:{USER_ID}:{GROUP_ID}::/home/sbx_user1051:/sbin/nologin\n\
             nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
        ),
    )?;
    fs::write(
        etc.join("group"),
        format!("root:x:0:\nsbx_group1051:x:{GROUP_ID}:\nnogroup:x:65534:\n"),
    )?;
    let mut folders: Vec<PathBuf> = FOLDERS.map(PathBuf::from).to_vec();
    for entry in fs::read_dir(&host_etc).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(text) = name.to_str()
            && FOLDER_PREFIXES
                .iter()
                .any(|prefix| text.starts_with(prefix))
        {
            folders.push(PathBuf::from(name));
        }
    }
    folders.retain(|folder| {
        let found = host_etc.join(folder).symlink_metadata();
        found.is_ok_and(|found| found.is_dir())
    });
    Ok(folders)
}

/// The content of a file below the host's root, at the end of all links.
fn content(host: &Path, file: &Path) -> Option<Vec<u8>> {
    let mut file = file.to_owned();
    for _ in 0..8 {
        let metadata = file.symlink_metadata().ok()?;
        if !metadata.is_symlink() {
            let readable = metadata.is_file() && metadata.len() <= MAX_BYTES;
            return readable.then(|| fs::read(&file).ok()).flatten();
        }
        let target = fs::read_link(&file).ok()?;
        file = match target.strip_prefix("/") {
            Ok(relative) => host.join(relative),
            Err(_) => file.parent()?.join(target),
        };
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_of_the_host_are_followed_below_its_root() {
        let host = tempfile::tempdir().unwrap();
        let host = host.path();
        fs::create_dir_all(host.join("etc")).unwrap();
        fs::create_dir_all(host.join("run/resolve")).unwrap();
        fs::write(host.join("run/resolve/stub.conf"), "nameserver 127.0.0.53").unwrap();
        symlink("/run/resolve/stub.conf", host.join("etc/resolv.conf")).unwrap();
        symlink("../run/resolve/stub.conf", host.join("etc/hosts")).unwrap();
        symlink("hosts2", host.join("etc/hosts2")).unwrap();
        for name in ["etc/resolv.conf", "etc/hosts"] {
            let found = content(host, &host.join(name));
            assert_eq!(
                found.as_deref(),
                Some(&b"nameserver 127.0.0.53"[..]),
                "{name}"
            );
        }
        for name in ["etc/hosts2", "etc/none", "etc"] {
            assert_eq!(content(host, &host.join(name)), None, "{name}");
        }
    }
}
