//! All intrinsic functions and pseudo parameters, and what is said about those that are written wrongly.

use serde_json::json;

use super::*;

/// The value of a variable `V`, with a mapping, a list and a queue to refer to.
fn value(written: &str) -> serde_json::Value {
    let resolved = with_rest(Options::default(), written);
    assert_eq!(resolved.refusals, [""; 0], "{written}");
    resolved.variable("V")
}

fn with_rest(options: Options, written: &str) -> Resolved {
    let rest = "  Queue: {Type: AWS::SQS::Queue}\n  Db: {Type: AWS::RDS::DBInstance}\n\
        Parameters:\n  List: {Type: CommaDelimitedList, Default: 'a, b,c'}\n  Numbers: {Type: List<Number>, Default: '1,2'}\n  \
        Path: {Type: AWS::SSM::Parameter::Value<String>, Default: /my/path}\n  Subnets: {Type: 'List<AWS::EC2::Subnet::Id>'}\n  \
        Kind: {Type: String, AllowedValues: [small, large]}\n  U: {Type: String, Default: ueue}\n  I: {Type: String, Default: ind}\n\
        Mappings:\n  Sizes: {small: {Memory: 128, Zones: [a, b]}, large: {Memory: 256}}\n";
    try_variables(options, &format!("V: {written}"), rest)
}

/// What is refused about a value.
fn refusal(written: &str) -> String {
    let refusals = with_rest(Options::default(), written).refusals;
    assert_eq!(refusals.len(), 1, "{written}: {refusals:?}");
    refusals
        .into_iter()
        .next()
        .unwrap()
        .split_once(": ")
        .unwrap()
        .1
        .to_owned()
}

#[test]
fn functions_have_values() {
    for (written, expected) in [
        (
            "!Join ['-', [a, !Ref AWS::Region, !Ref List]]",
            json!("a-us-east-1-a-b-c"),
        ),
        ("!Join ['', !Ref List]", json!("abc")),
        ("!Select [1, !Ref List]", json!("b")),
        ("!Select ['2', !Split [':', 'x:y:z']]", json!("z")),
        (
            "!Select [0, [only, !Ref NothingThatIsNeeded]]",
            json!("only"),
        ),
        ("!Split [',', 'a,b']", json!(["a", "b"])),
        (
            "{Fn::Base64: !Sub 'hé${AWS::StackName}'}",
            json!("aMOpc2hvcA=="),
        ),
        ("!FindInMap [Sizes, small, Memory]", json!(128)),
        ("!FindInMap [Sizes, !Ref Kind, Zones]", json!(["a", "b"])),
        (
            "!FindInMap [Sizes, tiny, Memory, {DefaultValue: 64}]",
            json!(64),
        ),
        ("!Select [0, !GetAZs '']", json!("us-east-1a")),
        ("!Select [1, !GetAZs eu-west-1]", json!("eu-west-1b")),
        (
            "!Select [1, !Cidr [10.0.0.0/16, 2, 8]]",
            json!("10.0.1.0/24"),
        ),
        ("{Fn::Length: !Ref List}", json!(3)),
        (
            "{Fn::ToJsonString: {a: [1, true, '1', !GetAtt Queue.Arn]}}",
            json!("{\"a\":[1,true,\"1\",\"arn:aws:sqs:us-east-1:123456789012:Queue\"]}"),
        ),
        (
            "!Sub ['${a}/${b}/${AWS::Partition}', {a: 1, b: !Ref Kind}]",
            json!("1/small/aws"),
        ),
        ("!Sub ['${a.b}', {a.b: dotted}]", json!("dotted")),
        (
            "!Sub '${Queue.QueueName} ${!Kept} $x ${ AWS::URLSuffix }'",
            json!("Queue ${Kept} $x amazonaws.com"),
        ),
        ("!Sub '${unfinished'", json!("${unfinished")),
        ("{Fn::GetAtt: Queue.QueueName}", json!("Queue")),
        ("!GetAtt [Queue, QueueName]", json!("Queue")),
        ("!GetAtt [!Sub 'Q${U}', QueueName]", json!("Queue")),
        ("{Ref: {'Fn::Sub': 'K${I}'}}", json!("small")),
        ("!Ref AWS::AccountId", json!("123456789012")),
        ("!Ref AWS::NotificationARNs", json!([])),
        (
            "!Ref AWS::StackId",
            json!(
                "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/00000000-0000-0000-0000-000000000000"
            ),
        ),
        ("!Ref Numbers", json!(["1", "2"])),
        ("!If [!Equals [a, a], yes, !Ref Nothing]", json!(true)),
        ("[a, !Ref AWS::NoValue, b]", json!(["a", "b"])),
        ("!Equals [!Ref Kind, small]", json!(true)),
        ("!Not [!Equals [1, '1']]", json!(false)),
    ] {
        assert_eq!(value(written), expected, "{written}");
    }
}

#[test]
fn functions_of_what_exists_on_aws_only_exist_there_only() {
    let why =
        json!({"unknown": "Endpoint.Address of Db, an AWS::RDS::DBInstance, exists only on AWS"});
    for written in [
        "!GetAtt Db.Endpoint.Address",
        "!Sub 'db://${Db.Endpoint.Address}/x'",
        "!Join [':', [a, !GetAtt Db.Endpoint.Address]]",
        "!Select [0, !Split [':', !GetAtt Db.Endpoint.Address]]",
        "{Fn::Base64: !GetAtt Db.Endpoint.Address}",
        "{Fn::ToJsonString: [!GetAtt Db.Endpoint.Address]}",
        "!If [!Equals [!GetAtt Db.Endpoint.Address, x], no, !GetAtt Db.Endpoint.Address]",
    ] {
        assert_eq!(value(written), why, "{written}");
    }
    assert_eq!(
        value("!ImportValue other-Vpc"),
        json!({"unknown": "other-Vpc is exported by a stack that is not here; --parameter 'other-Vpc=VALUE' sets it"})
    );
    assert_eq!(
        value("!Ref Path"),
        json!({"unknown": "the parameter Path is the SSM parameter /my/path, whose value exists only on AWS; \
            --parameter Path=VALUE sets it"})
    );
}

#[test]
fn the_user_gives_what_exists_on_aws_only() {
    let given = |name: &str, written: &str| {
        let resolved = with_rest(options(&[(name, "mine")]), written);
        assert_eq!(resolved.refusals, [""; 0]);
        resolved.variable("V")
    };
    assert_eq!(given("other-Vpc", "!ImportValue other-Vpc"), "mine");
    assert_eq!(given("Path", "!Ref Path"), "mine");
    assert_eq!(given("ssm:/my/path", "!Ref Path"), "mine");
    assert_eq!(given("ssm:/a", "'x {{resolve:ssm:/a:3}} y'"), "x mine y");
    assert_eq!(
        given(
            "secretsmanager:s:SecretString:p",
            "!Sub '{{resolve:secretsmanager:s:SecretString:p}}'"
        ),
        "mine"
    );
    assert_eq!(
        given(
            "Other.Url",
            "{Fn::GetStackOutput: {StackName: Other, OutputName: Url}}"
        ),
        "mine"
    );
}

#[test]
fn what_is_not_known_is_noted() {
    let resolved = with_rest(Options::default(), "'{{resolve:ssm:/a}}'");
    assert_eq!(resolved.variable("V"), "{{resolve:ssm:/a}}");
    assert_eq!(
        resolved.notes,
        [
            "template.yaml:7:14: {{resolve:ssm:/a}} stays as it is, its value exists only on AWS; --parameter 'ssm:/a=VALUE' sets it"
        ]
    );
    let rest = "  Own: {Type: AWS::SSM::Parameter, Properties: {Name: /shop/url, Value: !Sub 'x-${AWS::Region}'}}\n  \
        Loop: {Type: AWS::SSM::Parameter, Properties: {Name: /loop, Value: '{{resolve:ssm:/loop}}'}}\n";
    let written = "A: '{{resolve:ssm:/shop/url:2}}'\nB: !GetAtt Own.Value";
    let resolved = try_variables(Options::default(), written, rest);
    assert_eq!(resolved.variable("A"), "x-us-east-1");
    assert_eq!(resolved.variable("B"), "x-us-east-1");
    let refusals = resolved.refusals.join("\n");
    assert!(refusals.contains("this refers to itself"), "{refusals}");
    let resolved = with_rest(
        options(&[("Lst", "x"), ("List", "p,q")]),
        "!Select [1, !Ref List]",
    );
    assert_eq!(resolved.variable("V"), "q");
    assert_eq!(
        resolved.notes,
        ["there is no parameter Lst; did you mean List?"]
    );
    let rest =
        "Parameters: {Env: {Type: String}}\nMappings: {Envs: {dev: {Name: d}, prod: {Name: p}}}\n";
    let resolved = try_variables(
        Options::default(),
        "V: !FindInMap [Envs, !Ref Env, Name]",
        rest,
    );
    assert_eq!(resolved.variable("V"), "d");
    let resolved = with_rest(Options::default(), "!Join [',', !Ref Subnets]");
    assert_eq!(resolved.variable("V"), "subnet-00000000");
}

#[test]
fn mistakes_are_explained() {
    for (written, message) in [
        (
            "!Join [a]",
            "Fn::Join takes a separator and a list: [SEPARATOR, [ITEM, …]]",
        ),
        ("!Join ['', text]", "Fn::Join: a list is needed, not a text"),
        (
            "!Join ['', [{a: b}]]",
            "Fn::Join: a text is needed, not a map",
        ),
        (
            "!Select [7, [a, b]]",
            "Fn::Select: there is no item 7 in a list of 2",
        ),
        (
            "!Select [-1, [a, b]]",
            "Fn::Select: there is no item -1 in a list of 2",
        ),
        (
            "!Select [0]",
            "Fn::Select takes an index and a list: [INDEX, [ITEM, …]]",
        ),
        (
            "!Split [':']",
            "Fn::Split takes a separator and a text: [SEPARATOR, TEXT]",
        ),
        ("!Split ['', a]", "Fn::Split needs a separator"),
        (
            "!FindInMap [Sizes, tiny, Memory]",
            "Fn::FindInMap: the mapping Sizes has no tiny, Memory",
        ),
        (
            "!FindInMap [Sizes]",
            "Fn::FindInMap takes a map and two keys: [MAP, KEY, KEY]",
        ),
        (
            "!Sub [a, b, c]",
            "Fn::Sub takes a text, or a text and a map of variables: [TEXT, {NAME: VALUE}]",
        ),
        (
            "!Sub '${Queues}'",
            "there is no parameter or resource Queues; did you mean Queue?",
        ),
        (
            "!Sub '${List}'",
            "${List} in Fn::Sub: a text is needed, not a list",
        ),
        (
            "!GetAtt Queue",
            "Fn::GetAtt takes a logical id and an attribute: [ID, ATTRIBUTE]",
        ),
        (
            "!If [C, a]",
            "Fn::If takes a condition and two values: [CONDITION, IF_TRUE, IF_FALSE]",
        ),
        (
            "!Ref AWS::AccountID2",
            "there is no pseudo parameter AWS::AccountID2; did you mean AWS::AccountId?",
        ),
        (
            "!Joins [a, b]",
            "there is no function Fn::Joins; did you mean Fn::Join?",
        ),
        (
            "!Cidr [10.0.0.0/16, 999, 8]",
            "Fn::Cidr takes a block of addresses, a number up to 256, and the bits of each part: [10.0.0.0/16, 6, 8]",
        ),
        ("!Equals [a]", "Fn::Equals takes two values"),
        ("!Not [a, b]", "Fn::Not takes one condition"),
    ] {
        assert_eq!(refusal(written), message, "{written}");
    }
}

#[test]
fn values_that_a_template_does_not_allow_are_refused() {
    let template = "Parameters:\n  Kind: {Type: String, AllowedValues: [small, large]}\n  Size: {Type: Number, Default: 1}\nResources: {}\n";
    let error = |name: &str, value: &str| {
        let given = options(&[(name, value)]);
        try_files(given, &[("template.yaml", template)])
            .err()
            .unwrap()
    };
    assert!(error("Kind", "huge").starts_with(
        "template.yaml:2:9: the parameter Kind cannot be \"huge\"; allowed: small, large"
    ));
    assert!(
        error("Size", "much")
            .starts_with("template.yaml:3:9: the parameter Size is a number, not \"much\"")
    );
}

#[test]
fn what_has_no_effect_is_not_refused() {
    let resolved = try_files(
        Options::default(),
        &[(
            "template.yaml",
            "Resources:\n  Role: {Type: AWS::IAM::Role, Properties: {Policies: [!Ref Nothing]}}\n\
            Outputs: {O: {Value: !GetAtt Missing.Arn}}\n",
        )],
    )
    .unwrap();
    assert_eq!(resolved.refusals, [""; 0]);
    assert_eq!(
        resolved.notes,
        [
            "template.yaml:2:56: there is no parameter or resource Nothing",
            "template.yaml:3:22: there is no resource Missing",
        ]
    );
}

#[test]
fn mistakes_in_conditions_are_refused_whoever_comes_first() {
    let resolved = try_files(
        Options::default(),
        &[(
            "template.yaml",
            "Conditions: {C: !Equals [!Ref Nothing, a]}\nResources:\n  Role: {Type: AWS::IAM::Role, Condition: C}\n  \
            Fn: {Type: AWS::Lambda::Function, Condition: C}\n",
        )],
    )
    .unwrap();
    assert_eq!(
        resolved.refusals,
        ["template.yaml:1:26: there is no parameter or resource Nothing"]
    );
}
