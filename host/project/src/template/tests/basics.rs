//! Parameters, references, `Sub`, `Join`, conditions.

use serde_json::json;

use super::*;

#[test]
fn references_are_what_works_here() {
    let resolved = variables(
        "QUEUE: !Ref Orders\nARN: !GetAtt Orders.Arn\nBUCKET: !Ref MyBucket\nTABLE: !Ref Items\nSELF: !GetAtt Fn.Arn\n\
        TOPIC: !Ref Topic\nURL: !Sub 'https://x/${Orders.QueueName}/${AWS::Region}/${!literal}'",
        "  Orders: {Type: AWS::SQS::Queue}\n  MyBucket: {Type: AWS::S3::Bucket}\n  Items: {Type: AWS::DynamoDB::Table}\n  \
        Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}\n",
    );
    assert_eq!(resolved.variable("QUEUE"), "{queue:Orders}");
    assert_eq!(
        resolved.variable("ARN"),
        "arn:aws:sqs:us-east-1:123456789012:Orders"
    );
    assert_eq!(resolved.variable("BUCKET"), "mybucket");
    assert_eq!(resolved.variable("TABLE"), "Items");
    assert_eq!(
        resolved.variable("SELF"),
        "arn:aws:lambda:us-east-1:123456789012:function:Fn"
    );
    assert_eq!(
        resolved.variable("TOPIC"),
        "arn:aws:sns:us-east-1:123456789012:news"
    );
    assert_eq!(
        resolved.variable("URL"),
        "https://x/Orders/us-east-1/${literal}"
    );
    assert_eq!(resolved.notes, [""; 0]);
}

#[test]
fn parameters_have_values_defaults_or_placeholders() {
    let template = "Parameters:\n  Stage: {Type: String, Default: dev}\n  Name: {Type: String}\n  Size: {Type: Number, Default: 5}\n  \
        Unused: {Type: String}\n\
        Resources:\n  Fn:\n    Type: AWS::Lambda::Function\n    Properties:\n      FunctionName: !Sub '${Name}-${Stage}'\n      \
        Timeout: !Ref Size\n";
    let resolved = resolve(template);
    assert_eq!(resolved.json("Fn", &["FunctionName"]), "name-dev");
    assert_eq!(resolved.stack.resources["Fn"].name, "name-dev");
    assert_eq!(resolved.json("Fn", &["Timeout"]), json!(5));
    assert_eq!(
        resolved.notes,
        [
            "template.yaml:3:3: the parameter Name has no default: \"name\" is used; --parameter Name=VALUE sets it"
        ]
    );
    let given = options(&[("Name", "x"), ("Stage", "prod")]);
    let resolved = try_files(given, &[("template.yaml", template)]).unwrap();
    assert_eq!(resolved.json("Fn", &["FunctionName"]), "x-prod");
    assert_eq!(resolved.notes, [""; 0]);
}

#[test]
fn conditions_choose_and_leave_out() {
    let resolved = variables(
        "A: !If [IsProd, !Ref Missing, dev]\nB: !If [IsProd, x, !Ref AWS::NoValue]\nC: !If [IsDev, yes, no]",
        "  Queue: {Type: AWS::SQS::Queue, Condition: IsProd}\nParameters:\n  Stage: {Type: String, Default: dev}\nConditions:\n  \
        IsProd: !Equals [!Ref Stage, prod]\n  IsDev: !And [!Not [!Condition IsProd], !Equals [a, a]]\n",
    );
    assert_eq!(resolved.variable("A"), "dev");
    assert!(
        resolved.stack.resources["Fn"]
            .properties
            .at(&["Environment", "Variables", "B"])
            .is_none()
    );
    assert_eq!(resolved.variable("C"), json!(true));
    assert!(!resolved.stack.resources.contains_key("Queue"));
    assert_eq!(
        resolved.notes,
        ["template.yaml:10:3: Queue is left out: the condition IsProd is false"]
    );
}

#[test]
fn mistakes_are_refused_all_at_once() {
    let resolved = try_variables(
        Options::default(),
        "A: !Ref Orderz\nB: !GetAtt Nothing.Arn\nC: !If [Prod, 1, 2]\nD: !Sub '${Orders.Nope}'",
        "  Orders: {Type: AWS::SQS::Queue}\n",
    );
    assert_eq!(
        resolved.refusals,
        [
            "template.yaml:7:14: there is no parameter or resource Orderz; did you mean Orders?",
            "template.yaml:8:14: there is no resource Nothing",
            "template.yaml:9:19: there is no condition Prod",
        ]
    );
    assert_eq!(
        resolved.variable("D"),
        json!({"unknown": "Nope of Orders, an AWS::SQS::Queue, exists only on AWS"})
    );
}

#[test]
fn what_refers_to_itself_is_found() {
    let resolved = try_files(
        Options::default(),
        &[(
            "template.yaml",
            "Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub '${B.QueueName}x'}}\n  \
            B: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub '${A.QueueName}x'}}\n",
        )],
    )
    .unwrap();
    assert_eq!(resolved.refusals.len(), 1, "{:?}", resolved.refusals);
    assert!(
        resolved.refusals[0]
            .contains("this refers to itself: the name of A, which needs B.QueueName, which needs"),
        "{:?}",
        resolved.refusals
    );
}

#[test]
fn what_is_not_a_template_says_so() {
    let error = |text: &str| {
        try_files(Options::default(), &[("template.yaml", text)])
            .err()
            .unwrap()
    };
    assert!(
        error("a: 1\n")
            .starts_with("template.yaml:1:1: this is neither a SAM nor a CloudFormation template")
    );
    assert!(error("Resourcs: {}\n").contains("is Resourcs meant?"));
    assert!(error("- 1\n").contains("a map is needed, not a list"));
    assert!(
        error("Resources:\n  Fn:\n    Properties: {}\n")
            .starts_with("template.yaml:2:3: the resource Fn has no Type")
    );
    assert!(error("Resources: [1]\n").contains("Resources is a map, not a list"));
}

#[test]
fn outputs_have_values() {
    let resolved = resolve(
        "Resources:\n  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: x, ProtocolType: HTTP}}\n\
        Outputs:\n  Url: {Description: The URL, Value: !GetAtt Api.ApiEndpoint}\n",
    );
    let output = &resolved.stack.outputs[0];
    assert_eq!(
        (output.name.as_str(), output.description.as_deref()),
        ("Url", Some("The URL"))
    );
    assert_eq!(shown(&output.value), "{trigger:api}");
}

#[test]
fn sam_is_expanded() {
    let resolved = resolve(
        "Transform: AWS::Serverless-2016-10-31\nParameters: {Size: {Type: Number, Default: 512}}\n\
        Globals: {Function: {Timeout: 3}}\nResources:\n  Hello:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
        CodeUri: hello/\n      Handler: app.handler\n      Runtime: python3.12\n      MemorySize: !Ref Size\n      \
        Events: {Api: {Type: Api, Properties: {Path: /hello, Method: get}}}\n",
    );
    let function = &resolved.stack.resources["Hello"];
    assert_eq!(
        (function.kind.as_str(), function.name.as_str()),
        ("AWS::Lambda::Function", "Hello")
    );
    assert_eq!(resolved.json("Hello", &["MemorySize"]), json!(512));
    assert_eq!(
        resolved.stack.resources["ServerlessRestApi"].name,
        "serverless-rest-api"
    );
}
