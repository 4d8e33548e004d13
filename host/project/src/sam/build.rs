//! Values that the macro writes, at the place of what they are made from.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

/// The first part of the types of SAM.
pub(super) const PREFIX: &str = "AWS::Serverless::";

/// Makes values at a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(pub(super) Place);

impl At {
    pub(super) fn text(self, text: impl Into<String>) -> Value {
        Value::text(self.0, text)
    }

    pub(super) fn plain(self, text: impl ToString) -> Value {
        Value::plain(self.0, text)
    }

    pub(super) fn list(self, items: impl IntoIterator<Item = Value>) -> Value {
        Value::list(self.0, items.into_iter().collect())
    }

    pub(super) fn map<'k>(self, members: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
        Value::map(self.0, members)
    }

    /// `{"Ref": id}`
    pub(super) fn reference(self, id: &str) -> Value {
        self.map([("Ref", self.text(id))])
    }

    /// `{"Fn::GetAtt": [id, attribute]}`
    pub(super) fn attribute(self, id: &str, attribute: &str) -> Value {
        let parts = self.list([self.text(id), self.text(attribute)]);
        self.map([("Fn::GetAtt", parts)])
    }

    /// `{"Fn::Sub": text}`
    pub(super) fn sub(self, text: impl Into<String>) -> Value {
        self.map([("Fn::Sub", self.text(text))])
    }

    /// The value if the condition holds, and nothing otherwise. The value itself if there is no condition.
    pub(super) fn only_if(self, condition: Option<&str>, value: Value) -> Value {
        match condition {
            Some(condition) => self.either(condition, value, self.reference("AWS::NoValue")),
            None => value,
        }
    }

    /// `{"Fn::If": [condition, yes, no]}`
    pub(super) fn either(self, condition: &str, yes: Value, no: Value) -> Value {
        let parts = self.list([self.text(condition), yes, no]);
        self.map([("Fn::If", parts)])
    }
}

/// Whether a value is the call of an intrinsic function.
pub(super) fn is_intrinsic(value: &Value) -> bool {
    let only = value.as_map().and_then(Map::only);
    only.is_some_and(|(key, _)| key == "Ref" || key == "Condition" || key.starts_with("Fn::"))
}

/// Whether a value is `!Ref AWS::NoValue`.
pub(super) fn is_no_value(value: &Value) -> bool {
    referred(value) == Some("AWS::NoValue")
}

/// The id in `{"Ref": id}`.
pub(super) fn referred(value: &Value) -> Option<&str> {
    match value.as_map()?.only()? {
        ("Ref", id) => id.as_str(),
        _ => None,
    }
}

/// The logical id that a value refers to, by `Ref` or `Fn::GetAtt`.
pub(super) fn resource_of(value: &Value) -> Option<&str> {
    match value.as_map()?.only()? {
        ("Ref", id) => id.as_str(),
        ("Fn::GetAtt", parts) => match &parts.kind {
            Kind::List(parts) => parts.first()?.as_str(),
            _ => parts.as_str()?.split('.').next(),
        },
        _ => None,
    }
}

/// Copies members, with their places.
pub(super) fn copy(from: &Value, to: &mut Map, keys: &[&str]) {
    for key in keys {
        copy_as(from, key, to, key);
    }
}

/// Copies a member under another name.
pub(super) fn copy_as(from: &Value, key: &str, to: &mut Map, name: &str) {
    let member = from.as_map().and_then(|members| members.member(key));
    if let Some(member) = member.filter(|member| !member.value.is_null()) {
        to.insert(name, member.place, member.value.clone());
    }
}

/// The map at a key, made if there is none. None if there is something else.
pub(super) fn child<'m>(map: &'m mut Map, key: &str, place: Place) -> Option<&'m mut Map> {
    if map.get(key).is_none_or(Value::is_null) {
        map.insert(key, place, Value::new(place, Kind::Map(Map::default())));
    }
    map.get_mut(key)?.as_map_mut()
}

/// Calls a function with each value that a value can be: itself, or those of `Fn::If`, apart from nothing.
pub(super) fn for_each_alternative(value: &mut Value, each: &mut dyn FnMut(&mut Value)) {
    let is_if = value.get("Fn::If").is_some();
    if !is_if {
        each(value);
        return;
    }
    let Some(Kind::List(parts)) = value
        .as_map_mut()
        .and_then(|members| members.get_mut("Fn::If"))
        .map(|parts| &mut parts.kind)
    else {
        return;
    };
    for part in parts.iter_mut().skip(1).filter(|part| !is_no_value(part)) {
        each(part);
    }
}
