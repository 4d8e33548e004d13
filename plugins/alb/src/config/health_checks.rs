//! The health checks of target groups: the table `health-checks`, with a table for each function that is checked.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `path` | the path, and after `?` the query, of the request | `"/"` |
//! | `interval` | from the beginning of a check to that of the next, in seconds | 35 |
//! | `timeout` | how long a check may take, in seconds; shorter than the interval | 30 |
//! | `healthy-threshold` | checks in a row that an unhealthy target has to pass | 5 |
//! | `unhealthy-threshold` | checks in a row after which a target that fails them is unhealthy | 2 |
//! | `matcher` | the statuses that pass, such as `"200,202"` or `"200-299"` | `"200"` |
//!
//! The defaults are AWS's for target groups of functions, and so are the ranges, except that times may be shorter.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::settings::{Problems, Table};

use crate::health;
use crate::state::HealthCheck;

const KEYS: [&str; 6] = [
    "path",
    "interval",
    "timeout",
    "healthy-threshold",
    "unhealthy-threshold",
    "matcher",
];

const EXPLAINED: [(&str, &str); 1] = [(
    "enabled",
    "a function is checked if it has a table in `health-checks`; remove the table if it is not to be",
)];

/// The shortest time that is accepted, in milliseconds.
const MIN_MS: u32 = 100;
/// AWS's shortest and longest interval, in milliseconds.
const INTERVAL_MS: (u32, u32) = (5_000, 300_000);
/// AWS's shortest and longest timeout, in milliseconds.
const TIMEOUT_MS: (u32, u32) = (2_000, 120_000);

/// The health checks of a function as they were read.
#[derive(Debug)]
pub struct ConfiguredCheck<'a> {
    interval_ms: u32,
    /// The rest, as the state has it.
    pub check: HealthCheck<'a>,
}

impl ConfiguredCheck<'_> {
    /// The host's timer for it, as a setup's `extra` has it.
    pub fn timer(&self) -> (String, String) {
        let name = health::timer(self.check.function);
        (
            String::from("timer"),
            format!("{} {name}", self.interval_ms),
        )
    }

    /// What AWS would refuse.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let times = [
            ("interval", self.interval_ms, INTERVAL_MS.0),
            ("timeout", self.check.timeout_ms, TIMEOUT_MS.0),
        ];
        let function = self.check.function;
        times.into_iter().filter(|(_, ms, min)| ms < min).map(move |(key, _, min)| {
            let min = min / 1000;
            format!("the {key} of the health checks of {function} is shorter than AWS allows, {min} s")
        })
    }

    /// The checks in one line, for `lambkin check`.
    pub fn summary(&self) -> String {
        let HealthCheck { function, path, .. } = self.check;
        let seconds = f64::from(self.interval_ms) / 1000.0;
        format!("health check: GET {path} -> {function}, every {seconds} s")
    }
}

/// Reads the health checks. `functions` are those of the rules.
pub fn read<'a>(
    table: &Table<'a>,
    functions: &[&str],
    problems: &mut Problems,
) -> Vec<ConfiguredCheck<'a>> {
    let Some(checks) = table.table("health-checks", problems) else {
        return Vec::new();
    };
    let mut configured = Vec::new();
    for function in checks.keys() {
        if !functions.contains(&function) {
            // Which of these names are those of functions, the host finds out.
            let known = match functions {
                [] => String::from("no function"),
                functions => functions.join(", "),
            };
            let message = format!(
                "neither a rule nor the default action is for the function {function}; they are for {known}"
            );
            problems.add(checks.path_of(function), message);
        }
        let check = checks.table(function, problems);
        configured.extend(check.and_then(|check| read_one(function, &check, problems)));
    }
    configured
}

fn read_one<'a>(
    function: &'a str,
    table: &Table<'a>,
    problems: &mut Problems,
) -> Option<ConfiguredCheck<'a>> {
    table.refuse_unknown(&KEYS, &EXPLAINED, problems);
    let path_rule =
        "a path begins with `/` and has up to 1,024 characters of ASCII, without blanks";
    let path = table.text("path", is_path, path_rule, problems);
    let interval_rule = "this must be a number of seconds from 0.1 to 300";
    let is_interval = |ms: &u32| (MIN_MS..=INTERVAL_MS.1).contains(ms);
    let interval = table.milliseconds("interval", is_interval, interval_rule, problems);
    let timeout_rule = "this must be a number of seconds from 0.1 to 120";
    let is_timeout = |ms: &u32| (MIN_MS..=TIMEOUT_MS.1).contains(ms);
    let timeout = table.milliseconds("timeout", is_timeout, timeout_rule, problems);
    let healthy = table.integer("healthy-threshold", 2_u32, 10, problems);
    let unhealthy = table.integer("unhealthy-threshold", 2_u32, 10, problems);
    let matcher_rule =
        "a matcher lists statuses from 200 to 499, such as \"200\", \"200,202\" or \"200-299\"";
    let matcher = table.text("matcher", is_matcher, matcher_rule, problems);
    let interval_ms = interval.unwrap_or(35_000);
    let timeout_ms = timeout.unwrap_or(30_000);
    if timeout_ms >= interval_ms {
        let message = format!(
            "the `timeout`, {} s, must be shorter than the `interval`, {} s, as AWS demands",
            f64::from(timeout_ms) / 1000.0,
            f64::from(interval_ms) / 1000.0,
        );
        problems.add(table.at().to_vec(), message);
    }
    Some(ConfiguredCheck {
        interval_ms,
        check: HealthCheck {
            function,
            path: path.unwrap_or("/"),
            timeout_ms,
            healthy_threshold: healthy.unwrap_or(5),
            unhealthy_threshold: unhealthy.unwrap_or(2),
            matcher: matcher.unwrap_or("200"),
        },
    })
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_matcher(text: &str) -> bool {
    text.split(',').all(|codes| {
        let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
        is_code(first) && is_code(last) && first <= last
    })
}

fn is_code(text: &str) -> bool {
    text.len() == 3
        && text
            .parse()
            .is_ok_and(|code: u16| (200..=499).contains(&code))
}
