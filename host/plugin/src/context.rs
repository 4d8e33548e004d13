//! What messages and log lines say about a call.

use std::time::Instant;

use crate::error::{CallError, PluginError};

/// A call of a plugin: which plugin, which function, and for what.
#[derive(Clone, Copy)]
pub(crate) struct CallContext<'a> {
    /// The plugin's name in the configuration.
    pub plugin: &'a str,
    /// The trigger, service or source that the plugin is called for. Empty while the plugin is loaded.
    pub trigger: &'a str,
    /// The function, such as `shape`.
    pub function: &'static str,
    /// The id of the request or of the change, if there is one.
    pub request: Option<&'a str>,
    /// When the call began.
    pub start: Instant,
}

impl CallContext<'_> {
    /// The error of this call, which fails now.
    pub(crate) fn error(&self, cause: impl Into<CallError>) -> PluginError {
        PluginError {
            plugin: self.plugin.into(),
            trigger: self.trigger.into(),
            function: self.function,
            took: self.start.elapsed(),
            cause: cause.into(),
        }
    }
}
