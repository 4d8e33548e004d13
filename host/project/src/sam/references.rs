//! References to generated resources: `!Ref Fn.Alias`, `!GetAtt Fn.DestinationQueue.Arn`, `${Api.Stage}`.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::{Kind, Map, Value};

type References = BTreeMap<(String, String), String>;

/// Lets references refer to generated resources.
pub(super) fn rewrite(root: &mut Map, references: &References) {
    if references.is_empty() {
        return;
    }
    let keys: Vec<String> = root.iter().map(|(key, _)| key.clone()).collect();
    for key in keys {
        if let Some(value) = root.get_mut(&key) {
            rewrite_value(value, references);
        }
    }
}

fn rewrite_value(value: &mut Value, references: &References) {
    match &mut value.kind {
        Kind::List(items) => {
            for item in items {
                rewrite_value(item, references);
            }
        }
        Kind::Map(map) => {
            let keys: Vec<String> = map.iter().map(|(key, _)| key.clone()).collect();
            for key in keys {
                let Some(member) = map.get_mut(&key) else {
                    continue;
                };
                match key.as_str() {
                    "Ref" => rewrite_text(member, |text| generated(text, references)),
                    "Fn::GetAtt" => rewrite_attribute(member, references),
                    "Fn::Sub" => rewrite_sub(member, references),
                    _ => {}
                }
                rewrite_value(member, references);
            }
        }
        Kind::Null | Kind::Plain(_) | Kind::Text(_) | Kind::Unknown(_) => {}
    }
}

/// `Fn.Alias` as the id of the alias, and what follows.
fn generated(text: &str, references: &References) -> Option<String> {
    let (id, rest) = text.split_once('.')?;
    let (property, attribute) = match rest.split_once('.') {
        Some((property, attribute)) => (property, Some(attribute)),
        None => (rest, None),
    };
    let to = references.get(&(id.to_owned(), property.to_owned()))?;
    Some(match attribute {
        Some(attribute) => format!("{to}.{attribute}"),
        None => to.clone(),
    })
}

fn rewrite_text(value: &mut Value, with: impl FnOnce(&str) -> Option<String>) {
    if let Some(text) = value.as_str().and_then(with) {
        value.kind = Kind::Text(text);
    }
}

fn rewrite_attribute(value: &mut Value, references: &References) {
    let parts: Option<Vec<&str>> = value.items().iter().map(Value::as_str).collect();
    let Some(text) = parts.and_then(|parts| generated(&parts.join("."), references)) else {
        return;
    };
    let place = value.place;
    if let Some((id, attribute)) = text.split_once('.') {
        let parts = [id, attribute].map(|part| Value::text(place, part));
        value.kind = Kind::List(parts.to_vec());
    }
}

fn rewrite_sub(value: &mut Value, references: &References) {
    match &mut value.kind {
        Kind::List(parts) => {
            if let Some(text) = parts.first_mut() {
                rewrite_text(text, |text| rewritten_sub(text, references));
            }
        }
        _ => rewrite_text(value, |text| rewritten_sub(text, references)),
    }
}

fn rewritten_sub(text: &str, references: &References) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        result.push_str(before);
        let name = generated(name.trim(), references).unwrap_or_else(|| name.to_owned());
        result.push_str("${");
        result.push_str(&name);
        result.push('}');
        rest = after;
    }
    result.push_str(rest);
    Some(result)
}

/// Collects the words in a value that end in `Role`: ids of roles, if something refers to them.
pub(super) fn roles(value: &Value, found: &mut BTreeSet<String>) {
    match &value.kind {
        Kind::List(items) => {
            for item in items {
                roles(item, found);
            }
        }
        Kind::Map(map) => {
            for (_, member) in map {
                roles(&member.value, found);
            }
        }
        Kind::Plain(text) | Kind::Text(text) => {
            let words = text.split(|char: char| !char.is_ascii_alphanumeric());
            found.extend(words.filter(|word| word.ends_with("Role")).map(Into::into));
        }
        Kind::Null | Kind::Unknown(_) => {}
    }
}
