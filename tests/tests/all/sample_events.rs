//! `lambkin event`, and `lambkin invoke --event`: events without a trigger.

mod forms;

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Project, interpreter, lambkin};

/// Runs the program in a folder without a `lambkin.toml`.
fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), arguments)
}

fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = lambkin();
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::null()).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The event that a command line prints.
fn event(words: &[&str]) -> Value {
    let output = run(&[&["event"], words].concat());
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", err(&output));
    let said = err(&output);
    let is_silent = said.lines().all(|line| line.starts_with("compil"));
    assert!(is_silent, "{words:?}: {said}");
    serde_json::from_str(&out(&output)).unwrap()
}

/// What the program says of a command line that it refuses.
fn refusal(line: &str) -> String {
    let arguments: Vec<&str> = line.split(' ').collect();
    let output = run(&arguments);
    assert_eq!(
        output.status.code(),
        Some(2),
        "{arguments:?}: {}",
        out(&output)
    );
    assert_eq!(out(&output), "", "{arguments:?}");
    err(&output)
}

#[test]
fn every_sample_that_is_listed_is_printed_and_always_the_same() {
    let listed = run(&["event"]);
    let listed = out(&listed);
    let names = listed.lines().filter_map(|line| {
        let mut words = line.strip_prefix("  ")?.split_whitespace();
        Some((words.next()?, words.next()?))
    });
    let names: Vec<_> = names.collect();
    assert!(names.len() > 15, "{listed}");
    for (service, kind) in names {
        let first = event(&[service, kind]);
        assert!(first.is_object(), "{service} {kind}: {first}");
        assert_eq!(event(&[&format!("{service}/{kind}")]), first);
    }
    let of_one = run(&["event", "s3"]);
    assert!(out(&of_one).contains("  s3 put "), "{}", out(&of_one));
    assert!(!out(&of_one).contains("  sqs "), "{}", out(&of_one));
}

#[test]
fn fields_are_what_the_plugin_makes_of_them() {
    let words = [
        "s3",
        "put",
        "--bucket",
        "b",
        "--key",
        "ä b/\"c\"+.jpg",
        "--size",
        "7",
        "--region",
        "cn-north-1",
    ];
    let put = event(&words);
    let record = &put["Records"][0];
    assert_eq!(record["awsRegion"], "cn-north-1");
    assert_eq!(record["s3"]["bucket"]["name"], "b");
    assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws-cn:s3:::b");
    assert_eq!(record["s3"]["object"]["key"], "%C3%A4+b/%22c%22%2B.jpg");
    assert_eq!(record["s3"]["object"]["size"], 7);

    let bodies = (0..11).map(|number| format!("--body={number} \"ü\""));
    let bodies: Vec<String> = bodies.collect();
    let mut words = vec![
        "sqs",
        "receive-message",
        "--attribute",
        "kind: new",
        "--queue-name",
        "orders",
    ];
    words.extend(bodies.iter().map(String::as_str));
    let batch = event(&words);
    let records = batch["Records"].as_array().unwrap();
    assert_eq!(records.len(), 11);
    assert_eq!(records[10]["body"], "10 \"ü\"");
    assert_eq!(
        records[0]["messageAttributes"]["kind"]["stringValue"],
        "new"
    );
    assert_eq!(
        records[0]["eventSourceARN"],
        "arn:aws:sqs:us-east-1:123456789012:orders"
    );

    let words = [
        "api-gateway-http",
        "request",
        "--resource",
        "/orders/{id}",
        "--path",
        "/orders/ö?a=1&a=2",
        "--method",
        "get",
        "--header",
        "Cookie: x=y",
        "--stage",
        "dev",
        "--api-id",
        "abc",
        "--source-ip",
        "192.0.2.1",
    ];
    let request = event(&words);
    assert_eq!(request["routeKey"], "ANY /orders/{id}");
    assert_eq!(request["pathParameters"]["id"], "ö");
    assert_eq!(request["queryStringParameters"]["a"], "1,2");
    assert_eq!(request["cookies"], json!(["x=y"]));
    assert_eq!(request["requestContext"]["stage"], "dev");
    assert_eq!(request["requestContext"]["http"]["method"], "GET");
    assert_eq!(request["requestContext"]["http"]["sourceIp"], "192.0.2.1");
    assert_eq!(
        request["requestContext"]["domainName"],
        "abc.execute-api.us-east-1.amazonaws.com"
    );
    assert!(request.get("body").is_none());

    let lists = event(&[
        "alb",
        "request",
        "--multi-value-headers",
        "true",
        "--query",
        "a=1&a=2",
    ]);
    assert_eq!(
        lists["multiValueQueryStringParameters"]["a"],
        json!(["1", "2"])
    );
    let message = event(&["api-gateway-websocket", "message", "--body", "no JSON"]);
    assert_eq!(message["requestContext"]["routeKey"], "$default");
    let authorizer = event(&["api-gateway-http", "authorizer", "--token", "t"]);
    assert_eq!(authorizer["identitySource"], json!(["t"]));
    let authorizer = event(&["api-gateway-websocket", "authorizer"]);
    assert_eq!(authorizer["type"], "REQUEST");
    let test = event(&["api-gateway-rest", "test-invoke"]);
    assert_eq!(test["requestContext"]["stage"], "test-invoke-stage");
}

#[test]
fn names_and_options_of_sam_are_accepted() {
    let proxy = event(&[
        "apigateway",
        "aws-proxy",
        "--body",
        "{\"a\":\"ü\"}",
        "--stage",
        "test",
        "--method",
        "PUT",
        "--resource",
        "/{proxy+}",
        "--path",
        "some/path",
        "--querystringparameters",
        "{\"k\": \"v w\"}",
        "--account-id",
        "111122223333",
        "--dns-suffix",
        "eu-west-1.amazonaws.com",
    ]);
    assert_eq!(proxy["body"], "{\"a\":\"ü\"}");
    assert_eq!(proxy["path"], "/some/path");
    assert_eq!(proxy["pathParameters"]["proxy"], "some/path");
    assert_eq!(proxy["queryStringParameters"], json!({ "k": "v w" }));
    assert_eq!(
        proxy["requestContext"]["domainName"],
        "1234567890.execute-api.eu-west-1.amazonaws.com"
    );

    let http = event(&[
        "apigateway",
        "http-api-proxy",
        "--path",
        "x",
        "--stage",
        "$default",
        "--account-id",
        "111122223333",
    ]);
    assert_eq!(http["version"], "2.0");
    assert_eq!(http["requestContext"]["accountId"], "111122223333");

    let token = event(&[
        "apigateway",
        "authorizer",
        "--restApiId",
        "abc",
        "--resource",
        "request",
        "--stage",
        "s",
        "--method",
        "GET",
        "--region",
        "eu-west-1",
        "--partition",
        "aws",
        "--account-id",
        "111122223333",
    ]);
    assert_eq!(
        token["methodArn"],
        "arn:aws:execute-api:eu-west-1:111122223333:abc/s/GET/request"
    );
    let request = event(&["apigateway", "request-authorizer", "--resource", "request"]);
    assert_eq!(request["type"], "REQUEST");

    let alb = event(&[
        "alb",
        "request",
        "--dns-suffix",
        "us-east-2.elb.amazonaws.com",
        "--account-id",
        "111122223333",
    ]);
    assert_eq!(
        alb["headers"]["host"],
        "lambda-alb-1234567890.us-east-2.elb.amazonaws.com"
    );
    let words = [
        "sqs",
        "receive-message",
        "--queue-name",
        "Q",
        "--body",
        "b",
        "--partition",
        "aws",
        "--account-id",
        "111122223333",
    ];
    let arn = &event(&words)["Records"][0]["eventSourceARN"];
    assert_eq!(arn, "arn:aws:sqs:us-east-1:111122223333:Q");
    let deleted = event(&[
        "s3",
        "delete",
        "--bucket",
        "b",
        "--key",
        "k",
        "--region",
        "eu-west-1",
        "--partition",
        "aws",
    ]);
    assert_eq!(deleted["Records"][0]["eventName"], "ObjectRemoved:Delete");
}

#[test]
fn what_is_wrong_is_named_with_what_would_be_right() {
    for (line, expected) in [
        ("event sns notification", "no built-in plugin makes them"),
        ("event sns", "no built-in plugin makes them"),
        ("event sqss receive-message", "did you mean `sqs`?"),
        ("event s3 puts", "did you mean `put`?"),
        (
            "event s3 batch-invocation",
            "its types are: complete-multipart-upload",
        ),
        ("event s3 put --bukcet b", "'--bucket'"),
        (
            "event s3 put --queue-name q",
            "unexpected argument '--queue-name'",
        ),
        (
            "event s3 put --key",
            "a value is required for '--key <KEY>'",
        ),
        ("event s3 put --key=", "--key must not be empty"),
        ("event s3 put --key a --key b", "--key is given 2 times"),
        (
            "event s3 put --size big",
            "--size must be a whole number of bytes, not \"big\"",
        ),
        (
            "event s3 put --partition aws-cn",
            "choose a --region of aws-cn",
        ),
        (
            "event sqs message --account-id 1",
            "--account-id must be twelve digits",
        ),
        (
            "event alb request --header a:b\r\nc:d",
            "must be a name and a value",
        ),
        (
            "event alb request --body @none.json",
            "cannot read the body from none.json",
        ),
        (
            "event api-gateway-rest request --resource /a --path /b",
            "answered with status 403: {\"message\":\"Missing Authentication Token\"}; a --path has to fit --resource",
        ),
        (
            "event api-gateway-rest request --stage a/b",
            "stage: a stage's name consists of",
        ),
        (
            "invoke f --event s3/puts",
            "--event s3/puts: s3 has no sample event \"puts\"; did you mean `put`?",
        ),
        (
            "invoke f --event s3",
            "--event s3 needs a type, such as `--event s3/put`",
        ),
        (
            "invoke f --event kinesis/get-records",
            "no built-in plugin makes them",
        ),
        (
            "invoke f --event s3/put --queue-name q",
            "--event s3/put: s3/put has no field --queue-name; its fields are: --bucket, --key",
        ),
        ("invoke f {} --event s3/put", "cannot be used with"),
        ("invoke f -e x.json --event s3/put", "cannot be used with"),
        ("invoke f --bucket b", "--event <SERVICE/TYPE>"),
    ] {
        let said = refusal(line);
        assert!(said.contains(expected), "{line}: {said}");
    }
}

#[test]
fn help_has_the_fields_of_an_event_and_their_defaults() {
    let help = out(&run(&["event", "s3", "put", "--help"]));
    assert!(help.contains("--bucket <NAME>"), "{help}");
    assert!(help.contains("[default: example-bucket]"), "{help}");
    let help = out(&run(&["event", "--help"]));
    assert!(help.contains("lambkin shape"), "{help}");
    let script = out(&run(&["completions", "bash"]));
    for word in [
        "receive-message",
        "--queue-name",
        "api-gateway-rest/request",
    ] {
        assert!(script.contains(word), "{word}");
    }
}

#[test]
fn a_sample_is_the_event_of_an_invocation() {
    let project = Project::echo("");
    let words = [
        "invoke",
        "echo",
        "--event",
        "s3/put",
        "--bucket",
        "b",
        "--key",
        "it's \"ü\"",
    ];
    let output = run_in(project.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let echoed: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(
        echoed,
        event(&["s3", "put", "--bucket", "b", "--key", "it's \"ü\""])
    );
}

#[test]
fn a_handler_reads_a_sample() {
    if interpreter("python3").is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let code = "def handler(event, context):\n    return [record['body'] for record in event['Records']]\n";
    std::fs::write(folder.path().join("app.py"), code).unwrap();
    std::fs::write(folder.path().join("body.json"), "{\"id\": 7}").unwrap();
    let words = [
        "invoke",
        "--body",
        "@body.json",
        "app.handler",
        "--event",
        "sqs/receive-message",
        "--body",
        "two",
    ];
    let output = run_in(folder.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let bodies: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(bodies, json!(["{\"id\": 7}", "two"]));
}
