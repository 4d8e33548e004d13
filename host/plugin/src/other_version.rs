//! Interfaces that a component exports in versions that this host does not support, and what to do about them.

use crate::contract::Contract;
use crate::role::Role;
use crate::text::quote;

/// An interface that a component exports in a version that this host does not support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherVersion {
    /// The role that it would have, or to whose contract it belongs.
    pub role: Role,
    /// The interface as exported, with its version; displayable.
    pub export: String,
    /// The interface and the versions of it that this host supports. In other versions it may have another name.
    pub supported: &'static str,
}

impl OtherVersion {
    pub(crate) fn new(role: Role, export: &str, contract: Contract) -> Self {
        Self {
            role,
            export: quote(export),
            supported: contract.0,
        }
    }

    fn is_newer(&self) -> bool {
        version(&self.export) > version(self.supported)
    }
}

/// The major and minor version of an interface, if it has one.
fn version(name: &str) -> Option<(u32, u32)> {
    let (_, version) = name.split_once('@')?;
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next().flatten().unwrap_or(0)))
}

/// Says that a component has these interfaces, at least one, and no role.
pub(crate) fn refusal(found: &[OtherVersion]) -> String {
    let exports: Vec<&str> = found.iter().map(|it| it.export.as_str()).collect();
    let supported: Vec<&str> = found.iter().map(|it| it.supported).collect();
    format!(
        "it exports {}, and this version of lambkin supports {}; {}",
        exports.join(" and "),
        supported.join(" and "),
        advice(found)
    )
}

/// What to do about these interfaces, at least one.
pub(crate) fn advice(found: &[OtherVersion]) -> String {
    let roles: Vec<String> = found.iter().map(|it| it.role.to_string()).collect();
    let wit = format!("`lambkin wit {}`", roles.join(" "));
    if found.iter().any(OtherVersion::is_newer) {
        return format!(
            "the plugin was built for a newer version of lambkin: update lambkin, or write the contract of this \
             version with {wit} and build the plugin against it"
        );
    }
    if found.iter().any(|it| !it.export.contains('@')) {
        return format!(
            "name the interface with its version, as {wit} writes it, and build the plugin again"
        );
    }
    format!(
        "the plugin was built for an older version of lambkin: write the contract of this version with {wit}, adapt \
         the plugin's source to it, and build the plugin again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_what_was_found_what_is_supported_and_what_to_do() {
        let http =
            |export| OtherVersion::new(Role::HttpTrigger, export, Role::HttpTrigger.contract());
        let batch = OtherVersion::new(
            Role::BatchTrigger,
            "lambkin:batch-trigger/shaper@0.1.0",
            Role::BatchTrigger.contract(),
        );
        assert_eq!(
            refusal(&[http("lambkin:http-trigger/shaper@0.1.0"), batch]),
            "it exports lambkin:http-trigger/shaper@0.1.0 and lambkin:batch-trigger/shaper@0.1.0, and this version of \
             lambkin supports lambkin:http-trigger/http-shaper@0.2.x and lambkin:batch-trigger/batch-shaper@0.2.x; \
             the plugin was built for an older version of lambkin: write the contract of this version with `lambkin \
             wit http-trigger batch-trigger`, adapt the plugin's source to it, and build the plugin again"
        );
        for (export, expected) in [
            ("lambkin:http-trigger/http-shaper@0.3.0", "a newer version"),
            ("lambkin:http-trigger/http-shaper@0.10.0", "a newer version"),
            ("lambkin:http-trigger/http-shaper@1", "a newer version"),
            ("lambkin:http-trigger/http-shaper@0", "an older version"),
            ("lambkin:http-trigger/http-shaper@0.1.9", "an older version"),
            ("lambkin:http-trigger/http-shaper", "with its version"),
        ] {
            let message = refusal(&[http(export)]);
            assert!(
                message.contains(expected) && message.contains("`lambkin wit http-trigger`"),
                "{message}"
            );
        }
    }
}
