//! Keys of `[functions.NAME]` for the environments of a function: their life cycle, layers and logs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lambkin_lambda::{Lifecycle, LogFormat, Logging, open_layer};

use super::function_inputs::FunctionInputs;
use super::key::{Key, Kind};
use super::reader::{Diagnostics, Reader};

/// Keys that each version of a function can set.
pub const KEYS: &[Key] = &[
    Key::with_default(
        "provisioned-concurrency",
        Kind::Integer {
            min: 0,
            max: 10_000,
            unit: "environments",
        },
        "0",
        "The number of environments that are started before the first call and never ended for being idle.",
    ),
    Key::optional(
        "idle-timeout",
        Kind::Number {
            // A day: long enough for those who want no limit.
            max: 86_400.0,
            unit: "seconds",
        },
        "The time after which an environment without a call is ended. Left out, environments are kept.",
    ),
    Key::with_default(
        "environment-concurrency",
        Kind::Integer {
            min: 1,
            // The limit of AWS's managed instances.
            max: 1600,
            unit: "invocations",
        },
        "1",
        "The number of concurrent calls in one environment, as on AWS's managed instances \
         (`AWS_LAMBDA_MAX_CONCURRENCY`).",
    ),
    Key::with_default(
        "snap-start",
        Kind::Flag,
        "false",
        "Whether the runtime waits in `/restore/next` before its first event. Cannot be combined with \
         `environment-concurrency` above 1.",
    ),
    Key::with_default(
        "freeze",
        Kind::Flag,
        "true",
        "Whether processes are frozen between invocations, as on AWS. `lambkin serve --no-freeze` freezes none.",
    ),
    Key::with_default(
        "enforce-memory",
        Kind::Flag,
        "true",
        "Whether an environment that uses more than `memory` is killed, as on AWS.",
    ),
    Key::with_default(
        "log-format",
        Kind::ChoiceInAnyCase(&["Text", "JSON"]),
        "\"Text\"",
        "The log format that the runtime is told. With `\"JSON\"`, the platform's own lines are telemetry events.",
    ),
    Key::optional(
        "log-level",
        Kind::ChoiceInAnyCase(&["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
        "The log level that the runtime is told.",
    ),
    Key::with_default(
        "framed-logs",
        Kind::Flag,
        "false",
        "Whether the runtime can write its log in frames (`_LAMBDA_TELEMETRY_LOG_FD`), so that records of several \
         lines stay together.",
    ),
];

/// AWS's limit on the layers of a function.
const MAX_LAYERS: usize = 5;

/// Reads the keys of an environment's life cycle; those that are left out keep the values of `default`.
pub fn read(table: &mut Reader<'_>, default: Lifecycle, diagnostics: &Diagnostics) -> Lifecycle {
    let concurrency = table.integer("environment-concurrency");
    let provisioned = table.integer("provisioned-concurrency");
    let idle_timeout = table.number("idle-timeout");
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
            "cannot be combined with `environment-concurrency` above 1: AWS restores environments that run one \
             invocation at a time",
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
        repeats_init: default.repeats_init,
    }
}

/// Reads `log-format`, `log-level` and `framed-logs`; those that are left out keep the values of `default`.
pub fn read_logging(table: &mut Reader<'_>, default: Logging) -> Logging {
    let format = table.choice("log-format").map(|found| match found.value {
        "JSON" => LogFormat::Json,
        _ => LogFormat::Text,
    });
    let level = table.choice("log-level");
    let framed = table.flag("framed-logs");
    Logging {
        format: format.unwrap_or(default.format),
        level: level.map(|found| found.value.to_owned()).or(default.level),
        framed: framed.map_or(default.framed, |found| found.value),
    }
}

/// Reads `layers`: folders and .zip archives, of which later ones override earlier ones. Returns their folders, those of
/// archives unpacked, and records their paths in the inputs.
pub fn read_layers(
    table: &mut Reader<'_>,
    default: Vec<PathBuf>,
    inputs: &mut FunctionInputs,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Vec<PathBuf> {
    let Some(found) = table.texts("layers") else {
        return default;
    };
    if found.value.len() > MAX_LAYERS {
        let message = format!(
            "{} layers, more than Lambda's limit of {MAX_LAYERS}",
            found.value.len()
        );
        diagnostics.add(found.span.clone(), &found.key, message);
    }
    inputs.layers = found.value.iter().map(|path| project.join(path)).collect();
    let mut folders = Vec::new();
    for (named, layer) in found.value.iter().zip(&inputs.layers) {
        match open_layer(layer, &inputs.unpack_to, inputs.unpacked_limit) {
            Ok(folder) => folders.push(folder),
            Err(error) => {
                let message = layer_of_aws(named).unwrap_or_else(|| error.to_string());
                diagnostics.add(found.span.clone(), &found.key, message);
            }
        }
    }
    folders
}

/// What to do about the ARN of a layer: `arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION`.
fn layer_of_aws(named: &str) -> Option<String> {
    let parts: Vec<&str> = named.split(':').collect();
    let (region, name) = match *parts.as_slice() {
        ["arn", _, "lambda", region, _, "layer", name, ..] => (region, name),
        _ => return None,
    };
    Some(match parts.get(7) {
        Some(_) => format!(
            "{named} is a layer that AWS has; here, a layer is a folder or a .zip archive. Download it, and name the file: \
             curl -o {name}.zip \"$(aws lambda get-layer-version-by-arn --region {region} --arn {named} --query \
             Content.Location --output text)\""
        ),
        None => format!(
            "{named} is a layer that AWS has, without the version; here, a layer is a folder or a .zip archive. Its \
             versions are listed by: aws lambda list-layer-versions --region {region} --layer-name {named}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_layer_leads_to_its_archive() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3";
        let said = layer_of_aws(arn).unwrap();
        assert!(
            said.contains(&format!(
                "curl -o tools.zip \"$(aws lambda get-layer-version-by-arn --region eu-west-1 --arn {arn} "
            )),
            "{said}"
        );
        let said = layer_of_aws("arn:aws-cn:lambda:cn-north-1:123456789012:layer:tools").unwrap();
        assert!(
            said.contains("list-layer-versions --region cn-north-1"),
            "{said}"
        );
        for other in [
            "layer.zip",
            "arn:aws:s3:::bucket",
            "arn:aws:lambda:x:1:function:f",
            "",
        ] {
            assert_eq!(layer_of_aws(other), None, "{other}");
        }
    }
}
