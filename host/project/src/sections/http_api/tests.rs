use crate::sections::testing::triggers;

#[test]
fn an_api_of_routes_and_integrations() {
    let written = triggers(
        "
WebApi:
  Type: AWS::ApiGatewayV2::Api
  Properties:
    Name: web
    ProtocolType: HTTP
    CorsConfiguration: {AllowOrigins: ['https://a.example'], AllowMethods: ['*'], AllowCredentials: true}
Stage:
  Type: AWS::ApiGatewayV2::Stage
  Properties:
    ApiId: WebApi
    StageName: $default
    AutoDeploy: true
    StageVariables: {TABLE: items}
    DefaultRouteSettings: {ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200}
    RouteSettings: {'GET /x/{id}': {ThrottlingRateLimit: 0.5, ThrottlingBurstLimit: 1}}
I:
  Type: AWS::ApiGatewayV2::Integration
  Properties:
    ApiId: WebApi
    IntegrationType: AWS_PROXY
    IntegrationUri: arn:aws:lambda:us-east-1:123456789012:function:f
    PayloadFormatVersion: '2.0'
    TimeoutInMillis: 2500
J:
  Type: AWS::ApiGatewayV2::Integration
  Properties:
    ApiId: WebApi
    IntegrationType: AWS_PROXY
    IntegrationUri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:g/invocations
    PayloadFormatVersion: 1.0
Q:
  Type: AWS::ApiGatewayV2::Integration
  Properties: {ApiId: WebApi, IntegrationType: AWS_PROXY, IntegrationSubtype: SQS-SendMessage, PayloadFormatVersion: '1.0'}
R1:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: WebApi, RouteKey: 'GET /x/{id}', Target: integrations/I}
R2:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: WebApi, RouteKey: 'ANY /{proxy+}', Target: integrations/J, AuthorizationType: JWT, AuthorizerId: Users, AuthorizationScopes: [a, b]}
R3:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: WebApi, RouteKey: POST /submit, Target: integrations/Q}
R4:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: WebApi, RouteKey: $default, Target: integrations/I, AuthorizationType: AWS_IAM}
R5:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: WebApi, RouteKey: GET /none, Target: integrations/None}
R6:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: WebApi, RouteKey: GET /c, Target: integrations/I, AuthorizationType: CUSTOM, AuthorizerId: Check}
Users:
  Type: AWS::ApiGatewayV2::Authorizer
  Properties:
    ApiId: WebApi
    AuthorizerType: JWT
    IdentitySource: [$request.header.Authorization]
    JwtConfiguration: {Issuer: 'https://issuer.example', Audience: [me]}
Check:
  Type: AWS::ApiGatewayV2::Authorizer
  Properties:
    ApiId: WebApi
    AuthorizerType: REQUEST
    AuthorizerUri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:g/invocations
    IdentitySource: [$request.header.x-key, $context.routeKey]
    AuthorizerPayloadFormatVersion: '2.0'
    EnableSimpleResponses: true
    AuthorizerResultTtlInSeconds: 60
",
    );
    assert_eq!(
        written.text,
        r#"[triggers.web-api]
plugin = "api-gateway-http"
listen = "127.0.0.1:3000"
network = ["https://issuer.example"]

[triggers.web-api.stage-variables]
TABLE = "items"

[triggers.web-api.throttle]
rate-limit = 100
burst-limit = 200

[triggers.web-api.cors]
allow-origins = ["https://a.example"]
allow-methods = ["*"]
allow-credentials = true

[triggers.web-api.routes."GET /x/{id}"]
function = "f"
timeout = 2.5

[triggers.web-api.routes."GET /x/{id}".throttle]
rate-limit = 0.5
burst-limit = 1

[triggers.web-api.routes."ANY /{proxy+}"]
function = "g"
payload-format-version = "1.0"
authorizer = "Users"
authorization-scopes = ["a", "b"]

[triggers.web-api.routes."$default"]
function = "f"
timeout = 2.5
authorizer = "iam"

[triggers.web-api.routes."GET /c"]
function = "f"
timeout = 2.5
authorizer = "Check"

[triggers.web-api.authorizers.Users]
type = "jwt"
issuer = "https://issuer.example"
audience = ["me"]

[triggers.web-api.authorizers.Check]
type = "request"
function = "g"
identity-source = ["$request.header.x-key", "$context.routeKey"]
result-ttl = 60
enable-simple-responses = true

[triggers.web-api.authorizers.iam]
type = "iam"
"#
    );
    assert_eq!(
        written.refusals,
        [
            "template.yaml:41:1: POST /submit goes to SQS-SendMessage, not to a function: it is not served",
            "template.yaml:47:1: GET /none has no integration in the project: it is not served",
        ]
    );
    assert_eq!(written.notes, [""; 0]);
}

#[test]
fn a_route_is_left_out_with_its_function() {
    let written = triggers(
        "
Left:
  Type: AWS::Lambda::Function
  Properties: {Code: {S3Bucket: b, S3Key: k}, Handler: a.b, Runtime: python3.13}
Api:
  Type: AWS::ApiGatewayV2::Api
  Properties: {ProtocolType: HTTP, Target: 'arn:aws:lambda:us-east-1:123456789012:function:f'}
R:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: Api, RouteKey: GET /left, Target: integrations/I, AuthorizationScopes: [a]}
I:
  Type: AWS::ApiGatewayV2::Integration
  Properties: {ApiId: Api, IntegrationType: AWS_PROXY, IntegrationUri: 'arn:aws:lambda:us-east-1:123456789012:function:Left'}
",
    );
    assert_eq!(
        written.text,
        r#"[triggers.api]
plugin = "api-gateway-http"
listen = "127.0.0.1:3000"

[triggers.api.routes]
"$default" = "f"
"#
    );
    assert_eq!(
        written.notes,
        ["template.yaml:8:1: GET /left is left out with its function Left"]
    );
    assert_eq!(written.refusals.len(), 1, "{:?}", written.refusals);
}

#[test]
fn an_api_of_a_document_and_quick_create() {
    let written = triggers(
        r##"
Doc:
  Type: AWS::ApiGatewayV2::Api
  Properties:
    Body: |
      openapi: 3.0.1
      info: {title: doc, version: '1'}
      x-amazon-apigateway-cors: {allowOrigins: ['*'], allowMethods: ['*'], maxAge: 0}
      security: [{jwt: [all]}]
      paths:
        /$default:
          x-amazon-apigateway-any-method:
            security: []
            isDefaultRoute: true
            x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/f'}
        /a/{b}:
          get:
            x-amazon-apigateway-integration: {type: aws_proxy, uri: 'arn:aws:lambda:us-east-1:123456789012:function:g', payloadFormatVersion: '2.0'}
          post:
            security: [{check: []}]
            x-amazon-apigateway-integration: {type: http_proxy, httpMethod: POST, uri: 'https://example.com', payloadFormatVersion: '1.0'}
      components:
        x-amazon-apigateway-integrations:
          f: {type: AWS_PROXY, httpMethod: POST, uri: 'arn:aws:lambda:us-east-1:123456789012:function:f', payloadFormatVersion: '2.0', timeoutInMillis: 30000}
        securitySchemes:
          jwt:
            type: openIdConnect
            openIdConnectUrl: https://issuer.example/x/.well-known/openid-configuration
            x-amazon-apigateway-authorizer:
              type: jwt
              identitySource: $request.header.x-token
              jwtConfiguration: {audience: [a, b]}
          check:
            type: apiKey
            in: header
            name: Authorization
            x-amazon-apigateway-authorizer:
              type: request
              identitySource: $request.header.Authorization, $request.querystring.t
              authorizerUri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:g/invocations
              authorizerPayloadFormatVersion: '1.0'
Quick:
  Type: AWS::ApiGatewayV2::Api
  Properties: {Name: q, ProtocolType: HTTP, RouteKey: get /q/, Target: 'arn:aws:lambda:us-east-1:123456789012:function:f'}
Broken:
  Type: AWS::ApiGatewayV2::Api
  Properties: {Body: '{"a": [}'}
Far:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: a1b2c3d4e5, RouteKey: GET /far, Target: integrations/FarF}
FarF:
  Type: AWS::ApiGatewayV2::Integration
  Properties: {ApiId: a1b2c3d4e5, IntegrationType: AWS_PROXY, IntegrationUri: 'arn:aws:lambda:us-east-1:123456789012:function:f', PayloadFormatVersion: '2.0'}
"##,
    );
    assert_eq!(
        written.text,
        r#"[triggers.doc]
plugin = "api-gateway-http"
listen = "127.0.0.1:3000"
network = ["https://issuer.example"]

[triggers.doc.cors]
allow-origins = ["*"]
allow-methods = ["*"]
max-age = 0

[triggers.doc.routes]
"$default" = "f"

[triggers.doc.routes."GET /a/{b}"]
function = "g"
authorizer = "jwt"
authorization-scopes = ["all"]

[triggers.doc.authorizers.jwt]
type = "jwt"
issuer = "https://issuer.example/x"
audience = ["a", "b"]
identity-source = "$request.header.x-token"

[triggers.doc.authorizers.check]
type = "request"
function = "g"
identity-source = ["$request.header.Authorization", "$request.querystring.t"]
payload-format-version = "1.0"

[triggers.quick]
plugin = "api-gateway-http"
listen = "127.0.0.1:3003"

[triggers.quick.routes]
"GET /q" = "f"

[triggers.api]
plugin = "api-gateway-http"
listen = "127.0.0.1:3004"
api-id = "a1b2c3d4e5"

[triggers.api.routes]
"GET /far" = "f"
"#
    );
    assert_eq!(
        written.notes,
        [
            "template.yaml:42:1: get /q/ is served as GET /q",
            "template.yaml:45:1: the API Broken has no routes that can be served",
            "template.yaml:50:23: the API a1b2c3d4e5 is not in the project; its routes that are in the project are those of \
             the trigger api",
        ]
    );
    assert_eq!(
        written.refusals,
        [
            "template.yaml:47:22: the OpenAPI document of Broken cannot be read: Broken (Body):1:8: while parsing a node, did \
             not find expected node content",
            "Doc (Body):14:5: POST /a/{b} goes to https://example.com (HTTP_PROXY), not to a function: it is not served",
        ]
    );
}
