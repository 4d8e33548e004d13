//! Front doors of templates: what a template says becomes triggers that the plugins accept, and that answer as it says.

use std::fs;

use serde_json::Value;

use crate::support::{Project, RAW_BOOTSTRAP, Reply, Server, request};

/// The doors of the template, with the parts of its API of resources that `routes` lists one by one.
const TEMPLATE: &str = r#"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {CodeUri: ., Handler: bootstrap, Runtime: provided.al2023}
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {RAW_BOOTSTRAP_RECORD: EVENTS, RAW_BOOTSTRAP_ANSWER: '{"statusCode":200,"body":"done"}'}}
      FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigins: ['https://app.example']}}
      Events:
        Get: {Type: Api, Properties: {Path: '/orders/{id}', Method: get}}
        Route: {Type: HttpApi, Properties: {Path: '/items/{id}', Method: get}}
  Deny:
    Type: AWS::Serverless::Function
    Properties: {Environment: {Variables: {RAW_BOOTSTRAP_ANSWER: '{"isAuthorized":false}'}}}

  Tree: {Type: AWS::ApiGateway::RestApi, Properties: {Name: tree}}
  Stage: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Tree, StageName: v1, Variables: {color: blue}}}
  Sub: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Tree, ParentId: !GetAtt Tree.RootResourceId, PathPart: sub}}
  Post:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Tree
      ResourceId: !Ref Sub
      HttpMethod: POST
      ApiKeyRequired: true
      RequestValidatorId: !Ref Validator
      RequestModels: {application/json: !Ref Model}
      Integration:
        Type: AWS_PROXY
        Uri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations'
  Options:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Tree
      ResourceId: !Ref Sub
      HttpMethod: OPTIONS
      Integration:
        Type: MOCK
        RequestTemplates: {application/json: '{ statusCode: 200 }'}
        IntegrationResponses:
          - StatusCode: 204
            ResponseParameters: {method.response.header.Access-Control-Allow-Origin: "'https://app.example'"}
  Validator: {Type: AWS::ApiGateway::RequestValidator, Properties: {RestApiId: !Ref Tree, ValidateRequestBody: true}}
  Model:
    Type: AWS::ApiGateway::Model
    Properties: {RestApiId: !Ref Tree, ContentType: application/json, Schema: {type: object, required: [item]}}
  Key: {Type: AWS::ApiGateway::ApiKey, Properties: {Value: abcdefghij0123456789}}
  Plan: {Type: AWS::ApiGateway::UsagePlan, Properties: {ApiStages: [{ApiId: !Ref Tree, Stage: !Ref Stage}]}}
  Link: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}}
  Missing:
    Type: AWS::ApiGateway::GatewayResponse
    Properties:
      RestApiId: !Ref Tree
      ResponseType: MISSING_AUTHENTICATION_TOKEN
      StatusCode: '404'
      ResponseTemplates: {application/json: '{"m": $context.error.messageString}'}

  Guarded: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP, CorsConfiguration: {AllowOrigins: ['*']}}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Guarded, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Fn.Arn, PayloadFormatVersion: '1.0'}
  Open:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Guarded, RouteKey: GET /open, Target: !Sub 'integrations/${Integration}'}
  Closed:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Guarded
      RouteKey: GET /closed
      Target: !Join ['/', [integrations, !Ref Integration]]
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Authorizer
  Authorizer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Guarded
      AuthorizerType: REQUEST
      AuthorizerUri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Deny.Arn}/invocations'
      AuthorizerPayloadFormatVersion: '2.0'
      EnableSimpleResponses: true

  Chat: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  ChatStage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Chat, StageName: live}}
  ChatIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Chat
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations'
  ChatRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Chat, RouteKey: $default, Target: !Sub 'integrations/${ChatIntegration}'}

  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer}
  Web:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Balancer
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: '404', MessageBody: none}}]
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Web
      Priority: 1
      Conditions: [{Field: path-pattern, Values: [/f/*]}]
      Actions: [{Type: forward, TargetGroupArn: !Ref Group}]
  Group: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {TargetType: lambda, Targets: [{Id: !GetAtt Fn.Arn}]}}
"#;

/// The triggers of the template.
const TRIGGERS: [&str; 7] = [
    "serverless-rest-api",
    "serverless-http-api",
    "tree",
    "guarded",
    "chat",
    "web",
    "Fn-url",
];

/// The template's project, on free ports, and its function's events.
struct Doors {
    project: Project,
    server: Server,
}

impl Doors {
    fn start() -> Self {
        let listen = |name: &str| format!("[triggers.{name}]\nlisten = \"127.0.0.1:0\"\n");
        let listens: String = TRIGGERS.map(listen).concat();
        let project = Project::new(&format!("extends = \"template.yaml\"\n{listens}"));
        let record = project.path().join("events");
        project.file(
            "template.yaml",
            TEMPLATE.replace("EVENTS", record.to_str().unwrap()),
        );
        project.executable("bootstrap", fs::read(RAW_BOOTSTRAP).unwrap());
        let server = project.serve();
        Self { project, server }
    }

    #[track_caller]
    fn call(
        &self,
        door: &str,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        request(
            self.server.trigger_url(door),
            method,
            target,
            headers,
            body.as_bytes(),
        )
    }

    #[track_caller]
    fn get(&self, door: &str, target: &str) -> Reply {
        self.call(door, "GET", target, &[], "")
    }

    /// The last event of the function.
    #[track_caller]
    fn last_event(&self) -> Value {
        let events = fs::read_to_string(self.project.path().join("events")).unwrap();
        serde_json::from_str(events.lines().last().expect("an event")).unwrap()
    }
}

#[test]
fn the_doors_of_a_template_answer_as_it_says() {
    let doors = Doors::start();
    // The API of the function's events, with the stage in the path and without.
    for target in ["/orders/7?a=b", "/Prod/orders/7?a=b"] {
        assert_eq!(doors.get("serverless-rest-api", target).text(), "done");
        let event = doors.last_event();
        assert_eq!(event["path"], "/orders/7", "{event}");
        assert_eq!(event["requestContext"]["stage"], "Prod", "{event}");
        assert_eq!(event["pathParameters"]["id"], "7", "{event}");
    }
    assert_eq!(doors.get("serverless-rest-api", "/other").status, 403);
    assert_eq!(doors.get("serverless-http-api", "/items/8").text(), "done");
    assert_eq!(doors.last_event()["version"], "2.0");
    // The API of resources: a key, a model, a gateway response, a mock.
    let key = ("x-api-key", "abcdefghij0123456789");
    let json = ("content-type", "application/json");
    let post =
        |headers: &[(&str, &str)], body| doors.call("tree", "POST", "/v1/sub", headers, body);
    assert_eq!(post(&[json], r#"{"item":1}"#).status, 403);
    assert_eq!(post(&[key, json], "{}").status, 400);
    assert_eq!(post(&[key, json], r#"{"item":1}"#).text(), "done");
    assert_eq!(doors.last_event()["stageVariables"]["color"], "blue");
    let missing = doors.get("tree", "/none");
    assert_eq!(
        (missing.status, missing.json()["m"].is_string()),
        (404, true)
    );
    let options = doors.call("tree", "OPTIONS", "/sub", &[], "");
    let origin = options.header("access-control-allow-origin");
    assert_eq!((options.status, origin), (204, Some("https://app.example")));
    // The API of routes: an authorizer, CORS.
    assert_eq!(doors.get("guarded", "/open").text(), "done");
    assert_eq!(doors.last_event()["version"], "1.0");
    assert_eq!(doors.get("guarded", "/closed").status, 403);
    let headers = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
    ];
    let preflight = doors.call("guarded", "OPTIONS", "/open", &headers, "");
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    // The load balancer and the URL.
    assert_eq!(doors.get("web", "/f/x").text(), "done");
    assert_eq!(doors.last_event()["path"], "/f/x");
    let none = doors.get("web", "/x");
    assert_eq!((none.status, none.text()), (404, "none".to_owned()));
    assert_eq!(doors.get("Fn-url", "/any").text(), "done");
    assert_eq!(doors.last_event()["rawPath"], "/any");
    // Not a WebSocket handshake, but the API is there, at its stage.
    assert_ne!(doors.get("chat", "/live").status, 404);
}
