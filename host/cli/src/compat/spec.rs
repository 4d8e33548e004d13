//! The function that an emulator runs, apart from what its flags and variables say.

use lambkin_http::{
    Allowlist, AllowlistSettings, HOSTS_VARIABLE, HostPattern, ORIGINS_VARIABLE, OriginPattern,
};
use lambkin_invoke_api::limits::EMULATOR_QUEUE;
use lambkin_lambda::{FunctionSpec, Lifecycle, RecursiveLoop};

use super::variables::Variables;
use crate::config::defaults;

/// The settings that both emulators share: one environment, which is neither frozen nor watched for memory, with calls
/// that wait for it, and the variables of the emulator's own environment.
pub(super) fn spec() -> FunctionSpec {
    FunctionSpec {
        exact_variables: true,
        is_configured: false,
        concurrency: 1,
        queue: EMULATOR_QUEUE,
        recursive_loop: RecursiveLoop::Allow,
        lifecycle: Lifecycle {
            freeze: false,
            enforce_memory: false,
            ..Lifecycle::default()
        },
        ..defaults(String::new())
    }
}

/// The hosts and web pages, besides local ones, from which requests are accepted.
pub(super) fn allowlist(variables: &Variables) -> anyhow::Result<Allowlist> {
    Ok(Allowlist::new(
        patterns(variables, HOSTS_VARIABLE, HostPattern::parse)?,
        patterns(variables, ORIGINS_VARIABLE, OriginPattern::parse)?,
        AllowlistSettings::Variables,
    ))
}

/// The values of a variable, which are separated by commas.
fn patterns<T>(
    variables: &Variables,
    key: &str,
    parse: fn(&str) -> Result<T, String>,
) -> anyhow::Result<Vec<T>> {
    let texts = variables.get(key).unwrap_or_default().split(',');
    let texts = texts.map(str::trim).filter(|text| !text.is_empty());
    texts
        .map(|text| parse(text).map_err(|reason| anyhow::anyhow!("{key}: {reason}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: &str) -> Result<Allowlist, String> {
        let mut variables = Variables::default();
        variables.set(key, value);
        allowlist(&variables).map_err(|error| error.to_string())
    }

    #[test]
    fn hosts_and_origins_are_allowed_by_variables() {
        read(HOSTS_VARIABLE, "a.dev, *.b.dev,").unwrap();
        read(ORIGINS_VARIABLE, "https://a.dev,null").unwrap();
        let error = read(HOSTS_VARIABLE, "a.dev,http://b.dev").unwrap_err();
        assert!(
            error.starts_with("LAMBKIN_ALLOWED_HOSTS: \"http://b.dev\" is not a host name"),
            "{error}"
        );
        let error = read(ORIGINS_VARIABLE, "b.dev").unwrap_err();
        assert!(error.starts_with("LAMBKIN_ALLOWED_ORIGINS: "), "{error}");
    }
}
