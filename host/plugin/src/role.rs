//! Roles, and the exported interfaces that give them.
//!
//! A component plays a role by exporting its interface in a version that this host speaks. One component may play
//! several; what else it exports is nobody's concern.

use std::fmt;

/// A role that a component can play; one component may play several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `lambkin:http-trigger/shaper`.
    HttpTrigger,
    /// `lambkin:batch-trigger/shaper`.
    BatchTrigger,
    /// `lambkin:object-trigger/shaper`.
    ObjectTrigger,
    /// `wasi:http/incoming-handler`.
    Service,
    /// `lambkin:source/poller`.
    Source,
}

impl Role {
    /// All roles, in the order in which they are told.
    pub(crate) const ALL: [Self; 5] = [
        Self::HttpTrigger,
        Self::BatchTrigger,
        Self::ObjectTrigger,
        Self::Service,
        Self::Source,
    ];

    /// The interface that gives the role.
    pub(crate) fn contract(self) -> Contract {
        Contract(match self {
            Self::HttpTrigger => "lambkin:http-trigger/shaper@0.1.x",
            Self::BatchTrigger => "lambkin:batch-trigger/shaper@0.1.x",
            Self::ObjectTrigger => "lambkin:object-trigger/shaper@0.1.x",
            Self::Service => "wasi:http/incoming-handler@0.2.x",
            Self::Source => "lambkin:source/poller@0.1.x",
        })
    }

    /// Whether a component in this role works for the outside world, with queues, objects and HTTP. The others only
    /// compute.
    pub(crate) fn is_privileged(self) -> bool {
        matches!(self, Self::Service | Self::Source)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpTrigger => "http-trigger",
            Self::BatchTrigger => "batch-trigger",
            Self::ObjectTrigger => "object-trigger",
            Self::Service => "service",
            Self::Source => "source",
        })
    }
}

/// An interface and the versions of it that this host speaks, as in `lambkin:source/poller@0.1.x`: only the last number
/// may differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contract(pub &'static str);

impl Contract {
    /// The interface's name without a version.
    pub(crate) fn interface(self) -> &'static str {
        self.0
            .split_once('@')
            .map_or(self.0, |(interface, _)| interface)
    }

    /// Whether a name is this interface in a version that is spoken.
    pub(crate) fn speaks(self, name: &str) -> bool {
        let patch = self
            .0
            .strip_suffix('x')
            .and_then(|start| name.strip_prefix(start));
        patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Whether a name is this interface in any version.
    pub(crate) fn names(self, name: &str) -> bool {
        name.split_once('@')
            .is_some_and(|(interface, _)| interface == self.interface())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_releases_are_spoken_and_nothing_else() {
        let contract = Role::Source.contract();
        for version in ["0.1.0", "0.1.17"] {
            let name = format!("lambkin:source/poller@{version}");
            assert!(contract.speaks(&name) && contract.names(&name), "{name}");
        }
        for version in ["0.2.0", "1.0.0", "0.1", "0.1.", "0.1.0-rc.1", "0.10.0", ""] {
            let name = format!("lambkin:source/poller@{version}");
            assert!(!contract.speaks(&name) && contract.names(&name), "{name}");
        }
        for name in ["lambkin:source/pollers@0.1.0", "lambkin:source/poller"] {
            assert!(!contract.speaks(name) && !contract.names(name), "{name}");
        }
    }
}
