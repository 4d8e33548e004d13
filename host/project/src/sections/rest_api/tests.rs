use crate::sections::testing::triggers;

const F: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations";
const G: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:g/invocations";

/// Resources with the URIs of the functions.
fn with_uris(resources: &str) -> String {
    resources.replace("URI-F", F).replace("URI-G", G)
}

#[test]
fn the_implicit_api_of_sam() {
    let written = triggers(&with_uris(
        "
ServerlessRestApi:
  Type: AWS::ApiGateway::RestApi
  Properties:
    Body:
      info: {version: '1.0', title: hello}
      paths:
        /hello:
          get:
            x-amazon-apigateway-integration: {httpMethod: POST, type: aws_proxy, uri: 'URI-F'}
            responses: {}
        /items/{id}/:
          x-amazon-apigateway-any-method:
            x-amazon-apigateway-integration: {httpMethod: POST, type: aws_proxy, uri: 'URI-G'}
            responses: {}
      swagger: '2.0'
ServerlessRestApiDeploymentabc:
  Type: AWS::ApiGateway::Deployment
  Properties: {RestApiId: ServerlessRestApi, StageName: Stage}
ServerlessRestApiProdStage:
  Type: AWS::ApiGateway::Stage
  Properties: {RestApiId: ServerlessRestApi, DeploymentId: ServerlessRestApiDeploymentabc, StageName: Prod}
",
    ));
    assert_eq!(
        written.text,
        r#"[triggers.serverless-rest-api]
plugin = "api-gateway-rest"
listen = "127.0.0.1:3000"
stage = "Prod"
base-path = ""
disable-execute-api-endpoint = false

[triggers.serverless-rest-api.routes]
"GET /hello" = "f"
"ANY /items/{id}" = "g"
"#
    );
    assert_eq!(written.notes, [""; 0]);
    assert_eq!(written.refusals, [""; 0]);
}

#[test]
fn a_body_with_cors_authorizers_keys_models_and_responses() {
    let written = triggers(&with_uris(
        "
Api:
  Type: AWS::ApiGateway::RestApi
  Properties:
    BinaryMediaTypes: [image~1png, '*/*']
    Parameters: {basepath: prepend}
    Body:
      openapi: 3.0.1
      servers: [{url: 'https://example.com/{basePath}', variables: {basePath: {default: ''}}}]
      paths:
        /orders/{id}:
          parameters: [{name: id, in: path, required: true}]
          post:
            operationId: putOrder
            parameters: [{name: q, in: query, required: true}, {name: x-a, in: header, required: true}, {name: o, in: query}]
            requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Order-1'}}}}
            security: [{users: [], api_key: []}]
            x-amazon-apigateway-request-validator: all
            x-amazon-apigateway-integration: {httpMethod: POST, type: aws_proxy, uri: 'URI-F', timeoutInMillis: 5500}
          get:
            security: [{NONE: []}]
            x-amazon-apigateway-integration: {httpMethod: POST, type: AWS_PROXY, uri: 'URI-F'}
          put:
            security: [{pool: [a/b]}]
            x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/g'}
          delete:
            security: [{AWS_IAM: []}]
            x-amazon-apigateway-integration: {type: aws_proxy, uri: 'URI-G', responseTransferMode: STREAM}
          options:
            x-amazon-apigateway-integration:
              type: mock
              requestTemplates: {application/json: '{\"statusCode\" : 200}'}
              responses:
                default:
                  statusCode: '200'
                  responseParameters:
                    method.response.header.Access-Control-Allow-Origin: \"'*'\"
                    method.response.header.Access-Control-Allow-Methods: \"'GET,POST'\"
                  responseTemplates: {application/json: '{}'}
      components:
        x-amazon-apigateway-integrations:
          g: {type: aws_proxy, uri: 'URI-G'}
        schemas:
          Order-1: {type: object, required: [item], properties: {item: {$ref: '#/components/schemas/Item'}, n: {type: integer, nullable: true}}}
          Item: {type: string, xml: {name: i}}
          Other: {type: string}
        securitySchemes:
          api_key: {type: apiKey, name: x-api-key, in: header}
          AWS_IAM: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}
          users:
            type: apiKey
            name: x-token
            in: header
            x-amazon-apigateway-authtype: custom
            x-amazon-apigateway-authorizer: {type: token, authorizerUri: 'URI-G', authorizerResultTtlInSeconds: 0, identityValidationExpression: '^x'}
          query:
            type: apiKey
            name: Unused
            in: header
            x-amazon-apigateway-authorizer:
              type: request
              authorizerUri: 'URI-G'
              identitySource: method.request.header.a, method.request.querystring.b
          pool:
            type: apiKey
            name: Authorization
            in: header
            x-amazon-apigateway-authorizer:
              type: cognito_user_pools
              providerARNs: ['arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a']
      x-amazon-apigateway-request-validators:
        all: {validateRequestBody: true, validateRequestParameters: true}
      x-amazon-apigateway-gateway-responses:
        DEFAULT_4XX:
          statusCode: 418
          responseParameters: {gatewayresponse.header.Access-Control-Allow-Origin: \"'*'\"}
          responseTemplates: {application/json: '{\"message\": $context.error.messageString}'}
Key:
  Type: AWS::ApiGateway::ApiKey
  Properties: {Enabled: true, Value: abcdefghij0123456789}
Made:
  Type: AWS::ApiGateway::ApiKey
  Properties: {Enabled: true}
Plan:
  Type: AWS::ApiGateway::UsagePlan
  Properties:
    ApiStages: [{ApiId: Api, Stage: v1, Throttle: {'/orders/{id}/POST': {BurstLimit: 1, RateLimit: 2}}}]
    Quota: {Limit: 10, Period: DAY}
    Throttle: {BurstLimit: 5, RateLimit: 2.5}
Link:
  Type: AWS::ApiGateway::UsagePlanKey
  Properties: {KeyId: Key, KeyType: API_KEY, UsagePlanId: Plan}
Link2:
  Type: AWS::ApiGateway::UsagePlanKey
  Properties: {KeyId: Made, KeyType: API_KEY, UsagePlanId: Plan}
Stage:
  Type: AWS::ApiGateway::Stage
  Properties:
    RestApiId: Api
    StageName: v1
    Variables: {A: b}
    MethodSettings:
      - {HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20}
      - {HttpMethod: GET, ResourcePath: '/~1orders~1{id}', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2}
",
    ));
    assert_eq!(
        written.text,
        r#"[triggers.api]
plugin = "api-gateway-rest"
listen = "127.0.0.1:3000"
stage = "v1"
base-path = ""
disable-execute-api-endpoint = false
binary-media-types = ["image/png", "*/*"]
network = ["https://cognito-idp.eu-west-1.amazonaws.com"]

[triggers.api.stage-variables]
A = "b"

[triggers.api.throttle]
rate-limit = 10
burst-limit = 20

[triggers.api.gateway-responses.DEFAULT_4XX]
status-code = 418

[triggers.api.gateway-responses.DEFAULT_4XX.headers]
Access-Control-Allow-Origin = "*"

[triggers.api.gateway-responses.DEFAULT_4XX.response-templates]
"application/json" = "{\"message\": $context.error.messageString}"

[triggers.api.api-keys]
Key = "abcdefghij0123456789"
Made = "bf019931d5801a858ca71e66bfd44009bd74e02e"

[triggers.api.usage-plans.Plan]
api-keys = ["Key", "Made"]

[triggers.api.usage-plans.Plan.throttle]
rate-limit = 2.5
burst-limit = 5

[triggers.api.usage-plans.Plan.quota]
limit = 10
period = "DAY"

[triggers.api.usage-plans.Plan.method-throttles."POST /orders/{id}"]
rate-limit = 2
burst-limit = 1

[triggers.api.models.Item]
type = "string"

[triggers.api.models.Order1]
required = ["item"]
type = "object"

[triggers.api.models.Order1.properties.item]
"$ref" = "https://apigateway.amazonaws.com/restapis/api/models/Item"

[triggers.api.models.Order1.properties.n]
type = ["integer", "null"]

[triggers.api.routes."POST /orders/{id}"]
function = "f"
timeout = 5.5
authorizer = "users"
api-key-required = true
required-parameters = ["querystring.q", "header.x-a"]
operation-name = "putOrder"

[triggers.api.routes."POST /orders/{id}".request-models]
"application/json" = "Order1"

[triggers.api.routes."GET /orders/{id}"]
function = "f"

[triggers.api.routes."GET /orders/{id}".throttle]
rate-limit = 1
burst-limit = 2

[triggers.api.routes."PUT /orders/{id}"]
function = "g"
authorizer = "pool"
authorization-scopes = ["a/b"]

[triggers.api.routes."DELETE /orders/{id}"]
function = "g"
response-transfer-mode = "STREAM"
authorizer = "iam"

[triggers.api.routes."OPTIONS /orders/{id}".mock]
status-code = 200
body = "{}"

[triggers.api.routes."OPTIONS /orders/{id}".mock.headers]
Access-Control-Allow-Origin = "*"
Access-Control-Allow-Methods = "GET,POST"
Content-Type = "application/json"

[triggers.api.authorizers.users]
type = "token"
function = "g"
identity-source = "method.request.header.x-token"
result-ttl = 0
identity-validation-expression = "^x"

[triggers.api.authorizers.query]
type = "request"
function = "g"
identity-source = ["method.request.header.a", "method.request.querystring.b"]

[triggers.api.authorizers.pool]
type = "cognito"
issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a"

[triggers.api.authorizers.iam]
type = "iam"
"#
    );
    assert_eq!(
        written.notes,
        [
            "template.yaml:81:1: the API key Made has the value bf019931d5801a858ca71e66bfd44009bd74e02e here"
        ]
    );
    assert_eq!(written.refusals, [""; 0]);
}

#[test]
fn an_api_of_resources_and_methods() {
    let written = triggers(&with_uris(
        "
Api:
  Type: AWS::ApiGateway::RestApi
  Properties: {Name: tree}
Items:
  Type: AWS::ApiGateway::Resource
  Properties: {RestApiId: Api, ParentId: /, PathPart: items}
Item:
  Type: AWS::ApiGateway::Resource
  Properties: {RestApiId: Api, ParentId: Items, PathPart: '{id}'}
Root:
  Type: AWS::ApiGateway::Method
  Properties: {RestApiId: Api, ResourceId: /, HttpMethod: ANY, AuthorizationType: NONE, Integration: {Type: AWS_PROXY, IntegrationHttpMethod: POST, Uri: 'URI-F'}}
Get:
  Type: AWS::ApiGateway::Method
  Properties:
    RestApiId: Api
    ResourceId: Item
    HttpMethod: GET
    AuthorizationType: CUSTOM
    AuthorizerId: Auth
    ApiKeyRequired: true
    RequestValidatorId: Validator
    RequestParameters: {method.request.querystring.q: true, method.request.header.h: false, method.request.path.id: true}
    RequestModels: {application/json: Model}
    Integration: {Type: AWS_PROXY, IntegrationHttpMethod: POST, Uri: 'URI-F', TimeoutInMillis: 29000}
Options:
  Type: AWS::ApiGateway::Method
  Properties:
    RestApiId: Api
    ResourceId: Item
    HttpMethod: OPTIONS
    Integration:
      Type: MOCK
      RequestTemplates: {application/json: '{ statusCode: 204 }'}
      IntegrationResponses:
        - StatusCode: '204'
          ResponseParameters: {method.response.header.Access-Control-Allow-Headers: \"'Content-Type'\"}
Post:
  Type: AWS::ApiGateway::Method
  Properties:
    RestApiId: Api
    ResourceId: Items
    HttpMethod: POST
    AuthorizationType: COGNITO_USER_POOLS
    AuthorizerId: Pool
    Integration:
      Type: AWS
      IntegrationHttpMethod: POST
      Uri: 'URI-G'
      PassthroughBehavior: NEVER
      RequestParameters: {integration.request.header.X-Amz-Invocation-Type: \"'Event'\"}
      RequestTemplates: {application/json: \"$input.json('$')\"}
      IntegrationResponses:
        - StatusCode: 200
        - StatusCode: 400
          SelectionPattern: .*Bad.*
          ResponseTemplates: {application/json: '{\"m\": $input.json(\"$.errorMessage\")}'}
Put:
  Type: AWS::ApiGateway::Method
  Properties:
    RestApiId: Api
    ResourceId: Items
    HttpMethod: PUT
    Integration: {Type: HTTP_PROXY, IntegrationHttpMethod: ANY, Uri: 'https://example.com/a'}
Delete:
  Type: AWS::ApiGateway::Method
  Properties:
    RestApiId: Api
    ResourceId: Items
    HttpMethod: DELETE
    Integration: {Type: AWS, IntegrationHttpMethod: POST, Uri: 'arn:aws:apigateway:us-east-1:sqs:path/123456789012/q'}
Auth:
  Type: AWS::ApiGateway::Authorizer
  Properties: {RestApiId: Api, Name: auth, Type: REQUEST, AuthorizerUri: 'URI-G', IdentitySource: method.request.header.x, AuthorizerResultTtlInSeconds: 300}
Pool:
  Type: AWS::ApiGateway::Authorizer
  Properties: {RestApiId: Api, Name: pool, Type: COGNITO_USER_POOLS, IdentitySource: method.request.header.Authorization, ProviderARNs: [!Unknown Users is an AWS::Cognito::UserPool]}
Validator:
  Type: AWS::ApiGateway::RequestValidator
  Properties: {RestApiId: Api, ValidateRequestBody: true, ValidateRequestParameters: true}
Model:
  Type: AWS::ApiGateway::Model
  Properties: {RestApiId: Api, ContentType: application/json, Schema: {type: object, required: [a]}}
Made:
  Type: AWS::ApiGateway::ApiKey
  Properties: {StageKeys: [{RestApiId: Api, StageName: dev}]}
Deployment:
  Type: AWS::ApiGateway::Deployment
  Properties: {RestApiId: Api, StageName: dev, StageDescription: {Variables: {v: '1'}}}
Missing:
  Type: AWS::ApiGateway::GatewayResponse
  Properties: {RestApiId: Api, ResponseType: MISSING_AUTHENTICATION_TOKEN, StatusCode: '404', ResponseParameters: {gatewayresponse.header.x: method.request.header.x}}
Mapping:
  Type: AWS::ApiGateway::BasePathMapping
  Properties: {RestApiId: Api, BasePath: /v1/, DomainName: api.example.com}
RootMapping:
  Type: AWS::ApiGateway::BasePathMapping
  Properties: {RestApiId: Api, BasePath: (none), DomainName: api.example.org}
Again:
  Type: AWS::ApiGateway::BasePathMapping
  Properties: {RestApiId: Api, BasePath: v1, DomainName: api.example.org}
",
    ));
    assert_eq!(
        written.text,
        r#"[triggers.api]
plugin = "api-gateway-rest"
listen = "127.0.0.1:3000"
stage = "dev"
base-paths = ["", "v1"]
disable-execute-api-endpoint = false
network = ["https://unknown.invalid", "https://example.com"]

[triggers.api.stage-variables]
v = "1"

[triggers.api.gateway-responses.MISSING_AUTHENTICATION_TOKEN]
status-code = 404

[triggers.api.gateway-responses.MISSING_AUTHENTICATION_TOKEN.headers]
x = "method.request.header.x"

[triggers.api.api-keys]
Made = "bf019931d5801a858ca71e66bfd44009bd74e02e"

[triggers.api.models.Model]
required = ["a"]
type = "object"

[triggers.api.routes]
"ANY /" = "f"

[triggers.api.routes."GET /items/{id}"]
function = "f"
authorizer = "Auth"
api-key-required = true
required-parameters = ["querystring.q"]

[triggers.api.routes."GET /items/{id}".request-models]
"application/json" = "Model"

[triggers.api.routes."OPTIONS /items/{id}".mock]
status-code = 204

[triggers.api.routes."OPTIONS /items/{id}".mock.headers]
Access-Control-Allow-Headers = "Content-Type"

[triggers.api.routes."POST /items"]
function = "g"
integration = "AWS"
passthrough-behavior = "NEVER"
integration-responses = [
    { status-code = 200 },
    { status-code = 400, selection-pattern = ".*Bad.*", response-templates = { "application/json" = "{\"m\": $input.json(\"$.errorMessage\")}" } },
]
authorizer = "Pool"

[triggers.api.routes."POST /items".request-templates]
"application/json" = "$input.json('$')"

[triggers.api.routes."POST /items".request-parameters]
"integration.request.header.X-Amz-Invocation-Type" = "'Event'"

[triggers.api.routes."PUT /items"]
integration = "HTTP_PROXY"
uri = "https://example.com/a"

[triggers.api.authorizers.Auth]
type = "request"
function = "g"
identity-source = "method.request.header.x"
result-ttl = 300

[triggers.api.authorizers.Pool]
type = "cognito"
issuer = "https://unknown.invalid"
"#
    );
    assert_eq!(
        written.notes,
        [
            "template.yaml:76:1: the authorizer Pool accepts only tokens of an issuer that exists on AWS (Users is an \
             AWS::Cognito::UserPool): to accept others, set `issuer`, `audience` and `jwks` in \
             [triggers.api.authorizers.Pool]",
            "template.yaml:85:1: the API key Made has the value bf019931d5801a858ca71e66bfd44009bd74e02e here",
        ]
    );
    assert_eq!(
        written.refusals,
        [
            "template.yaml:66:1: DELETE /items goes to sqs (path/123456789012/q), not to a function: it is not served"
        ]
    );
}
