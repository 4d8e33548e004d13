//! What the kinds of triggers have in common in `lambkin.toml`.

use std::path::Path;

use lambkin_lambda::Account;
use lambkin_trigger::EventSource;

use crate::config::bucket::Bucket;
use crate::config::key::Key;
use crate::config::listeners::Listeners;
use crate::config::queue::Queue;
use crate::config::reader::{Diagnostics, Reader, Spanned};
use crate::config::section::{PluginSource, Section};
use crate::config::suggest::suggestion;

/// A kind of trigger, as its key in `[triggers.NAME]` names it.
pub struct TriggerKind {
    /// The key whose presence makes a trigger one of this kind: `queue`.
    pub key: Key,
    /// The role that the trigger's plugin plays.
    pub role: &'static str,
    /// What the events are, for messages: "messages of a queue".
    pub events: &'static str,
    /// Takes the key out of the trigger's table. Returns `None` after it has reported what is wrong with the value.
    pub read: fn(&mut Context<'_>, &mut Reader<'_>) -> Option<ReadSource>,
    /// A legal value for the key, or for each key of its table, in TOML's notation. `dead.fifo` is a queue, `bkt` a
    /// bucket.
    #[cfg(test)]
    pub samples: &'static [(&'static str, &'static str)],
}

/// What a kind may refer to while it reads its key.
pub struct Context<'a> {
    /// The folder of `lambkin.toml`, from which relative paths start.
    pub project: &'a Path,
    pub account: &'a Account,
    /// All queues of the configuration.
    pub queues: &'a [Queue],
    /// All buckets of the configuration.
    pub buckets: &'a [Bucket],
    /// The addresses that are already claimed.
    pub listeners: &'a mut Listeners,
    /// The trigger's plugin; `None` if it is missing or unknown, which has been reported.
    pub plugin: Option<Spanned<PluginSource>>,
    pub diagnostics: &'a Diagnostics,
}

/// What the key of a kind says.
#[derive(Debug)]
pub struct ReadSource {
    pub source: Box<dyn EventSource>,
    /// The table of the event source's own plugin, if the kind has one.
    pub section: Option<Section>,
}

impl ReadSource {
    /// An event source without a plugin of its own.
    pub fn new(source: impl EventSource + 'static) -> Self {
        Self {
            source: Box::new(source),
            section: None,
        }
    }
}

impl Context<'_> {
    /// The value, or `None` after its mistake has been reported at the place of `found`.
    pub fn report<T, U>(&self, read: Result<T, String>, found: &Spanned<U>) -> Option<T> {
        read.map_err(|message| {
            self.diagnostics
                .add(found.span.clone(), &found.key, message)
        })
        .ok()
    }
}

/// What to say of a queue or bucket that is not defined.
pub fn undefined<'a>(
    what: &str,
    name: &str,
    defined: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let hint = suggestion(name, defined);
    format!("there is no {what} {name:?} (`[{what}s.NAME]` would define it); {hint}")
}
