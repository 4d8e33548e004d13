//! Nested stacks: parameters, outputs, conditions, names.

use serde_json::json;

use super::*;

const CHILD: &str = "Parameters:\n  Queue: {Type: String}\n  Stage: {Type: String, Default: dev}\nResources:\n  \
    Fn:\n    Type: AWS::Lambda::Function\n    Properties: {Code: ./src, Environment: {Variables: {Q: !Ref Queue, S: !Ref AWS::StackName}}}\n\
    Outputs:\n  Arn: {Value: !GetAtt Fn.Arn}\n  Stage: {Value: !Ref Stage}\n";

#[test]
fn parameters_go_in_and_outputs_come_out() {
    let parent = "Resources:\n  Orders: {Type: AWS::SQS::Queue}\n  Fn: {Type: AWS::Lambda::Function}\n  \
        Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./child/child.yaml, Parameters: {Queue: !Ref Orders, Extra: 1}}}\n  \
        Other: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt Child.Outputs.Arn, TopicName: !GetAtt Child.Outputs.Stage}}\n";
    let resolved = try_files(
        Options::default(),
        &[("template.yaml", parent), ("child/child.yaml", CHILD)],
    )
    .unwrap();
    assert_eq!(resolved.refusals, [""; 0]);
    assert_eq!(
        resolved.notes,
        ["template.yaml:4:10: the stack Child has no parameter Extra"]
    );
    let child = &resolved.stack.resources["Child/Fn"];
    assert_eq!((child.name.as_str(), child.id.as_str()), ("Child-Fn", "Fn"));
    assert!(child.folder.ends_with("shop/child"), "{:?}", child.folder);
    assert_eq!(
        resolved.json("Child/Fn", &["Environment", "Variables"])["S"],
        "shop-Child"
    );
    let queue = child
        .properties
        .at(&["Environment", "Variables", "Q"])
        .unwrap();
    assert_eq!(shown(queue), "{queue:Orders}");
    assert_eq!(
        resolved.json("Other", &["DisplayName"]),
        "arn:aws:lambda:us-east-1:123456789012:function:Child-Fn"
    );
    assert_eq!(resolved.json("Other", &["TopicName"]), "dev");
}

#[test]
fn applications_of_sam_are_nested_stacks() {
    let parent = "Transform: AWS::Serverless-2016-10-31\nResources:\n  \
        App: {Type: AWS::Serverless::Application, Properties: {Location: child.yaml, Parameters: {Stage: prod, Queue: q}}}\n\
        Outputs: {Stage: {Value: !GetAtt App.Outputs.Stage}}\n";
    let resolved = try_files(
        Options::default(),
        &[("template.yaml", parent), ("child.yaml", CHILD)],
    )
    .unwrap();
    assert_eq!(resolved.refusals, [""; 0]);
    assert_eq!(resolved.stack.outputs[0].value.as_str(), Some("prod"));
    assert_eq!(
        resolved.stack.resources.keys().collect::<Vec<_>>(),
        ["App/Fn"]
    );
}

#[test]
fn templates_that_are_elsewhere_are_refused() {
    let parent = "Resources:\n  A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://s3.amazonaws.com/b/t.yaml'}}\n  \
        B: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: {ApplicationId: x, SemanticVersion: 1.0.0}}}\n  \
        C: {Type: AWS::SNS::Topic, Properties: {TopicName: !GetAtt A.Outputs.Name, DisplayName: !GetAtt A.Name}}\n  \
        D: {Type: AWS::CloudFormation::Stack}\n";
    let resolved = try_files(Options::default(), &[("template.yaml", parent)]).unwrap();
    assert_eq!(
        resolved.refusals,
        [
            "template.yaml:2:67: the resources of the stack A are not here: its template is at https://s3.amazonaws.com/b/t.yaml; \
                download it and name the file instead",
            "template.yaml:3:67: the resources of the stack B are not here: its template is no text, but a map; download it and name the file instead",
            "template.yaml:4:91: a stack has outputs only: A.Outputs.NAME",
            "template.yaml:5:6: the stack D has no TemplateURL",
        ]
    );
    assert_eq!(
        resolved.json("C", &["TopicName"]),
        json!({"unknown": "the template of the stack A is not here"})
    );
}

#[test]
fn a_template_that_is_not_there_is_refused() {
    let parent = "Resources:\n  A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: sub/../child.yaml}}\n";
    let resolved = try_files(Options::default(), &[("template.yaml", parent)]).unwrap();
    assert_eq!(
        resolved.refusals,
        ["template.yaml:2:67: the template of the stack A is not there: child.yaml"]
    );
}

#[test]
fn outputs_that_are_missing_are_told() {
    let parent = "Resources:\n  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml}}\n  \
        T: {Type: AWS::SNS::Topic, Properties: {TopicName: !GetAtt Child.Outputs.Arm}}\n";
    let resolved = try_files(
        Options::default(),
        &[("template.yaml", parent), ("child.yaml", CHILD)],
    )
    .unwrap();
    assert_eq!(
        resolved.refusals,
        ["template.yaml:3:54: the stack shop-Child has no output Arm; did you mean Arn?"]
    );
}
