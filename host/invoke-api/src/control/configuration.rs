//! Functions, aliases and the account in the members of AWS's API.

use std::time::SystemTime;

use jiff::Timestamp;
use lambkin_lambda::{Account, Alias, Function, Image, LogFormat};
use lambkin_model::{arn as arn_of, partition};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::package::Package;

// Lambda's defaults and quotas, for properties that Lambkin does not have.
const RUNTIME: &str = "provided.al2023";
const HANDLER: &str = "bootstrap";
const CONCURRENT_EXECUTIONS: usize = 1000;
const TOTAL_CODE_BYTES: u64 = 75 * 1024 * 1024 * 1024;
const UNZIPPED_CODE_BYTES: u64 = 250 * 1024 * 1024;
const ZIPPED_CODE_BYTES: u64 = 50 * 1024 * 1024;

/// How completely a function is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// All members.
    Full,
    /// All members except its state, as in lists.
    Listed,
}

/// A function's `FunctionConfiguration`. Blocks, because it reads the function's code.
pub(super) fn function(function: &Function, arn: &str, detail: Detail) -> Value {
    let spec = function.spec();
    let Account { region, id } = function.account();
    let package = Package::of(function);
    let sha256 = package.sha256();
    let handler = match spec.handler.as_str() {
        "" => HANDLER,
        handler => handler,
    };
    let mut members = json!({
        "FunctionName": spec.name,
        "FunctionArn": arn,
        "Runtime": RUNTIME,
        "Role": format!("arn:{}:iam::{id}:role/lambkin", partition(region)),
        "Handler": handler,
        "CodeSize": package.size(),
        "CodeSha256": sha256,
        "Description": "",
        "Timeout": (spec.timeout.as_secs_f64().ceil() as u64).max(1),
        "MemorySize": spec.memory_mb,
        "LastModified": timestamp(package.modified()),
        "Version": spec.version,
        "TracingConfig": { "Mode": "PassThrough" },
        "RevisionId": revision(&[arn, &sha256, &format!("{spec:?}")]),
        "PackageType": "Zip",
        "Architectures": [architecture()],
        "EphemeralStorage": { "Size": spec.tmp_mb },
        "SnapStart": {
            "ApplyOn": if spec.lifecycle.snap_start { "PublishedVersions" } else { "None" },
            "OptimizationStatus": if spec.lifecycle.snap_start { "On" } else { "Off" },
        },
        "LoggingConfig": {
            "LogFormat": match spec.logging.format {
                LogFormat::Text => "Text",
                LogFormat::Json => "JSON",
            },
            "LogGroup": format!("/aws/lambda/{}", spec.name),
        },
    });
    if let Some(members) = members.as_object_mut() {
        let mut add = |key: &str, value| drop(members.insert(key.to_owned(), value));
        if let Some(image) = package.image() {
            add("PackageType", "Image".into());
            add("ImageConfigResponse", image_config(image));
        }
        let variables = spec.variables.get();
        if !variables.is_empty() {
            add("Environment", json!({ "Variables": variables }));
        }
        if spec.tenant_isolation {
            let mode = json!({ "TenantIsolationMode": "PER_TENANT" });
            add("TenancyConfig", mode);
        }
        if detail == Detail::Full {
            let runtime = arn_of("lambda", region, "", &format!("runtime:{RUNTIME}"));
            add("State", "Active".into());
            add("LastUpdateStatus", "Successful".into());
            add(
                "RuntimeVersionConfig",
                json!({ "RuntimeVersionArn": runtime }),
            );
        }
        // The image brings these.
        if package.image().is_some() {
            for key in ["Runtime", "Handler", "RuntimeVersionConfig"] {
                members.remove(key);
            }
        }
    }
    members
}

/// `ImageConfigResponse`: how the image's program is started.
fn image_config(image: &Image) -> Value {
    json!({ "ImageConfig": {
        "EntryPoint": image.entry_point,
        "Command": image.command,
        "WorkingDirectory": image.working_directory.clone().unwrap_or_default(),
    } })
}

/// The reserved concurrency of a function; `None` if it has none.
pub(super) fn reserved(function: &Function) -> Option<usize> {
    let spec = function.spec();
    spec.reserved_concurrency.then_some(spec.concurrency)
}

/// An `AliasConfiguration`.
pub(super) fn alias(function: &Function, alias: &Alias) -> Value {
    let arn = function.arn(Some(&alias.name));
    let revision = revision(&[&arn, &format!("{alias:?}")]);
    let mut members = json!({
        "AliasArn": arn,
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": "",
        "RevisionId": revision,
    });
    if !alias.weights.is_empty() {
        let weights: Map<String, Value> = alias
            .weights
            .iter()
            .map(|(version, weight)| (version.clone(), (*weight).into()))
            .collect();
        let routing = json!({ "AdditionalVersionWeights": weights });
        if let Some(members) = members.as_object_mut() {
            members.insert("RoutingConfig".to_owned(), routing);
        }
    }
    members
}

/// The response of `GetAccountSettings`.
pub(super) fn account(code_bytes: u64, functions: usize, reserved: usize) -> Value {
    json!({
        "AccountLimit": {
            "TotalCodeSize": TOTAL_CODE_BYTES,
            "CodeSizeUnzipped": UNZIPPED_CODE_BYTES,
            "CodeSizeZipped": ZIPPED_CODE_BYTES,
            "ConcurrentExecutions": CONCURRENT_EXECUTIONS,
            "UnreservedConcurrentExecutions": CONCURRENT_EXECUTIONS.saturating_sub(reserved),
        },
        "AccountUsage": { "TotalCodeSize": code_bytes, "FunctionCount": functions },
    })
}

/// A time in the format `2026-11-21T08:30:00.000+0000`.
fn timestamp(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

/// A UUID that depends on all of the parts.
fn revision(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = digest;
    let bytes = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_have_the_format_of_aws() {
        let time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_120);
        assert_eq!(timestamp(time), "2023-11-14T22:13:20.120+0000");
    }

    #[test]
    fn a_revision_depends_on_its_parts() {
        assert_eq!(revision(&["a", "b"]), revision(&["a", "b"]));
        assert_ne!(revision(&["a", "b"]), revision(&["ab", ""]));
        assert_eq!(revision(&["a"]).len(), 36);
    }
}
