//! The listener rules: the list `rules` of tables.
//!
//! | key | meaning |
//! |---|---|
//! | `priority` | 1 to 50000; of the rules that a request matches, the one with the lowest is used |
//! | `host-header` | patterns of host names |
//! | `path-pattern` | patterns of paths |
//! | `http-request-method` | methods in upper case |
//! | `source-ip` | networks in CIDR notation |
//! | `http-header` | names of headers, each with patterns for its value |
//! | `query-string` | patterns for keys, each with patterns for the value; the key `"*"` is any |
//! | `function`, `redirect` or `fixed-response` | the action |
//!
//! AWS's quotas hold: five patterns in the conditions of a rule, and five wildcards. In a pattern, `*` stands for any
//! characters or none, `?` for one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::settings::{Problems, Table, is_word};

use super::action::ConfiguredAction;
use crate::network::Network;
use crate::state::{CONDITION, NAME, PART, Rule};

const KEYS: [&str; 10] = [
    "priority",
    "host-header",
    "path-pattern",
    "http-request-method",
    "source-ip",
    "http-header",
    "query-string",
    "function",
    "redirect",
    "fixed-response",
];

const CONDITIONS: [&str; 6] = [
    "host-header",
    "path-pattern",
    "http-request-method",
    "source-ip",
    "http-header",
    "query-string",
];

const EXPLAINED: [(&str, &str); 3] = [
    ("path", "the key is `path-pattern`, a list"),
    ("host", "the key is `host-header`, a list"),
    ("method", "the key is `http-request-method`, a list"),
];

/// AWS's quota of condition values of a rule.
const MAX_VALUES: usize = 5;

/// AWS's quota of wildcards of a rule.
const MAX_WILDCARDS: usize = 5;

/// A rule as it was read.
#[derive(Debug)]
pub struct ListenerRule<'a> {
    priority: u32,
    methods: String,
    paths: String,
    hosts: String,
    networks: String,
    headers: String,
    query: String,
    /// What the rule does.
    pub action: ConfiguredAction<'a>,
}

/// Reads the rules, in the order of their priorities.
pub fn read<'a>(table: &Table<'a>, problems: &mut Problems) -> Vec<ListenerRule<'a>> {
    let expected = "this must be a list of tables, `[[triggers.NAME.rules]]`";
    let items = table.list("rules", expected, problems).unwrap_or_default();
    let mut rules: Vec<ListenerRule<'a>> = Vec::new();
    for item in items {
        let Some(table) = item.table(problems) else {
            continue;
        };
        let Some(rule) = rule(&table, problems) else {
            continue;
        };
        if rules.iter().any(|other| other.priority == rule.priority) {
            let message = format!("another rule has the priority {} already", rule.priority);
            problems.add(table.path_of("priority"), message);
        }
        rules.push(rule);
    }
    rules.sort_by_key(|rule| rule.priority);
    rules
}

fn rule<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<ListenerRule<'a>> {
    table.refuse_unknown(&KEYS, &EXPLAINED, problems);
    let priority = table.integer("priority", 1_u32, 50_000, problems);
    if table.get("priority").is_none() {
        let message = "a rule needs a `priority`, 1 to 50000; the lowest is tried first";
        problems.add(table.at().to_vec(), message);
    }
    let pattern_rule = "a pattern has 1 to 128 characters, without control characters";
    let is_method = |text: &str| {
        text.len() <= 40 && is_word(text, "-_") && !text.bytes().any(|it| it.is_ascii_lowercase())
    };
    let method_rule = "a method consists of upper-case letters, `-` and `_`";
    let is_network = |text: &str| Network::read(text).is_some();
    let network_rule =
        "a network is an address and the length of its prefix, such as \"192.0.2.0/24\"";
    let mut conditions = Conditions::default();
    let hosts = conditions.list(table, "host-header", is_pattern, pattern_rule, problems);
    let paths = conditions.list(table, "path-pattern", is_pattern, pattern_rule, problems);
    let methods = conditions.list(
        table,
        "http-request-method",
        is_method,
        method_rule,
        problems,
    );
    let networks = conditions.list(table, "source-ip", is_network, network_rule, problems);
    let headers = conditions.table(table, "http-header", problems);
    let query = conditions.table(table, "query-string", problems);
    conditions.check(table, problems);
    let action = ConfiguredAction::read(table, problems);
    Some(ListenerRule {
        priority: priority?,
        methods,
        paths,
        hosts,
        networks,
        headers: headers.to_ascii_lowercase(),
        query,
        action: action?,
    })
}

fn is_pattern(text: &str) -> bool {
    (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// The number of wildcards in a pattern.
fn wildcards(pattern: &str) -> usize {
    pattern
        .chars()
        .filter(|char| ['*', '?'].contains(char))
        .count()
}

/// Counts what AWS has quotas for.
#[derive(Debug, Default)]
struct Conditions {
    patterns: usize,
    wildcards: usize,
}

impl Conditions {
    fn list(
        &mut self,
        table: &Table<'_>,
        key: &str,
        is_legal: impl Fn(&str) -> bool,
        rule: &str,
        problems: &mut Problems,
    ) -> String {
        let patterns = table.texts(key, is_legal, rule, problems);
        let patterns = patterns.unwrap_or_default();
        if patterns.is_empty()
            && table
                .get(key)
                .is_some_and(|value| value.as_array().is_some_and(Vec::is_empty))
        {
            let message = "the list is empty; a condition needs a pattern";
            problems.add(table.path_of(key), message);
        }
        self.count(&patterns);
        patterns.join(PART.encode_utf8(&mut [0; 4]))
    }

    fn table(&mut self, table: &Table<'_>, key: &str, problems: &mut Problems) -> String {
        let Some(names) = table.table(key, problems) else {
            return String::new();
        };
        if names.keys().next().is_none() {
            let message = "the table is empty; a condition needs a name and patterns";
            problems.add(table.path_of(key), message);
        }
        let mut text = String::new();
        for name in names.keys() {
            if !is_pattern(name) {
                let message = "a name has 1 to 128 characters, without control characters";
                problems.add(names.path_of(name), message);
                continue;
            }
            let rule = "a pattern has 1 to 128 characters, without control characters";
            let patterns = self.list(&names, name, is_pattern, rule, problems);
            if key == "query-string" {
                self.wildcards += wildcards(name);
            }
            if !text.is_empty() {
                text.push(CONDITION);
            }
            text.push_str(name);
            text.push(NAME);
            text.push_str(&patterns);
        }
        text
    }

    fn count(&mut self, patterns: &[&str]) {
        self.patterns += patterns.len();
        self.wildcards += patterns
            .iter()
            .map(|pattern| wildcards(pattern))
            .sum::<usize>();
    }

    fn check(&self, table: &Table<'_>, problems: &mut Problems) {
        let mut refuse = |message: String| problems.add(table.at().to_vec(), message);
        match self.patterns {
            0 if CONDITIONS.iter().all(|key| table.get(key).is_none()) => refuse(String::from(
                "a rule needs a condition, such as `path-pattern = [\"/api/*\"]`",
            )),
            0..=MAX_VALUES => {}
            count => refuse(format!(
                "a rule can have at most {MAX_VALUES} condition values (AWS's quota), and this one has {count}; split it \
                 into several rules"
            )),
        }
        if self.wildcards > MAX_WILDCARDS {
            refuse(format!(
                "a rule can have at most {MAX_WILDCARDS} wildcards (AWS's quota), and this one has {}; split it into \
                 several rules",
                self.wildcards
            ));
        }
    }
}

impl ListenerRule<'_> {
    /// The rule for the state.
    pub fn as_state(&self) -> Rule<'_> {
        Rule {
            methods: &self.methods,
            paths: &self.paths,
            hosts: &self.hosts,
            networks: &self.networks,
            headers: &self.headers,
            query: &self.query,
            action: self.action.action(),
        }
    }

    /// The rule in one line, for `lambkin check`.
    pub fn summary(&self) -> String {
        let conditions = [
            ("host", &self.hosts),
            ("path", &self.paths),
            ("method", &self.methods),
            ("source", &self.networks),
            ("header", &self.headers),
            ("query", &self.query),
        ];
        let conditions: Vec<_> = conditions
            .into_iter()
            .filter(|(_, patterns)| !patterns.is_empty())
            .map(|(name, patterns)| {
                let patterns = patterns.replace(PART, " or ").replace(NAME, "=");
                format!("{name} {}", patterns.replace(CONDITION, " and "))
            })
            .collect();
        format!(
            "{}: {} -> {}",
            self.priority,
            conditions.join(", "),
            self.action.summary()
        )
    }
}
