//! An event of a function.

use crate::file::Place;
use crate::value::{Map, Value};

use super::build::{At, copy};
use super::expansion::{Expansion, Target};

/// An event, as the modules for the types of events get it.
pub(super) struct Event<'e> {
    /// The id of what is made of it: that of the function, then its own.
    pub(super) id: String,
    /// What it is called in messages: `Fn.Events.Get`.
    pub(super) name: String,
    /// Its type.
    pub(super) kind: &'e str,
    /// Where its key is.
    pub(super) place: Place,
    /// Its properties, a map.
    pub(super) properties: &'e Value,
    /// What it invokes.
    pub(super) target: &'e Target,
}

impl Event<'_> {
    /// Makes values at the event's place.
    pub(super) fn at(&self) -> At {
        At(self.place)
    }

    /// A property, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.properties.get(key)
    }

    /// Some of the properties, as those of a resource.
    pub(super) fn copied(&self, keys: &[&str]) -> Map {
        let mut map = Map::default();
        copy(self.properties, &mut map, keys);
        map
    }

    /// Sets a property that the event says nothing about.
    pub(super) fn set(&self, map: &mut Map, key: &str, value: Value) {
        map.insert(key, self.place, value);
    }

    /// Adds the resource with the event's id.
    pub(super) fn add(&self, expansion: &mut Expansion<'_>, kind: &str, properties: Map) {
        self.add_as(expansion, &self.id, kind, properties);
    }

    /// Adds a resource that the event needs.
    pub(super) fn add_as(
        &self,
        expansion: &mut Expansion<'_>,
        id: &str,
        kind: &str,
        properties: Map,
    ) {
        let attributes = &self.target.attributes;
        expansion.add(id, self.place, kind, properties, attributes);
        let property = match kind {
            "AWS::SQS::Queue" => "DestinationQueue",
            "AWS::SNS::Topic" => "DestinationTopic",
            _ => return,
        };
        expansion.refer(&self.target.function, property, id);
    }

    /// Refuses something about the event.
    pub(super) fn refuse(&self, expansion: &Expansion<'_>, text: &str) {
        expansion.refuse(self.place, format!("{}: {text}", self.name));
    }
}
