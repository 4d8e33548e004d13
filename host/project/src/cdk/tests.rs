//! Assemblies in, resolved stacks out.

use std::fs;

use super::*;
use crate::context::Options;
use crate::resource::Stack;
use crate::template::resolve;

const HASH: &str = "c14aa9dfd3cbfa28e7f63a91c3323009d4220e18041f8305fe33ea4abf2d7aef";

/// Two stacks in an assembly, of which `Shop` imports a queue of `Data` and has a nested stack, and a stage with a third.
fn write_assembly(folder: &Path) {
    fs::create_dir_all(folder.join("assembly-Prod")).unwrap();
    let stack = |file: &str, more: &str| {
        format!(
            r#"{{"type": "aws:cloudformation:stack", "properties": {{"templateFile": "{file}"{more}"#
        )
    };
    let manifest = format!(
        r#"{{"version": "55.0.0", "artifacts": {{
            "assembly-Prod": {{"type": "cdk:cloud-assembly", "properties": {{"directoryName": "assembly-Prod"}}}},
            "Data": {}}}, "environment": "aws://123456789012/eu-west-1", "displayName": "Data"}},
            "Shop.assets": {{"type": "cdk:asset-manifest", "properties": {{"file": "Shop.assets.json"}}}},
            "Shop": {}, "stackName": "the-shop"}}, "dependencies": ["Data", "Shop.assets"], "displayName": "Shop (the-shop)"}},
            "Tree": {{"type": "cdk:tree"}}}}}}"#,
        stack("Data.template.json", ""),
        stack("Shop.template.json", ""),
    );
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("manifest.json", &manifest);
    let prod = format!(
        r#"{{"artifacts": {{"ProdX1": {}, "stackName": "Prod-X"}}, "displayName": "Prod/X"}}}}}}"#,
        stack("ProdX1.template.json", "")
    );
    write("assembly-Prod/manifest.json", &prod);
    write(
        "assembly-Prod/ProdX1.template.json",
        r#"{"Resources": {"F1": {"Type": "AWS::Lambda::Function", "Properties": {}, "Metadata":
            {"aws:cdk:path": "Prod/X/Api/Handler/Resource", "aws:asset:path": "../asset.1", "aws:asset:property": "Code"}}}}"#,
    );
    write(
        "Data.template.json",
        r#"{"Resources": {"Orders1": {"Type": "AWS::SQS::Queue", "Metadata": {"aws:cdk:path": "Data/Orders/Resource"}}},
            "Outputs": {"Out": {"Value": {"Ref": "Orders1"}, "Export": {"Name": "Data:OrdersRef"}}}}"#,
    );
    write(
        "Shop.assets.json",
        &format!(
            r#"{{"files": {{"{HASH}": {{"source": {{"path": "asset.{HASH}", "packaging": "zip"}}}},
            "{nested}": {{"source": {{"path": "Inner.nested.template.json", "packaging": "file"}}}}}},
            "dockerImages": {{"{image}": {{"source": {{"directory": "asset.image", "dockerFile": "Dockerfile"}}}}}}}}"#,
            nested = HASH.replace('c', "d"),
            image = HASH.replace('c', "e")
        ),
    );
    write(
        "Shop.template.json",
        &format!(
            r#"{{"Resources": {{
            "Hello1": {{"Type": "AWS::Lambda::Function", "Properties": {{"Code": {{"S3Key": "{HASH}.zip"}},
                "Environment": {{"Variables": {{"QUEUE": {{"Fn::ImportValue": "Data:OrdersRef"}},
                    "WEAK": {{"Fn::GetStackOutput": {{"StackName": "Data", "OutputName": "Out"}}}}}}}}}}}},
            "Image1": {{"Type": "AWS::Lambda::Function", "Properties": {{"Code": {{"ImageUri": {{"Fn::Sub": "x/y:{image}"}}}}}}}},
            "Inner1": {{"Type": "AWS::CloudFormation::Stack", "Properties": {{"Parameters": {{"P": {{"Ref": "Hello1"}}}},
                "TemplateURL": {{"Fn::Join": ["", ["https://s3/", "{nested}.json"]]}}}}}},
            "Helper1": {{"Type": "AWS::Lambda::Function", "Properties": {{"Code": {{"ZipFile": "x"}}}}}},
            "Custom1": {{"Type": "Custom::Thing", "Properties": {{"ServiceToken": {{"Fn::GetAtt": ["Helper1", "Arn"]}}}}}},
            "Seen1": {{"Type": "AWS::SNS::Topic", "Properties": {{"DisplayName": {{"Fn::GetAtt": ["Inner1", "Outputs.Arn"]}}}}}}
            }}}}"#,
            nested = HASH.replace('c', "d"),
            image = HASH.replace('c', "e")
        ),
    );
    write(
        "Inner.nested.template.json",
        &format!(
            r#"{{"Parameters": {{"P": {{"Type": "String"}}}}, "Resources": {{"Worker1": {{"Type": "AWS::Lambda::Function",
            "Properties": {{"Code": {{"S3Key": "{HASH}.zip"}}, "Description": {{"Ref": "P"}}}},
            "Metadata": {{"aws:cdk:path": "Shop/Inner/Worker/Resource"}}}}}},
            "Outputs": {{"Arn": {{"Value": {{"Fn::GetAtt": ["Worker1", "Arn"]}}}}}}}}"#
        ),
    );
}

fn resolved(stacks: &[&str]) -> Result<(Stack, Vec<String>), String> {
    let folder = tempfile::tempdir().unwrap();
    let assembly = folder.path().join("cdk.out");
    write_assembly(&assembly);
    let context = Context::new(Options {
        stacks: stacks.iter().map(|name| (*name).to_owned()).collect(),
        ..Options::default()
    });
    let templates = read(&context, &assembly).map_err(|error| error.to_string())?;
    let stack = resolve(&context, templates).map_err(|error| error.to_string())?;
    assert_eq!(context.report.refusals(&context.files()), [""; 0]);
    let notes = context.report.notes(&context.files());
    Ok((stack, notes))
}

fn variable<'s>(stack: &'s Stack, path: &str, name: &str) -> &'s str {
    let function = &stack.resources[path];
    function
        .properties
        .at(&["Environment", "Variables", name])
        .unwrap()
        .as_str()
        .unwrap()
}

#[test]
fn all_stacks_of_an_assembly_are_read() {
    let (stack, _) = resolved(&[]).unwrap();
    let functions: Vec<(&str, &str)> = stack
        .of_kind("AWS::Lambda::Function")
        .filter(|function| !function.is_helper)
        .map(|function| (function.path.as_str(), function.name.as_str()))
        .collect();
    assert_eq!(
        functions,
        [
            ("Prod-X/F1", "Api-Handler"),
            ("the-shop/Hello1", "Hello1"),
            ("the-shop/Image1", "Image1"),
            ("the-shop/Inner1/Worker1", "Inner-Worker"),
        ]
    );
    let queue = crate::local_url::url_of(crate::local_url::Target::Queue, "Orders");
    assert_eq!(variable(&stack, "the-shop/Hello1", "QUEUE"), queue);
    assert_eq!(variable(&stack, "the-shop/Hello1", "WEAK"), queue);
    let seen = stack.resources["the-shop/Seen1"]
        .get("DisplayName")
        .unwrap();
    assert_eq!(
        seen.as_str(),
        Some("arn:aws:lambda:eu-west-1:123456789012:function:Inner-Worker")
    );
    let worker = &stack.resources["the-shop/Inner1/Worker1"];
    assert_eq!(worker.get("Description").unwrap().as_str(), Some("Hello1"));
}

#[test]
fn assets_are_found_without_metadata() {
    let (stack, _) = resolved(&["Shop"]).unwrap();
    let metadata = |path: &str, key: &str| {
        stack.resources[path]
            .metadata
            .text_of(key)
            .unwrap()
            .into_owned()
    };
    let asset = format!("asset.{HASH}");
    assert_eq!(metadata("the-shop/Hello1", "aws:asset:path"), asset);
    assert_eq!(metadata("the-shop/Inner1/Worker1", "aws:asset:path"), asset);
    assert_eq!(metadata("the-shop/Image1", "aws:asset:path"), "asset.image");
    assert_eq!(
        metadata("the-shop/Image1", "aws:asset:property"),
        "Code.ImageUri"
    );
    assert_eq!(
        metadata("the-shop/Image1", "aws:asset:dockerfile-path"),
        "Dockerfile"
    );
}

#[test]
fn named_stacks_come_with_those_they_need() {
    let (stack, _) = resolved(&["the-shop"]).unwrap();
    assert!(stack.resources.contains_key("Data/Orders1"));
    assert!(!stack.resources.contains_key("Prod-X/F1"));
    let (stack, _) = resolved(&["Prod/X"]).unwrap();
    assert_eq!(stack.resources.keys().collect::<Vec<_>>(), ["F1"]);
    let error = resolved(&["Shoop"]).unwrap_err();
    assert!(error.contains("there is no stack Shoop in"), "{error}");
    assert!(error.ends_with("there are Prod/X, Data, Shop"), "{error}");
}

#[test]
fn what_is_no_assembly_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let context = Context::new(Options::default());
    let error = |text: &str| {
        fs::write(folder.path().join("manifest.json"), text).unwrap();
        read(&context, folder.path()).unwrap_err().to_string()
    };
    assert!(error("{}").contains("manifest.json:1:1: this is no manifest of a CDK assembly"));
    assert!(error(r#"{"artifacts": {}}"#).contains("there are no stacks in"));
    let stack = r#"{"artifacts": {"A": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "A.json"}}}}"#;
    assert!(error(stack).contains("A.json: run `npx cdk synth`, which writes it anew"));
    let itself = r#"{"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}}"#;
    assert!(error(itself).contains("more than 5 assemblies are in each other"));
}

#[test]
fn an_assembly_that_is_older_than_its_sources_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let assembly = folder.path().join("cdk.out");
    write_assembly(&assembly);
    fs::write(folder.path().join("cdk.json"), "{}").unwrap();
    fs::create_dir(folder.path().join("lib")).unwrap();
    let source = folder.path().join("lib/stack.ts");
    fs::write(&source, "").unwrap();
    let is_noted = |time: std::time::SystemTime| {
        let file = fs::File::options().append(true).open(&source).unwrap();
        file.set_modified(time).unwrap();
        let context = Context::new(Options::default());
        read(&context, &assembly).unwrap();
        let notes = context.report.notes(&context.files()).join("\n");
        notes.contains("lib/stack.ts: `npx cdk synth` writes it anew")
    };
    let hour = std::time::Duration::from_secs(3600);
    assert!(!is_noted(std::time::SystemTime::now() - hour));
    assert!(is_noted(std::time::SystemTime::now() + hour));
}
