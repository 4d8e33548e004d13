//! Functions, by the names that triggers and plugins use: `orders`, or `orders:live` with a version or an alias.

use lambkin_lambda::{Alias, FunctionSpec};

use crate::config::{Config, full_name, suggestion};

/// Every name that a trigger may use for a function of the configuration.
pub fn function_names(config: &Config) -> impl Iterator<Item = String> {
    let aliases = config
        .aliases
        .iter()
        .map(|alias| format!("{}:{}", alias.function, alias.name));
    let versions = config.functions.iter().map(full_name);
    let latest = config
        .function_names()
        .map(|name| format!("{name}:$LATEST"));
    versions.chain(latest).chain(aliases)
}

/// The version that a function's name leads to. For an alias that distributes calls over two versions, this is the one
/// that receives the rest.
pub fn resolve<'a>(function: &str, config: &'a Config) -> Option<&'a FunctionSpec> {
    let (name, qualifier) = function.split_once(':').unwrap_or((function, "$LATEST"));
    let is_meant = |alias: &&Alias| alias.function == name && alias.name == qualifier;
    let version = match config.aliases.iter().find(is_meant) {
        Some(alias) => &alias.version,
        None => qualifier,
    };
    let mut functions = config.functions.iter();
    functions.find(|spec| spec.name == name && spec.version == version)
}

/// The message for a function that is to be invoked and is not defined; `None` if it is defined.
pub fn unknown_function(function: &str, config: &Config) -> Option<String> {
    let (name, qualifier) = match function.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (function, None),
    };
    if !config.function_names().any(|known| known == name) {
        let names: Vec<&str> = config.function_names().collect();
        let hint = suggestion(name, names.into_iter());
        return Some(format!(
            "invokes the function {name:?}, which is not defined; {hint}"
        ));
    }
    let qualifier = qualifier?;
    if config.qualifiers(name).any(|known| known == qualifier) {
        return None;
    }
    let qualifiers: Vec<&str> = config.qualifiers(name).collect();
    let hint = suggestion(qualifier, qualifiers.into_iter());
    Some(format!(
        "invokes the version or alias {qualifier:?} of {name}, which is not defined; {hint}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lambkin.toml");
        let text = "
            [functions.quick]
            code = '/'
            timeout = 30
            [functions.slow]
            code = '/'
            [functions.slow.versions.2]
            timeout = 60.5
            [functions.slow.aliases]
            live = '2'
        ";
        std::fs::write(&path, text).unwrap();
        Config::read(&path).unwrap()
    }

    #[test]
    fn a_name_leads_to_a_version_by_itself_by_number_or_by_alias() {
        let config = config();
        for (function, timeout) in [
            ("quick", Some(30.0)),
            ("slow", Some(3.0)),
            ("slow:$LATEST", Some(3.0)),
            ("slow:2", Some(60.5)),
            ("slow:live", Some(60.5)),
            ("missing", None),
        ] {
            let spec = resolve(function, &config);
            let found = spec.map(|spec| spec.timeout.as_secs_f64());
            assert_eq!(found, timeout, "{function}");
        }
    }

    #[test]
    fn an_unknown_function_is_reported_with_the_nearest_defined_one() {
        let config = config();
        assert_eq!(unknown_function("slow:live", &config), None);
        for (function, message) in [
            (
                "quik",
                "the function \"quik\", which is not defined; did you mean `quick`?",
            ),
            (
                "slow:liev",
                "the version or alias \"liev\" of slow, which is not defined; did you mean `live`?",
            ),
        ] {
            let error = unknown_function(function, &config).unwrap();
            assert!(error.contains(message), "{error}");
        }
    }
}
