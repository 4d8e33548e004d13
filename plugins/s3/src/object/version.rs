//! The version of the event's structure.
//!
//! Since 2.4 there is one version for all event types. Before, each type had a version of its own, in which it was
//! added or changed. The fields of the events do not depend on the version here: 2.5 added `awsGeneratedTags`, which
//! only buckets have that CloudFormation created.

use serde::{Deserialize, Serialize};

/// A version that a configuration can request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventVersion {
    /// 2.1 to 2.3, depending on the event type.
    #[serde(rename = "2.1")]
    V2_1,
    /// For every type.
    #[serde(rename = "2.4")]
    V2_4,
    /// For every type.
    #[serde(rename = "2.5")]
    V2_5,
    /// For every type; the current version.
    #[serde(rename = "2.6")]
    V2_6,
}

impl EventVersion {
    /// The version of a name, such as `2.6`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "2.1" => Self::V2_1,
            "2.4" => Self::V2_4,
            "2.5" => Self::V2_5,
            "2.6" => Self::V2_6,
            _ => return None,
        })
    }

    /// The version that an event of this type contains.
    pub fn of_event(self, event: &str) -> &'static str {
        const ADDED_IN_2_3: [&str; 5] = [
            "LifecycleExpiration:",
            "LifecycleTransition",
            "IntelligentTiering",
            "ObjectTagging:",
            "ObjectAcl:",
        ];
        match self {
            Self::V2_1 if event.starts_with("Replication:") => "2.2",
            Self::V2_1
                if event == "ObjectRestore:Delete"
                    || ADDED_IN_2_3.iter().any(|added| event.starts_with(added)) =>
            {
                "2.3"
            }
            Self::V2_1 => "2.1",
            Self::V2_4 => "2.4",
            Self::V2_5 => "2.5",
            Self::V2_6 => "2.6",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_2_4_each_event_type_has_its_own_version() {
        for (event, expected) in [
            ("ObjectCreated:Put", "2.1"),
            ("ObjectRemoved:DeleteMarkerCreated", "2.1"),
            ("ObjectRestore:Post", "2.1"),
            ("ObjectRestore:Delete", "2.3"),
            ("Replication:OperationNotTracked", "2.2"),
            ("LifecycleExpiration:Delete", "2.3"),
            ("LifecycleTransition", "2.3"),
            ("IntelligentTiering", "2.3"),
            ("ObjectTagging:Put", "2.3"),
            ("ObjectAcl:Put", "2.3"),
        ] {
            assert_eq!(EventVersion::V2_1.of_event(event), expected, "{event}");
            assert_eq!(EventVersion::V2_6.of_event(event), "2.6", "{event}");
        }
    }
}
