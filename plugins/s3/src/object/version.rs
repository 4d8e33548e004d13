//! The version of the event's structure.
//!
//! Since 2.4 there is one version for every type of event. Before, each type had its own: the version in which it was
//! added or changed. Nothing that these plugins write depends on the version: what came with 2.5, a bucket's
//! `awsGeneratedTags`, is only there for buckets that CloudFormation made.

use serde::{Deserialize, Serialize};

/// A version that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventVersion {
    /// 2.1 to 2.3, by the type of the event.
    #[serde(rename = "2.1")]
    V2_1,
    /// For every type.
    #[serde(rename = "2.4")]
    V2_4,
    /// For every type.
    #[serde(rename = "2.5")]
    V2_5,
    /// For every type; today's.
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

    /// What an event of this type says.
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
    fn old_events_have_versions_of_their_own() {
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
