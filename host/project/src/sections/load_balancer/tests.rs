use crate::sections::testing::triggers;

#[test]
fn a_listener_with_rules() {
    let written = triggers(
        "
Load:
  Type: AWS::ElasticLoadBalancingV2::LoadBalancer
Web:
  Type: AWS::ElasticLoadBalancingV2::Listener
  Properties:
    LoadBalancerArn: Load
    Port: 80
    Protocol: HTTP
    DefaultActions: [{Type: forward, TargetGroupArn: GroupF}]
R1:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 10
    Conditions:
      - {Field: path-pattern, Values: [/api/*]}
      - {Field: http-header, HttpHeaderConfig: {HttpHeaderName: x-env, Values: [test]}}
      - {Field: query-string, QueryStringConfig: {Values: [{Key: v, Value: '1'}, {Key: v, Value: '2'}]}}
      - {Field: query-string, QueryStringConfig: {Values: [{Value: any}]}}
    Actions: [{Type: forward, ForwardConfig: {TargetGroups: [{TargetGroupArn: GroupG, Weight: 1}]}}]
R2:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: '20'
    Conditions: [{Field: host-header, HostHeaderConfig: {Values: ['www.*']}}]
    Actions: [{Type: redirect, RedirectConfig: {StatusCode: HTTP_301, Host: example.com}}]
R3:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 30
    Conditions: [{Field: http-request-method, HttpRequestMethodConfig: {Values: [PUT]}}]
    Actions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: '405', ContentType: text/plain, MessageBody: no}}]
R4:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 40
    Conditions: [{Field: source-ip, SourceIpConfig: {Values: [10.0.0.0/8]}}]
    Actions: [{Type: forward, TargetGroupArn: GroupIp}]
R5:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 50
    Conditions: [{Field: path-pattern, Values: [/in]}]
    Actions: [{Type: authenticate-oidc, Order: 1}, {Type: forward, TargetGroupArn: GroupF, Order: 2}]
R6:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 60
    Conditions: [{Field: query-string, QueryStringConfig: {Values: [{Key: a, Value: b}, {Key: c, Value: d}]}}]
    Actions: [{Type: forward, TargetGroupArn: GroupF}]
R7:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 70
    Conditions: [{Field: path-pattern, Values: [/r]}]
    Transforms: [{Type: url-rewrite}]
    Actions: [{Type: forward, TargetGroupArn: GroupF}]
GroupF:
  Type: AWS::ElasticLoadBalancingV2::TargetGroup
  Properties:
    TargetType: lambda
    Targets: [{Id: 'arn:aws:lambda:us-east-1:123456789012:function:f'}]
    HealthCheckEnabled: true
    HealthCheckPath: /health
    HealthCheckIntervalSeconds: 60
    Matcher: {HttpCode: 200-299}
GroupG:
  Type: AWS::ElasticLoadBalancingV2::TargetGroup
  Properties:
    TargetType: lambda
    Targets: [{Id: 'arn:aws:lambda:us-east-1:123456789012:function:g'}]
    TargetGroupAttributes: [{Key: lambda.multi_value_headers.enabled, Value: true}]
GroupIp:
  Type: AWS::ElasticLoadBalancingV2::TargetGroup
  Properties: {TargetType: ip, Port: 80}
Other:
  Type: AWS::ElasticLoadBalancingV2::Listener
  Properties: {Port: 81, DefaultActions: [{Type: forward, TargetGroupArn: GroupIp}]}
Far:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/x/1/2
    Priority: 1
    Conditions: [{Field: path-pattern, Values: [/far]}]
    Actions: [{Type: forward, TargetGroupArn: GroupG}]
",
    );
    assert_eq!(
        written.text,
        r#"[triggers.web]
plugin = "alb"
listen = "127.0.0.1:3000"
function = "f"
rules = [
    { priority = 10, path-pattern = ["/api/*"], http-header = { x-env = ["test"] }, query-string = { v = ["1", "2"], "*" = ["any"] }, function = "g" },
    { priority = 20, host-header = ["www.*"], redirect = { status-code = 301, host = "example.com" } },
    { priority = 30, http-request-method = ["PUT"], fixed-response = { status-code = 405, content-type = "text/plain", message-body = "no" } },
]
multi-value-headers = true

[triggers.web.health-checks.f]
path = "/health"
interval = 60
matcher = "200-299"

[triggers.alb]
plugin = "alb"
listen = "127.0.0.1:3003"
rules = [
    { priority = 1, path-pattern = ["/far"], function = "g" },
]
multi-value-headers = true

[triggers.alb.fixed-response]
status-code = 404
"#
    );
    assert_eq!(
        written.notes,
        [
            "template.yaml:65:1: GroupF: events have lists of values, because another target group of the listener \
             asks for them",
            "template.yaml:83:1: the listener Other has no functions behind it",
            "template.yaml:86:1: the rules of a listener that is not in the project are served; requests that match \
             none of them are answered with 404",
        ]
    );
    assert_eq!(
        written.refusals,
        [
            "template.yaml:36:1: the rule R4 forwards to GroupIp, not to a function: it is not served",
            "template.yaml:43:1: the rule R5 begins with authenticate-oidc, which is not done here: it is not served",
            "template.yaml:50:1: the rule R6 has a condition on one of several parameters, which is not done here: it is \
             not served",
            "template.yaml:57:1: the rule R7 rewrites requests with Transforms, which is not done here: it is not \
             served",
        ]
    );
}
