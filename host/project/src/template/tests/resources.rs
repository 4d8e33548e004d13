//! What `Ref` and `Fn::GetAtt` give for each type of resource, and names.

use serde_json::json;

use super::*;

/// What an expression gives beside a resource `X` of a type.
fn of(kind: &str, properties: &str, expression: &str) -> serde_json::Value {
    let rest = format!("  X: {{Type: {kind}, Properties: {{{properties}}}}}\n");
    variables(&format!("V: {expression}"), &rest).variable("V")
}

#[test]
fn each_type_has_its_references() {
    for (kind, properties, reference, attribute, value) in [
        (
            "AWS::Lambda::Function",
            "FunctionName: shop-x",
            "shop-x",
            "Arn",
            "arn:aws:lambda:us-east-1:123456789012:function:shop-x",
        ),
        (
            "AWS::Lambda::Alias",
            "FunctionName: !GetAtt Fn.Arn, Name: live",
            "arn:aws:lambda:us-east-1:123456789012:function:Fn:live",
            "AliasArn",
            "arn:aws:lambda:us-east-1:123456789012:function:Fn:live",
        ),
        (
            "AWS::Lambda::Version",
            "FunctionName: !Ref Fn",
            "arn:aws:lambda:us-east-1:123456789012:function:Fn:1",
            "Version",
            "1",
        ),
        (
            "AWS::Lambda::LayerVersion",
            "LayerName: deps",
            "arn:aws:lambda:us-east-1:123456789012:layer:deps:1",
            "LayerVersionArn",
            "arn:aws:lambda:us-east-1:123456789012:layer:deps:1",
        ),
        (
            "AWS::Lambda::Url",
            "TargetFunctionArn: !Ref Fn",
            "arn:aws:lambda:us-east-1:123456789012:function:Fn",
            "FunctionUrl",
            "{trigger:Fn-url}/",
        ),
        (
            "AWS::SQS::Queue",
            "QueueName: q, FifoQueue: true",
            "{queue:q.fifo}",
            "QueueUrl",
            "{queue:q.fifo}",
        ),
        (
            "AWS::SQS::Queue",
            "",
            "{queue:X}",
            "Arn",
            "arn:aws:sqs:us-east-1:123456789012:X",
        ),
        (
            "AWS::SNS::Topic",
            "FifoTopic: true",
            "arn:aws:sns:us-east-1:123456789012:X.fifo",
            "TopicName",
            "X.fifo",
        ),
        (
            "AWS::S3::Bucket",
            "BucketName: my-files",
            "my-files",
            "Arn",
            "arn:aws:s3:::my-files",
        ),
        (
            "AWS::S3::Bucket",
            "",
            "x00",
            "RegionalDomainName",
            "x00.s3.us-east-1.amazonaws.com",
        ),
        (
            "AWS::DynamoDB::Table",
            "TableName: t",
            "t",
            "StreamArn",
            "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2024-01-01T00:00:00.000",
        ),
        (
            "AWS::Kinesis::Stream",
            "",
            "X",
            "Arn",
            "arn:aws:kinesis:us-east-1:123456789012:stream/X",
        ),
        (
            "AWS::Events::Rule",
            "Name: r, EventBusName: bus",
            "r",
            "Arn",
            "arn:aws:events:us-east-1:123456789012:rule/bus/r",
        ),
        (
            "AWS::Events::EventBus",
            "Name: bus",
            "bus",
            "Arn",
            "arn:aws:events:us-east-1:123456789012:event-bus/bus",
        ),
        (
            "AWS::StepFunctions::StateMachine",
            "",
            "arn:aws:states:us-east-1:123456789012:stateMachine:X",
            "Name",
            "X",
        ),
        (
            "AWS::IAM::Role",
            "RoleName: admin",
            "admin",
            "Arn",
            "arn:aws:iam::123456789012:role/admin",
        ),
        (
            "AWS::Logs::LogGroup",
            "LogGroupName: /x",
            "/x",
            "Arn",
            "arn:aws:logs:us-east-1:123456789012:log-group:/x:*",
        ),
        (
            "AWS::EC2::SecurityGroup",
            "",
            "X",
            "Arn",
            "arn:aws:ec2:us-east-1:123456789012:securitygroup/X",
        ),
    ] {
        assert_eq!(of(kind, properties, "!Ref X"), reference, "Ref of {kind}");
        let name = attribute;
        assert_eq!(
            of(kind, properties, &format!("!GetAtt X.{name}")),
            value,
            "{kind}.{name}"
        );
    }
}

#[test]
fn apis_have_ids_and_local_urls() {
    let id = crate::template::names::api_id("X");
    let api = |expression: &str| of("AWS::ApiGatewayV2::Api", "Name: shop", expression);
    assert_eq!(api("!Ref X"), id);
    assert_eq!(api("!GetAtt X.ApiEndpoint"), "{trigger:x}");
    assert_eq!(
        api("!Sub 'https://${X}.execute-api.${AWS::Region}.amazonaws.com/dev/a'"),
        "{trigger:x}/dev/a"
    );
    assert_eq!(
        api("!Sub 'https://${X}x.execute-api.us-east-1.amazonaws.com/'"),
        format!("https://{id}x.execute-api.us-east-1.amazonaws.com/")
    );
    assert_eq!(
        api("'https://a.execute-api.b.c https://d'"),
        "https://a.execute-api.b.c https://d"
    );
    let socket = |expression: &str| {
        of(
            "AWS::ApiGatewayV2::Api",
            "Name: chat, ProtocolType: WEBSOCKET",
            expression,
        )
    };
    assert_eq!(socket("!GetAtt X.ApiEndpoint"), "{socket:x}");
    assert_eq!(
        socket("!Sub 'wss://${X}.execute-api.${AWS::Region}.amazonaws.com/dev'"),
        "{socket:x}/dev"
    );
    assert_eq!(
        socket("!Sub 'https://${X}.execute-api.${AWS::Region}.amazonaws.com/dev'"),
        "{trigger:x}/dev"
    );
    let root = of("AWS::ApiGateway::RestApi", "", "!GetAtt X.RootResourceId");
    assert_eq!(root.as_str().unwrap().len(), 10);
    assert_ne!(root, of("AWS::ApiGateway::RestApi", "", "!Ref X"));
}

#[test]
fn custom_resources_exist_on_aws_only() {
    let why = json!({"unknown": "Url of X, an Custom::Thing, exists only on AWS"});
    assert_eq!(of("Custom::Thing", "", "!GetAtt X.Url"), why);
}

#[test]
fn versions_are_counted_for_each_function() {
    let resolved = variables(
        "A: !Ref V1\nB: !Ref V2\nC: !GetAtt W1.Version",
        "  V1: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref Fn}}\n  \
        V2: {Type: AWS::Lambda::Version, Properties: {FunctionName: !GetAtt Fn.Arn}}\n  \
        W1: {Type: AWS::Lambda::Version, Properties: {FunctionName: other}}\n",
    );
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:Fn";
    assert_eq!(resolved.variable("A"), format!("{arn}:1"));
    assert_eq!(resolved.variable("B"), format!("{arn}:2"));
    assert_eq!(resolved.variable("C"), "1");
}

#[test]
fn names_are_those_of_the_properties_or_the_ids() {
    let template = "Resources:\n  A: {Type: AWS::Lambda::Function, Properties: {FunctionName: 'not a name'}}\n  \
        B: {Type: AWS::Lambda::Function, Properties: {FunctionName: C}}\n  C: {Type: AWS::Lambda::Function}\n  \
        My_Bucket: {Type: AWS::S3::Bucket}\n  D: {Type: AWS::SQS::Queue, Properties: {QueueName: same}}\n  \
        E: {Type: AWS::SQS::Queue, Properties: {QueueName: same}}\n  MyRestApi: {Type: AWS::ApiGateway::RestApi}\n";
    let resolved = try_files(Options::default(), &[("template.yaml", template)]).unwrap();
    let names: Vec<&str> = resolved
        .stack
        .resources
        .values()
        .map(|resource| resource.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["A", "C", "C-2", "my-bucket", "same", "same", "my-rest-api"]
    );
    assert_eq!(
        resolved.notes,
        [
            "template.yaml:2:6: \"not a name\" cannot be the name of a function: the logical id is used"
        ]
    );
    assert_eq!(resolved.refusals, [""; 0]);
}

#[test]
fn regions_and_accounts_are_those_of_the_user() {
    let user = Options {
        region: Some("cn-north-1".to_owned()),
        account: "111122223333".to_owned(),
        ..Options::default()
    };
    let resolved = try_variables(
        user,
        "A: !GetAtt Fn.Arn\nB: !Ref AWS::URLSuffix\nC: !Ref AWS::Partition",
        "",
    );
    assert_eq!(
        resolved.variable("A"),
        "arn:aws-cn:lambda:cn-north-1:111122223333:function:Fn"
    );
    assert_eq!(resolved.variable("B"), "amazonaws.com.cn");
    assert_eq!(resolved.variable("C"), "aws-cn");
}

#[test]
fn references_are_remembered() {
    let resolved = variables("Q: !Sub '${X.Arn}'", "  X: {Type: AWS::SQS::Queue}\n");
    let references = &resolved.stack.resources["Fn"].references;
    assert_eq!(references.len(), 1);
    let one = &references[0];
    assert_eq!(
        (
            one.property.as_str(),
            one.target.as_str(),
            one.attribute.as_str()
        ),
        ("Environment", "X", "Arn")
    );
}

#[test]
fn only_functions_of_cdk_are_helpers() {
    let template = |metadata: &str| {
        format!(
            "Resources:\n  H: {{Type: AWS::Lambda::Function, Metadata: {{{metadata}}}}}\n  \
            C: {{Type: Custom::C, Properties: {{ServiceToken: !GetAtt H.Arn}}}}\n"
        )
    };
    let is_helper = |metadata: &str| resolve(&template(metadata)).stack.resources["H"].is_helper;
    assert!(!is_helper(""));
    assert!(is_helper("aws:cdk:path: Stack/H/Resource"));
}

#[test]
fn a_source_that_cdk_names_is_taken_in_place_of_its_copy() {
    let path = |bundled: bool, original: &str| {
        let template = format!(
            "Resources:\n  F: {{Type: AWS::Lambda::Function, Metadata: {{aws:asset:path: asset.1, aws:asset:property: Code, \
            aws:asset:is-bundled: {bundled}, aws:asset:original-path: {original}}}}}\n"
        );
        let metadata = resolve(&template).stack.resources["F"].metadata.clone();
        metadata.text_of("aws:asset:path").unwrap().into_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().to_str().unwrap();
    assert_eq!(path(false, source), source);
    assert_eq!(path(true, source), "asset.1");
    assert_eq!(path(false, "/does/not/exist"), "asset.1");
}
