//! Functions as others name them.

use lambkin_lambda::FunctionSpec;

use crate::config::{Config, suggestion};

/// What a name leads to, a qualifier may follow: `orders:live`. Of an alias with shares it is the version that has the rest.
pub fn resolve<'a>(function: &str, config: &'a Config) -> Option<&'a FunctionSpec> {
    let (name, qualifier) = function.split_once(':').unwrap_or((function, "$LATEST"));
    let alias = |alias: &&lambkin_lambda::Alias| alias.function == name && alias.name == qualifier;
    let version = match config.aliases.iter().find(alias) {
        Some(alias) => &alias.version,
        None => qualifier,
    };
    let mut functions = config.functions.iter();
    functions.find(|spec| spec.name == name && spec.version == version)
}

/// Says what is wrong with the name of a function that is to be invoked, if there is no such function.
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
