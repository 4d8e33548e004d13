//! Suggestions for names that are not defined.

/// The name nearest to a mistyped one, if one is near enough: at most a third of the characters differ.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| {
            *distance <= name.chars().count().max(typed.chars().count()).div_ceil(3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What to say after a name that is not defined: the nearest defined one, or all of them.
pub fn suggestion<'a>(typed: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(typed, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.clone().next().is_none() => "none is defined".to_owned(),
        None => format!("defined are: {}", names.collect::<Vec<_>>().join(", ")),
    }
}
