//! REST APIs of API Gateway: events, what the API answers itself, and streamed responses.

mod integrations;
mod models;
mod usage_plans;

use serde_json::json;

use crate::support::{Missing, Project, RAW_BOOTSTRAP, Reply, Server};

/// A function behind a REST API with these settings, which uses the body of a request as this variable of the raw
/// bootstrap says.
fn api(variable: &str, settings: &str) -> Project {
    Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\ntimeout = 30\n\
         environment = {{ {variable} = \"body\" }}\n\
         [triggers.web]\nplugin = \"api-gateway-rest\"\nlisten = \"127.0.0.1:0\"\n{settings}"
    ))
}

/// A function that returns its event as the body of the response.
fn returning_the_event(settings: &str) -> Result<Project, Missing> {
    let trigger = "[triggers.web]\nplugin = \"api-gateway-rest\"\nlisten = \"127.0.0.1:0\"\n\
                   binary-media-types = [\"*/*\"]\n";
    let script = r#"while next; do
  respond "{\"statusCode\":200,\"isBase64Encoded\":true,\"body\":\"$(base64 -w0 event)\"}"
done
"#;
    Project::bash(&format!("{trigger}{settings}"), script)
}

#[track_caller]
fn respond(server: &Server, path: &str, body: &str) -> Reply {
    let headers = [("content-type", "application/json")];
    server.web("POST", path, &headers, body.as_bytes())
}

#[test]
fn an_event_has_every_key_and_names_of_headers_as_they_were_sent() {
    let routes = "routes = { \"GET /users/{id}\" = \"echo\", \"ANY /{proxy+}\" = \"echo\" }\n";
    let Ok(project) = returning_the_event(routes) else {
        return;
    };
    let server = project.serve();
    let headers = [
        ("tEsT-HEADeR", "v1"),
        ("tEsT-HEADeR", "v2"),
        ("user-agent", "u"),
    ];
    let reply = server.web("GET", "/prod/users/a%20b?x=a+b&x=2", &headers, b"");
    assert_eq!(reply.status, 200);
    let event = reply.json();
    assert_eq!(event["resource"], "/users/{id}");
    assert_eq!(event["path"], "/users/a%20b");
    assert_eq!(event["pathParameters"], json!({ "id": "a%20b" }));
    assert_eq!(event["headers"]["tEsT-HEADeR"], "v2");
    assert_eq!(
        event["multiValueHeaders"]["tEsT-HEADeR"],
        json!(["v1", "v2"])
    );
    assert_eq!(event["headers"]["User-Agent"], "u");
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({ "x": ["a b", "2"] })
    );
    for key in ["stageVariables", "body"] {
        assert_eq!(event.get(key), Some(&json!(null)), "{key}");
    }
    assert_eq!(event.get("version"), None);
    let context = &event["requestContext"];
    assert_eq!(context["path"], "/prod/users/a%20b");
    assert_eq!(context["stage"], "prod");
    assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
    assert_eq!(
        context["requestId"].as_str(),
        reply.header("x-amzn-requestid")
    );
    assert_eq!(
        context["extendedRequestId"].as_str(),
        reply.header("x-amz-apigw-id")
    );
}

#[test]
fn a_result_becomes_the_response_as_on_aws() {
    let server = api(
        "RAW_BOOTSTRAP_RETURN",
        "base-path = \"\"\nfunction = \"echo\"\n",
    )
    .serve();
    let made = respond(
        &server,
        "/",
        r#"{"statusCode":"201","headers":{"X-Made":"yes","Server":"a"},
            "multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"made"}"#,
    );
    assert_eq!((made.status, made.text().as_str()), (201, "made"));
    let as_written = |(name, value): &(String, String)| name == "X-Made" && value == "yes";
    assert!(made.headers.iter().any(as_written), "{made:?}");
    assert_eq!(made.header("x-amzn-remapped-server"), Some("a"));
    assert_eq!(made.headers_named("set-cookie"), ["a=1", "b=2"]);
    for (result, reason) in [
        (
            r#"{"statusCode":200,"cookies":["a"]}"#,
            "`cookies` is not a key of a response",
        ),
        (
            r#"{"statusCode":200,"body":{}}"#,
            "`body` is an object, and has to be a string",
        ),
        (r#""text""#, "the function's result is not a JSON object"),
    ] {
        let reply = respond(&server, "/any/path", result);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (502, r#"{"message": "Internal server error"}"#),
            "{result}"
        );
        server.log_with(reason);
    }
}

#[test]
fn the_api_answers_what_no_method_matches() {
    let settings = "routes = { \"GET /a\" = \"echo\" }\n\
        cors = { allow-headers = \"X-A\" }\n\
        gateway-responses = { DEFAULT_4XX = { headers = { Access-Control-Allow-Origin = \"*\" } } }\n";
    let server = api("RAW_BOOTSTRAP_RETURN", settings).serve();
    let missing = server.web("POST", "/prod/a", &[], b"");
    assert_eq!(
        (missing.status, missing.text().as_str()),
        (403, r#"{"message":"Missing Authentication Token"}"#)
    );
    assert_eq!(missing.header("access-control-allow-origin"), Some("*"));
    let other_stage = server.web("GET", "/dev/a", &[], b"");
    assert_eq!(
        (other_stage.status, other_stage.text().as_str()),
        (403, r#"{"message":"Forbidden"}"#)
    );
    server.log_with(
        "POST /prod/a: 403 MISSING_AUTHENTICATION_TOKEN: no route has this path and method",
    );
    server.log_with(
        "GET /dev/a: 403 ForbiddenException: the path does not begin with /prod, the stage",
    );
    let preflight = server.web("OPTIONS", "/prod/a", &[("origin", "http://b.example")], b"");
    assert_eq!((preflight.status, preflight.text().as_str()), (200, ""));
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        Some("X-A")
    );
}

#[test]
fn an_integration_that_takes_too_long_is_a_504() {
    let settings = "base-path = \"\"\ntimeout = 0.2\nfunction = \"echo\"\n";
    let server = api("RAW_BOOTSTRAP_ORDERS", settings).serve();
    let reply = respond(&server, "/", r#"{"sleep_ms":5000}"#);
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (504, r#"{"message": "Endpoint request timed out"}"#)
    );
}

#[test]
fn a_streamed_response_begins_with_a_prelude() {
    let settings = "base-path = \"\"\n[triggers.web.routes.\"POST /\"]\n\
        function = \"echo\"\nresponse-transfer-mode = \"STREAM\"\n";
    let server = api("RAW_BOOTSTRAP_ORDERS", settings).serve();
    let stream = |prelude: &str| {
        let orders = json!({ "stream": {
            "content_type": "application/vnd.awslambda.http-integration-response",
            "pieces": [format!("{prelude}\0\0\0\0\0\0\0\0"), "one", "two"],
        } });
        respond(&server, "/", &orders.to_string())
    };
    let reply = stream(r#"{"statusCode":202,"multiValueHeaders":{"X-A":["b","c"]}}"#);
    assert_eq!(reply.status, 202);
    assert_eq!(reply.headers_named("x-a"), ["b", "c"]);
    assert_eq!(reply.text(), "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
    let refused = stream(r#"{"statusCode":"none"}"#);
    assert_eq!(refused.status, 502);
    server.log_with("`statusCode` is a string, and has to be an integer from 200 to 599");
}

#[test]
fn base_paths_lead_to_the_api_beside_its_stage() {
    let settings = "base-paths = [\"v1\", \"\"]\ndisable-execute-api-endpoint = false\n\
        routes = { \"GET /a\" = { mock = { status-code = 204 } } }\n";
    let server = api("RAW_BOOTSTRAP_RETURN", settings).serve();
    let status = |path: &str| server.web("GET", path, &[], b"").status;
    assert_eq!(["/v1/a", "/a", "/v2/a"].map(status), [204, 204, 403]);
    let long = "b".repeat(10_240);
    let refused = server.web("GET", "/a", &[("x-long", &long)], b"");
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (431, r#"{"message":"Request Header Fields Too Large"}"#)
    );
}
