//! What expressions of a configuration refer to, as references between the resources of a template.
//!
//! Contract: an attribute that is known is that value, with what it has of other resources replaced by references to them; an
//! attribute that is known after the resources are made only, is what its expression refers to. The plan says of an
//! expression which references are in it, and nothing else of it: what is around a reference is not known.
//!
//! On failure: what cannot be told is [`Kind::Unknown`].

use crate::cfn;
use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::expression::{references, split};
use super::intrinsic::{self, Attribute};
use super::plan::{Plan, Planned, dig, is_nothing, joined};

/// How many variables and outputs of modules may lie between an attribute and what it refers to.
const DEPTH: usize = 30;

/// What a reference leads to.
enum Target<'p> {
    /// An attribute of a resource.
    Attribute(&'p Planned, String),
    /// A value.
    Value(Value),
    /// Something that the plan does not say.
    Unknown(String),
}

impl Plan {
    /// An attribute of a resource, at a path through its blocks, as a value of a template.
    pub fn attribute(&self, resource: &Planned, path: &[&str]) -> Option<Value> {
        self.attribute_at(
            resource,
            &resource.values,
            &resource.expressions,
            &resource.unknown,
            path,
            0,
        )
    }

    /// An attribute of one of the blocks of a resource: the `number`th of this name.
    pub fn attribute_of(
        &self,
        resource: &Planned,
        block: &str,
        number: usize,
        path: &[&str],
    ) -> Option<Value> {
        let null = Value::null(resource.place);
        let nth = |value: &Value| match value.get(block).map(Value::items) {
            Some(items) => items
                .get(number)
                .or_else(|| items.first())
                .cloned()
                .unwrap_or_else(|| null.clone()),
            None => null.clone(),
        };
        let values = resource
            .values
            .get(block)
            .map(Value::items)
            .unwrap_or_default();
        let values = values.get(number).cloned().unwrap_or_else(|| null.clone());
        self.attribute_at(
            resource,
            &values,
            &nth(&resource.expressions),
            &nth(&resource.unknown),
            path,
            0,
        )
    }

    fn attribute_at(
        &self,
        resource: &Planned,
        values: &Value,
        expressions: &Value,
        unknown: &Value,
        path: &[&str],
        depth: usize,
    ) -> Option<Value> {
        let references = dig(expressions, path).map(references).unwrap_or_default();
        let place = resource.place;
        let targets = || -> Vec<Target<'_>> {
            let leads = references.iter().map(|reference| {
                self.target(resource.module, &resource.index, reference, place, depth)
            });
            leads.collect()
        };
        // Of a map, some members can be unknown, or all.
        let members = dig(unknown, path)
            .filter(|unknown| unknown.as_map().is_some_and(|map| !map.is_empty()));
        let known = dig(values, path)
            .filter(|value| !is_nothing(value))
            .cloned();
        match known.or_else(|| members.map(|_| Value::new(place, Kind::Map(Map::default())))) {
            Some(value) => Some(self.filled(&value, members, &targets(), depth)),
            None => {
                let is_unknown = |unknown: &Value| {
                    unknown.as_bool() == Some(true) || unknown.as_list().is_some()
                };
                let is_unknown = dig(unknown, path).is_some_and(is_unknown);
                // What is neither known nor unknown is not set.
                if !is_unknown && !resource.unknown.is_null() {
                    return None;
                }
                let found = self.first(&targets(), place, depth);
                found.filter(|value| {
                    !value.is_null() && (is_unknown || value.as_unknown().is_none())
                })
            }
        }
    }

    /// An output of the outermost module.
    pub fn output(&self, name: &str, planned: &Value) -> Value {
        let place = planned.place;
        let expression = self
            .modules
            .first()
            .and_then(|module| module.configuration.at(&["outputs", name, "expression"]));
        let references = expression.map(references).unwrap_or_default();
        let targets: Vec<Target<'_>> = references
            .iter()
            .map(|reference| self.target(0, "", reference, place, 0))
            .collect();
        match planned.get("value") {
            Some(value) => self.filled(value, None, &targets, 0),
            None => self.first(&targets, place, 0).unwrap_or_else(|| {
                let why = "the plan does not say it".to_owned();
                Value::new(place, Kind::Unknown(why))
            }),
        }
    }

    /// The region of the provider.
    pub fn region(&self) -> Option<String> {
        let aws = self.providers.members().find(|(_, provider)| {
            let is_aws = provider.get("name").and_then(Value::as_str) == Some("aws");
            is_aws && provider.get("alias").is_none()
        });
        let expression = aws?.1.at(&["expressions", "region"])?;
        if let Some(region) = expression.get("constant_value") {
            return region.as_str().map(str::to_owned);
        }
        let place = expression.place;
        references(expression).iter().find_map(|reference| {
            match self.target(0, "", reference, place, 0) {
                Target::Value(value) => value.as_str().map(str::to_owned),
                _ => None,
            }
        })
    }

    /// The resources that an attribute refers to.
    pub fn referred(&self, resource: &Planned, path: &[&str]) -> Vec<&Planned> {
        let references = dig(&resource.expressions, path)
            .map(references)
            .unwrap_or_default();
        let targets = references.iter().map(|reference| {
            self.target(
                resource.module,
                &resource.index,
                reference,
                resource.place,
                0,
            )
        });
        targets
            .filter_map(|target| match target {
                Target::Attribute(resource, _) => Some(resource),
                _ => None,
            })
            .collect()
    }

    /// What an expression refers to first that can be told.
    fn first(&self, targets: &[Target<'_>], place: Place, depth: usize) -> Option<Value> {
        let mut why = None;
        for target in targets {
            let value = self.value(target, place, depth);
            match value.kind {
                Kind::Unknown(text) => why = why.or(Some(text)),
                _ => return Some(value),
            }
        }
        why.map(|why| Value::new(place, Kind::Unknown(why)))
    }

    fn value(&self, target: &Target<'_>, place: Place, depth: usize) -> Value {
        match target {
            Target::Value(value) => value.clone(),
            Target::Unknown(why) => Value::new(place, Kind::Unknown(why.clone())),
            Target::Attribute(resource, attribute) => {
                match intrinsic::of(resource, attribute, place) {
                    Attribute::Value(value) => value,
                    Attribute::Own => {
                        let path: Vec<&str> = attribute.split('.').collect();
                        let own = match depth < DEPTH {
                            true => self.attribute_at(
                                resource,
                                &resource.values,
                                &resource.expressions,
                                &resource.unknown,
                                &path,
                                depth + 1,
                            ),
                            false => None,
                        };
                        own.unwrap_or_else(|| {
                            let why =
                                format!("{}.{attribute} is known on AWS only", resource.address);
                            Value::new(place, Kind::Unknown(why))
                        })
                    }
                }
            }
        }
    }

    /// A known value, in which what comes from other resources is a reference to them, and what is not known is filled in.
    fn filled(
        &self,
        value: &Value,
        unknown: Option<&Value>,
        targets: &[Target<'_>],
        depth: usize,
    ) -> Value {
        let place = value.place;
        match &value.kind {
            Kind::Text(text) => self.replaced(text, targets, place, depth),
            Kind::List(items) => {
                let missing = items.iter().filter(|item| item.is_null()).count();
                // Those whose values are known are not what is missing.
                let mut open: Vec<Value> = targets
                    .iter()
                    .filter(|target| self.known(target).is_none())
                    .map(|target| self.value(target, place, depth))
                    .collect();
                open.reverse();
                let has_all = open.len() == missing;
                let filled = items.iter().map(|item| match item.is_null() {
                    true if has_all => open.pop().unwrap_or_else(|| item.clone()),
                    true => match open.last() {
                        Some(only) if open.len() == 1 => only.clone(),
                        _ => Value::new(
                            place,
                            Kind::Unknown(
                                "the plan does not say which of several resources this is"
                                    .to_owned(),
                            ),
                        ),
                    },
                    false => self.filled(item, None, targets, depth),
                });
                Value::list(place, filled.collect())
            }
            Kind::Map(map) => {
                let mut filled = Map::default();
                for (key, member) in map {
                    filled.insert(
                        key,
                        member.place,
                        self.filled(&member.value, None, targets, depth),
                    );
                }
                let missing = unknown
                    .into_iter()
                    .flat_map(Value::members)
                    .filter(|(_, unknown)| unknown.as_bool() == Some(true));
                let missing: Vec<&str> = missing.map(|(key, _)| key).collect();
                for (key, value) in self.assigned(&missing, targets, place, depth) {
                    filled.insert(key, place, value);
                }
                Value::new(place, Kind::Map(filled))
            }
            _ => value.clone(),
        }
    }

    /// Members of a map that are not known, with what each of them refers to: by their names, as the plan does not say.
    fn assigned(
        &self,
        missing: &[&str],
        targets: &[Target<'_>],
        place: Place,
        depth: usize,
    ) -> Vec<(String, Value)> {
        let mut open: Vec<&Target<'_>> = targets
            .iter()
            .filter(|target| self.known(target).is_none())
            .collect();
        open.dedup_by(|one, other| is_same(one, other));
        let only = missing.len() == 1 && open.len() == 1;
        let mut pairs: Vec<(usize, &str, usize)> = Vec::new();
        for key in missing {
            for (index, target) in open.iter().enumerate() {
                let score = if only { 1 } else { likeness(key, target) };
                pairs.push((score, key, index));
            }
        }
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.0));
        let mut assigned: Vec<(String, Value)> = Vec::new();
        let mut used = Vec::new();
        for (score, key, index) in pairs {
            let is_free = !used.contains(&index) && !assigned.iter().any(|(known, _)| known == key);
            if let (true, true, Some(target)) = (score > 0, is_free, open.get(index)) {
                used.push(index);
                if let (false, Target::Attribute(resource, attribute)) = (only, target) {
                    let text = format!(
                        "{key} is taken to be {}.{attribute}, by its name",
                        resource.address
                    );
                    self.guesses.borrow_mut().push((place, text));
                }
                assigned.push((key.to_owned(), self.value(target, place, depth)));
            }
        }
        for key in missing {
            if !assigned.iter().any(|(known, _)| known == key) {
                let why = format!("what {key} is can be told only when the resources are made");
                assigned.push(((*key).to_owned(), Value::new(place, Kind::Unknown(why))));
            }
        }
        assigned
    }

    /// A text with the known values of attributes in it replaced by references.
    fn replaced(&self, text: &str, targets: &[Target<'_>], place: Place, depth: usize) -> Value {
        for target in targets {
            let (Target::Attribute(resource, attribute), Some(known)) =
                (target, self.known(target))
            else {
                continue;
            };
            let value = match intrinsic::of(resource, attribute, place) {
                Attribute::Value(value) => value,
                Attribute::Own => continue,
            };
            let Some((before, after)) = text.split_once(&known) else {
                continue;
            };
            if before.is_empty() && after.is_empty() {
                return value;
            }
            if depth < DEPTH && known.len() > 3 {
                let mut parts = Vec::new();
                if !before.is_empty() {
                    parts.push(self.replaced(before, targets, place, depth + 1));
                }
                parts.push(value);
                if !after.is_empty() {
                    parts.push(self.replaced(after, targets, place, depth + 1));
                }
                return cfn::join(place, "", parts);
            }
        }
        Value::text(place, text)
    }

    /// The value of what a reference leads to, if that is known before resources are made.
    fn known(&self, target: &Target<'_>) -> Option<String> {
        match target {
            Target::Attribute(resource, attribute) => {
                let path: Vec<&str> = attribute.split('.').collect();
                resource.text(&path).map(str::to_owned)
            }
            Target::Value(value) => value.as_str().map(str::to_owned),
            Target::Unknown(_) => None,
        }
    }

    /// The resource at an address in a module: with the index that is written, with that of the resource which refers to
    /// it, or the only one.
    pub fn resource_at(
        &self,
        module: usize,
        address: &str,
        written: &str,
        own: &str,
    ) -> Option<&Planned> {
        let full = joined(&self.modules.get(module)?.address, address);
        for index in [written, own, ""] {
            if let Some(found) = self.resources.get(&format!("{full}{index}")) {
                return Some(found);
            }
        }
        self.only_instance(&full)
    }

    fn target(
        &self,
        module: usize,
        index: &str,
        reference: &str,
        place: Place,
        depth: usize,
    ) -> Target<'_> {
        let unknown = |why: String| Target::Unknown(why);
        if depth > DEPTH {
            return unknown(format!("{reference} leads through too many modules"));
        }
        let parts = split(reference);
        let part = |number: usize| parts.get(number).map_or("", |(name, _)| name.as_str());
        let written = |number: usize| parts.get(number).map_or("", |(_, index)| index.as_str());
        match part(0) {
            "module" => {
                let child = self.child(module, part(1), written(1));
                let output = child.and_then(|child| {
                    let module = self.modules.get(child)?;
                    Some((
                        child,
                        module
                            .configuration
                            .at(&["outputs", part(2), "expression"])?,
                    ))
                });
                let Some((child, expression)) = output else {
                    return unknown(format!("{reference} is not in the plan"));
                };
                self.through(child, index, expression, place, depth, reference)
            }
            "var" => {
                let Some(own) = self.modules.get(module) else {
                    return unknown(format!("{reference} is not in the plan"));
                };
                let Some(parent) = own.parent else {
                    return match self.variables.at(&[part(1), "value"]) {
                        Some(value) => Target::Value(value.clone()),
                        None => unknown(format!("{reference} has no value in the plan")),
                    };
                };
                // The argument of the call, or the default.
                match own.arguments.get(part(1)) {
                    Some(argument) => {
                        self.through(parent, index, argument, place, depth, reference)
                    }
                    None => match own.configuration.at(&["variables", part(1), "default"]) {
                        Some(value) => Target::Value(value.clone()),
                        None => unknown(format!("{reference} has no value in the plan")),
                    },
                }
            }
            "data" => {
                let address = format!("data.{}.{}", part(1), part(2));
                let full = joined(
                    self.modules
                        .get(module)
                        .map_or("", |module| module.address.as_str()),
                    &address,
                );
                let source = self
                    .data
                    .get(&format!("{full}{}", written(2)))
                    .or_else(|| self.data.get(&format!("{full}{index}")));
                match source.and_then(|source| source.known(&[part(3)])) {
                    Some(value) => Target::Value(value.clone()),
                    None => unknown(format!("{reference} is read on AWS")),
                }
            }
            "local" => unknown(format!(
                "{reference} is a local value, which is not in a plan"
            )),
            kind if kind.contains('_') => {
                match self.resource_at(module, &format!("{kind}.{}", part(1)), written(1), index) {
                    Some(resource) => {
                        let attribute: Vec<&str> = parts
                            .iter()
                            .skip(2)
                            .map(|(name, _)| name.as_str())
                            .collect();
                        Target::Attribute(resource, attribute.join("."))
                    }
                    None => unknown(format!("{reference} is not in the plan")),
                }
            }
            _ => unknown(format!("{reference} is known on AWS only")),
        }
    }

    /// What an expression of another module leads to.
    fn through(
        &self,
        module: usize,
        index: &str,
        expression: &Value,
        place: Place,
        depth: usize,
        reference: &str,
    ) -> Target<'_> {
        if let Some(value) = expression.get("constant_value") {
            return Target::Value(value.clone());
        }
        let mut last = Target::Unknown(format!("{reference} is known on AWS only"));
        for reference in references(expression) {
            match self.target(module, index, &reference, place, depth + 1) {
                Target::Unknown(why) => last = Target::Unknown(why),
                found => return found,
            }
        }
        last
    }
}

fn is_same(one: &Target<'_>, other: &Target<'_>) -> bool {
    match (one, other) {
        (Target::Attribute(one, attribute), Target::Attribute(other, other_attribute)) => {
            one.address == other.address && attribute == other_attribute
        }
        _ => false,
    }
}

/// How much the name of a variable is like what a reference leads to: `QUEUE_URL` and `aws_sqs_queue.jobs.url`.
fn likeness(key: &str, target: &Target<'_>) -> usize {
    let Target::Attribute(resource, attribute) = target else {
        return 0;
    };
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        words
            .filter(|word| word.len() > 1)
            .map(str::to_lowercase)
            .collect()
    };
    let own = words(key);
    let of_name: Vec<String> = words(resource.address.rsplit('.').next().unwrap_or_default());
    let of_kind = words(&resource.kind);
    let of_attribute = words(attribute);
    own.iter()
        .map(|word| {
            let is_in = |words: &[String]| {
                words.iter().any(|other| {
                    other == word || other.trim_end_matches('s') == word.trim_end_matches('s')
                })
            };
            usize::from(is_in(&of_attribute)) * 3
                + usize::from(is_in(&of_name)) * 4
                + usize::from(is_in(&of_kind)) * 2
        })
        .sum()
}
