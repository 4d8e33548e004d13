//! `[functions.NAME]` of `AWS::Lambda::Function`.

use crate::context::Context;
use crate::document::{Document, Table};
use crate::resource::{Resource, Stack};
use crate::sections::code::Seen;
use crate::sections::environment::{self, Overrides};
use crate::sections::item::{Wanted, copy, copy_needed};
use crate::sections::{code, layer};
use crate::value::Value;

/// The type of the resources.
pub const KIND: &str = "AWS::Lambda::Function";

/// Properties that are keys, with their types.
const KEYS: &[(&[&str], &str, Wanted)] = &[
    (&["Timeout"], "timeout", Wanted::Number),
    (&["MemorySize"], "memory", Wanted::Number),
    (
        &["EphemeralStorage", "Size"],
        "ephemeral-storage",
        Wanted::Number,
    ),
    (
        &["ReservedConcurrentExecutions"],
        "reserved-concurrency",
        Wanted::Number,
    ),
    (&["LoggingConfig", "LogFormat"], "log-format", Wanted::Text),
    (
        &["LoggingConfig", "ApplicationLogLevel"],
        "log-level",
        Wanted::Text,
    ),
    (&["RecursiveLoop"], "recursive-loop", Wanted::Text),
    (
        &[
            "CapacityProviderConfig",
            "LambdaManagedInstancesCapacityProviderConfig",
            "PerExecutionEnvironmentMaxConcurrency",
        ],
        "environment-concurrency",
        Wanted::Number,
    ),
    (
        &[
            "CapacityProviderConfig",
            "PerExecutionEnvironmentMaxConcurrency",
        ],
        "environment-concurrency",
        Wanted::Number,
    ),
];

/// Writes the functions of a stack.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    let overrides = Overrides::read(context, stack);
    let seen = Seen::default();
    let mut helpers = Vec::new();
    for function in stack.of_kind(KIND) {
        if function.is_helper {
            helpers.push(function.path.as_str());
            continue;
        }
        let functions = document.root.table("functions");
        if functions.get(&function.name).is_some() {
            let message = format!(
                "there are two functions {}: {} is left out; give it another FunctionName",
                function.name, function.path
            );
            context.report.refuse(function.place, message);
            continue;
        }
        if let Some(mut table) = read(context, stack, function, &overrides, &seen) {
            let others = other_names(function);
            if !others.is_empty() {
                table.set("other-names", others, function.place);
            }
            let functions = document.root.table("functions");
            functions.set(function.name.as_str(), table, function.place);
        }
    }
    note_architectures(context, stack);
    if !helpers.is_empty() {
        let message = format!(
            "functions that only custom resources call are left out: {}",
            helpers.join(", ")
        );
        context.report.note(None, message);
    }
}

/// The names by which `sam local` finds a function, besides its own: the logical id, the path in nested stacks, and
/// CDK's ids.
fn other_names(function: &Resource) -> Vec<String> {
    let metadata = |key| function.metadata.text_of(key);
    let construct = metadata("aws:cdk:path");
    let construct = construct.map(|path| path.trim_end_matches("/Resource").to_owned());
    let names = [
        Some(function.id.clone()),
        Some(function.path.clone()),
        metadata("SamResourceId").map(Into::into),
        construct,
    ];
    let mut others: Vec<String> = Vec::new();
    for name in names.into_iter().flatten() {
        if name != function.name && !others.contains(&name) {
            others.push(name);
        }
    }
    others
}

/// Notes functions that are for another processor on AWS.
fn note_architectures(context: &Context, stack: &Stack) {
    let here = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    let other = |function: &&Resource| {
        let architectures = function.get("Architectures");
        let mut names = architectures.map_or(&[][..], Value::items).iter();
        names.any(|name| name.as_str().is_some_and(|name| name != here))
    };
    let functions = stack.of_kind(KIND).filter(|function| !function.is_helper);
    let paths: Vec<&str> = functions
        .filter(other)
        .map(|function| function.path.as_str())
        .collect();
    let paths = match paths.as_slice() {
        [] => return,
        few if few.len() <= 3 => few.join(", "),
        many => format!("{} functions", many.len()),
    };
    let message = format!("Architectures has no effect here, and this machine is {here}: {paths}");
    context.report.note(None, message);
}

fn read(
    context: &Context,
    stack: &Stack,
    function: &Resource,
    overrides: &Overrides,
    seen: &Seen,
) -> Option<Table> {
    refuse_parts(context, function);
    let mut table = Table::default();
    if !code::write(context, function, seen, &mut table) {
        return None;
    }
    let is_overlaid = |key| context.is_overlaid(&["functions", &function.name, key]);
    let is_image = table.get("image").is_some() || is_overlaid("image");
    if !is_image {
        if table.get("handler").is_none() {
            copy_needed(
                context,
                function,
                &["Handler"],
                &mut table,
                "handler",
                Wanted::Text,
            );
        }
        copy(
            context,
            function,
            &["Runtime"],
            &mut table,
            "runtime",
            Wanted::Text,
        );
    }
    for (property, key, wanted) in KEYS {
        copy(context, function, property, &mut table, key, *wanted);
    }
    let snap = function.properties.at(&["SnapStart", "ApplyOn"]);
    if let Some(snap) = snap
        && snap.as_str() == Some("PublishedVersions")
    {
        table.set("snap-start", true, snap.place);
    }
    let tenants = function
        .properties
        .at(&["TenancyConfig", "TenantIsolationMode"]);
    if let Some(tenants) = tenants
        && tenants.as_str() == Some("PER_TENANT")
    {
        table.set("tenant-isolation", true, tenants.place);
    }
    if !is_image && !is_overlaid("layers") {
        layer::write(context, stack, function, &mut table);
    }
    environment::write(context, function, overrides, &mut table);
    Some(table)
}

/// Refuses what a function would need in vain.
fn refuse_parts(context: &Context, function: &Resource) {
    let id = &function.path;
    let systems = function.get("FileSystemConfigs");
    for system in systems.map_or(&[][..], Value::items) {
        let path = system.text_of("LocalMountPath");
        let path = path.as_deref().unwrap_or("/mnt");
        let message = format!(
            "{id} mounts a file system at {path}, and nothing is mounted here: --partial runs it without"
        );
        context.report.refuse(system.place, message);
    }
    if let Some(durable) = function.get("DurableConfig") {
        let message = format!(
            "{id} is a durable function, whose steps only AWS can repeat: --partial runs it without"
        );
        context.report.refuse(durable.place, message);
    }
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::Project;

    #[test]
    fn a_function_has_its_settings() {
        let project = Project::new().file("app.py", "def handler(event, context):\n    return 1\n");
        let written = project.write(
            "Hello:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: .\n    Handler: app.handler\n    \
             Runtime: python3.13\n    Timeout: 5\n    MemorySize: '256'\n    EphemeralStorage: {Size: 1024}\n    \
             SnapStart: {ApplyOn: PublishedVersions}\n    LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: DEBUG}\n",
        );
        assert_eq!(
            written.text,
            "[functions.Hello]\ncode = \".\"\nwatch = true\nhandler = \"app.handler\"\nruntime = \"python3.13\"\n\
             timeout = 5\nmemory = 256\nephemeral-storage = 1024\nlog-format = \"JSON\"\nlog-level = \"DEBUG\"\n\
             snap-start = true\n\n[functions.Hello.environment]\nAWS_SAM_LOCAL = \"true\"\nIS_OFFLINE = \"true\"\n"
        );
        assert_eq!(written.notes, [""; 0]);
    }

    #[test]
    fn a_setting_of_another_type_stays_as_it_is() {
        let written = Project::new().write(
            "Hello:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: .\n    Timeout: soon\n    MemorySize: [1]\n",
        );
        assert!(
            written.text.starts_with(
                "[functions.Hello]\ncode = \".\"\nwatch = true\ntimeout = \"soon\"\nmemory = [1]\n"
            ),
            "{}",
            written.text
        );
    }

    #[test]
    fn a_setting_that_exists_on_aws_only_has_its_default() {
        let written = Project::new().write(
            "A:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: .\n    Timeout: !Unknown X is a Y\n    Handler: \
             !Unknown X is a Y\n",
        );
        assert_eq!(
            written.notes,
            ["template.yaml:5:14: Timeout of A is not known here, and has its default: X is a Y"]
        );
        assert_eq!(
            written.refusals,
            ["template.yaml:6:14: Handler of A is not known here: X is a Y; give it a value"]
        );
    }

    #[test]
    fn what_a_function_would_need_in_vain_is_refused() {
        let written = Project::new().write(
            "A:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: .\n    FunctionName: x\n    FileSystemConfigs: \
             [{Arn: x, LocalMountPath: /mnt/data}]\n    DurableConfig: {ExecutionTimeout: 3}\n\
             B:\n  Type: AWS::Lambda::Function\n  Properties: {Code: ., FunctionName: x}\n",
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:6:25: A mounts a file system at /mnt/data, and nothing is mounted here: --partial runs it \
                 without",
                "template.yaml:7:20: A is a durable function, whose steps only AWS can repeat: --partial runs it without",
                "template.yaml:8:1: there are two functions x: B is left out; give it another FunctionName",
            ]
        );
    }
}
