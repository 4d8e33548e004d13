//! `[triggers.NAME]`: a plugin, where the trigger's events come from, and the plugin's own settings.
//!
//! The section has exactly one key that says where the events come from, and thereby which kind of trigger it is. All
//! keys that are neither that one nor `plugin` nor a grant are the plugin's settings.

mod bucket;
mod grants;
mod http;
mod kind;
mod origin;
mod poll;
mod queue;

use lambkin_trigger::{EventSource, Grants};

use super::key::{Key, Role, Table};
use super::reader::{Reader, Spanned};
use super::section::{PLUGIN, Section, read_plugin};
use super::suggest::nearest;
pub use kind::Context;
use kind::TriggerKind;

/// All kinds of triggers.
const KINDS: &[TriggerKind] = &[http::KIND, queue::KIND, bucket::KIND, poll::KIND];

/// `[triggers.NAME]`
pub const TABLE: Table = Table {
    keys: &KEYS,
    roles: &ROLES,
};

/// `plugin`, the key of each kind, and what goes with them.
#[expect(
    clippy::indexing_slicing,
    reason = "an index out of bounds would not compile"
)]
const KEYS: [&[Key]; KINDS.len() + 3] = {
    const COMMON: &[Key] = &[PLUGIN];
    let mut keys = [COMMON; KINDS.len() + 3];
    keys[KINDS.len() + 1] = http::KEYS;
    keys[KINDS.len() + 2] = grants::KEYS;
    let mut index = 0;
    while index < KINDS.len() {
        keys[index + 1] = std::slice::from_ref(&KINDS[index].key);
        index += 1;
    }
    keys
};

/// The role that the key of each kind gives to the plugin.
#[expect(
    clippy::indexing_slicing,
    reason = "an index out of bounds would not compile"
)]
const ROLES: [Role; KINDS.len()] = {
    let mut roles = [Role {
        name: "",
        key: None,
    }; KINDS.len()];
    let mut index = 0;
    while index < KINDS.len() {
        roles[index] = Role {
            name: KINDS[index].role,
            key: Some(KINDS[index].key.name),
        };
        index += 1;
    }
    roles
};

/// A legal value for each key of the kinds: `poll.plugin` is the key `plugin` of the table `poll`.
#[cfg(test)]
pub fn samples() -> impl Iterator<Item = (&'static str, &'static str)> {
    let kinds = KINDS.iter().flat_map(|kind| kind.samples);
    kinds.chain(http::SAMPLES).chain(grants::SAMPLES).copied()
}

/// A trigger as configured.
#[derive(Debug)]
pub struct Trigger {
    pub name: String,
    /// Where its events come from.
    pub source: Box<dyn EventSource>,
    /// What the operator grants its plugin.
    pub grants: Grants,
    /// Its plugin, with that plugin's settings.
    pub section: Section,
    /// The event source's own plugin, if its kind has one, with that plugin's settings.
    pub source_section: Option<Section>,
}

impl Trigger {
    /// The sections whose plugins it needs.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        std::iter::once(&self.section).chain(&self.source_section)
    }
}

/// Reads all triggers.
pub fn read(root: &mut Reader<'_>, mut context: Context<'_>) -> Vec<Trigger> {
    let tables = root.tables("triggers").into_iter();
    tables
        .filter_map(|(name, table)| read_one(&mut context, name, table))
        .collect()
}

fn read_one(
    context: &mut Context<'_>,
    name: Spanned<String>,
    mut table: Reader<'_>,
) -> Option<Trigger> {
    context.plugin = read_plugin(&mut table, context.project, context.diagnostics);
    check_kind(context, &table);
    let listens = table.has(http::KIND.key.name);
    // All keys are read even if there are several, so that the mistakes of each are reported and none is taken for a
    // setting of the plugin.
    let mut source = None;
    for kind in KINDS {
        let read = (kind.read)(context, &mut table);
        source = source.or(read);
    }
    let grants = grants::read(context, &mut table, listens);
    let section = Section::new(
        context.plugin.take()?,
        table,
        context.project,
        context.diagnostics,
    );
    let source = source?;
    Some(Trigger {
        name: name.value,
        source: source.source,
        grants,
        section,
        source_section: source.section,
    })
}

/// Reports a section that does not have the key of exactly one kind.
fn check_kind(context: &Context<'_>, table: &Reader<'_>) {
    let keys = KINDS.iter().map(|kind| kind.key.name);
    let found: Vec<&str> = keys.clone().filter(|key| table.has(key)).collect();
    let message = match found.as_slice() {
        [_] => return,
        [] => {
            let meant = keys
                .into_iter()
                .find_map(|key| Some((nearest(key, table.keys())?, key)));
            let hint = meant.map_or_else(String::new, |(typed, key)| {
                format!("; did you mean `{key}` by `{typed}`?")
            });
            format!("needs one of {}{hint}", explained())
        }
        several => format!(
            "has `{}`, and a trigger has only one of {}; split it into several triggers",
            several.join("` and `"),
            explained()
        ),
    };
    context.diagnostics.add(table.span(), table.path(), message);
}

/// The keys of all kinds, each with what its events are.
fn explained() -> String {
    let mut kinds: Vec<String> = KINDS
        .iter()
        .map(|kind| format!("`{}` ({})", kind.key.name, kind.events))
        .collect();
    let last = kinds.pop().unwrap_or_default();
    format!("{} or {last}", kinds.join(", "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::section::PluginSource;
    use crate::config::{Config, Source};

    use super::*;

    const DEFINED: &str = "[queues.orders]\n[buckets.photos]\n";

    fn parse(text: &str) -> Result<Vec<Trigger>, String> {
        let source = Source::new(Path::new("lambkin.toml"), format!("{DEFINED}{text}"));
        let config = Config::parse(source, Path::new("")).map_err(|error| error.to_string());
        config.map(|config| config.triggers)
    }

    #[test]
    fn one_key_says_where_events_come_from_and_the_rest_is_the_plugins() {
        let triggers = parse(
            "[triggers.a]\nplugin = 'sqs'\nqueue = 'arn:aws:sqs:us-east-1:123456789012:orders'\nBatchSize = 5\n\
             [triggers.b]\nplugin = 's3'\nbucket = 'photos'\nprefix = 'in/'\n\
             [triggers.c]\nplugin = 'sqs'\nfunction = 'f'\n\
             poll = { queue-url = 'http://q/1', network = ['http://q', 'https://[::1]:443'], pass-environment = ['X'] }\n",
        )
        .unwrap();
        let [a, b, c] = triggers.as_slice() else {
            panic!("{triggers:?}")
        };
        assert_eq!(
            format!("{:?}", a.source),
            "QueueSource { name: \"orders\", is_fifo: false, visibility_timeout: 30s }"
        );
        assert_eq!(a.section.settings, r#"{"BatchSize":5}"#);
        assert_eq!(b.source.bucket(), Some("photos"));
        assert_eq!(b.section.settings, r#"{"prefix":"in/"}"#);
        assert_eq!(c.section.settings, r#"{"function":"f"}"#);
        assert_eq!(
            format!("{:?}", c.source),
            "PollSource { network: [\"http://q\", \"https://[::1]:443\"], pass_environment: [\"X\"] }"
        );
        let poll = c.source_section.as_ref().unwrap();
        assert_eq!(poll.settings, r#"{"queue-url":"http://q/1"}"#);
        assert_eq!(poll.plugin, PluginSource::BuiltIn("sqs".to_owned()));
        let diagnostic = poll.diagnostic_at(&["queue-url".to_owned()], "no".to_owned());
        assert_eq!(diagnostic.key, "triggers.c.poll.queue-url");
    }

    #[test]
    fn mistakes_are_reported_at_their_place_with_what_would_be_right() {
        for (lines, message) in [
            (
                "",
                "3:11: triggers.t: needs one of `listen` (HTTP requests at an address), `queue`",
            ),
            ("qeue = 'orders'", "did you mean `queue` by `qeue`?"),
            (
                "queue = 'orders'\nlisten = '127.0.0.1:0'",
                "triggers.t: has `listen` and `queue`, and a trigger has only one of `listen`",
            ),
            (
                "queue = 'odrers'",
                "5:9: triggers.t.queue: there is no queue \"odrers\" (`[queues.NAME]` would define it); did you mean `orders`?",
            ),
            ("queue = 3", "triggers.t.queue: must be a string, not 3"),
            (
                "queue = 'arn:aws:sqs:us-east-1:1:orders'",
                "must be a queue's name or its ARN",
            ),
            (
                "bucket = 'documents'",
                "there is no bucket \"documents\" (`[buckets.NAME]` would define it); defined are: photos",
            ),
            (
                "poll = { network = ['127.0.0.1:9324'] }",
                "triggers.t.poll.network: must be a list of origins",
            ),
            (
                "poll = { network = ['http://q/path'] }",
                "\"http://q/path\" is not an origin",
            ),
            (
                "poll = { network = ['http://q:port'] }",
                "\"http://q:port\" is not an origin",
            ),
            (
                "poll = { plugin = 'sq' }",
                "triggers.t.poll.plugin: there is no built-in plugin \"sq\"",
            ),
            ("poll = 'x'", "must be a table"),
            (
                "poll = { queue-url = 'http://q/1' }",
                "5:8: triggers.t.poll: needs `network`, a list of the origins",
            ),
        ] {
            let error = parse(&format!("[triggers.t]\nplugin = 'sqs'\n{lines}")).unwrap_err();
            assert!(error.contains(message), "{lines}: {error}");
        }
        let error = parse("[triggers.t]\nqueue = 'orders'").unwrap_err();
        assert!(error.contains("needs `plugin`"), "{error}");
    }
}
