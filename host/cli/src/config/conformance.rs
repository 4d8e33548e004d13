//! Tests that hold the reader, the definitions of keys, the JSON Schema and the examples to each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::key::{Entry, Key, Kind, Presence, Table};
use super::reference::{examples, repository};
use super::schema::{plugin_keys, schema_text, toml_document};
use super::validate::validate;
use super::{Config, Source, file, trigger};

/// Checks configurations against the schema.
struct Validator(Value);

impl Validator {
    fn new() -> Self {
        Self(serde_json::from_str(&schema_text()).unwrap())
    }

    fn check(&self, text: &str) -> Result<(), String> {
        let value = toml_document(text).unwrap();
        validate(&self.0, &value, "")
    }
}

#[test]
fn every_example_follows_the_schema_and_refers_to_it() {
    let validator = Validator::new();
    let mut count = 0;
    for path in examples() {
        let text = fs::read_to_string(&path).unwrap();
        let to_root = "../".repeat(
            path.strip_prefix(repository())
                .unwrap()
                .components()
                .count()
                - 1,
        );
        assert_eq!(
            text.lines().next().unwrap(),
            format!("#:schema {to_root}docs/lambkin.schema.json"),
            "{}",
            path.display()
        );
        validator
            .check(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    }
    assert!(count >= 15);
}

/// A legal value for each key, in TOML's notation: not the default, if the key has one and accepts another value. The
/// values for the keys of event sources are beside their definitions.
///
/// `f` is a function, `"q.fifo"` a FIFO queue, `b` a bucket, `s` a service, `t` a trigger.
const SAMPLES: &[(&str, &str)] = &[
    ("extends", "'template.yaml'"),
    ("region", "'eu-west-1'"),
    ("account", "'111122223333'"),
    ("service-endpoints", "false"),
    ("sandbox", "'namespace'"),
    ("version-check", "'warn'"),
    ("allowed-hosts", "['lambkin.example.com']"),
    ("allowed-origins", "['https://app.example.com']"),
    ("invoke.listen", "'127.0.0.1:0'"),
    ("invoke.tls", "true"),
    (
        "invoke.tls.certificate",
        "'src/config/fixtures/listener.pem'",
    ),
    ("invoke.tls.key", "'src/config/fixtures/listener.key'"),
    ("functions.f.code", "'src'"),
    ("functions.f.image", "'registry.example.com/app:1'"),
    ("functions.f.image-config.entry-point", "['/entry']"),
    ("functions.f.image-config.command", "['app.handler']"),
    ("functions.f.image-config.working-directory", "'/srv'"),
    ("functions.f.command", "['python3', 'app.py']"),
    ("functions.f.handler", "'app.handler'"),
    ("functions.f.runtime", "'python3.13'"),
    ("functions.f.interpreter", "'python3'"),
    ("functions.f.client", "'embedded'"),
    ("functions.f.version-check", "'off'"),
    ("functions.f.sdk", "'src'"),
    ("functions.f.bundle", "false"),
    ("functions.f.bundle.external", "['sharp']"),
    ("functions.f.bundle.minify", "true"),
    ("functions.f.bundle.target", "'es2022'"),
    ("functions.f.bundle.sourcemap", "false"),
    ("functions.f.bundle.format", "'esm'"),
    ("functions.f.bundle.loader.\".html\"", "'text'"),
    ("functions.f.bundle.arguments", "['--keep-names']"),
    ("functions.f.sandbox", "'auto'"),
    ("functions.f.ephemeral-storage", "1024"),
    ("functions.f.unpacked-limit", "300"),
    ("functions.f.timeout", "0.5"),
    ("functions.f.memory", "256"),
    ("functions.f.environment.A", "'b'"),
    ("functions.f.env-file", "[]"),
    ("functions.f.pass-environment", "['HOME']"),
    ("functions.f.watch", "true"),
    ("functions.f.watch.ignore", "['*.log']"),
    ("functions.f.layers", "['src']"),
    ("functions.f.concurrency", "1"),
    ("functions.f.queue", "0"),
    ("functions.f.provisioned-concurrency", "1"),
    ("functions.f.idle-timeout", "60"),
    ("functions.f.environment-concurrency", "2"),
    ("functions.f.snap-start", "true"),
    ("functions.f.debug", "9229"),
    ("functions.f.debug-wait", "true"),
    ("functions.f.freeze", "false"),
    ("functions.f.enforce-memory", "false"),
    ("functions.f.log-format", "'json'"),
    ("functions.f.log-level", "'debug'"),
    ("functions.f.framed-logs", "true"),
    ("functions.f.reserved-concurrency", "1"),
    ("functions.f.tenant-isolation", "true"),
    ("functions.f.recursive-loop", "'Allow'"),
    ("functions.f.other-names", "['FFunction']"),
    ("functions.f.url-variables.U", "'http://example.com/{{1}}'"),
    ("functions.f.service-endpoints", "false"),
    ("functions.f.asynchronous.maximum-retry-attempts", "0"),
    ("functions.f.asynchronous.maximum-event-age", "60"),
    ("functions.f.asynchronous.on-success", "'f'"),
    ("functions.f.asynchronous.on-failure", "'queue:failed'"),
    ("functions.f.asynchronous.dead-letter", "'queue:failed'"),
    ("functions.f.aliases.a", "'$LATEST'"),
    ("functions.f.aliases.a.version", "'1'"),
    ("functions.f.aliases.a.weights.1", "0.5"),
    ("queues.\"q.fifo\".VisibilityTimeout", "5"),
    ("queues.\"q.fifo\".DelaySeconds", "5"),
    ("queues.\"q.fifo\".MessageRetentionPeriod", "60"),
    (
        "queues.\"q.fifo\".RedrivePolicy.deadLetterTargetArn",
        "'dead.fifo'",
    ),
    ("queues.\"q.fifo\".RedrivePolicy.maxReceiveCount", "3"),
    (
        "queues.\"q.fifo\".RedriveAllowPolicy.redrivePermission",
        "'byQueue'",
    ),
    (
        "queues.\"q.fifo\".RedriveAllowPolicy.sourceQueueArns",
        "['dead.fifo']",
    ),
    ("queues.\"q.fifo\".MaximumMessageSize", "1024"),
    ("queues.\"q.fifo\".ReceiveMessageWaitTimeSeconds", "20"),
    ("queues.\"q.fifo\".FifoQueue", "true"),
    ("queues.\"q.fifo\".ContentBasedDeduplication", "true"),
    ("queues.\"q.fifo\".DeduplicationScope", "'messageGroup'"),
    (
        "queues.\"q.fifo\".FifoThroughputLimit",
        "'perMessageGroupId'",
    ),
    ("queues.\"q.fifo\".Policy", "'{}'"),
    ("queues.\"q.fifo\".KmsMasterKeyId", "'alias/key'"),
    ("queues.\"q.fifo\".KmsDataKeyReusePeriodSeconds", "60"),
    ("queues.\"q.fifo\".SqsManagedSseEnabled", "true"),
    ("queues.\"q.fifo\".tags.team", "'blue'"),
    ("buckets.bkt.versioning", "true"),
    ("buckets.bkt.folder", "'src'"),
    ("services.s.plugin", "'sqs'"),
    ("services.s.listen", "'127.0.0.1:0'"),
    ("services.s.tls", "true"),
    (
        "services.s.tls.certificate",
        "'src/config/fixtures/listener.pem'",
    ),
    ("services.s.tls.key", "'src/config/fixtures/listener.key'"),
    ("services.s.queues", "['*']"),
    ("services.s.buckets", "['*']"),
    ("triggers.t.plugin", "'sqs'"),
    ("asynchronous.store", "'elsewhere.sqlite'"),
    ("asynchronous.time-scale", "0.5"),
];

/// Keys whose samples need another key beside them.
const COMPANIONS: &[(&str, &str)] = &[
    ("functions.f.debug-wait", "functions.f.debug"),
    ("functions.f.image-config.entry-point", "functions.f.image"),
    ("functions.f.image-config.command", "functions.f.image"),
    (
        "functions.f.image-config.working-directory",
        "functions.f.image",
    ),
    (
        "queues.\"q.fifo\".FifoThroughputLimit",
        "queues.\"q.fifo\".DeduplicationScope",
    ),
    (
        "queues.\"q.fifo\".RedriveAllowPolicy.redrivePermission",
        "queues.\"q.fifo\".RedriveAllowPolicy.sourceQueueArns",
    ),
];

/// Attributes that only the service `sqs` reads; it also applies their defaults.
const SERVICE_ATTRIBUTES: [&str; 5] = [
    "MaximumMessageSize",
    "ReceiveMessageWaitTimeSeconds",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
];

/// A key with the path at which `SAMPLES` has it, and the paths of the required keys beside it and beside its tables.
struct Located {
    path: String,
    key: &'static Key,
    required: Vec<String>,
}

/// All keys that have a value of their own, but for those of versions, which are the function's.
fn located() -> Vec<Located> {
    let mut keys = Vec::new();
    locate("", &file::TABLE, &[], &mut keys);
    keys
}

fn locate(prefix: &str, table: &'static Table, outer: &[String], keys: &mut Vec<Located>) {
    let is_required = |key: &&Key| matches!(key.presence, Presence::Required);
    let required = table.iter().filter(is_required);
    let mut beside = outer.to_vec();
    beside.extend(required.map(|key| format!("{prefix}{}", key.name)));
    for key in table.iter() {
        let path = format!("{prefix}{}", key.name);
        let mut add = |path: &str| {
            keys.push(Located {
                path: path.to_owned(),
                key,
                required: beside.clone(),
            });
        };
        match &key.kind {
            Kind::Table(inner) => locate(&format!("{path}."), inner, &beside, keys),
            Kind::FlagOrTable(inner) => {
                add(&path);
                locate(&format!("{path}."), inner, &beside, keys);
            }
            Kind::Entries { entry, .. } => {
                let path = format!("{path}.{}", sample_name(&path));
                match entry {
                    Entry::Table(_) if key.name == "versions" => {}
                    Entry::Table(inner) => locate(&format!("{path}."), inner, &beside, keys),
                    Entry::TextOrTable(inner) => {
                        add(&path);
                        locate(&format!("{path}."), inner, &beside, keys);
                    }
                    Entry::Text | Entry::Number { .. } => add(&path),
                }
            }
            _ => add(&path),
        }
    }
}

/// The name that `SAMPLES` has in a table whose keys the operator chooses.
fn sample_name(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap() {
        "functions" => "f",
        "environment" => "A",
        "url-variables" => "U",
        "versions" | "weights" => "1",
        "aliases" => "a",
        "queues" => "\"q.fifo\"",
        "tags" => "team",
        "buckets" => "bkt",
        "services" => "s",
        "triggers" => "t",
        "loader" => "\".html\"",
        other => panic!("no sample of a name for {other}"),
    }
}

/// The values of `SAMPLES` and those for the keys of event sources, by their paths.
fn samples() -> BTreeMap<String, &'static str> {
    let common = SAMPLES
        .iter()
        .map(|(path, value)| ((*path).to_owned(), *value));
    let sources = trigger::samples().map(|(key, value)| (format!("triggers.t.{key}"), value));
    common.chain(sources).collect()
}

fn sample(path: &str) -> &'static str {
    let sample = samples().remove(path);
    sample.unwrap_or_else(|| panic!("{path} has no sample"))
}

impl Located {
    /// A configuration with this key, or without it, and with as little else as possible.
    fn document(&self, value: Option<&str>) -> String {
        let mut paths = self.required.clone();
        let companions = COMPANIONS.iter().filter(|(path, _)| *path == self.path);
        paths.extend(companions.map(|(_, companion)| (*companion).to_owned()));
        paths.retain(|path| *path != self.path && !self.path.starts_with(&format!("{path}.")));
        let mut lines: Vec<String> = paths
            .iter()
            .map(|path| format!("{path} = {}", sample(path)))
            .collect();
        if let Some(value) = value {
            lines.push(format!("{} = {value}", self.path));
        }
        let is_needed = |prefix: &str| !lines.iter().any(|line| line.starts_with(prefix));
        let mut more = Vec::new();
        let is_function = |line: &String| line.starts_with("functions.f.");
        let has_code = |line: &String| {
            ["code", "image"]
                .iter()
                .any(|key| line.starts_with(&format!("functions.f.{key} ")))
        };
        let needs_code = lines.iter().any(is_function) && !lines.iter().any(has_code);
        if needs_code || is_needed("functions.") {
            more.push("functions.f.code = 'src'");
        }
        if self.path.starts_with("functions.f.aliases.") {
            more.push("functions.f.versions.1.handler = 'x'");
        }
        if self.path.starts_with("triggers.") {
            more.push("buckets.bkt.versioning = false");
            let mut sources = trigger::TABLE.roles.iter().filter_map(|role| role.key);
            let has_source =
                sources.any(|source| self.path.starts_with(&format!("triggers.t.{source}")));
            if !has_source {
                more.push("triggers.t.listen = '127.0.0.1:0'");
            }
        }
        more.push("queues.\"dead.fifo\".VisibilityTimeout = 30");
        lines.extend(more.iter().map(|line| (*line).to_owned()));
        // Without the key, its table is still there.
        let (table, _) = self.path.rsplit_once('.').unwrap_or_default();
        let is_empty = !lines
            .iter()
            .any(|line| line.starts_with(&format!("{table}.")));
        if is_empty && !table.is_empty() {
            lines.push(format!("{table} = {{}}"));
        }
        format!("{}\n", lines.join("\n"))
    }
}

fn parse(text: &str) -> Result<Config, String> {
    let source = Source::new(Path::new("lambkin.toml"), text.to_owned());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    Config::parse(source, folder).map_err(|error| error.to_string())
}

/// Everything that a configuration says, without the positions in the file.
fn effect(config: &Config) -> String {
    let services = config.services.iter().map(|service| {
        (
            &service.name,
            service.listen,
            &service.certificate,
            &service.queues,
            &service.buckets,
            &service.section.settings,
        )
    });
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        config.account,
        config.sandbox,
        config.invoke,
        config.functions,
        config.function_inputs,
        config.aliases,
        config.queues,
        config.buckets,
        config.asynchronous,
        services.collect::<Vec<_>>(),
    )
}

#[test]
fn every_key_has_a_sample_which_is_read_and_follows_the_schema() {
    let located = located();
    let paths: BTreeSet<String> = located.iter().map(|key| key.path.clone()).collect();
    let samples: BTreeSet<String> = samples().into_keys().collect();
    assert_eq!(paths, samples);
    for key in &located {
        let text = key.document(Some(sample(&key.path)));
        // A key that the reader does not ask for is reported as unknown, or left for the plugin.
        let config = parse(&text).unwrap_or_else(|error| panic!("{text}{error}"));
        let services = config.services.iter().map(|service| &service.section);
        let triggers = config.triggers.iter().map(|trigger| &trigger.section);
        for section in services.chain(triggers) {
            assert_eq!(section.settings, "{}", "{text}");
        }
    }
}

#[test]
fn defaults_are_those_that_the_reader_applies() {
    for key in located() {
        let Presence::Default(default) = key.key.presence else {
            continue;
        };
        if SERVICE_ATTRIBUTES.contains(&key.key.name) {
            continue;
        }
        let (with, without) = (key.document(Some(default)), key.document(None));
        let read = |text: &str| parse(text).unwrap_or_else(|error| panic!("{text}{error}"));
        assert_eq!(effect(&read(&with)), effect(&read(&without)), "{with}");
        if default != sample(&key.path) && !key.path.starts_with("triggers.") {
            let other = key.document(Some(sample(&key.path)));
            assert_ne!(effect(&read(&other)), effect(&read(&without)), "{other}");
        }
    }
}

#[test]
fn required_keys_are_required() {
    for key in located() {
        if matches!(key.key.presence, Presence::Required) {
            let text = key.document(None);
            let message = format!("needs `{}`", key.key.name);
            let error = parse(&text).expect_err(&text);
            assert!(error.contains(&message), "{text}{error}");
        }
    }
}

#[test]
fn the_reader_and_the_schema_agree_on_values() {
    let validator = Validator::new();
    for key in located() {
        // The settings that the built-in plugins require are not in these documents.
        if key.path.starts_with("triggers.") {
            continue;
        }
        let mut values = vec![sample(&key.path).to_owned()];
        match &key.key.kind {
            Kind::Integer { min, max, .. } => {
                values.extend([min, max].map(u64::to_string));
                values.extend([format!("{}", max + 1), format!("{}", *min as i64 - 1)]);
            }
            Kind::Number { max, .. } => {
                values.extend([max.to_string(), (max + 1.0).to_string(), "0".to_owned()]);
            }
            Kind::Choice(choices) | Kind::ChoiceInAnyCase(choices) => {
                values.extend(choices.iter().map(|choice| format!("'{choice}'")));
                values.extend(
                    choices
                        .iter()
                        .map(|choice| format!("'{}'", choice.to_lowercase())),
                );
                values.push("'something'".to_owned());
            }
            _ => {}
        }
        values.extend(["true", "7", "'text'", "{}", "[1]"].map(str::to_owned));
        for value in values {
            let text = key.document(Some(&value));
            let read = parse(&text);
            let checked = validator.check(&text);
            // What the schema refuses, the reader refuses; and it refuses what is of another type or out of range.
            assert!(read.is_err() || checked.is_ok(), "{text}{checked:?}");
            let is_refused =
                read.is_err_and(|error| error.contains(": must be ") && error.contains(", not "));
            let is_checked_further = ["account", "invoke.listen", "services.s.listen"]
                .contains(&key.path.as_str())
                || key.path.ends_with("Policy")
                || key.path.ends_with("RedrivePolicy.deadLetterTargetArn");
            assert!(
                !is_refused || checked.is_err() || is_checked_further,
                "{text}"
            );
        }
    }
}

#[test]
fn names_that_the_reader_accepts_follow_the_schema() {
    let validator = Validator::new();
    for (text, is_legal) in [
        ("functions.a_B-1.code = 'src'", true),
        ("functions.'a b'.code = 'src'", false),
        ("queues.orders = {}", true),
        ("queues.'orders.fifo' = {}", true),
        ("queues.'orders.other' = {}", false),
        ("buckets.my-photos = {}", true),
        ("buckets.'my.photos' = {}", true),
        ("buckets.Photos = {}", false),
        ("buckets.ab = {}", false),
        ("functions.a = { code = 'src', versions.1 = {} }", true),
        ("functions.a = { code = 'src', versions.one = {} }", false),
        (
            "functions.a = { code = 'src', aliases.live = '$LATEST' }",
            true,
        ),
        (
            "functions.a = { code = 'src', aliases.'a b' = '$LATEST' }",
            false,
        ),
    ] {
        assert_eq!(parse(text).is_ok(), is_legal, "{text}");
        assert_eq!(validator.check(text).is_ok(), is_legal, "{text}");
    }
}

#[test]
fn what_the_built_in_plugins_document_is_complete() {
    for plugin in lambkin_builtin::names() {
        let documented: Value =
            serde_json::from_str(lambkin_builtin::settings(plugin).unwrap()).unwrap();
        for (role, keys) in documented.as_object().unwrap() {
            let read = plugin_keys(plugin, role).unwrap_or_else(|| panic!("{plugin} {role}"));
            assert_eq!(read.len(), keys.as_array().unwrap().len());
        }
    }
}
