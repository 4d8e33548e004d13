//! Documents and trees that are wrong, or written to do harm.

use crate::sections::testing::triggers;

const F: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations";

fn api(body: &str) -> String {
    let body = body.replace("URI-F", F).replace('\n', "\n      ");
    format!("Api:\n  Type: AWS::ApiGateway::RestApi\n  Properties:\n    Body:\n      {body}\n")
}

#[test]
fn references_in_a_circle_end() {
    let written = triggers(&api("
paths:
  /a: {$ref: '#/paths/~1b'}
  /b: {$ref: '#/paths/~1a'}
  /c:
    get:
      x-amazon-apigateway-request-validator: v
      x-amazon-apigateway-integration: {$ref: '#/x'}
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Node'}}}}
  /d:
    get:
      x-amazon-apigateway-integration: {$ref: '#/none'}
x: {type: aws_proxy, uri: 'URI-F'}
x-amazon-apigateway-request-validators: {v: {validateRequestBody: true}}
components:
  schemas:
    Node: {type: object, properties: {next: {$ref: '#/components/schemas/Node'}, other: {$ref: '#/components/schemas/Gone'}}}
"));
    assert_eq!(
        written.text,
        r#"[triggers.api]
plugin = "api-gateway-rest"
listen = "127.0.0.1:3000"
stage = "prod"
base-path = ""
disable-execute-api-endpoint = false

[triggers.api.routes]
"GET /c" = "f"
"#
    );
    assert_eq!(
        written.refusals,
        ["template.yaml:15:11: GET /d has an integration without a type: it is not served",]
    );
    assert_eq!(
        written.notes,
        [
            "template.yaml:13:64: bodies are not compared with the model Node: properties.other.$ref: there is \
             no such definition or model",
        ]
    );
}

#[test]
fn a_resource_that_is_its_own_parent_has_no_path() {
    let written = triggers(
        "
Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: a}}
A: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: Api, ParentId: B, PathPart: a}}
B: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: Api, ParentId: A, PathPart: b}}
C: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: Api, ParentId: root}}
M: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: Api, ResourceId: A, HttpMethod: GET, Integration: {Type: MOCK}}}
N: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: Api, ResourceId: C, HttpMethod: GET}}
O: {Type: AWS::ApiGateway::Method, Properties: {ResourceId: root, HttpMethod: GET}}
P: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !Unknown Api is in another stack, ResourceId: root, HttpMethod: GET}}
",
    );
    assert_eq!(written.text, "");
    assert_eq!(
        written.refusals,
        [
            "template.yaml:6:1: the method M is below a resource that is its own parent: it is not served",
            "template.yaml:7:1: the method N is below C, which has no PathPart: it is not served",
            "template.yaml:8:1: O has no RestApiId: it is not served",
            "template.yaml:9:60: the API of P is not known here: Api is in another stack",
        ]
    );
    assert_eq!(
        written.notes,
        ["template.yaml:2:1: the API Api has no methods that can be served"]
    );
}

#[test]
fn what_a_method_cannot_do_here_costs_that_method() {
    let integration = |path: &str, integration: &str| {
        format!("  {path}:\n    get:\n      x-amazon-apigateway-integration: {{{integration}}}\n")
    };
    let paths = [
        ("/good", "type: aws_proxy, uri: 'URI-F'"),
        ("/none", ""),
        ("/type", "type: other, uri: 'URI-F'"),
        ("/http", "type: http, uri: 'https://example.com'"),
        (
            "/link",
            "type: http_proxy, connectionType: VPC_LINK, connectionId: l, uri: 'http://internal'",
        ),
        ("/name", "type: http_proxy, uri: 'https://example.com/{id}'"),
        ("/uri", "type: http_proxy, uri: 'example.com'"),
        (
            "/states",
            "type: aws, uri: 'arn:aws:apigateway:us-east-1:states:action/StartExecution'",
        ),
        ("/unknown", "type: aws_proxy, uri: !Unknown F is an import"),
        ("/list", "type: aws_proxy, uri: [a]"),
        ("/empty", "type: aws, uri: 'URI-F'"),
        (
            "/vtl",
            "type: aws, uri: 'URI-F', responses: {default: {statusCode: 200}}, requestTemplates: {application/json: '#foreach('}",
        ),
        (
            "/variable",
            "type: aws_proxy, uri: 'arn:aws:lambda:us-east-1:1:function:${stageVariables.f}'",
        ),
        (
            "/other",
            "type: aws_proxy, uri: 'arn:aws:lambda:us-east-1:1:function:other'",
        ),
    ];
    let paths: String = paths
        .iter()
        .map(|(path, it)| integration(path, it))
        .collect();
    let auth = "  /auth:\n    get:\n      security: [{nobody: []}]\n      x-amazon-apigateway-integration: {type: aws_proxy, uri: 'URI-F'}\n";
    let written = triggers(&api(&format!("\npaths:\n{paths}{auth}")));
    assert!(
        written
            .text
            .ends_with("[triggers.api.routes]\n\"GET /good\" = \"f\"\n"),
        "{}",
        written.text
    );
    let said: Vec<_> = written
        .refusals
        .iter()
        .map(|line| line.split_once(": ").unwrap().1)
        .collect();
    assert_eq!(
        said,
        [
            "GET /none has an integration without a type: it is not served",
            "GET /type goes to \
             arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations \
             (OTHER), not to a function: it is not served",
            "GET /http goes to https://example.com (HTTP), not to a function: it is not served",
            "GET /link goes to http://internal through a VPC link: it is not served",
            "GET /name goes to https://example.com/{id}, and nothing sets {id}: it is not served",
            "GET /uri goes to example.com, which is not a URL outside of the project: it is not served",
            "GET /states goes to states (action/StartExecution), not to a function: it is not served",
            "GET /unknown goes to something that exists on AWS only (F is an import): it is not served",
            "GET /list has a list where the ARN of a function is expected: it is not served",
            "GET /empty has an AWS integration without integration responses, which API Gateway answers with \
             500: it is not served",
            "GET /vtl has a mapping template for application/json that cannot be used here (line 1: `#foreach` \
             needs a variable: `#foreach($item in $list)`): it is not served",
            "GET /variable uses the stage variable f, which its stage does not have: it is not served",
            "GET /other invokes the function other, which is not one of the project's functions: it is not \
             served",
            "GET /auth needs the authorizer nobody, which the project does not define: it is not served",
        ]
    );
}
