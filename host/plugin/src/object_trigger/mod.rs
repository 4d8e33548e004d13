//! Object triggers: `lambkin:object-trigger` as the rest of the host sees them.

use lambkin_model::ObjectChange;

use crate::batch_trigger::Origin;
use crate::error::{ConfigureError, PluginError};
use crate::plugin::Plugin;

/// Who gets an object trigger's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function, a qualifier may follow: `resize:live`.
    Function(String),
    /// A queue, by name.
    Queue(String),
}

/// A trigger: a plugin and the configuration it has accepted.
#[derive(Clone, Debug)]
pub struct ObjectTrigger {
    _plugin: Plugin,
}

#[allow(
    clippy::unimplemented,
    clippy::unused_async,
    missing_docs,
    unused_variables,
    reason = "base"
)]
impl ObjectTrigger {
    pub(crate) async fn configure(
        plugin: Plugin,
        name: &str,
        config: &str,
        origin: &Origin,
    ) -> Result<Self, ConfigureError> {
        unimplemented!()
    }
    pub fn name(&self) -> &str {
        unimplemented!()
    }
    pub fn target(&self) -> &Target {
        unimplemented!()
    }
    pub fn summary(&self) -> &[String] {
        unimplemented!()
    }
    /// The event for a change, JSON text, checked; `None` if the change is not wanted.
    pub async fn shape(&self, change: &ObjectChange) -> Result<Option<String>, PluginError> {
        unimplemented!()
    }
}
