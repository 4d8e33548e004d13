//! What the system lets the host do for supervised processes.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::sockets::Socket;
use crate::tree::Tree;

/// Whether a program can be kept from signalling processes outside, as by Landlock since Linux 6.12.
pub fn scopes_signals() -> bool {
    #[cfg(target_os = "linux")]
    return scopes(landlock::Scope::Signal);
    #[cfg(not(target_os = "linux"))]
    false
}

/// Whether a program in a sandbox can be kept from connecting to Unix sockets with abstract names outside, which belong to
/// the network and not to the file system, as by Landlock since Linux 6.12.
pub fn scopes_sockets() -> bool {
    #[cfg(target_os = "linux")]
    return scopes(landlock::Scope::AbstractUnixSocket);
    #[cfg(not(target_os = "linux"))]
    false
}

#[cfg(target_os = "linux")]
fn scopes(scope: landlock::Scope) -> bool {
    use landlock::{CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError};

    let created = || -> Result<_, RulesetError> {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .scope(scope)?
            .create()
    };
    created().is_ok()
}

/// Whether the descendants of a process can be listed.
pub fn lists_descendants() -> bool {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let children = format!("/proc/{own}/task/{own}/children");
    std::fs::read(children).is_ok() && Tree::default().walk(&[own]).first() == Some(&own)
}

/// Whether it can be told which process has opened a connection.
pub fn finds_peers() -> bool {
    let connected = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let client = TcpStream::connect(listener.local_addr()?)?;
        Socket::connected(client.local_addr()?, listener.local_addr()?)
    };
    connected().is_ok_and(|socket| socket.is_some())
}

/// Whether the host runs as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
