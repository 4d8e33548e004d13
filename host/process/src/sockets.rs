//! Which process has a TCP connection, and on which ports processes listen.
//!
//! The kernel's socket diagnostics (`sock_diag`) give the inode of a socket, and `/proc/PID/fd` the inodes of a
//! process's sockets. Both are available to every user for its own processes. Looking up one connection takes some ten
//! microseconds, however many there are.
//!
//! On failure: what cannot be determined is `None`. Systems other than Linux have no socket diagnostics.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::tree::Tree;

/// A socket, identified by its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Socket(u32);

/// Who has a socket among the descendants of some processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The process with this id.
    Process(i32),
    /// None of them.
    Nobody,
    /// None of those whose open files this process may see.
    Unclear,
}

/// Whether a process is one of the roots, or the first process of a sandbox that one of them has started. Those are the
/// host's own processes, which have no connections to the host, and the latter hides its open files.
fn is_of_host(pid: i32, roots: &[i32]) -> bool {
    let status = || fs::read_to_string(format!("/proc/{pid}/status")).ok();
    roots.contains(&pid) || status().is_some_and(|status| is_first_below(&status, roots))
}

/// Whether a `/proc/PID/status` is that of the first process of a PID namespace, whose parent is one of these.
fn is_first_below(status: &str, parents: &[i32]) -> bool {
    let last = |name: &str| -> Option<i32> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next_back()?.parse().ok()
    };
    last("NSpid:") == Some(1) && last("PPid:").is_some_and(|parent| parents.contains(&parent))
}

impl Socket {
    /// The socket at `local` that is connected to `remote`. `None` if it has been closed.
    pub fn connected(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<Self>> {
        diagnostics::connected(local, remote)
    }

    /// Searches these processes and all their descendants for one that has the socket open.
    pub fn holder_below(self, roots: &[i32]) -> Holder {
        let mut is_unclear = false;
        let found = Tree::default().find(roots, |pid| match self.is_open_in(pid) {
            Ok(is_open) => is_open,
            Err(error) => {
                is_unclear |=
                    error.kind() == io::ErrorKind::PermissionDenied && !is_of_host(pid, roots);
                false
            }
        });
        match found {
            Some(pid) => Holder::Process(pid),
            None if is_unclear => Holder::Unclear,
            None => Holder::Nobody,
        }
    }

    /// Searches all processes of the system for one that has the socket open.
    pub fn holder_anywhere(self) -> Option<i32> {
        let processes = fs::read_dir("/proc").ok()?.flatten();
        processes
            .filter_map(|process| process.file_name().to_str()?.parse().ok())
            .find(|pid| self.is_open_in(*pid).is_ok_and(|is_open| is_open))
    }

    fn is_open_in(self, pid: i32) -> io::Result<bool> {
        let link = format!("socket:[{}]", self.0);
        for file in fs::read_dir(format!("/proc/{pid}/fd"))? {
            if fs::read_link(file?.path()).is_ok_and(|target| target == Path::new(&link)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A process that listens on a TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// The port.
    pub port: u16,
    /// The process's id.
    pub pid: i32,
}

/// Those of these processes and their descendants that listen on TCP ports, in the order of the ports. Empty if that
/// cannot be determined.
pub fn listeners_below(roots: &[i32]) -> Vec<Listener> {
    let Ok(listening) = diagnostics::listening() else {
        return Vec::new();
    };
    let mut tree = Tree::default();
    let mut found: Vec<Listener> = Vec::new();
    for &pid in tree.walk(roots) {
        let files = fs::read_dir(format!("/proc/{pid}/fd"));
        for file in files.into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(file.path()) else {
                continue;
            };
            let inode = target
                .to_str()
                .and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'))
                .and_then(|inode| inode.parse().ok());
            let own = listening
                .iter()
                .filter(|(socket, _)| Some(socket.0) == inode);
            found.extend(own.map(|(_, port)| Listener { port: *port, pid }));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(not(target_os = "linux"))]
mod diagnostics {
    use super::*;

    pub(super) fn connected(_: SocketAddr, _: SocketAddr) -> io::Result<Option<Socket>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn listening() -> io::Result<Vec<(Socket, u16)>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Netlink's messages of the family `sock_diag`, as `linux/inet_diag.h` defines them.
#[cfg(target_os = "linux")]
mod diagnostics {
    use std::net::IpAddr;
    use std::os::fd::OwnedFd;

    use rustix::io::Errno;
    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send,
        socket_with,
    };

    use super::*;

    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLMSG_ERROR: u16 = 2;
    const NLMSG_DONE: u16 = 3;
    const NLM_F_REQUEST: u16 = 0x1;
    const NLM_F_DUMP: u16 = 0x300;
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    const IPPROTO_TCP: u8 = 6;
    const ALL_STATES: u32 = u32::MAX;
    const TCP_LISTEN: u32 = 1 << 10;
    /// The size of netlink's header, which precedes every message.
    const HEADER: usize = 16;
    /// Where the source port and the inode are in `inet_diag_msg`.
    const SOURCE_PORT: usize = HEADER + 4;
    const INODE: usize = HEADER + 68;

    pub(super) fn connected(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<Socket>> {
        let mut found = None;
        let answer = ask(local, remote, NLM_F_REQUEST, ALL_STATES, |socket, _| {
            found = Some(socket);
        });
        match answer {
            Err(error) if error == Errno::NOENT => Ok(None),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(found.filter(|socket| socket.0 != 0)),
        }
    }

    pub(super) fn listening() -> io::Result<Vec<(Socket, u16)>> {
        let mut found = Vec::new();
        for any in ["0.0.0.0:0", "[::]:0"] {
            let any: SocketAddr = any.parse().map_err(io::Error::other)?;
            ask(
                any,
                any,
                NLM_F_REQUEST | NLM_F_DUMP,
                TCP_LISTEN,
                |socket, port| {
                    found.push((socket, port));
                },
            )?;
        }
        Ok(found)
    }

    /// Sends a request and passes on the inode and the port of each socket in the answer.
    fn ask(
        local: SocketAddr,
        remote: SocketAddr,
        flags: u16,
        states: u32,
        mut found: impl FnMut(Socket, u16),
    ) -> Result<(), Errno> {
        let netlink: OwnedFd = socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            Some(netlink::SOCK_DIAG),
        )?;
        send(
            &netlink,
            &request(local, remote, flags, states),
            SendFlags::empty(),
        )?;
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let (_, length) = recv(&netlink, buffer.as_mut_slice(), RecvFlags::empty())?;
            let mut rest = buffer.get(..length).unwrap_or_default();
            while let Some(length) = number(rest, 0) {
                let length = length as usize;
                match short(rest, 4) {
                    Some(NLMSG_DONE) => return Ok(()),
                    Some(NLMSG_ERROR) => {
                        let error = number(rest, HEADER).map_or(0, u32::cast_signed);
                        return Err(Errno::from_raw_os_error(-error));
                    }
                    Some(SOCK_DIAG_BY_FAMILY) => {
                        let port = rest.get(SOURCE_PORT..SOURCE_PORT + 2);
                        let port = port.and_then(|port| port.try_into().ok());
                        if let (Some(inode), Some(port)) = (number(rest, INODE), port) {
                            found(Socket(inode), u16::from_be_bytes(port));
                        }
                    }
                    _ => {}
                }
                if flags & NLM_F_DUMP == 0 {
                    return Ok(());
                }
                // Messages begin at multiples of four bytes.
                let next = length.next_multiple_of(4).max(HEADER);
                rest = rest.get(next..).unwrap_or_default();
            }
        }
    }

    fn request(local: SocketAddr, remote: SocketAddr, flags: u16, states: u32) -> Vec<u8> {
        let mut message = Vec::with_capacity(72);
        message.extend(72_u32.to_ne_bytes());
        message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend([0; 8]); // sequence number and sender
        let family = if local.is_ipv4() { AF_INET } else { AF_INET6 };
        message.extend([family, IPPROTO_TCP, 0, 0]);
        message.extend(states.to_ne_bytes());
        message.extend(local.port().to_be_bytes());
        message.extend(remote.port().to_be_bytes());
        for address in [local.ip(), remote.ip()] {
            let mut bytes = [0; 16];
            match address {
                IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
                IpAddr::V6(address) => bytes = address.octets(),
            }
            message.extend(bytes);
        }
        message.extend([0; 4]); // any interface
        message.extend([0xff; 8]); // no cookie
        message
    }

    fn number(bytes: &[u8], at: usize) -> Option<u32> {
        Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    }

    fn short(bytes: &[u8], at: usize) -> Option<u16> {
        Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    fn own_pid() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    #[test]
    fn a_connection_is_found_in_the_process_that_has_it() {
        for address in ["127.0.0.1:0", "127.7.8.9:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue; // a machine without IPv6
            };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, from) = listener.accept().unwrap();
            let to = server.local_addr().unwrap();
            let socket = Socket::connected(from, to).unwrap().unwrap();
            assert_ne!(Socket::connected(to, from).unwrap(), Some(socket));
            assert_eq!(
                socket.holder_below(&[own_pid()]),
                Holder::Process(own_pid())
            );
            assert_eq!(socket.holder_below(&[i32::MAX]), Holder::Nobody);
            assert_eq!(socket.holder_anywhere(), Some(own_pid()));
            drop(client);
            // A child of another test may have inherited the socket, until its program starts.
            let deadline = Instant::now() + Duration::from_secs(60);
            while Socket::connected(from, to).unwrap().is_some() {
                assert!(Instant::now() < deadline, "{address}");
                thread::yield_now();
            }
        }
    }

    #[test]
    fn the_first_process_of_a_sandbox_is_told_from_its_other_processes() {
        let status = |parent: i32, ids: &str| {
            format!("Name:\tsandbox-init\nPid:\t70\nPPid:\t{parent}\nNSpid:\t{ids}\nNStgid:\t70\n")
        };
        assert!(is_first_below(&status(50, "70\t1"), &[40, 50]));
        assert!(!is_first_below(&status(60, "70\t1"), &[40, 50]));
        assert!(!is_first_below(&status(50, "70\t2"), &[50]));
        assert!(!is_first_below(&status(50, "70"), &[50]));
        assert!(!is_first_below("", &[50]));
        assert!(is_of_host(50, &[50]));
        assert!(!is_of_host(own_pid(), &[50]));
    }

    #[test]
    fn the_ports_of_listening_sockets_are_found() {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let second = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"));
        let second = second.unwrap();
        let found = listeners_below(&[own_pid()]);
        for listener in [first, second] {
            let port = listener.local_addr().unwrap().port();
            let pid = own_pid();
            assert!(found.contains(&Listener { port, pid }), "{found:?}");
        }
        assert!(listeners_below(&[i32::MAX]).is_empty());
    }
}
