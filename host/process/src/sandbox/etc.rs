//! The part of `/etc` that a program sees: what name resolution, TLS, the dynamic loader and interpreters need.
//!
//! Everything else stays outside, as it may be secret: keys in `/etc/ssl/private`, passwords in `/etc/shadow`, settings
//! of other programs. So does what only its owner may read. The accounts are those of Lambda, not the machine's.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

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

/// How many links are followed to find a file, as by the kernel.
const MAX_LINKS: usize = 40;

/// Fills `/etc`, with `host` as the folder of the host's root. Returns the folders to mount there, by their paths below
/// `/etc`, and where they are on the host. What is missing or cannot be read by everyone is left out.
pub(super) fn fill(host: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let etc = Path::new("/etc");
    fs::create_dir(etc)?;
    for name in FILES {
        let Some(content) = content(host, &etc.join(name)) else {
            continue;
        };
        let target = etc.join(name);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(target, content)?;
    }
    fs::write(etc.join("hosts"), hosts(host))?;
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
    for entry in fs::read_dir(host.join("etc"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name();
        if let Some(text) = name.to_str()
            && FOLDER_PREFIXES
                .iter()
                .any(|prefix| text.starts_with(prefix))
        {
            folders.push(PathBuf::from(name));
        }
    }
    let found = folders.into_iter().filter_map(|folder| {
        let source = resolve(host, &etc.join(&folder))?;
        let metadata = fs::metadata(below(host, &source)).ok()?;
        let is_open = metadata.is_dir() && metadata.permissions().mode() & 0o005 == 0o005;
        is_open.then_some((folder, source))
    });
    Ok(found.collect())
}

/// The files of `/etc` that depend on the machine, by their names, for a root that has an `/etc` of its own.
pub(super) fn of_machine(host: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let resolver = content(host, Path::new("/etc/resolv.conf"));
    vec![
        ("hosts", hosts(host)),
        ("resolv.conf", resolver.unwrap_or_default()),
    ]
}

/// The host's `hosts`, with the name at which extensions listen for telemetry.
fn hosts(host: &Path) -> Vec<u8> {
    let found = content(host, Path::new("/etc/hosts"));
    let mut hosts = found.unwrap_or_else(|| b"127.0.0.1 localhost\n::1 localhost\n".to_vec());
    hosts.extend(b"\n127.0.0.1 sandbox.localdomain sandbox\n");
    hosts
}

/// The content of a file of the host, at the end of all links, if everyone may read it.
fn content(host: &Path, file: &Path) -> Option<Vec<u8>> {
    let file = below(host, &resolve(host, file)?);
    let metadata = fs::metadata(&file).ok()?;
    let is_public = metadata.is_file() && metadata.permissions().mode() & 0o004 != 0;
    (is_public && metadata.len() <= MAX_BYTES).then(|| fs::read(&file).ok())?
}

/// A path of the host without links, which are followed as if its root were the root. `None` if there is no such file, or
/// if others than its owner may not open a folder on the way.
fn resolve(host: &Path, path: &Path) -> Option<PathBuf> {
    let names = |path: &Path| {
        let names = path.components().rev().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            _ => None,
        });
        names.collect::<Vec<OsString>>()
    };
    let mut rest = names(path);
    let mut found = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == ".." {
            found.pop();
            continue;
        }
        let next = found.join(name);
        let metadata = below(host, &next).symlink_metadata().ok()?;
        if metadata.is_symlink() {
            links += 1;
            let target = fs::read_link(below(host, &next)).ok()?;
            if links > MAX_LINKS {
                return None;
            }
            if target.is_absolute() {
                found = PathBuf::from("/");
            }
            rest.extend(names(&target));
            continue;
        }
        if metadata.is_dir() && metadata.permissions().mode() & 0o001 == 0 {
            return None;
        }
        found = next;
    }
    Some(found)
}

fn below(host: &Path, path: &Path) -> PathBuf {
    host.join(path.strip_prefix("/").unwrap_or(path))
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
        fs::create_dir_all(host.join("etc/static/ssl")).unwrap();
        fs::create_dir_all(host.join("run/resolve")).unwrap();
        fs::write(host.join("run/resolve/stub.conf"), "nameserver 127.0.0.53").unwrap();
        fs::write(host.join("etc/static/ssl/cert.pem"), "of all").unwrap();
        symlink("/run/resolve/stub.conf", host.join("etc/resolv.conf")).unwrap();
        symlink("../run/resolve/stub.conf", host.join("etc/hosts")).unwrap();
        symlink("hosts2", host.join("etc/hosts2")).unwrap();
        // Through folders that are links, as on NixOS, and never above the root.
        symlink("/etc/static/ssl", host.join("etc/ssl")).unwrap();
        symlink("../../../../run/resolve", host.join("etc/resolve")).unwrap();
        let read = |name: &str| content(host, &Path::new("/etc").join(name));
        for name in [
            "resolv.conf",
            "hosts",
            "resolve/stub.conf",
            "ssl/../../../run/resolve/stub.conf",
        ] {
            assert_eq!(
                read(name).as_deref(),
                Some(&b"nameserver 127.0.0.53"[..]),
                "{name}"
            );
        }
        assert_eq!(read("ssl/cert.pem").as_deref(), Some(&b"of all"[..]));
        for name in ["hosts2", "none", "", "ssl", "hosts/x"] {
            assert_eq!(read(name), None, "{name}");
        }
        let folder = resolve(host, Path::new("/etc/ssl"));
        assert_eq!(folder.as_deref(), Some(Path::new("/etc/static/ssl")));
    }

    #[test]
    fn what_only_its_owner_may_read_is_left_out() {
        let host = tempfile::tempdir().unwrap();
        let host = host.path();
        let set = |path: &str, mode| {
            fs::set_permissions(host.join(path), fs::Permissions::from_mode(mode)).unwrap();
        };
        fs::create_dir_all(host.join("etc/private")).unwrap();
        for file in ["etc/hosts", "etc/krb", "etc/private/key"] {
            fs::write(host.join(file), "text").unwrap();
            set(file, 0o644);
        }
        symlink("private/key", host.join("etc/link")).unwrap();
        set("etc/krb", 0o640);
        let read = |name: &str| content(host, &Path::new("/etc").join(name)).is_some();
        assert_eq!(["hosts", "krb", "link"].map(read), [true, false, true]);
        set("etc/private", 0o700);
        assert_eq!(["hosts", "krb", "link"].map(read), [true, false, false]);
        set("etc/private", 0o755);
    }
}
