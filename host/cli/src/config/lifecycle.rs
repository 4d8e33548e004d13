//! How a function's environments come and go, what they are made of and what they write: keys of `[functions.NAME]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lambkin_lambda::{Lifecycle, LogFormat, Logging};

use super::reader::{Diagnostics, Reader};

/// AWS's managed instances allow as many.
const MAX_CONCURRENCY: u64 = 1600;
/// A day: long enough to mean "for ever" to those who want that.
const MAX_IDLE_SECONDS: f64 = 86_400.0;

/// AWS's limit.
const LAYERS: usize = 5;

const LOG_LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// Reads the keys that concern environments out of a function's table; `default` stands for those left out.
pub fn read(table: &mut Reader<'_>, default: Lifecycle, diagnostics: &Diagnostics) -> Lifecycle {
    let concurrency = table.integer(
        "environment-concurrency",
        1..=MAX_CONCURRENCY,
        "invocations",
    );
    let provisioned = table.integer("provisioned-concurrency", 0..=10_000, "environments");
    let idle_timeout = table.number("idle-timeout", MAX_IDLE_SECONDS, "seconds");
    let freeze = table.flag("freeze");
    let snap_start = table.flag("snap-start");
    let enforce_memory = table.flag("enforce-memory");
    if let (Some(snap_start), Some(concurrency)) = (&snap_start, &concurrency)
        && snap_start.value
        && concurrency.value > 1
    {
        diagnostics.add(
            snap_start.span.clone(),
            &snap_start.key,
            "can not be combined with environment-concurrency above 1: AWS restores environments that run one invocation at a time",
        );
    }
    Lifecycle {
        concurrency: concurrency.map_or(default.concurrency, |found| found.value as usize),
        provisioned: provisioned.map_or(default.provisioned, |found| found.value as usize),
        idle_timeout: idle_timeout
            .map(|found| Duration::from_secs_f64(found.value))
            .or(default.idle_timeout),
        freeze: freeze.map_or(default.freeze, |found| found.value),
        snap_start: snap_start.map_or(default.snap_start, |found| found.value),
        enforce_memory: enforce_memory.map_or(default.enforce_memory, |found| found.value),
    }
}

/// Reads `log-format`, `log-level` and `framed-logs`.
pub fn read_logging(
    table: &mut Reader<'_>,
    default: Logging,
    diagnostics: &Diagnostics,
) -> Logging {
    let format =
        table
            .text("log-format")
            .map(|found| match found.value.to_ascii_uppercase().as_str() {
                "TEXT" => LogFormat::Text,
                "JSON" => LogFormat::Json,
                _ => {
                    let message = format!("must be \"Text\" or \"JSON\", not {:?}", found.value);
                    diagnostics.add(found.span, &found.key, message);
                    LogFormat::default()
                }
            });
    let level = table.text("log-level").and_then(|found| {
        let level = found.value.to_ascii_uppercase();
        if LOG_LEVELS.contains(&level.as_str()) {
            return Some(level);
        }
        let message = format!(
            "must be one of {}, not {:?}",
            LOG_LEVELS.join(", "),
            found.value
        );
        diagnostics.add(found.span, &found.key, message);
        None
    });
    let framed = table.flag("framed-logs");
    Logging {
        format: format.unwrap_or(default.format),
        level: level.or(default.level),
        framed: framed.map_or(default.framed, |found| found.value),
    }
}

/// Reads `layers`: folders, the first one at the bottom.
pub fn read_layers(
    table: &mut Reader<'_>,
    default: Vec<PathBuf>,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Vec<PathBuf> {
    let Some(found) = table.texts("layers") else {
        return default;
    };
    if found.value.len() > LAYERS {
        let message = format!(
            "{} layers, more than Lambda's limit of {LAYERS}",
            found.value.len()
        );
        diagnostics.add(found.span.clone(), &found.key, message);
    }
    let mut layers = Vec::new();
    for layer in &found.value {
        match project.join(layer).canonicalize() {
            Ok(path) if path.is_dir() => layers.push(path),
            _ => diagnostics.add(
                found.span.clone(),
                &found.key,
                format!("there is no folder {}", project.join(layer).display()),
            ),
        }
    }
    layers
}
