//! `AWS::Include`, `Fn::ForEach`, and macros that run on AWS only.

use serde_json::json;

use super::*;

fn files(files: &[(&str, &str)]) -> Resolved {
    try_files(Options::default(), files).unwrap()
}

#[test]
fn files_are_included() {
    let resolved = files(&[
        (
            "template.yaml",
            "Resources:\n  Api:\n    Type: AWS::ApiGateway::RestApi\n    Properties:\n      Body:\n        Fn::Transform:\n          \
            Name: AWS::Include\n          Parameters: {Location: !Sub 'api/${Name}.yaml'}\n  Fn:\n    Type: AWS::Lambda::Function\n    \
            Properties:\n      Timeout: 9\n      Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://bucket/common.json}}\n\
            Parameters: {Name: {Type: String, Default: shop}}\n",
        ),
        (
            "api/shop.yaml",
            "openapi: 3.0.1\ninfo: {title: !Ref AWS::StackName}\n",
        ),
        ("common.json", "{\"Timeout\": 3, \"MemorySize\": 256}"),
    ]);
    assert_eq!(resolved.refusals, [""; 0]);
    assert_eq!(
        resolved.json("Api", &["Body"]),
        json!({"openapi": "3.0.1", "info": {"title": "shop"}})
    );
    assert_eq!(resolved.json("Fn", &["Timeout"]), 9);
    assert_eq!(resolved.json("Fn", &["MemorySize"]), 256);
    assert_eq!(
        resolved.notes,
        [
            "template.yaml:13:66: AWS::Include of s3://bucket/common.json: common.json has the same name and is taken instead"
        ]
    );
}

#[test]
fn a_section_can_be_in_a_file() {
    let resolved = files(&[
        (
            "template.yaml",
            "Transform: {Name: AWS::Include, Parameters: {Location: more.yaml}}\nResources:\n  A: {Type: AWS::SQS::Queue}\n",
        ),
        ("more.yaml", "Resources:\n  B: {Type: AWS::SQS::Queue}\n"),
    ]);
    assert_eq!(
        resolved.stack.resources.keys().collect::<Vec<_>>(),
        ["A", "B"]
    );
}

#[test]
fn what_cannot_be_included_is_refused() {
    let resolved = files(&[(
        "template.yaml",
        "Transform: [AWS::Serverless-2016-10-31, MyMacro, AWS::LanguageExtension]\nResources:\n  A:\n    Type: AWS::SQS::Queue\n    \
        Properties:\n      Fn::Transform: {Name: AWS::Include, Parameters: {Location: nothing.yaml}}\n  B:\n    \
        Type: AWS::SQS::Queue\n    Properties:\n      \
        Fn::Transform: [{Name: Own}, {Name: AWS::Include, Parameters: {Location: s3://b/k.yaml}}]\n",
    )]);
    let refusals = resolved.refusals.join("\n");
    for part in [
        "template.yaml:1:41: the macro MyMacro runs only on AWS: name the template that it makes instead",
        "1:50: there is no macro AWS::LanguageExtension; did you mean AWS::LanguageExtensions?",
        "template.yaml:6:66: AWS::Include: there is no file nothing.yaml",
        "template.yaml:10:23: the macro Own runs only on AWS",
        "AWS::Include: s3://b/k.yaml is not on this machine; download it and name the file instead",
    ] {
        assert!(refusals.contains(part), "{part}\n{refusals}");
    }
}

#[test]
fn a_file_that_includes_itself_ends() {
    let include = "{\"Fn::Transform\": {\"Name\": \"AWS::Include\", \"Parameters\": {\"Location\": \"a.json\"}}}";
    let template = format!("Resources:\n  A: {{Type: AWS::SQS::Queue, Properties: {include}}}\n");
    let error = try_files(
        Options::default(),
        &[("template.yaml", &template), ("a.json", include)],
    );
    assert!(
        error
            .err()
            .unwrap()
            .contains("more than 200 files are included, or 8 into each other")
    );
}

#[test]
fn loops_make_members() {
    let resolved = resolve(
        "Transform: AWS::LanguageExtensions\nParameters: {Names: {Type: CommaDelimitedList, Default: 'a-1,b'}}\n\
        Mappings: {Sizes: {a-1: {Timeout: 5}, b: {Timeout: 6}}}\nResources:\n  Fn::ForEach::Queues:\n    - Name\n    - !Ref Names\n    \
        - Queue&{Name}:\n        Type: AWS::SQS::Queue\n        Properties:\n          QueueName: !Sub '${Name}-queue'\n          \
        VisibilityTimeout: !FindInMap [Sizes, !Ref Name, Timeout]\n  Fn::ForEach::Outer:\n    - X\n    - [p, q]\n    \
        - Fn::ForEach::Inner:\n        - Y\n        - [1, 2]\n        - 'T${X}${Y}': {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref X}}\n\
        Outputs:\n  Fn::ForEach::Out: [N, !Ref Names, {'Arn&{N}': {Value: !GetAtt ['Queue&{N}', Arn]}}]\n",
    );
    assert_eq!(
        resolved.stack.resources.keys().collect::<Vec<_>>(),
        ["Queuea1", "Queueb", "Tp1", "Tp2", "Tq1", "Tq2"]
    );
    assert_eq!(resolved.json("Queuea1", &["QueueName"]), "a-1-queue");
    assert_eq!(resolved.json("Queueb", &["VisibilityTimeout"]), 6);
    assert_eq!(resolved.json("Tq2", &["DisplayName"]), "q");
    let outputs: Vec<_> = resolved
        .stack
        .outputs
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    assert_eq!(outputs, ["Arna1", "Arnb"]);
    assert_eq!(
        resolved.stack.outputs[0].value.as_str(),
        Some("arn:aws:sqs:us-east-1:123456789012:a-1-queue")
    );
}

#[test]
fn loops_that_cannot_be_read_are_refused() {
    let loops = |transform: &str, content: &str| {
        let template = format!("{transform}Resources:\n  Fn::ForEach::L: {content}\n");
        try_files(Options::default(), &[("template.yaml", &template)])
    };
    let extensions = "Transform: AWS::LanguageExtensions\n";
    let refused =
        |transform: &str, content: &str| loops(transform, content).unwrap().refusals.join("\n");
    assert!(
        refused("", "[X, [a], {}]")
            .contains("2:3: Fn::ForEach::L needs the macro: Transform: AWS::LanguageExtensions")
    );
    assert!(refused(extensions, "[X, [a]]").contains("takes [IDENTIFIER, LIST, {KEY: VALUE}]"));
    assert!(refused(extensions, "[X, a, {}]").contains("needs a list, not a text"));
    assert!(
        refused(extensions, "[X, [{a: b}], {}]")
            .contains("the items of its list are texts, not a map")
    );
    assert!(
        refused(extensions, "[X, [a, b], {Same: {Type: T}}]")
            .contains("makes Same twice: its key needs ${X}")
    );
    let items = (0..100)
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let mut inner = "{'Q${A}': {Type: AWS::SQS::Queue}}".to_owned();
    for name in ["A", "B", "C", "D"] {
        inner = format!("{{'Fn::ForEach::{name}': [{name}, [{items}], {inner}]}}");
    }
    let many = format!("[E, [{items}], {inner}]");
    assert!(
        loops(extensions, &many)
            .err()
            .unwrap()
            .contains("loops make more than 500000 values")
    );
}
