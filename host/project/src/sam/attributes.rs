//! The attributes of a resource besides its properties.

use crate::value::{Map, Value};

use super::build::copy;

/// Those that the resources made from a resource share with it.
const SHARED: [&str; 3] = ["Condition", "DeletionPolicy", "UpdateReplacePolicy"];

/// Those that only the resource itself has.
const OWN: [&str; 3] = ["DependsOn", "Metadata", "UpdatePolicy"];

/// The attributes that generated resources take over.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    /// `Condition` and so on, as members.
    shared: Map,
}

impl Attributes {
    pub(super) fn of(resource: &Value) -> Self {
        let mut shared = Map::default();
        copy(resource, &mut shared, &SHARED);
        Self { shared }
    }

    /// The condition's name.
    pub(super) fn condition(&self) -> Option<&str> {
        self.shared.get("Condition")?.as_str()
    }

    /// The same attributes with another condition.
    pub(super) fn with_condition(&self, condition: &Value) -> Self {
        let mut shared = self.shared.clone();
        shared.insert("Condition", condition.place, condition.clone());
        Self { shared }
    }

    /// Writes them into a resource.
    pub(super) fn write(&self, resource: &mut Map) {
        for (key, member) in &self.shared {
            resource.insert(key, member.place, member.value.clone());
        }
    }
}

/// Copies the attributes that the resource itself keeps, `Metadata` for example.
pub(super) fn copy_own(from: &Value, to: &mut Map) {
    copy(from, to, &OWN);
}
