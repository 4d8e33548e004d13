//! APIs and load balancers.

use serde_json::{Value as Json, json};

use super::{function, plan, refers, resource, translate, with_archive};

#[test]
fn an_http_api_has_the_routes_that_its_references_make() {
    let api = |attribute: &str| refers(&[&format!("aws_apigatewayv2_api.web.{attribute}")]);
    let resources = vec![
        function("hello"),
        resource(
            "aws_apigatewayv2_api.web",
            json!({"name": "web", "protocol_type": "HTTP", "cors_configuration": [{"allow_origins": ["*"], "allow_methods": ["GET"], "max_age": 60}]}),
            json!({"name": {"constant_value": "web"}}),
            json!({"id": true, "api_endpoint": true}),
        ),
        resource(
            "aws_apigatewayv2_integration.hello",
            json!({"integration_type": "AWS_PROXY", "payload_format_version": "2.0", "timeout_milliseconds": 3000}),
            json!({"api_id": api("id"), "integration_uri": refers(&["aws_lambda_function.hello.invoke_arn"])}),
            json!({"id": true, "api_id": true, "integration_uri": true}),
        ),
        resource(
            "aws_apigatewayv2_route.hello",
            json!({"route_key": "GET /hello/{name}", "authorization_type": "NONE"}),
            json!({"api_id": api("id"), "target": refers(&["aws_apigatewayv2_integration.hello.id"])}),
            json!({"id": true, "api_id": true, "target": true}),
        ),
        resource(
            "aws_apigatewayv2_stage.default",
            json!({"name": "$default", "auto_deploy": true}),
            json!({"api_id": api("id")}),
            json!({"id": true, "api_id": true}),
        ),
    ];
    let mut plan = plan(resources);
    plan["planned_values"]["outputs"] =
        json!({"url": {"sensitive": false}, "secret": {"sensitive": true, "value": "x"}});
    plan["configuration"]["root_module"]["outputs"] =
        json!({"url": {"expression": api("api_endpoint")}});
    let written = translate(&with_archive(plan), &["src/app.js"]).unwrap();
    written
        .has("[triggers.aws-apigatewayv2-api-web]\nplugin = \"api-gateway-http\"\nlisten = \"127.0.0.1:3000\"")
        .has("[triggers.aws-apigatewayv2-api-web.routes.\"GET /hello/{name}\"]\nfunction = \"hello\"\ntimeout = 3")
        .has("allow-origins = [\"*\"]");
    assert_eq!(written.refusals, [""; 0]);
    assert_eq!(
        written.outputs,
        [(
            "url".to_owned(),
            Some("{trigger:aws-apigatewayv2-api-web}".to_owned())
        )]
    );
}

#[test]
fn a_rest_api_is_put_together_from_its_parts() {
    let api = |attribute: &str| refers(&[&format!("aws_api_gateway_rest_api.api.{attribute}")]);
    let unknown = || json!({"id": true, "rest_api_id": true, "resource_id": true, "parent_id": true, "uri": true});
    let part = |more: Json| {
        let mut all = json!({"rest_api_id": api("id"), "resource_id": refers(&["aws_api_gateway_resource.item.id"])});
        for (key, value) in more.as_object().unwrap() {
            all[key] = value.clone();
        }
        all
    };
    let resources = vec![
        function("hello"),
        resource(
            "aws_api_gateway_rest_api.api",
            json!({"name": "api"}),
            json!({}),
            json!({"id": true, "root_resource_id": true}),
        ),
        resource(
            "aws_api_gateway_resource.items",
            json!({"path_part": "items"}),
            json!({"rest_api_id": api("id"), "parent_id": api("root_resource_id")}),
            unknown(),
        ),
        resource(
            "aws_api_gateway_resource.item",
            json!({"path_part": "{id}"}),
            json!({"rest_api_id": api("id"), "parent_id": refers(&["aws_api_gateway_resource.items.id"])}),
            unknown(),
        ),
        resource(
            "aws_api_gateway_method.get",
            json!({"http_method": "GET", "authorization": "NONE", "api_key_required": true}),
            part(json!({})),
            unknown(),
        ),
        resource(
            "aws_api_gateway_integration.get",
            json!({"http_method": "GET", "type": "AWS_PROXY", "integration_http_method": "POST"}),
            json!({"rest_api_id": api("id"), "resource_id": refers(&["aws_api_gateway_method.get.resource_id"]),
                "http_method": refers(&["aws_api_gateway_method.get.http_method"]), "uri": refers(&["aws_lambda_function.hello.invoke_arn"])}),
            unknown(),
        ),
        resource(
            "aws_api_gateway_method.options",
            json!({"http_method": "OPTIONS", "authorization": "NONE"}),
            part(json!({})),
            unknown(),
        ),
        resource(
            "aws_api_gateway_integration.options",
            json!({"http_method": "OPTIONS", "type": "MOCK", "request_templates": {"application/json": "{\"statusCode\": 200}"}}),
            part(json!({})),
            unknown(),
        ),
        resource(
            "aws_api_gateway_integration_response.options",
            json!({"http_method": "OPTIONS", "status_code": "200", "response_parameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"}}),
            part(json!({})),
            unknown(),
        ),
        resource(
            "aws_api_gateway_method_response.options",
            json!({"http_method": "OPTIONS", "status_code": "200", "response_parameters": {"method.response.header.Access-Control-Allow-Origin": true}}),
            part(json!({})),
            unknown(),
        ),
        resource(
            "aws_api_gateway_stage.live",
            json!({"stage_name": "live", "variables": {"a": "b"}}),
            json!({"rest_api_id": api("id")}),
            unknown(),
        ),
    ];
    let written = translate(&with_archive(plan(resources)), &["src/app.js"]).unwrap();
    written
        .has("plugin = \"api-gateway-rest\"")
        .has("stage = \"live\"")
        .has("routes.\"GET /items/{id}\"]\nfunction = \"hello\"\napi-key-required = true")
        .has("routes.\"OPTIONS /items/{id}\".mock")
        .has("Access-Control-Allow-Origin = \"*\"");
    assert_eq!(written.refusals, [""; 0]);
}

#[test]
fn a_load_balancer_has_its_rules() {
    let resources = vec![
        function("hello"),
        resource(
            "aws_lb.web",
            json!({"name": "web"}),
            json!({}),
            json!({"arn": true}),
        ),
        resource(
            "aws_lb_target_group.hello",
            json!({"name": "hello", "target_type": "lambda"}),
            json!({}),
            json!({"arn": true}),
        ),
        resource(
            "aws_lb_target_group_attachment.hello",
            json!({}),
            json!({"target_group_arn": refers(&["aws_lb_target_group.hello.arn"]), "target_id": refers(&["aws_lambda_function.hello.arn"])}),
            json!({"target_group_arn": true, "target_id": true}),
        ),
        resource(
            "aws_lb_listener.http",
            json!({"port": 80, "protocol": "HTTP", "default_action": [{"type": "fixed-response", "fixed_response": [
                {"content_type": "text/plain", "message_body": "no", "status_code": "404"}]}]}),
            json!({"load_balancer_arn": refers(&["aws_lb.web.arn"])}),
            json!({"load_balancer_arn": true, "arn": true}),
        ),
        resource(
            "aws_lb_listener_rule.hello",
            json!({"priority": 10, "action": [{"type": "forward"}], "condition": [{"path_pattern": [{"values": ["/hello/*"]}]},
                {"query_string": [{"key": "a", "value": "b"}]}]}),
            json!({"listener_arn": refers(&["aws_lb_listener.http.arn"]), "action": [{"target_group_arn": refers(&["aws_lb_target_group.hello.arn"])}]}),
            json!({"listener_arn": true, "action": [{"target_group_arn": true}]}),
        ),
    ];
    let written = translate(&with_archive(plan(resources)), &["src/app.js"]).unwrap();
    written
        .has("plugin = \"alb\"")
        .has("function = \"hello\"")
        .has("/hello/*")
        .has("message-body = \"no\"");
    assert_eq!(written.refusals, [""; 0]);
}
