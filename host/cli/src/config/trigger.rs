//! `[triggers.NAME]`: which plugin, where its events come from, and the plugin's own settings.
//!
//! One of four keys says where they come from, and with it which role the plugin plays: `listen` for HTTP requests,
//! `queue` for messages, `bucket` for changes of objects, `poll` for messages of an outside system.

use std::net::SocketAddr;
use std::path::Path;

use lambkin_lambda::Account;

use super::Listeners;
use super::queue;
use super::reader::{Diagnostics, Reader, Spanned, nearest, suggestion};
use super::section::{PluginSource, Section, read_plugin};

/// The keys of which each trigger has one.
const FEEDS: [&str; 4] = ["listen", "queue", "bucket", "poll"];

const FEEDS_EXPLAINED: &str = "`listen` (HTTP requests at an address), `queue` (messages of a queue), `bucket` (changes of \
     its objects) or `poll` (messages of an outside system)";

/// A trigger as configured.
#[derive(Debug)]
pub struct Trigger {
    pub name: String,
    pub feed: Feed,
    pub section: Section,
}

/// Where a trigger's events come from.
#[derive(Debug)]
pub enum Feed {
    Listen(SocketAddr),
    /// A queue that is defined.
    Queue(String),
    /// A bucket that is defined.
    Bucket(String),
    Poll(Poll),
}

/// An outside system that a plugin asks for messages.
#[derive(Debug)]
pub struct Poll {
    /// The plugin that asks, the trigger's own unless it says otherwise, and its settings.
    pub section: Section,
    /// The origins it may reach: `http://127.0.0.1:9324`.
    pub network: Vec<String>,
    /// Names of the host's variables that it gets.
    pub pass_environment: Vec<String>,
}

/// What triggers may refer to.
#[derive(Debug)]
pub struct Defined<'a> {
    pub account: &'a Account,
    pub queues: Vec<&'a str>,
    pub buckets: Vec<&'a str>,
}

/// Reads all triggers.
pub fn read(
    root: &mut Reader<'_>,
    project: &Path,
    defined: &Defined<'_>,
    listeners: &mut Listeners,
    diagnostics: &Diagnostics,
) -> Vec<Trigger> {
    let mut reader = TriggerReader {
        project,
        defined,
        listeners,
        diagnostics,
    };
    let tables = root.tables("triggers").into_iter();
    tables
        .filter_map(|(name, table)| reader.read(name, table))
        .collect()
}

struct TriggerReader<'a> {
    project: &'a Path,
    defined: &'a Defined<'a>,
    listeners: &'a mut Listeners,
    diagnostics: &'a Diagnostics,
}

impl TriggerReader<'_> {
    fn read(&mut self, name: Spanned<String>, mut table: Reader<'_>) -> Option<Trigger> {
        let plugin = read_plugin(&mut table, self.project, self.diagnostics);
        self.check_feeds(&table);
        // All of them, so that each has its mistakes reported and none is left for the plugin.
        let listen = self.read_listen(&mut table);
        let queue = self.read_queue(&mut table);
        let bucket = self.read_bucket(&mut table);
        let poll = self.read_poll(&mut table, plugin.as_ref());
        let feed = listen.or(queue).or(bucket).or(poll);
        let section = Section::new(plugin?, table);
        Some(Trigger {
            name: name.value,
            feed: feed?,
            section,
        })
    }

    /// There has to be exactly one.
    fn check_feeds(&self, table: &Reader<'_>) {
        let found: Vec<&str> = FEEDS.into_iter().filter(|key| table.has(key)).collect();
        let message = match found.as_slice() {
            [_] => return,
            [] => {
                let meant = FEEDS
                    .iter()
                    .find_map(|key| Some((nearest(key, table.keys())?, key)));
                let hint = meant.map_or_else(String::new, |(typed, key)| {
                    format!("; did you mean `{key}` by `{typed}`?")
                });
                format!("needs one of {FEEDS_EXPLAINED}{hint}")
            }
            several => format!(
                "has `{}`, and a trigger has one of {FEEDS_EXPLAINED}; make it several triggers",
                several.join("` and `")
            ),
        };
        self.diagnostics.add(table.span(), table.path(), message);
    }

    fn read_listen(&mut self, table: &mut Reader<'_>) -> Option<Feed> {
        let listen = table.text("listen")?;
        let address = self.listeners.add(&listen, self.diagnostics)?;
        Some(Feed::Listen(address))
    }

    fn read_queue(&self, table: &mut Reader<'_>) -> Option<Feed> {
        let found = table.text("queue")?;
        let name = queue::name_of(&found.value, self.defined.account)
            .and_then(|name| check_defined("queue", name, &self.defined.queues));
        self.noted(name, &found).map(Feed::Queue)
    }

    fn read_bucket(&self, table: &mut Reader<'_>) -> Option<Feed> {
        let found = table.text("bucket")?;
        let name = check_defined("bucket", &found.value, &self.defined.buckets);
        self.noted(name, &found).map(Feed::Bucket)
    }

    fn read_poll(
        &self,
        table: &mut Reader<'_>,
        plugin: Option<&Spanned<PluginSource>>,
    ) -> Option<Feed> {
        let mut table = table.table("poll")?;
        let plugin = if table.has("plugin") {
            read_plugin(&mut table, self.project, self.diagnostics)
        } else {
            plugin.cloned()
        };
        if !table.has("network") {
            let message = "needs `network`: the origins that the plugin may reach, such as [\"http://127.0.0.1:9324\"]; it \
                           reaches no others";
            self.diagnostics.add(table.span(), table.path(), message);
        }
        let network = table.texts("network");
        for origin in network.iter().flat_map(|network| &network.value) {
            let _noted = self.noted(check_origin(origin), network.as_ref()?);
        }
        let passed = table.texts("pass-environment");
        Some(Feed::Poll(Poll {
            section: Section::new(plugin?, table),
            network: network.map_or_else(Vec::new, |network| network.value),
            pass_environment: passed.map_or_else(Vec::new, |passed| passed.value),
        }))
    }

    fn noted<T, U>(&self, read: Result<T, String>, found: &Spanned<U>) -> Option<T> {
        read.map_err(|message| {
            self.diagnostics
                .add(found.span.clone(), &found.key, message)
        })
        .ok()
    }
}

fn check_defined(what: &str, name: &str, defined: &[&str]) -> Result<String, String> {
    if defined.contains(&name) {
        return Ok(name.to_owned());
    }
    let hint = suggestion(name, defined.iter().copied());
    Err(format!(
        "there is no {what} {name:?} (`[{what}s.NAME]` would define it); {hint}"
    ))
}

/// A scheme, a host and perhaps a port, and nothing after it.
fn check_origin(text: &str) -> Result<(), String> {
    let scheme = |prefix| text.strip_prefix(prefix);
    let authority = scheme("http://").or_else(|| scheme("https://"));
    let legal = |host: &str| {
        let bytes = host.bytes();
        !host.is_empty()
            && bytes
                .into_iter()
                .all(|byte| byte.is_ascii_graphic() && !b"/?#@\\".contains(&byte))
    };
    let port_is_one = |authority: &str| match authority.rsplit_once(':') {
        // A `]` ends an IPv6 address, which is full of colons.
        Some((host, port)) if !port.ends_with(']') => {
            !host.is_empty() && port.parse::<u16>().is_ok()
        }
        _ => true,
    };
    if authority.is_some_and(|authority| legal(authority) && port_is_one(authority)) {
        return Ok(());
    }
    Err(format!(
        "must be origins, such as \"http://127.0.0.1:9324\" or \"https://sqs.eu-west-1.amazonaws.com\", without a path; \
         {text:?} is none"
    ))
}

#[cfg(test)]
mod tests {
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
        assert!(matches!(&a.feed, Feed::Queue(name) if name == "orders"));
        assert_eq!(a.section.settings, r#"{"BatchSize":5}"#);
        assert!(matches!(&b.feed, Feed::Bucket(name) if name == "photos"));
        assert_eq!(b.section.settings, r#"{"prefix":"in/"}"#);
        let Feed::Poll(poll) = &c.feed else {
            panic!("{c:?}")
        };
        assert_eq!(c.section.settings, r#"{"function":"f"}"#);
        assert_eq!(poll.section.settings, r#"{"queue-url":"http://q/1"}"#);
        assert_eq!(poll.section.plugin, PluginSource::BuiltIn("sqs".to_owned()));
        assert_eq!(poll.network, ["http://q", "https://[::1]:443"]);
        assert_eq!(poll.pass_environment, ["X"]);
        let diagnostic = poll
            .section
            .diagnostic_at(&["queue-url".to_owned()], "no".to_owned());
        assert_eq!(diagnostic.key, "triggers.c.poll.queue-url");
    }

    #[test]
    fn mistakes_are_shown_with_their_places_and_what_would_be_right() {
        for (lines, message) in [
            (
                "",
                "3:11: triggers.t: needs one of `listen` (HTTP requests at an address), `queue`",
            ),
            ("qeue = 'orders'", "did you mean `queue` by `qeue`?"),
            (
                "queue = 'orders'\nlisten = '127.0.0.1:0'",
                "triggers.t: has `listen` and `queue`, and a trigger has one of `listen`",
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
                "triggers.t.poll.network: must be origins",
            ),
            (
                "poll = { network = ['http://q/path'] }",
                "\"http://q/path\" is none",
            ),
            (
                "poll = { network = ['http://q:port'] }",
                "\"http://q:port\" is none",
            ),
            (
                "poll = { plugin = 'sq' }",
                "triggers.t.poll.plugin: there is no built-in plugin \"sq\"",
            ),
            ("poll = 'x'", "must be a table"),
            (
                "poll = { queue-url = 'http://q/1' }",
                "5:8: triggers.t.poll: needs `network`: the origins",
            ),
        ] {
            let diagnostics = parse(&format!("[triggers.t]\nplugin = 'sqs'\n{lines}")).unwrap_err();
            assert!(diagnostics.contains(message), "{lines}: {diagnostics}");
        }
        let diagnostics = parse("[triggers.t]\nqueue = 'orders'").unwrap_err();
        assert!(diagnostics.contains("needs `plugin`"), "{diagnostics}");
    }
}
