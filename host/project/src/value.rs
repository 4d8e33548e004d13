//! Values of YAML and JSON files, each with its place.
//!
//! Contract: scalars keep their text, because what `yes`, `0755` or `012345678901` means depends on what is wanted:
//! CloudFormation reads YAML 1.1, the Serverless Framework YAML 1.2, and an account id is not a number. Accessors such as
//! [`Value::as_bool`] interpret it. Members of a map keep their order.

use std::borrow::Cow;

use indexmap::IndexMap;
use indexmap::map::{IntoIter, Iter};

use crate::file::Place;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`, `~`, or nothing
    Null,
    /// A scalar without quotes: a number, a boolean, or a text.
    Plain(String),
    /// A text in quotes, or a block of text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(Map),
    /// A value that exists on AWS only, and why it does: `Secret is an AWS::SecretsManager::Secret`. It is an error if
    /// something needs it to run here.
    Unknown(String),
}

/// The members of a map, in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map {
    members: IndexMap<String, Member>,
}

/// A member of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The place of the key.
    pub place: Place,
    /// The value.
    pub value: Value,
}

impl Value {
    /// A value without content.
    #[must_use]
    pub fn null(place: Place) -> Self {
        Self::new(place, Kind::Null)
    }

    /// A text.
    #[must_use]
    pub fn text(place: Place, text: impl Into<String>) -> Self {
        Self::new(place, Kind::Text(text.into()))
    }

    /// A number or a boolean, or another scalar without quotes.
    #[must_use]
    pub fn plain(place: Place, text: impl ToString) -> Self {
        Self::new(place, Kind::Plain(text.to_string()))
    }

    /// A list.
    #[must_use]
    pub fn list(place: Place, items: Vec<Self>) -> Self {
        Self::new(place, Kind::List(items))
    }

    /// A map. The members have the place of the map.
    pub fn map<K: Into<String>>(
        place: Place,
        members: impl IntoIterator<Item = (K, Self)>,
    ) -> Self {
        let mut map = Map::default();
        for (key, value) in members {
            map.insert(key, place, value);
        }
        Self::new(place, Kind::Map(map))
    }

    /// A value at a place.
    #[must_use]
    pub fn new(place: Place, kind: Kind) -> Self {
        Self { place, kind }
    }

    /// Whether there is no content.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The text of a scalar. Booleans without quotes become `true` and `false`, as in YAML 1.1.
    #[must_use]
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match &self.kind {
            Kind::Plain(text) => Some(match boolean(text) {
                Some(true) => "true".into(),
                Some(false) => "false".into(),
                None => text.into(),
            }),
            Kind::Text(text) => Some(text.into()),
            _ => None,
        }
    }

    /// The text of a scalar, as it is written.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Plain(text) | Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean, with quotes or without: `true`, `yes`, `on` and their opposites in any of the spellings of YAML 1.1.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        boolean(self.as_str()?)
    }

    /// A whole number, with quotes or without. `1_000`, `0x1F` and `0755` are read as in YAML 1.1, `1.0` is 1.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        let text = self.as_str()?.trim().replace('_', "");
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text.strip_prefix('+').unwrap_or(&text)),
        };
        if !digits.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let number = if let Some(digits) = digits.strip_prefix("0x") {
            i64::from_str_radix(digits, 16).ok()
        } else if digits.len() > 1
            && digits.starts_with('0')
            && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit))
            && matches!(self.kind, Kind::Plain(_))
        {
            i64::from_str_radix(digits, 8).ok()
        } else {
            let whole = digits.strip_suffix(".0").unwrap_or(digits);
            whole.parse().ok()
        };
        Some(sign * number?)
    }

    /// A number, with quotes or without.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self.as_integer() {
            #[expect(clippy::cast_precision_loss, reason = "settings are small numbers")]
            Some(integer) => Some(integer as f64),
            None => {
                let number: f64 = self.as_str()?.trim().parse().ok()?;
                number.is_finite().then_some(number)
            }
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a list, the value itself if it is neither a list nor null: many properties are a value or a list of
    /// them.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The members of a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The members of a map, to be changed.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The members of a map, with their keys. None for other values.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.as_map()
            .into_iter()
            .flat_map(Map::iter)
            .map(|(key, member)| (key.as_str(), &member.value))
    }

    /// A member of a map, unless it is null.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key).filter(|value| !value.is_null())
    }

    /// A member of a member.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text of a member.
    #[must_use]
    pub fn text_of(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key)?.as_text()
    }

    /// Why the value exists on AWS only.
    #[must_use]
    pub fn as_unknown(&self) -> Option<&str> {
        match &self.kind {
            Kind::Unknown(why) => Some(why),
            _ => None,
        }
    }

    /// The value as JSON. Scalars without quotes are numbers and booleans where JSON has them, what is unknown is null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Null | Kind::Unknown(_) => serde_json::Value::Null,
            Kind::Plain(text) => match boolean(text) {
                Some(boolean) => boolean.into(),
                None => text
                    .parse::<serde_json::Number>()
                    .map_or_else(|_| text.as_str().into(), Into::into),
            },
            Kind::Text(text) => text.as_str().into(),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(map) => map
                .iter()
                .map(|(key, member)| (key.clone(), member.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// A value from JSON, all of which has one place.
    #[must_use]
    pub fn from_json(place: Place, json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::null(place),
            serde_json::Value::Bool(boolean) => Self::plain(place, boolean),
            serde_json::Value::Number(number) => Self::plain(place, number),
            serde_json::Value::String(text) => Self::text(place, text.as_str()),
            serde_json::Value::Array(items) => {
                let items = items.iter().map(|item| Self::from_json(place, item));
                Self::list(place, items.collect())
            }
            serde_json::Value::Object(members) => {
                let members = members.iter();
                Self::map(
                    place,
                    members.map(|(key, value)| (key.as_str(), Self::from_json(place, value))),
                )
            }
        }
    }

    /// What the value is, for messages: `a list`.
    #[must_use]
    pub fn described(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Plain(_) | Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Unknown(_) => "a value that exists on AWS only",
        }
    }
}

impl Map {
    /// A member, null or not.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.members.get(key).map(|member| &member.value)
    }

    /// A member, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.members.get_mut(key).map(|member| &mut member.value)
    }

    /// A member with the place of its key.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members.get(key)
    }

    /// The place of a key.
    #[must_use]
    pub fn place_of(&self, key: &str) -> Option<Place> {
        Some(self.members.get(key)?.place)
    }

    /// Sets a member, at the end or in place of one with the same key, which is returned.
    pub fn insert(&mut self, key: impl Into<String>, place: Place, value: Value) -> Option<Member> {
        self.members.insert(key.into(), Member { place, value })
    }

    /// Removes a member. The others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.members.shift_remove(key).map(|member| member.value)
    }

    /// Whether there is a member with this key.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    /// The members with their keys.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, String, Member> {
        self.members.iter()
    }

    /// The values of the members, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.members.values_mut().map(|member| &mut member.value)
    }

    /// The members with their keys, to be changed.
    pub fn members_mut(&mut self) -> impl Iterator<Item = (&str, &mut Member)> {
        let members = self.members.iter_mut();
        members.map(|(key, member)| (key.as_str(), member))
    }

    /// The number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The only member, if there is one only.
    #[must_use]
    pub fn only(&self) -> Option<(&str, &Value)> {
        match self.members.len() {
            1 => self
                .members
                .first()
                .map(|(key, member)| (key.as_str(), &member.value)),
            _ => None,
        }
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a String, &'a Member);
    type IntoIter = Iter<'a, String, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Map {
    type Item = (String, Member);
    type IntoIter = IntoIter<String, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

/// A boolean of YAML 1.1, apart from `y` and `n`, which nobody's parser reads as such.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}
