//! The values of templates: those of JSON, with maps that keep their order and can be changed.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// The levels of a value that are written; a list within itself has no end.
const MAX_DEPTH: u32 = 128;

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// No value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// A text.
    Text(Rc<str>),
    /// A list, which all its references share.
    List(Rc<List>),
    /// A map, which all its references share.
    Map(Rc<RefCell<Map>>),
}

/// A list.
#[derive(Debug)]
pub struct List {
    pub(crate) items: RefCell<Vec<Value>>,
    /// Whether it comes from JSON; then it is written as JSON, as on AWS.
    is_json: bool,
}

/// Entries in the order in which they were added.
#[derive(Debug, Default)]
pub struct Map {
    entries: Vec<(Rc<str>, Value)>,
    places: BTreeMap<Rc<str>, usize>,
}

impl Map {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Value> {
        let place = self.places.get(key)?;
        self.entries.get(*place).map(|(_, value)| value.clone())
    }

    /// Sets the value of a key, and returns the former one.
    pub fn put(&mut self, key: &str, value: Value) -> Option<Value> {
        let place = self.places.get(key).copied();
        if let Some((_, old)) = place.and_then(|place| self.entries.get_mut(place)) {
            return Some(core::mem::replace(old, value));
        }
        let key: Rc<str> = key.into();
        self.places.insert(Rc::clone(&key), self.entries.len());
        self.entries.push((key, value));
        None
    }

    /// Removes a key, and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.places.get(key).copied()?;
        let (_, value) = self.entries.remove(place);
        let places = self.entries.iter().enumerate();
        self.places = places.map(|(at, (key, _))| (Rc::clone(key), at)).collect();
        Some(value)
    }

    /// The keys and values, in order.
    pub fn entries(&self) -> &[(Rc<str>, Value)] {
        &self.entries
    }
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list that a template made.
    pub fn list(items: Vec<Self>) -> Self {
        Self::new_list(items, false)
    }

    pub(crate) fn json_list(items: Vec<Self>) -> Self {
        Self::new_list(items, true)
    }

    fn new_list(items: Vec<Self>, is_json: bool) -> Self {
        let items = RefCell::new(items);
        Self::List(Rc::new(List { items, is_json }))
    }

    /// A map.
    pub fn map<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let mut map = Map::default();
        for (key, value) in entries {
            map.put(key.as_ref(), value);
        }
        Self::Map(Rc::new(RefCell::new(map)))
    }

    /// A value from JSON text.
    ///
    /// # Errors
    ///
    /// Why it is not JSON.
    pub fn from_json(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// The value of a member of a map; null without one.
    pub fn member(&self, key: &str) -> Self {
        match self {
            Self::Map(map) => map.borrow().get(key).unwrap_or(Self::Null),
            _ => Self::Null,
        }
    }

    /// The value as JSON text.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text, 0);
        text
    }

    fn write_json(&self, text: &mut String, depth: u32) {
        match self {
            Self::Text(own) => text.push_str(&serde_json::Value::from(&**own).to_string()),
            Self::List(list) if depth < MAX_DEPTH => {
                text.push('[');
                for (index, item) in list.items.borrow().iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    item.write_json(text, depth + 1);
                }
                text.push(']');
            }
            Self::Map(map) if depth < MAX_DEPTH => {
                text.push('{');
                for (index, (key, value)) in map.borrow().entries.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    Self::Text(Rc::clone(key)).write_json(text, depth);
                    text.push(':');
                    value.write_json(text, depth + 1);
                }
                text.push('}');
            }
            Self::Null | Self::List(_) | Self::Map(_) => text.push_str("null"),
            Self::Boolean(_) | Self::Integer(_) | Self::Float(_) => self.write(text, depth),
        }
    }

    /// Appends the value as Java's `toString` writes it; nothing for null.
    pub(crate) fn write(&self, text: &mut String, depth: u32) {
        match self {
            Self::Null => {}
            Self::Boolean(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Integer(number) => text.push_str(&number.to_string()),
            Self::Float(number) => match serde_json::Number::from_f64(*number) {
                Some(number) => text.push_str(&number.to_string()),
                None => text.push_str("NaN"),
            },
            Self::Text(own) => text.push_str(own),
            Self::List(list) if list.is_json => self.write_json(text, depth),
            Self::List(list) if depth < MAX_DEPTH => {
                text.push('[');
                for (index, item) in list.items.borrow().iter().enumerate() {
                    if index > 0 {
                        text.push_str(", ");
                    }
                    item.write_within(text, depth);
                }
                text.push(']');
            }
            Self::Map(map) if depth < MAX_DEPTH => {
                text.push('{');
                for (index, (key, value)) in map.borrow().entries.iter().enumerate() {
                    if index > 0 {
                        text.push_str(", ");
                    }
                    text.push_str(key);
                    text.push('=');
                    value.write_within(text, depth);
                }
                text.push('}');
            }
            Self::List(_) | Self::Map(_) => text.push('…'),
        }
    }

    fn write_within(&self, text: &mut String, depth: u32) {
        match self {
            Self::Null => text.push_str("null"),
            value => value.write(text, depth + 1),
        }
    }

    /// Whether a condition with this value holds: all but null and `false` do.
    pub(crate) fn is_true(&self) -> bool {
        !matches!(self, Self::Null | Self::Boolean(false))
    }

    /// A number as such, for comparing.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            #[allow(
                clippy::cast_precision_loss,
                clippy::as_conversions,
                reason = "Velocity compares a whole number with another one in the same way"
            )]
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether two values are equal: numbers by value, all others by their text.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Null, _) | (_, Self::Null) => false,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a == b,
                _ => self.to_string() == other.to_string(),
            },
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Text(text) = self {
            return f.write_str(text);
        }
        let mut text = String::new();
        self.write(&mut text, 0);
        f.write_str(&text)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        #[allow(
            clippy::cast_precision_loss,
            clippy::as_conversions,
            reason = "a number beyond 63 bits is not exact in templates"
        )]
        let float = number as f64;
        Ok(i64::try_from(number).map_or(Value::Float(float), Value::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::json_list(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::default();
        while let Some((key, value)) = members.next_entry::<String, Value>()? {
            map.put(&key, value);
        }
        Ok(Value::Map(Rc::new(RefCell::new(map))))
    }
}
