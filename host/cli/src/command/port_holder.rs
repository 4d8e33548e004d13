//! The process that listens on an address, for the message about a port that cannot be used.
//!
//! Linux only, and only processes whose descriptors this user may see.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A process that listens.
#[derive(Debug)]
pub struct Holder {
    pub pid: u32,
    /// Its program's name.
    pub name: String,
}

impl Holder {
    /// The process that listens on this address or, on its port, on all addresses.
    pub fn of(address: SocketAddr) -> Option<Self> {
        let mut inodes = Vec::new();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let table = fs::read_to_string(table).unwrap_or_default();
            let found = listening(&table, address.port()).into_iter();
            inodes.extend(found.map(|inode| format!("socket:[{inode}]")));
        }
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let pid: u32 = pids.find(|pid| {
            let descriptors = fs::read_dir(format!("/proc/{pid}/fd"))
                .into_iter()
                .flatten();
            descriptors.flatten().any(|descriptor| {
                let target = fs::read_link(descriptor.path()).unwrap_or_default();
                inodes.iter().any(|inode| target == Path::new(inode))
            })
        })?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some(Self {
            pid,
            name: name.trim().to_owned(),
        })
    }

    /// Whether this process is a `lambkin serve` with this configuration.
    pub fn serves(&self, config: &Path) -> bool {
        let folder = PathBuf::from(format!("/proc/{}/cwd", self.pid));
        let Ok(line) = fs::read(format!("/proc/{}/cmdline", self.pid)) else {
            return false;
        };
        let line = String::from_utf8_lossy(&line);
        let mut words = line.split('\0');
        let program = words.next().map(Path::new);
        let is_lambkin = program
            .and_then(Path::file_name)
            .is_some_and(|name| name == "lambkin");
        let mut served = "lambkin.toml".to_owned();
        let mut serves = false;
        while let Some(word) = words.next() {
            serves |= word == "serve";
            if matches!(word, "-c" | "--config") {
                served = words.next().unwrap_or_default().to_owned();
            } else if let Some(path) = word.strip_prefix("--config=") {
                path.clone_into(&mut served);
            }
        }
        let theirs = folder.join(served).canonicalize();
        is_lambkin
            && serves
            && theirs.is_ok_and(|path| config.canonicalize().is_ok_and(|own| own == path))
    }
}

/// The inodes of the listening sockets of a port, in the format of `/proc/net/tcp`.
fn listening(table: &str, port: u16) -> Vec<&str> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    let inode = |line| {
        let columns: Vec<&str> = str::split_whitespace(line).collect();
        let is_it = columns.get(1)?.ends_with(&suffix) && *columns.get(3)? == LISTEN;
        columns.get(9).filter(|_| is_it).copied()
    };
    table.lines().skip(1).filter_map(inode).collect()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_process_that_listens_is_found() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // There are machines without IPv6.
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let address = listener.local_addr().unwrap();
            let holder = Holder::of(address).unwrap();
            assert_eq!(holder.pid, std::process::id());
            assert!(!holder.name.is_empty() && !holder.serves(Path::new("lambkin.toml")));
            drop(listener);
        }
    }
}
