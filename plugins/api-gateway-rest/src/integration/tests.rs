//! Integrations from the request to the response, with the outcomes that golden cases do not have.

use http_event::contract::{
    Ending, Fetch, Fetched, FunctionError, Header, Outcome, Request, RequestBody, Response, Step,
    Surroundings,
};
use serde_json::{Value, json};

use crate::{configure, resume};
use golden::counters::MemoryCounters;

fn state(routes: &Value) -> String {
    let mut surroundings = Surroundings::none();
    let origins = String::from("http://a:80 http://127.0.0.1:9000");
    surroundings.extra.push((String::from("network"), origins));
    let config = json!({"base-path": "", "routes": routes, "stage-variables": {"host": "a"}});
    let setup = configure(&config.to_string(), &surroundings);
    setup
        .unwrap_or_else(|problems| panic!("{problems:?}"))
        .state
}

fn ended(ending: Ending) -> Outcome {
    Outcome {
        ending,
        at_ms: 0,
        cached: false,
        extra: Vec::new(),
    }
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(response.body.as_bytes()).unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut headers = response.headers.iter();
    let found = headers.find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

/// The response of an `AWS` integration with these responses to an ending.
fn answer(responses: &Value, ending: Ending) -> Response {
    let state = state(&json!({"GET /{id}": {
        "integration": "AWS", "function": "f", "integration-responses": responses,
    }}));
    let request = Request::get("/7");
    let Ok(Step::Invoke(invocation)) = crate::shape(&state, &request, &MemoryCounters::default())
    else {
        panic!("it is not invoked");
    };
    assert!(invocation.with_request);
    match resume(
        &state,
        &invocation.token,
        ended(ending),
        Some(&request),
        &MemoryCounters::default(),
    ) {
        Ok(Step::Reply(response)) => response,
        other => panic!("{other:?}"),
    }
}

fn failed(message: &str) -> Ending {
    let payload = json!({"errorMessage": message, "errorType": "Error"}).to_string();
    Ending::Failed(FunctionError {
        kind: String::from("Unhandled"),
        payload,
    })
}

#[test]
fn a_result_is_passed_on_or_mapped() {
    let passed = answer(
        &json!([{"status-code": 200}]),
        Ending::Completed("[1]".into()),
    );
    assert_eq!((passed.status, text(&passed)), (200, "[1]"));
    assert_eq!(header(&passed, "Content-Type"), Some("application/json"));
    let mapped = answer(
        &json!([{
            "status-code": 201,
            "response-templates": {"text/html": "<b>$input.path('$.name')-$input.params('id')</b>"},
            "response-parameters": {
                "method.response.header.X-Name": "integration.response.body.name",
                "method.response.header.X-None": "integration.response.body.none",
                "method.response.header.Access-Control-Allow-Origin": "'*'",
            },
        }]),
        Ending::Completed(r#"{"name":"a"}"#.into()),
    );
    assert_eq!((mapped.status, text(&mapped)), (201, "<b>a-7</b>"));
    assert_eq!(header(&mapped, "Content-Type"), Some("text/html"));
    assert_eq!(header(&mapped, "X-Name"), Some("a"));
    assert_eq!(header(&mapped, "X-None"), None);
    assert_eq!(header(&mapped, "Access-Control-Allow-Origin"), Some("*"));
}

#[test]
fn an_error_selects_the_response_whose_pattern_matches_all_of_its_message() {
    let responses = json!([
        {"status-code": 400, "selection-pattern": "^\\[BadRequest\\].*",
         "response-templates": {"application/json": "{\"message\":$input.json('$.errorMessage')}"}},
        {"status-code": 504, "selection-pattern": ".*Task timed out after \\d+\\.\\d+ seconds"},
        {"status-code": 200},
    ]);
    let bad = answer(&responses, failed("[BadRequest] no name"));
    assert_eq!(
        (bad.status, text(&bad)),
        (400, r#"{"message":"[BadRequest] no name"}"#)
    );
    let part = answer(&responses, failed("a [BadRequest]"));
    assert_eq!(part.status, 200);
    assert!(text(&part).contains("a [BadRequest]"), "{part:?}");
    assert_eq!(answer(&responses, Ending::TimedOut).status, 504);
    // A result is not an error, whatever is in it.
    let result = Ending::Completed(r#"{"errorMessage":"[BadRequest]"}"#.into());
    assert_eq!(answer(&responses, result).status, 200);
    let unmatched = answer(
        &json!([{"status-code": 400, "selection-pattern": "a"}]),
        failed("b"),
    );
    assert_eq!(text(&unmatched), r#"{"message": "Internal server error"}"#);
    assert_eq!(unmatched.status, 500);
    assert!(
        unmatched.extra[0].1.contains("matches \"b\""),
        "{unmatched:?}"
    );
}

#[test]
fn other_endings_are_the_gateway_s_own_answers() {
    let responses = json!([{"status-code": 200}]);
    for (ending, status, body) in [
        (
            Ending::Expired,
            504,
            r#"{"message": "Endpoint request timed out"}"#,
        ),
        (
            Ending::Throttled,
            500,
            r#"{"message": "Internal server error"}"#,
        ),
        (Ending::Accepted, 200, ""),
    ] {
        let response = answer(&responses, ending);
        assert_eq!((response.status, text(&response)), (status, body));
    }
    let broken =
        json!([{"status-code": 200, "response-templates": {"a/b": "$util.parseJson('{')"}}]);
    let response = answer(&broken, Ending::Completed("{}".into()));
    assert_eq!(response.status, 500);
    assert!(response.extra[0].1.contains("line 1"), "{response:?}");
}

fn fetch(route: &Value, request: &Request) -> (String, Fetch) {
    let state = state(&json!({"ANY /{proxy+}": route}));
    match crate::shape(&state, request, &MemoryCounters::default()) {
        Ok(Step::Fetch(fetch)) => (state, fetch),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_proxied_request_is_sent_on_with_its_mappings() {
    let route = json!({
        "integration": "HTTP_PROXY",
        "uri": "http://${stageVariables.host}/v1/{path}?fixed=1",
        "request-parameters": {
            "integration.request.path.path": "method.request.path.proxy",
            "integration.request.querystring.from": "method.request.header.X-From",
            "integration.request.querystring.none": "method.request.header.X-None",
            "integration.request.header.X-Stage": "context.stage",
        },
    });
    let request = Request {
        method: String::from("PUT"),
        query: String::from("a=b%20c"),
        headers: vec![
            Header::new("X-From", "m&n"),
            Header::new("X-Stage", "mine"),
            Header::new("Host", "localhost"),
        ],
        body: RequestBody::Text(String::from("body")),
        ..Request::get("/x/a%2Fb")
    };
    let (_, fetch) = fetch(&route, &request);
    assert_eq!(fetch.method, "PUT");
    assert_eq!(fetch.url, "http://a/v1/x/a%2Fb?fixed=1&a=b%20c&from=m%26n");
    assert_eq!(fetch.body, b"body");
    let headers: Vec<&str> = fetch
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let expected = [
        "X-From",
        "X-Stage",
        "X-Amzn-Trace-Id",
        "x-amzn-apigateway-api-id",
    ];
    assert_eq!(headers, expected);
    assert_eq!(fetch.headers[1].1, "prod");
}

#[test]
fn the_response_of_a_proxied_request_is_passed_on() {
    let route =
        json!({"integration": "HTTP_PROXY", "uri": "http://127.0.0.1:9000", "http-method": "GET"});
    let (state, fetch) = fetch(&route, &Request::get("/a"));
    assert_eq!((fetch.method.as_str(), fetch.max_wait_ms), ("GET", 29_000));
    let counters = MemoryCounters::default();
    let respond = |ending| match resume(&state, &fetch.token, ended(ending), None, &counters) {
        Ok(Step::Reply(response)) => response,
        other => panic!("{other:?}"),
    };
    let pairs = [
        ("content-type", "text/html"),
        ("server", "s"),
        ("connection", "close"),
    ];
    let response = respond(Ending::Fetched(Fetched {
        status: 404,
        headers: pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec(),
        body: b"gone".to_vec(),
    }));
    assert_eq!((response.status, text(&response)), (404, "gone"));
    assert_eq!(header(&response, "content-type"), Some("text/html"));
    assert_eq!(header(&response, "x-amzn-Remapped-server"), Some("s"));
    let unreachable = respond(Ending::Unavailable(String::from("refused")));
    assert_eq!(unreachable.status, 504);
    assert_eq!(
        text(&unreachable),
        r#"{"message": "Network error communicating with endpoint"}"#
    );
    let slow = respond(Ending::Expired);
    assert_eq!(text(&slow), r#"{"message": "Endpoint request timed out"}"#);
}

#[test]
fn characters_and_bodies_that_the_host_does_not_send_are_encoded_or_refused() {
    let route = json!({
        "integration": "HTTP_PROXY", "uri": "http://127.0.0.1:9000/{a}",
        "request-parameters": {"integration.request.path.a": "method.request.path.proxy"},
    });
    let (state, fetch) = fetch(&route, &Request::get("/é<%20>/a"));
    assert_eq!(fetch.url, "http://127.0.0.1:9000/%C3%A9%3C%20%3E/a");
    let large = Request {
        body: RequestBody::Binary(vec![0; 1024 * 1024 + 1]),
        ..Request::get("/a")
    };
    let long = Request {
        query: "q".repeat(8 * 1024),
        ..Request::get("/a")
    };
    for (request, status) in [(large, 413), (long, 414)] {
        match crate::shape(&state, &request, &MemoryCounters::default()) {
            Ok(Step::Reply(response)) => assert_eq!(response.status, status),
            other => panic!("{other:?}"),
        }
    }
}
