//! What is said about templates of SAM that the macro cannot expand as they are.
//!
//! Contract: every mistake is told with its place and the nearest right name, all at once, and the rest is expanded.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]

use std::path::Path;

use lambkin_project::context::{Context, Options};
use lambkin_project::resource::Template;
use lambkin_project::sam;
use lambkin_project::value::{Kind, Value};
use serde_json::{Value as Json, json};

/// What is made of a template.
struct Expanded {
    resources: Json,
    notes: Vec<String>,
    refusals: Vec<String>,
}

/// Expands a template whose resources these are, in a folder with an OpenAPI document.
fn expand(resources: &str) -> Expanded {
    expand_all(&format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n{resources}"
    ))
}

fn expand_all(text: &str) -> Expanded {
    let folder = tempfile::tempdir().unwrap();
    let body = "openapi: 3.0.1\ninfo: {title: t}\npaths: {/x: {get: {}}}\n";
    std::fs::write(folder.path().join("api.yaml"), body).unwrap();
    std::fs::write(folder.path().join("list.yaml"), "[]\n").unwrap();
    let context = Context::new(Options::default());
    let loaded = context.load_text(Path::new("t.yaml"), text).unwrap();
    let Kind::Map(root) = loaded.kind else {
        panic!("no map: {text}");
    };
    let mut template = Template::new("t", folder.path(), root);
    sam::expand(&context, &mut template).unwrap();
    let lines = |remarks: Vec<String>| -> Vec<String> {
        let first = |remark: &String| remark.lines().next().unwrap_or_default().to_owned();
        remarks.iter().map(first).collect()
    };
    let resources = template.root.get("Resources").map(Value::to_json);
    Expanded {
        resources: resources.unwrap_or_default(),
        notes: lines(context.report.notes(&context.files())),
        refusals: lines(context.report.refusals(&context.files())),
    }
}

const FUNCTION: &str = "  F:\n    Type: AWS::Serverless::Function\n    Properties:\n";

/// The refusals of a function with these events, each a line such as `E: {Type: Api}`.
fn refused_events(events: &str) -> Vec<String> {
    let events: String = events
        .lines()
        .map(|line| format!("        {line}\n"))
        .collect();
    expand(&format!("{FUNCTION}      Events:\n{events}")).refusals
}

#[test]
fn unknown_types_and_properties_have_the_nearest_name() {
    let expanded = expand(
        "  F:\n    Type: AWS::Serverless::Funktion\n  G:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
         MemorySise: 128\n      Events:\n        E:\n          Type: HTTPApi\n        S:\n          Type: SQS\n          \
         Properties: {Queue: arn, BatchSiz: 1}\n",
    );
    assert_eq!(
        expanded.refusals,
        [
            "t.yaml:4:11: F: SAM has no type AWS::Serverless::Funktion; did you mean AWS::Serverless::Function?",
            "t.yaml:11:17: G.Events.E: SAM has no events of type HTTPApi; did you mean HttpApi?",
        ]
    );
    assert_eq!(
        expanded.notes,
        [
            "t.yaml:8:7: G has an unknown property MemorySise; did you mean MemorySize?",
            "t.yaml:14:36: G.Events.S has an unknown property BatchSiz; did you mean BatchSize?",
        ]
    );
}

#[test]
fn a_state_machine_has_a_role_of_its_own() {
    let machine = |more: &str| {
        let outputs = "Outputs:\n  R: {Value: !GetAtt MRole.Arn}\n";
        let text = format!(
            "Transform: AWS::Serverless-2016-10-31\n{outputs}Resources:\n  M:\n    Type: AWS::Serverless::StateMachine\n    \
             Properties: {{DefinitionUri: m.json{more}}}\n"
        );
        expand_all(&text).resources
    };
    assert_eq!(machine("")["MRole"]["Type"], "AWS::IAM::Role");
    assert_eq!(machine(", Role: arn:x").get("MRole"), None);
}

#[test]
fn a_graphql_api_has_its_keys() {
    let api = "  A:\n    Type: AWS::Serverless::GraphQLApi\n    Properties: {Auth: {Type: API_KEY}, ApiKeys: ";
    let key = |keys: &str| expand(&format!("{api}{keys}}}\n")).resources["AMine"]["Type"].clone();
    assert_eq!(key("{Mine: {Description: d}}"), "AWS::AppSync::ApiKey");
    assert_eq!(key("{Other: {}}"), Json::Null);
}

#[test]
fn globals_are_checked() {
    let text = "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Funtion: {Timeout: 3}\n  Function: {Handlr: a, Role: \
                r}\n  Api: [1]\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    IgnoreGlobals: [Timout]\n";
    let expanded = expand_all(text);
    assert_eq!(
        expanded.refusals,
        [
            "t.yaml:3:3: Globals has no section Funtion; did you mean Function?",
            "t.yaml:4:14: Globals.Function cannot have Handlr; did you mean Handler?",
            "t.yaml:4:25: Globals.Function cannot have Role",
            "t.yaml:5:8: Globals.Api must be a map",
            "t.yaml:9:21: IgnoreGlobals of F: Globals.Function cannot have Timout; did you mean Timeout?",
        ]
    );
}

#[test]
fn events_say_what_they_need() {
    assert_eq!(
        refused_events("E: {Type: Api, Properties: {Path: /}}\nQ: {Type: SQS}\nN: {}"),
        [
            "t.yaml:7:9: F.Events.E needs the property Method",
            "t.yaml:8:9: F.Events.Q needs the property Queue",
            "t.yaml:9:9: F.Events.N needs a Type",
        ]
    );
    assert_eq!(
        refused_events(
            "E: {Type: S3, Properties: {Bucket: !Ref Other, Events: s3:ObjectCreated:*}}"
        ),
        [
            "t.yaml:7:44: F.Events.E: Bucket must refer to an AWS::S3::Bucket of this template: add one, and write !Ref ITS-ID"
        ]
    );
    assert_eq!(
        refused_events("E: {Type: HttpApi, Properties: {Path: /}}"),
        ["t.yaml:7:9: F.Events.E needs the property Method"]
    );
    assert_eq!(
        refused_events("E: {Type: Api, Properties: {Path: /, Method: get, RestApiId: !Ref F}}"),
        [
            "t.yaml:7:70: F.Events.E: RestApiId must refer to an AWS::Serverless::Api in the same template"
        ]
    );
    assert_eq!(
        refused_events("E: {Type: HttpApi, Properties: {Path: !GetAtt F.Arn, Method: get}}"),
        ["t.yaml:7:47: F.Events.E: Path must be a text, or a parameter"]
    );
    assert_eq!(
        refused_events("E: {Type: AlexaSkill}"),
        [
            "t.yaml:7:9: F.Events.E: AlexaSkill events are not emulated; invoke it with: lambkin invoke F event.json"
        ]
    );
    assert_eq!(
        refused_events(
            "E: {Type: Schedule, Properties: {Schedule: rate(1 day), Enabled: true, State: ENABLED}}"
        ),
        ["t.yaml:7:9: F.Events.E: it can have State or Enabled, not both"]
    );
    assert_eq!(
        refused_events(
            "E: {Type: Schedule, Properties: {Schedule: rate(1 day), DeadLetterConfig: {}}}"
        ),
        ["t.yaml:7:83: F.Events.E: DeadLetterConfig needs an Arn or the Type SQS"]
    );
    assert_eq!(
        refused_events(
            "E: {Type: SNS, Properties: {Topic: arn, SqsSubscription: {QueueArn: arn}}}"
        ),
        ["t.yaml:7:9: F.Events.E: SqsSubscription needs QueueArn and QueueUrl"]
    );
    assert_eq!(
        refused_events("E: {Type: SelfManagedKafka, Properties: {Topics: [t]}}"),
        ["t.yaml:7:9: F.Events.E: the property KafkaBootstrapServers is missing"]
    );
}

#[test]
fn two_events_cannot_have_one_route() {
    assert_eq!(
        refused_events(
            "A: {Type: Api, Properties: {Path: /a, Method: GET}}\nB: {Type: Api, Properties: {Path: /a, Method: get}}"
        ),
        ["t.yaml:8:9: F.Events.B: another event has the method GET and the path /a"]
    );
    assert_eq!(
        refused_events("A: {Type: HttpApi}\nB: {Type: HttpApi}"),
        ["t.yaml:8:9: F.Events.B: another event has the method ANY and the path $default"]
    );
}

#[test]
fn functions_say_what_they_need() {
    let refused = |properties: &str| expand(&format!("{FUNCTION}{properties}")).refusals;
    assert_eq!(
        refused("      AutoPublishAlias: '1'\n"),
        [
            "t.yaml:6:25: AutoPublishAlias of F must be a text of letters, digits, - and _ that is no number, or a parameter whose value is one"
        ]
    );
    assert_eq!(
        refused("      ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 1}\n"),
        ["t.yaml:6:37: ProvisionedConcurrencyConfig of F needs AutoPublishAlias"]
    );
    assert_eq!(
        refused("      FunctionUrlConfig: {AuthType: none}\n"),
        ["t.yaml:6:26: FunctionUrlConfig of F needs AuthType: NONE or AWS_IAM"]
    );
    assert_eq!(
        refused(
            "      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: Queue}, OnSuccess: {Type: Lambda}}}\n"
        ),
        [
            "t.yaml:6:58: a destination of F needs a Type: SQS, SNS, Lambda, EventBridge or S3Bucket",
            "t.yaml:6:84: a destination of F needs a Destination",
        ]
    );
    assert_eq!(
        refused("      DeadLetterQueue: {Type: Queue, TargetArn: arn}\n"),
        ["t.yaml:6:24: DeadLetterQueue of F needs a TargetArn, and a Type: SQS or SNS"]
    );
}

#[test]
fn authorizers_are_those_of_the_api() {
    let api = "  A:\n    Type: AWS::Serverless::Api\n    Properties:\n      StageName: s\n      Auth: {Authorizers: {Mine: \
               {FunctionArn: arn}}}\n";
    let event = |auth: &str| {
        let event = format!(
            "E: {{Type: Api, Properties: {{Path: /, Method: get, RestApiId: !Ref A, Auth: {auth}}}}}"
        );
        expand(&format!("{api}{FUNCTION}      Events:\n        {event}\n")).refusals
    };
    assert_eq!(event("{Authorizer: Mine}"), [""; 0]);
    assert_eq!(
        event("{Authorizer: Mein}"),
        ["t.yaml:12:97: F.Events.E: its API has no authorizer Mein; did you mean Mine?"]
    );
    assert_eq!(
        event("{Authorizer: NONE}"),
        [
            "t.yaml:12:97: F.Events.E: Authorizer: NONE is for APIs with a DefaultAuthorizer; leave it out"
        ]
    );
    let none = "  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {Auth: {DefaultAuthorizer: Mine}}\n";
    assert_eq!(
        expand(none).refusals,
        ["t.yaml:5:44: A has no authorizer Mine, its DefaultAuthorizer"]
    );
    let http = "  A:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      Auth: {DefaultAuthorizer: Mine, \
                Authorizers: {Mine: {FunctionArn: arn}}}\n";
    assert_eq!(
        expand(http).refusals,
        ["t.yaml:6:59: A: the authorizer Mine needs an AuthorizerPayloadFormatVersion",]
    );
}

#[test]
fn definitions_are_read() {
    let api = |property: &str| {
        expand(&format!(
            "  A:\n    Type: AWS::Serverless::Api\n    Properties: {{StageName: s, {property}}}\n"
        ))
    };
    let expanded = api("DefinitionUri: api.yaml");
    assert_eq!(expanded.refusals, [""; 0]);
    let body = &expanded.resources["A"]["Properties"]["Body"];
    assert_eq!(body["paths"], json!({"/x": {"get": {}}}));
    let http =
        "  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {DefinitionUri: api.yaml}\n";
    let event = |path: &str| {
        let event = format!(
            "E: {{Type: HttpApi, Properties: {{Path: {path}, Method: get, ApiId: !Ref A}}}}"
        );
        expand(&format!("{http}{FUNCTION}      Events:\n        {event}\n")).refusals
    };
    assert_eq!(event("/x"), [""; 0]);
    assert_eq!(
        event("/y"),
        [
            "t.yaml:10:9: F.Events.E: the definition of its API has no GET /y, so that nothing calls the function; add it \
          there, or leave DefinitionUri out"
        ]
    );
    let expanded = api("DefinitionUri: s3://bucket/a/key");
    let location = &expanded.resources["A"]["Properties"]["BodyS3Location"];
    assert_eq!(*location, json!({"Bucket": "bucket", "Key": "a/key"}));
    assert_eq!(
        api("DefinitionUri: list.yaml").refusals,
        ["t.yaml:5:47: the definition of A must be an OpenAPI document: a map with `paths`"]
    );
    let refusals = api("DefinitionUri: none.yaml").refusals;
    assert!(
        refusals[0].starts_with("t.yaml:5:47: DefinitionUri of A: cannot read"),
        "{refusals:?}"
    );
    assert_eq!(
        api("DefinitionUri: a.yaml, DefinitionBody: {}").refusals,
        ["t.yaml:5:47: A can have DefinitionBody or DefinitionUri, not both"]
    );
    assert_eq!(
        api("Cors: \"'*'\", DefinitionBody: {paths: {}}").refusals,
        [
            "t.yaml:5:38: the definition of A must have `paths`, and `swagger: \"2.0\"` or `openapi: 3.…`, to be added to"
        ]
    );
}

#[test]
fn an_event_for_a_written_definition_without_its_route_is_refused() {
    let refused = |paths: &str| {
        expand(&format!(
            "  A:\n    Type: AWS::Serverless::Api\n    Properties: {{StageName: s, DefinitionBody: {{swagger: '2.0', paths: \
             {paths}}}}}\n{FUNCTION}      Events:\n        E: {{Type: Api, Properties: {{Path: '/a/{{id}}', Method: get, \
             RestApiId: !Ref A}}}}\n"
        ))
        .refusals
    };
    let any = "{x-amazon-apigateway-any-method: {}}";
    for (path, methods, is_served) in [
        ("/", any, false),
        ("/a/{id}", "{post: {}}", false),
        ("/a", any, false),
        ("/a/b/{c}", any, false),
        ("/a/{name}", "{get: {}}", true),
        ("/a/{proxy+}", any, true),
        ("/{proxy+}", any, true),
        ("/a/{id}", "{Fn::If: [C, {get: {}}, {post: {}}]}", true),
    ] {
        let paths = format!("{{'{path}': {methods}}}");
        let refusal = "t.yaml:10:9: F.Events.E: the definition of its API has no GET /a/{id}, so that nothing calls the \
                       function; add it there, or MergeDefinitions: true to the API";
        let expected: &[&str] = if is_served { &[] } else { &[refusal] };
        assert_eq!(refused(&paths), expected, "{paths}");
    }
}

#[test]
fn types_without_a_counterpart_stay() {
    let expanded = expand(
        "  A:\n    Type: AWS::Serverless::Application\n    Properties:\n      Location: {ApplicationId: arn, SemanticVersion: \
         1.0.0}\n  S:\n    Type: AWS::Serverless::StateMachine\n",
    );
    assert_eq!(
        expanded.refusals,
        [
            "t.yaml:6:17: A is an application of the Serverless Application Repository, which cannot be read here: download \
          its template, and write Location: ./its-template.yaml"
        ]
    );
    assert_eq!(
        expanded.resources["A"]["Type"],
        "AWS::Serverless::Application"
    );
    assert_eq!(
        expanded.resources["S"]["Type"],
        "AWS::Serverless::StateMachine"
    );
}

#[test]
fn what_was_made_cannot_replace_what_was_there() {
    let refusals = expand(&format!(
        "{FUNCTION}      AutoPublishAlias: live\n  FVersion:\n    Type: AWS::SQS::Queue\n"
    ))
    .refusals;
    assert_eq!(
        refusals,
        [
            "t.yaml:6:25: SAM makes an AWS::Lambda::Version with the id FVersion, which another resource has"
        ]
    );
}

#[test]
fn values_of_other_kinds_do_no_harm() {
    for properties in [
        "      Events: [1]\n",
        "      Events: {E: 1}\n",
        "      Events: {E: {Type: [1]}}\n",
        "      Events: {E: {Type: Api, Properties: [1]}}\n",
        "      Events: {E: {Type: Api, Properties: {Path: [1], Method: {}}}}\n",
        "      Events: {E: {Type: S3, Properties: {Bucket: {Ref: [1]}, Events: {}}}}\n",
        "      Events: {E: {Type: HttpApi, Properties: {ApiId: {}}}}\n",
        "      Environment: 1\n      Tags: [1]\n      CodeUri: [1]\n      Layers: {}\n",
        "      EventInvokeConfig: 1\n      FunctionUrlConfig: x\n      DeadLetterQueue: x\n",
        "      EventInvokeConfig: {DestinationConfig: {OnFailure: x}}\n",
        "      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS, Destination: {Fn::If: [1]}}}}\n",
        "      AutoPublishAlias: {Fn::Sub: '${'}\n",
        "      Description: {Fn::Sub: '${F.Alias'}\n      Role: {Fn::GetAtt: {}}\n",
    ] {
        let expanded = expand(&format!("{FUNCTION}{properties}"));
        assert_eq!(
            expanded.resources["F"]["Type"], "AWS::Lambda::Function",
            "{properties}"
        );
    }
    for api in [
        "Auth: 1",
        "Auth: {Authorizers: 1, DefaultAuthorizer: {}}",
        "Cors: [1]",
        "Domain: 1",
        "Models: {M: 1}",
    ] {
        for kind in ["Api", "HttpApi", "WebSocketApi"] {
            let text = format!(
                "  A:\n    Type: AWS::Serverless::{kind}\n    Properties: {{{api}, Routes: {{a: 1}}}}\n"
            );
            let expanded = expand(&text);
            let made = expanded.resources["A"]["Type"].as_str().unwrap();
            assert!(made.starts_with("AWS::ApiGateway"), "{text}");
        }
    }
}

#[test]
fn a_domain_can_be_referred_to() {
    let expanded = expand(
        "  A:\n    Type: AWS::Serverless::Api\n    Properties: {StageName: s, Domain: {DomainName: d.example.com}}\n  B:\n    \
         Type: AWS::SQS::Queue\n    Properties: {QueueName: !Ref A.DomainName}\n",
    );
    let name = &expanded.resources["B"]["Properties"]["QueueName"];
    assert_eq!(*name, json!({"Ref": "ADomainName"}));
    let domain = &expanded.resources["ADomainName"]["Properties"];
    assert_eq!(*domain, json!({"DomainName": "d.example.com"}));
}

#[test]
fn many_routes_are_expanded_at_once() {
    let routes = 2000;
    let events: String = (0..routes)
        .map(|number| {
            format!(
                "        E{number}: {{Type: Api, Properties: {{Path: /p/{number}, Method: get}}}}\n"
            )
        })
        .collect();
    let started = std::time::Instant::now();
    let expanded = expand(&format!("{FUNCTION}      Events:\n{events}"));
    let body = &expanded.resources["ServerlessRestApi"]["Properties"]["Body"];
    assert_eq!(body["paths"].as_object().unwrap().len(), routes);
    // Far more than needed: what is quadratic takes minutes.
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn keys_inside_of_properties_are_checked() {
    let text = "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function: {FunctionUrlConfig: {AuthType: NONE, \
                Cros: {}}}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
                EventInvokeConfig: {DestinationConfig: {OnFailur: {}}}\n      Events:\n        E:\n          Type: \
                Api\n          Properties: {Path: /, Method: get, Auth: {Authoriser: NONE}}\n  A:\n    Type: \
                AWS::Serverless::Api\n    Properties: {StageName: s, Cors: {AllowOrigins: \"'*'\"}, Auth: {Authorizers: \
                {C: {UserPoolArn: arn, Identity: {Heder: x}}}}}\n";
    assert_eq!(
        expand_all(text).notes,
        [
            "t.yaml:3:50: Globals.Function.FunctionUrlConfig has an unknown key Cros; did you mean Cors?",
            "t.yaml:8:47: F.EventInvokeConfig.DestinationConfig has an unknown key OnFailur; did you mean OnFailure?",
            "t.yaml:12:53: F.Events.E.Auth has an unknown key Authoriser; did you mean Authorizer?",
            "t.yaml:15:39: A.Cors has an unknown key AllowOrigins; did you mean AllowOrigin?",
            "t.yaml:15:115: A.Auth.Authorizers.C.Identity has an unknown key Heder; did you mean Header?",
        ]
    );
}

#[test]
fn a_template_without_the_macro_is_read_as_if_it_had_it() {
    let text =
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: src}\n";
    let expanded = expand_all(text);
    assert_eq!(expanded.resources["F"]["Properties"]["Code"], "src");
    assert_eq!(
        expanded.notes,
        [
            "t.yaml:3:11: AWS reads types of SAM only in templates with Transform: AWS::Serverless-2016-10-31"
        ]
    );
}

#[test]
fn values_of_another_kind_are_refused() {
    let expanded = expand(
        "  A:\n    Type: AWS::Serverless::Api\n    Properties: {StageName: s, Auth: x, Models: {M: 1}}\n  F:\n    Type: \
         AWS::Serverless::Function\n    Properties:\n      Layers: !Ref L\n      Tags: [a]\n      Environment: {Variables: \
         [A]}\n      Events:\n        E: 1\n        S: {Type: SQS, Properties: {Queue: q, FunctionResponseTypes: r}}\n",
    );
    assert_eq!(
        expanded.refusals,
        [
            "t.yaml:5:38: A.Auth must be a map, not a text",
            "t.yaml:5:53: A.Models.M must be a map, not a text",
            "t.yaml:10:13: F.Tags must be a map, not a list",
            "t.yaml:11:32: F.Environment.Variables must be a map, not a list",
            "t.yaml:13:12: F.Events.E must be a map, not a text",
            "t.yaml:14:70: F.Events.S.FunctionResponseTypes must be a list, not a text",
        ]
    );
}

#[test]
fn functions_cannot_stand_for_what_the_macro_reads() {
    let expanded = expand(
        "  A:\n    Type: AWS::Serverless::Api\n    Properties: {StageName: s, Auth: !If [C, {}, {}]}\n  B:\n    Type: \
         AWS::Serverless::Api\n    Properties: {StageName: s, Auth: {DefaultAuthorizer: !GetAtt F.Arn}}\n  H:\n    Type: \
         AWS::Serverless::HttpApi\n    Properties: {Auth: {DefaultAuthorizer: !GetAtt F.Arn, Authorizers: {X: !Ref F}}}\n",
    );
    assert_eq!(
        expanded.refusals,
        [
            "t.yaml:5:38: A.Auth must be a map, not an intrinsic function",
            "t.yaml:8:58: DefaultAuthorizer of B must be a name",
            "t.yaml:11:44: DefaultAuthorizer of H must be a name",
            "t.yaml:11:76: H.Auth.Authorizers.X must be a map, not an intrinsic function",
            "t.yaml:11:76: H: the authorizer X needs a JwtConfiguration or a FunctionArn",
        ]
    );
}

#[test]
fn what_authorizers_read_are_texts() {
    let expanded = expand(
        "  A:\n    Type: AWS::Serverless::Api\n    Properties:\n      StageName: s\n      Auth:\n        Authorizers:\n          \
         X: {FunctionArn: a, FunctionPayloadType: [REQUEST]}\n          Y: {FunctionArn: a, FunctionPayloadType: REQUEST, \
         Identity: {Headers: [a, {}]}}\n",
    );
    assert_eq!(
        expanded.refusals,
        [
            "t.yaml:9:14: A: FunctionPayloadType of the authorizer X must be TOKEN or REQUEST",
            "t.yaml:10:85: A.Auth.Authorizers.Y.Identity.Headers must be a list of texts, and has a map",
        ]
    );
}
