//! The interfaces that the host and components share, with their versions.

/// An interface and the versions of it that this host supports, as in `lambkin:source/poller@0.2.x`: any patch version,
/// and a version without one (`@0.2`), by which some toolchains name all that are compatible. `@1` is `@1.0.x`.
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
        let Some(start) = self.0.strip_suffix(".x") else {
            return false;
        };
        let is_compatible = name == start || start.strip_suffix(".0") == Some(name);
        let patch = name
            .strip_prefix(start)
            .and_then(|rest| rest.strip_prefix('.'));
        is_compatible
            || patch.is_some_and(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Whether a name, of any interface, ends with a supported version.
    fn has_version_of(self, name: &str) -> bool {
        name.split_once('@')
            .is_some_and(|(_, version)| self.supports(&format!("{}@{version}", self.interface())))
    }

    /// Whether a name is an interface of the same package, in a version that this host does not support. In other versions
    /// of the package the interface may have another name.
    pub(crate) fn is_in_other_version(self, name: &str) -> bool {
        let package = |name: &str| name.split(['/', '@']).next().map(str::to_owned);
        package(name) == package(self.0) && name.contains('/') && !self.has_version_of(name)
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
    fn other_versions_of_the_package_are_recognized_whatever_the_interface() {
        let contract = Contract("lambkin:source/poller@0.2.x");
        for (name, expected) in [
            ("lambkin:source/poller@0.1.0", true),
            ("lambkin:source/fetcher@0.1.0", true),
            ("lambkin:source/poller", true),
            ("lambkin:source/poller@0.2.4", false),
            ("lambkin:source/other@0.2.4", false),
            ("lambkin:sources/poller@0.1.0", false),
            ("lambkin:source", false),
        ] {
            assert_eq!(contract.is_in_other_version(name), expected, "{name}");
        }
    }

    #[test]
    fn patch_releases_are_supported_and_nothing_else() {
        let contract = Contract("lambkin:source/poller@0.1.x");
        for version in ["0.1.0", "0.1.17", "0.1"] {
            let name = format!("lambkin:source/poller@{version}");
            assert!(contract.supports(&name) && contract.names(&name), "{name}");
        }
        for version in ["0.2.0", "1.0.0", "0", "0.1.", "0.1.0-rc.1", "0.10.0", ""] {
            let name = format!("lambkin:source/poller@{version}");
            assert!(!contract.supports(&name) && contract.names(&name), "{name}");
        }
        let stable = Contract("lambkin:source/poller@1.0.x");
        for (version, supported) in [("1", true), ("1.0", true), ("1.0.3", true), ("1.1", false)] {
            let name = format!("lambkin:source/poller@{version}");
            assert_eq!(stable.supports(&name), supported, "{name}");
        }
        for name in ["lambkin:source/pollers@0.1.0", "lambkin:source/poller"] {
            assert!(!contract.supports(name) && !contract.names(name), "{name}");
        }
    }
}
