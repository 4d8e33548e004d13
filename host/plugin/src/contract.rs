//! The interfaces that the host and components share, with their versions.

/// An interface and the versions of it that this host supports, as in `lambkin:source/poller@0.1.x`: any patch version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contract(pub &'static str);

impl Contract {
    /// The interface's name without its version.
    pub(crate) fn interface(self) -> &'static str {
        self.0
            .split_once('@')
            .map_or(self.0, |(interface, _)| interface)
    }

    /// Whether a name is this interface in a supported version.
    pub(crate) fn supports(self, name: &str) -> bool {
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
    fn patch_releases_are_supported_and_nothing_else() {
        let contract = Contract("lambkin:source/poller@0.1.x");
        for version in ["0.1.0", "0.1.17"] {
            let name = format!("lambkin:source/poller@{version}");
            assert!(contract.supports(&name) && contract.names(&name), "{name}");
        }
        for version in ["0.2.0", "1.0.0", "0.1", "0.1.", "0.1.0-rc.1", "0.10.0", ""] {
            let name = format!("lambkin:source/poller@{version}");
            assert!(!contract.supports(&name) && contract.names(&name), "{name}");
        }
        for name in ["lambkin:source/pollers@0.1.0", "lambkin:source/poller"] {
            assert!(!contract.supports(name) && !contract.names(name), "{name}");
        }
    }
}
