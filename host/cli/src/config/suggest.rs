//! Suggestions for names that are not defined, by the rule that the built-in plugins use for their settings.

/// The name nearest to a mistyped one, if one is near enough to be suggested.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let names: Vec<&str> = names.into_iter().collect();
    plugin_kit::nearest::nearest(typed, &names)
}

/// What to say after a name that is not defined: the nearest defined one, or all of them.
pub fn suggestion<'a>(typed: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(typed, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.clone().next().is_none() => "none is defined".to_owned(),
        None => format!("defined are: {}", names.collect::<Vec<_>>().join(", ")),
    }
}
