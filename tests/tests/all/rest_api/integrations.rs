//! Integrations with mapping templates, and HTTP proxies.

use serde_json::json;

use super::api;
use crate::support::MockServer;

#[test]
fn templates_map_the_request_the_result_and_the_error_of_a_function() {
    let settings = r##"base-path = ""
[triggers.web.routes."POST /orders/{id}"]
integration = "AWS"
function = "echo"
request-templates."application/json" = """
#set($order = $input.path('$'))
{
#if($order.fail)
  "error": "[BadRequest] $order.fail"
#else
  "id": "$input.params('id')", "items": [#foreach($item in $order.items)"$item.name"#if($foreach.hasNext), #end#end]
#end
}
"""
[[triggers.web.routes."POST /orders/{id}".integration-responses]]
status-code = 400
selection-pattern = '\[BadRequest\].*'
response-templates."application/json" = '{"message":"$input.path("$.errorMessage").substring(13)"}'
[[triggers.web.routes."POST /orders/{id}".integration-responses]]
status-code = 201
response-parameters."method.response.header.Location" = "integration.response.body.id"
"##;
    let server = api("RAW_BOOTSTRAP_ORDERS", settings).serve();
    let post = |body: &str| {
        let headers = [("content-type", "application/json")];
        server.web("POST", "/orders/7", &headers, body.as_bytes())
    };
    let made = post(r#"{"items":[{"name":"a"},{"name":"b"}]}"#);
    assert_eq!(made.status, 201);
    assert_eq!(made.json(), json!({ "id": "7", "items": ["a", "b"] }));
    assert_eq!(made.header("location"), Some("7"));
    let failed = post(r#"{"fail":"no items"}"#);
    assert_eq!(
        (failed.status, failed.text().as_str()),
        (400, r#"{"message":"no items"}"#)
    );
    let broken = post("{");
    assert_eq!(broken.status, 400);
    assert!(
        broken
            .text()
            .contains("Could not parse request body into json")
    );
}

#[test]
fn a_template_that_is_not_supported_is_refused_with_its_line() {
    let settings = "[triggers.web.routes.\"POST /\"]\nintegration = \"AWS\"\nfunction = \"echo\"\n\
        request-templates.\"application/json\" = \"{}\\n#macro(a)#end\"\n\
        integration-responses = [{ status-code = 200 }]\n";
    let refused = api("RAW_BOOTSTRAP_RETURN", settings).refusal();
    assert!(
        refused.contains("line 2: `#macro` is not supported"),
        "{refused}"
    );
}

#[test]
fn an_http_proxy_passes_the_request_and_the_response_on() {
    let upstream = MockServer::start(|request| {
        let is_found = request.head.starts_with("PUT /v1/a/b%20c?q=1 ");
        Some((if is_found { 202 } else { 404 }, request.body.clone()))
    });
    let settings = format!(
        "network = [\"{url}\"]\nbase-path = \"\"\n[triggers.web.routes.\"ANY /{{proxy+}}\"]\n\
         integration = \"HTTP_PROXY\"\nuri = \"{url}/v1/{{proxy}}\"\n\
         request-parameters.\"integration.request.path.proxy\" = \"method.request.path.proxy\"\n",
        url = upstream.url()
    );
    let server = api("RAW_BOOTSTRAP_RETURN", &settings).serve();
    let reply = server.web("PUT", "/a/b%20c?q=1", &[("x-own", "1")], b"content");
    assert_eq!((reply.status, reply.text().as_str()), (202, "content"));
    assert_eq!(upstream.requests()[0].header("x-own"), Some("1"));
    assert!(reply.header("x-amzn-requestid").is_some());
}

#[test]
fn an_http_proxy_without_a_granted_origin_is_refused_at_the_start() {
    let settings = "[triggers.web.routes.\"ANY /\"]\nintegration = \"HTTP_PROXY\"\n\
        uri = \"http://127.0.0.1:9\"\n";
    let refused = api("RAW_BOOTSTRAP_RETURN", settings).refusal();
    assert!(refused.contains("add it to its key `network`"), "{refused}");
}

#[test]
fn an_http_proxy_that_cannot_connect_is_a_504() {
    let settings = "network = [\"http://127.0.0.1:9\"]\nbase-path = \"\"\n\
        [triggers.web.routes.\"ANY /\"]\nintegration = \"HTTP_PROXY\"\nuri = \"http://127.0.0.1:9\"\n";
    let server = api("RAW_BOOTSTRAP_RETURN", settings).serve();
    let reply = server.web("GET", "/", &[], b"");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (
            504,
            r#"{"message": "Network error communicating with endpoint"}"#
        )
    );
    server.log_with("cannot be fetched");
}
