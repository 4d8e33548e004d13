//! `Fn::ForEach` of the macro `AWS::LanguageExtensions`: members of a map, once for each item of a list.
//!
//! Contract: `Fn::ForEach::NAME: [IDENTIFIER, LIST, {KEY: VALUE}]` is replaced by `KEY: VALUE` for each item of the list,
//! in which `${IDENTIFIER}`, `&{IDENTIFIER}` (letters and digits of it only) and `Ref` of it are the item. The list can be
//! made of parameters and mappings.
//!
//! On failure: a loop that cannot be read is refused and left out. Too many members are a [`ProjectError`].

use super::resolver::{Resolver, Scope};
use crate::ProjectError;
use crate::file::Place;
use crate::resource::Template;
use crate::value::{Kind, Map, Value};

/// The name of the macro in `Transform`.
pub(super) const MACRO: &str = "AWS::LanguageExtensions";

const PREFIX: &str = "Fn::ForEach::";

/// How many loops may be in each other, as on AWS.
const DEPTH: usize = 5;

/// How many values loops may make.
const VALUES: usize = 500_000;

/// Replaces the loops in a template, whose parameters and mappings are those of `scope`.
pub(super) fn expand(
    resolver: &Resolver<'_>,
    scope: &Scope,
    template: &mut Template,
) -> Result<(), ProjectError> {
    let transforms = template
        .root
        .get("Transform")
        .map(Value::items)
        .unwrap_or_default();
    let mut loops = Loops {
        resolver,
        scope,
        is_allowed: transforms.iter().any(|name| name.as_str() == Some(MACRO)),
        values: 0,
    };
    for section in ["Conditions", "Resources", "Outputs"] {
        if let Some(value) = template.root.get_mut(section) {
            loops.walk(value, 0)?;
        }
    }
    Ok(())
}

struct Loops<'r> {
    resolver: &'r Resolver<'r>,
    scope: &'r Scope,
    is_allowed: bool,
    values: usize,
}

impl Loops<'_> {
    fn walk(&mut self, value: &mut Value, depth: usize) -> Result<(), ProjectError> {
        match &mut value.kind {
            Kind::List(items) => {
                for item in items {
                    self.walk(item, depth)?;
                }
            }
            Kind::Map(map) => {
                let has_loop = map.iter().any(|(key, _)| key.starts_with(PREFIX));
                for (key, member) in map.members_mut() {
                    if !key.starts_with(PREFIX) {
                        self.walk(&mut member.value, depth)?;
                    }
                }
                if has_loop {
                    let members = std::mem::take(map);
                    for (key, member) in members {
                        if key.starts_with(PREFIX) {
                            self.repeat(map, &key, member.place, &member.value, depth)?;
                        } else {
                            map.insert(key, member.place, member.value);
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds the members that a loop makes.
    fn repeat(
        &mut self,
        map: &mut Map,
        name: &str,
        place: Place,
        content: &Value,
        depth: usize,
    ) -> Result<(), ProjectError> {
        let report = &self.resolver.context.report;
        if !self.is_allowed {
            let message = format!("{name} needs the macro: Transform: {MACRO}");
            report.refuse(place, message);
            return Ok(());
        }
        let parts = match content.as_list() {
            Some([identifier, items, members]) => identifier
                .as_str()
                .zip(members.as_map())
                .map(|(identifier, members)| (identifier, items, members)),
            _ => None,
        };
        let Some((identifier, items, members)) = parts else {
            let message = format!("{name} takes [IDENTIFIER, LIST, {{KEY: VALUE}}]");
            report.refuse(place, message);
            return Ok(());
        };
        if depth >= DEPTH {
            let message = format!("{name}: more than {DEPTH} loops are in each other");
            report.refuse(place, message);
            return Ok(());
        }
        for item in self.items(name, items)? {
            for (key, member) in members {
                let key = substituted(key, identifier, &item);
                let mut value = member.value.clone();
                self.substitute(&mut value, identifier, &item)?;
                if key.starts_with(PREFIX) {
                    self.repeat(map, &key, member.place, &value, depth + 1)?;
                    continue;
                }
                self.walk(&mut value, depth + 1)?;
                if map.insert(key.clone(), member.place, value).is_some() {
                    let message =
                        format!("{name} makes {key} twice: its key needs ${{{identifier}}}");
                    self.resolver.context.report.refuse(member.place, message);
                }
            }
        }
        Ok(())
    }

    /// The texts in the list of a loop.
    fn items(&self, name: &str, list: &Value) -> Result<Vec<String>, ProjectError> {
        let place = list.place;
        let value = self.resolver.value_of(self.scope, list)?;
        let mut texts = Vec::new();
        if value.as_list().is_some() {
            // A list in the list is that of a parameter.
            for item in value.items().iter().flat_map(Value::items) {
                match item.as_text() {
                    Some(text) => texts.push(text.into_owned()),
                    None => {
                        let what = item.as_unknown().unwrap_or(item.described());
                        let message =
                            format!("{name}: the items of its list are texts, not {what}");
                        self.resolver.context.report.refuse(place, message);
                        return Ok(Vec::new());
                    }
                }
            }
        } else {
            let what = value.as_unknown().unwrap_or(value.described());
            let message = format!("{name} needs a list, not {what}");
            self.resolver.context.report.refuse(place, message);
        }
        Ok(texts)
    }

    fn substitute(
        &mut self,
        value: &mut Value,
        identifier: &str,
        item: &str,
    ) -> Result<(), ProjectError> {
        self.values += 1;
        if self.values > VALUES {
            let message = format!("loops make more than {VALUES} values");
            return Err(self.resolver.context.error(value.place, &message));
        }
        if value
            .as_map()
            .and_then(Map::only)
            .is_some_and(|(name, argument)| name == "Ref" && argument.as_str() == Some(identifier))
        {
            value.kind = Kind::Text(item.to_owned());
            return Ok(());
        }
        match &mut value.kind {
            Kind::Plain(text) | Kind::Text(text) => {
                let new = substituted(text, identifier, item);
                self.resolver.made(value.place, &new)?;
                *text = new;
            }
            Kind::List(items) => {
                for item_of_list in items {
                    self.substitute(item_of_list, identifier, item)?;
                }
            }
            Kind::Map(map) => {
                for (key, mut member) in std::mem::take(map) {
                    self.substitute(&mut member.value, identifier, item)?;
                    map.insert(
                        substituted(&key, identifier, item),
                        member.place,
                        member.value,
                    );
                }
            }
            Kind::Null | Kind::Unknown(_) => {}
        }
        Ok(())
    }
}

fn substituted(text: &str, identifier: &str, item: &str) -> String {
    if !text.contains(identifier) {
        return text.to_owned();
    }
    let word: String = item.chars().filter(char::is_ascii_alphanumeric).collect();
    text.replace(&format!("${{{identifier}}}"), item)
        .replace(&format!("&{{{identifier}}}"), &word)
}
