//! `versions` and `aliases` of functions, of `AWS::Lambda::Version` and `AWS::Lambda::Alias`.
//!
//! All versions have the code that there is: a project has no older ones.

use crate::context::Context;
use crate::document::{Document, Item, Table};
use crate::resource::{Resource, Stack};
use crate::sections::item::{Wanted, item, known_text};
use crate::value::Value;

/// The type of versions.
pub const VERSION: &str = "AWS::Lambda::Version";
/// The type of aliases.
pub const ALIAS: &str = "AWS::Lambda::Alias";

const LATEST: &str = "$LATEST";

/// Writes the versions and aliases of a stack.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    for version in stack.of_kind(VERSION) {
        let Some(function) = function_of(context, stack, document, version) else {
            continue;
        };
        let versions = function.table("versions");
        let number = (versions.iter().count() + 1).to_string();
        let mut table = Table::default();
        provision(context, version, &mut table);
        versions.set(number, table, version.place);
    }
    for alias in stack.of_kind(ALIAS) {
        write_alias(context, stack, document, alias);
    }
}

fn write_alias(
    context: &Context,
    stack: &Stack,
    document: &mut Document,
    alias: &Resource,
) -> Option<()> {
    let function = function_of(context, stack, document, alias)?;
    let what = |property: &str| format!("{property} of {}", alias.path);
    let name = known_text(context, alias.get("Name")?, &what("Name"))?;
    let version = known_text(
        context,
        alias.get("FunctionVersion")?,
        &what("FunctionVersion"),
    )?;
    let weights = alias
        .properties
        .at(&["RoutingConfig", "AdditionalVersionWeights"]);
    let mut shares = Table::default();
    for weight in weights.map_or(&[][..], Value::items) {
        let what = what("AdditionalVersionWeights");
        let version = known_text(context, weight.get("FunctionVersion")?, &what)?;
        let share = item(
            context,
            weight.get("FunctionWeight")?,
            Wanted::Number,
            &what,
        )?;
        define(function, &version, alias);
        shares.set(version, share, weight.place);
    }
    define(function, &version, alias);
    if version != LATEST {
        let table = function.table("versions").table(&version);
        provision(context, alias, table);
    } else if let Some(config) = alias.get("ProvisionedConcurrencyConfig") {
        let message = format!(
            "ProvisionedConcurrencyConfig of {} has no effect: $LATEST has none on AWS either",
            alias.path
        );
        context.report.note(config.place, message);
    }
    let target: Item = match shares.is_empty() {
        true => version.into(),
        false => {
            let mut table = Table::default();
            table.set("version", version, alias.place);
            table.set("weights", shares, alias.place);
            table.into()
        }
    };
    function.table("aliases").set(name, target, alias.place);
    Some(())
}

/// Defines a version that the project refers to by its number only.
fn define(function: &mut Table, version: &str, alias: &Resource) {
    let versions = function.table("versions");
    if version != LATEST && versions.get(version).is_none() {
        versions.set(version, Table::default(), alias.place);
    }
    if versions.is_empty() {
        function.remove("versions");
    }
}

fn provision(context: &Context, resource: &Resource, table: &mut Table) {
    let property = &[
        "ProvisionedConcurrencyConfig",
        "ProvisionedConcurrentExecutions",
    ];
    crate::sections::item::copy(
        context,
        resource,
        property,
        table,
        "provisioned-concurrency",
        Wanted::Number,
    );
}

/// The table of the function that a resource is about.
fn function_of<'d>(
    context: &Context,
    stack: &Stack,
    document: &'d mut Document,
    resource: &Resource,
) -> Option<&'d mut Table> {
    let named = resource.get("FunctionName")?;
    let text = known_text(
        context,
        named,
        &format!("FunctionName of {}", resource.path),
    )?;
    let Some((function, _)) = stack.function_of(&text) else {
        let message = format!(
            "{} is of the function {text}, which is not in the project: it is left out",
            resource.path
        );
        context.report.note(named.place, message);
        return None;
    };
    let functions = document.root.table("functions");
    functions.get(&function.name)?;
    Some(functions.table(&function.name))
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, write};

    const FN: &str = "Fn:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: {ZipFile: 'x'}\n    Runtime: \
                      python3.13\n    Handler: index.handler\n";

    #[test]
    fn aliases_lead_to_versions() {
        let text = write(&format!(
            "{FN}V:\n  Type: AWS::Lambda::Version\n  Properties: {{FunctionName: Fn}}\n\
             Live:\n  Type: AWS::Lambda::Alias\n  Properties:\n    FunctionName: \
             arn:aws:lambda:us-east-1:123456789012:function:Fn\n    Name: live\n    FunctionVersion: '1'\n    \
             ProvisionedConcurrencyConfig: {{ProvisionedConcurrentExecutions: 2}}\n    RoutingConfig:\n      \
             AdditionalVersionWeights: [{{FunctionVersion: '2', FunctionWeight: 0.25}}]\n\
             Dev:\n  Type: AWS::Lambda::Alias\n  Properties: {{FunctionName: Fn, Name: dev, FunctionVersion: $LATEST}}\n",
        ));
        assert!(
            text.ends_with(
                "[functions.Fn.versions.1]\nprovisioned-concurrency = 2\n\n[functions.Fn.versions.2]\n\n\
                 [functions.Fn.aliases]\ndev = \"$LATEST\"\n\n[functions.Fn.aliases.live]\nversion = \"1\"\n\n\
                 [functions.Fn.aliases.live.weights]\n2 = 0.25\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_version_of_another_function_is_noted() {
        let written = Project::new().write(
            "V:\n  Type: AWS::Lambda::Version\n  Properties: {FunctionName: Other}\n\
             W:\n  Type: AWS::Lambda::Version\n  Properties: {FunctionName: !Unknown X is a Y}\n",
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:3:30: V is of the function Other, which is not in the project: it is left out"
            ]
        );
        assert_eq!(
            written.refusals,
            ["template.yaml:6:30: FunctionName of W is not known here: X is a Y"]
        );
    }
}
