//! Models of request bodies.

use super::api;

#[test]
fn a_body_that_its_model_does_not_allow_never_reaches_the_function() {
    let settings = r#"base-path = ""
gateway-responses.BAD_REQUEST_BODY.body = '{"errors":"$context.error.validationErrorString"}'
[triggers.web.models.Order]
type = "object"
required = ["statusCode"]
properties.body = { type = "string", pattern = "^[a-z]+$" }
[triggers.web.routes."POST /"]
function = "echo"
request-models = { "application/json" = "Order" }
"#;
    let server = api("RAW_BOOTSTRAP_RETURN", settings).serve();
    let post = |content_type: &str, body: &str| {
        let reply = server.web(
            "POST",
            "/",
            &[("content-type", content_type)],
            body.as_bytes(),
        );
        (reply.status, reply.text())
    };
    let made = post("application/json", r#"{"statusCode":201,"body":"made"}"#);
    assert_eq!(made, (201, "made".to_owned()));
    let wrong = post("application/json", r#"{"statusCode":201,"body":"Made"}"#);
    assert_eq!(wrong.0, 400);
    assert!(wrong.1.contains("does not match input string"), "{wrong:?}");
    let missing = post("application/json", "");
    let expected = r#"{"errors":"[object has missing required properties ([\"statusCode\"])]"}"#;
    assert_eq!(missing, (400, expected.to_owned()));
    let other_type = post("text/plain", r#"{"statusCode":202}"#);
    assert_eq!(other_type.0, 202);
}

#[test]
fn a_long_list_is_compared_within_the_limits_of_a_call() {
    let settings = r#"base-path = ""
[triggers.web.models.Names]
type = "array"
items = { type = "string", pattern = "^[a-z]+-\\d+$", maxLength = 20 }
[triggers.web.routes."POST /"]
mock = { status-code = 204 }
request-models = { "application/json" = "Names" }
"#;
    let server = api("RAW_BOOTSTRAP_RETURN", settings).serve();
    let status = |last: &str| {
        let mut names: Vec<String> = (0..20_000).map(|number| format!("name-{number}")).collect();
        names.push(last.to_owned());
        let body = serde_json::to_vec(&names).unwrap();
        let headers = [("content-type", "application/json")];
        server.web("POST", "/", &headers, &body).status
    };
    assert_eq!([status("name-0"), status("Name")], [204, 400]);
}
