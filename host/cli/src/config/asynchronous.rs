//! `[asynchronous]` and `[functions.NAME.asynchronous]`: where accepted events are stored, how often they are retried,
//! and where their invocation records are sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambkin_lambda::limits::{MAX_EVENT_AGE, MAX_RETRY_ATTEMPTS, MIN_EVENT_AGE};
use lambkin_lambda::{AsynchronousConfig, EventInvokeConfig, Target};

use super::key::{Key, Kind, Table};
use super::reader::{Diagnostics, Reader, Spanned};
use super::suggest::nearest;

/// `[asynchronous]`
pub const TABLE: Table = Table::new(&[&[
    Key::with_default(
        "store",
        Kind::Text,
        "\".lambkin/store.sqlite\"",
        "The file for accepted events and queues, relative to the folder of `lambkin.toml`. One running Lambkin can \
         use it at a time. Objects are kept beside it in `objects`, or in `NAME.objects` beside a file with another name.",
    ),
    Key::with_default(
        "time-scale",
        Kind::Number {
            max: 1.0,
            unit: "seconds per second on AWS",
        },
        "1",
        "A factor for all waits and ages of events: with 0.01, a minute takes 0.6 seconds.",
    ),
]]);

/// `[functions.NAME.asynchronous]`
pub const FUNCTION_TABLE: Table = Table::new(&[&[
    Key::with_default(
        "maximum-retry-attempts",
        Kind::Integer {
            min: 0,
            max: MAX_RETRY_ATTEMPTS as u64,
            unit: "attempts",
        },
        "2",
        "The number of times an event is retried after function errors.",
    ),
    Key::with_default(
        "maximum-event-age",
        Kind::Integer {
            min: MIN_EVENT_AGE.as_secs(),
            max: MAX_EVENT_AGE.as_secs(),
            unit: "seconds",
        },
        "21600",
        "The maximum age of an event. An event that would run later is given up.",
    ),
    Key::optional(
        "on-success",
        Kind::Text,
        "The destination for the invocation record of an event that was processed: the name of a function, or \
         `\"queue:NAME\"`.",
    ),
    Key::optional(
        "on-failure",
        Kind::Text,
        "The destination for the invocation record of an event that was given up: the name of a function, or \
         `\"queue:NAME\"`.",
    ),
    Key::optional(
        "dead-letter",
        Kind::Text,
        "The destination for an event that was given up: the name of a function, or `\"queue:NAME\"`.",
    ),
]]);

/// The default of `store`.
const STORE: &str = ".lambkin/store.sqlite";

/// The prefix of a queue's name in a destination.
const QUEUE: &str = "queue:";

/// SQS's limit, in characters.
const QUEUE_NAME_LENGTH: usize = 80;

/// The version that destinations invoke.
const VERSION: &str = "$LATEST";

/// The settings of asynchronous invocation.
#[derive(Debug)]
pub struct Settings {
    pub store: PathBuf,
    pub config: AsynchronousConfig,
}

/// Reads `[asynchronous]`. `functions` are the settings of the functions that have a table of their own.
pub fn read(
    root: &mut Reader<'_>,
    functions: BTreeMap<String, EventInvokeConfig>,
    project: &Path,
) -> Settings {
    let mut settings = Settings {
        store: project.join(STORE),
        config: AsynchronousConfig {
            functions,
            ..AsynchronousConfig::default()
        },
    };
    let Some(mut table) = root.table("asynchronous") else {
        return settings;
    };
    if let Some(store) = table.text("store") {
        settings.store = project.join(store.value);
    }
    if let Some(scale) = table.number("time-scale") {
        settings.config.time_scale = scale.value;
    }
    table.finish();
    settings
}

/// Reads the table of a function, if it has one. `functions` and `queues` are the names of all that are defined.
pub fn read_function(
    function: &mut Reader<'_>,
    functions: &[String],
    queues: &[String],
    diagnostics: &Diagnostics,
) -> Option<EventInvokeConfig> {
    let mut table = function.table("asynchronous")?;
    let attempts = table.integer("maximum-retry-attempts");
    let age = table.integer("maximum-event-age");
    let mut target = |key| {
        table
            .text(key)
            .and_then(|found| read_target(&found, (functions, queues), diagnostics))
    };
    let config = EventInvokeConfig {
        maximum_retry_attempts: attempts.map_or(MAX_RETRY_ATTEMPTS, |found| found.value as u32),
        maximum_event_age: age.map_or(MAX_EVENT_AGE, |found| Duration::from_secs(found.value)),
        on_success: target("on-success"),
        on_failure: target("on-failure"),
        dead_letter: target("dead-letter"),
    };
    table.finish();
    Some(config)
}

fn read_target(
    found: &Spanned<String>,
    (functions, queues): (&[String], &[String]),
    diagnostics: &Diagnostics,
) -> Option<Target> {
    let read = match found.value.strip_prefix(QUEUE) {
        Some(queue) => read_queue(queue, queues),
        None => read_target_function(&found.value, functions),
    };
    match read {
        Ok(target) => Some(target),
        Err(message) => {
            diagnostics.add(found.span.clone(), &found.key, message);
            None
        }
    }
}

/// A queue that is not defined is made when it is needed, unless its name is most likely a mistyped one.
fn read_queue(name: &str, queues: &[String]) -> Result<Target, String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let defined = || queues.iter().map(String::as_str);
    if !defined().any(|queue| queue == name)
        && let Some(near) = nearest(name, defined())
    {
        return Err(format!(
            "there is no queue {name:?}; did you mean `queue:{near}`? If not, `[queues.{name}]` defines it"
        ));
    }
    if (1..=QUEUE_NAME_LENGTH).contains(&name.len()) && name.bytes().all(legal) {
        return Ok(Target::Queue(name.to_owned()));
    }
    Err(format!(
        "the name of a queue has 1 to {QUEUE_NAME_LENGTH} letters, digits, `-` and `_`; {name:?} does not fit"
    ))
}

fn read_target_function(text: &str, functions: &[String]) -> Result<Target, String> {
    let (name, qualifier) = match text.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (text, None),
    };
    let names = || functions.iter().map(String::as_str);
    if !names().any(|known| known == name) {
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("defined are: {}", functions.join(", ")),
        };
        return Err(format!(
            "there is no function {name:?}; {hint} A queue is written \"queue:NAME\""
        ));
    }
    match qualifier {
        None | Some(VERSION) => Ok(Target::Function {
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
        }),
        Some(other) => Err(format!(
            "events are sent to the version `{VERSION}` of {name}, not to {other:?}; remove the qualifier"
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Source};

    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let source = Source::new(Path::new("lambkin.toml"), text.to_owned());
        Config::parse(source, Path::new("project")).map_err(|error| error.to_string())
    }

    fn function(asynchronous: &str) -> String {
        format!(
            "[functions.hello]\ncode = '/'\n[functions.other]\ncode = '/'\n[functions.hello.asynchronous]\n{asynchronous}\n"
        )
    }

    #[test]
    fn without_a_table_awss_defaults_apply() {
        let settings = parse("").unwrap().asynchronous;
        assert_eq!(settings.store, Path::new("project/.lambkin/store.sqlite"));
        assert_eq!(settings.config, AsynchronousConfig::default());
    }

    #[test]
    fn every_key_is_read() {
        let text = function(
            "maximum-retry-attempts = 1\nmaximum-event-age = 60\non-success = 'other:$LATEST'\n\
             on-failure = 'hello'\ndead-letter = 'queue:gone-wrong'\n\
             [asynchronous]\nstore = 'elsewhere.db'\ntime-scale = 0.5\n[queues.orders]",
        );
        let settings = parse(&text).unwrap().asynchronous;
        assert_eq!(settings.store, Path::new("project/elsewhere.db"));
        assert_eq!(settings.config.time_scale, 0.5);
        let target = |name: &str, qualifier: Option<&str>| {
            Some(Target::Function {
                name: name.to_owned(),
                qualifier: qualifier.map(str::to_owned),
            })
        };
        assert_eq!(
            settings.config.functions["hello"],
            EventInvokeConfig {
                maximum_retry_attempts: 1,
                maximum_event_age: Duration::from_secs(60),
                on_success: target("other", Some("$LATEST")),
                on_failure: target("hello", None),
                dead_letter: Some(Target::Queue("gone-wrong".to_owned())),
            }
        );
    }

    #[test]
    fn mistakes_are_reported_with_their_positions_and_the_legal_values() {
        for (line, message) in [
            (
                "maximum-retry-attempts = 3",
                "6:26: functions.hello.asynchronous.maximum-retry-attempts: must be a whole number of attempts from 0 \
                 to 2, not 3",
            ),
            (
                "maximum-event-age = 59",
                "must be a whole number of seconds from 60 to 21600, not 59",
            ),
            (
                "on-success = 'othr'",
                "6:14: functions.hello.asynchronous.on-success: there is no function \"othr\"; did you mean `other`?",
            ),
            ("on-failure = 'nobody'", "defined are: hello, other"),
            (
                "on-failure = 'other:live'",
                "events are sent to the version `$LATEST` of other",
            ),
            (
                "on-failure = 'queue:faild'\n[queues.failed]",
                "6:14: functions.hello.asynchronous.on-failure: there is no queue \"faild\"; did you mean `queue:failed`? \
                 If not, `[queues.faild]` defines it",
            ),
            (
                "dead-letter = 'queue:a b'",
                "the name of a queue has 1 to 80 letters",
            ),
            (
                "on-succes = 'other'",
                "unknown key; did you mean `on-success`?",
            ),
            (
                "[asynchronous]\ntime-scale = 2",
                "asynchronous.time-scale: must be a number of seconds per second on AWS above 0 and up to 1, not 2",
            ),
        ] {
            let text = parse(&function(line)).unwrap_err();
            assert!(text.contains(message), "{line}: {text}");
        }
    }
}
