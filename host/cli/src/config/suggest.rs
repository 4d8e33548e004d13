//! Suggestions for names that are not defined, by the rule that the built-in plugins use for their settings.

/// The name nearest to a mistyped one, if one is near enough to be suggested.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let names: Vec<&str> = names.into_iter().collect();
    plugin_kit::nearest::nearest(typed, &names)
}

/// The only name that a text abbreviates, by leaving out some of its letters: `api-gateway-ws` is
/// `api-gateway-websocket`, although `api-gateway-rest` differs in fewer letters.
pub fn abbreviated<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_short = |name: &&str| {
        let mut letters = name.chars();
        text.len() > 1
            && text
                .chars()
                .all(|letter| letters.any(|other| other == letter))
    };
    let mut found = names.into_iter().filter(is_short);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// What to say after a name that is not defined: the nearest defined one, or all of them.
pub fn suggestion<'a>(typed: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(typed, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.clone().next().is_none() => "none is defined".to_owned(),
        None => format!("defined are: {}", names.collect::<Vec<_>>().join(", ")),
    }
}
