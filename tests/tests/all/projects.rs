//! Projects of other tools, served as they are: the folders in `fixtures/projects`, in the shape of what `sam init`, CDK and
//! the Serverless Framework make, and of their best-known examples.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{
    Client, Project, Reply, S3_AUTHORIZATION, Server, eventually, interpreter, lambkin, request,
};

fn serve(name: &str, arguments: &[&str]) -> (Project, Server) {
    let project = Project::fixture(name);
    let mut all = vec!["--free-ports"];
    all.extend(arguments);
    let server = project.serve_with(&all, &[]);
    (project, server)
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = lambkin();
    command.args(arguments).current_dir(folder);
    command.output().unwrap()
}

/// Sends a request to a whole URL.
fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let start = url.find("://").map_or(0, |at| at + 3);
    let path = url[start..].find('/').map_or(url.len(), |at| start + at);
    let (host, path) = url.split_at(path);
    request(
        host,
        method,
        if path.is_empty() { "/" } else { path },
        headers,
        body,
    )
}

fn get(url: &str) -> Reply {
    send("GET", url, &[], b"")
}

fn trigger(server: &Server, name: &str, method: &str, path: &str, body: &[u8]) -> Reply {
    let url = format!("{}{path}", server.trigger_url(name));
    send(method, &url, &[], body)
}

#[test]
fn what_sam_init_makes_is_served_with_its_output() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let (_project, server) = serve("sam-hello", &[]);
    let output = server.ready()["outputs"]["HelloWorldApi"].as_str().unwrap();
    let reply = get(output);
    assert_eq!(
        reply.json(),
        json!({ "message": "hello world" }),
        "{output}"
    );
    let without_stage = trigger(&server, "serverless-rest-api", "GET", "/hello", b"");
    assert_eq!(without_stage.status, 200);
    server
        .log_with("template.yaml (SAM or CloudFormation); code: hello_world (HelloWorldFunction)");
}

#[test]
fn functions_share_a_folder_and_an_api() {
    let Ok(()) = interpreter("node") else {
        return;
    };
    let (_project, server) = serve("sam-web", &["--env-vars", "env.json"]);
    let api = |method, path, body| trigger(&server, "serverless-rest-api", method, path, body);
    assert_eq!(
        api("GET", "/", b"").json(),
        json!({ "table": "local-items" })
    );
    assert_eq!(api("GET", "/7", b"").json(), json!({ "id": "7" }));
    let created = api("POST", "/", b"{\"id\":\"8\"}");
    assert_eq!(
        (created.status, created.text().as_str()),
        (201, "{\"id\":\"8\"}")
    );
    server.log_with("SampleTable is not emulated");
}

#[test]
fn an_uploaded_object_invokes_the_function_of_its_bucket() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let (_project, server) = serve("sam-upload", &["--parameter", "AppBucketName=inbox"]);
    let s3 = server.ready()["services"]["s3"].as_str().unwrap();
    let put = |key: &str| {
        send(
            "PUT",
            &format!("{s3}/inbox/{key}"),
            &[("authorization", S3_AUTHORIZATION)],
            b"{}",
        )
    };
    assert_eq!(put("note.txt").status, 200);
    assert_eq!(put("order.json").status, 200);
    let log = server.log_with("uploaded order.json to inbox");
    assert!(!log.contains("uploaded note.txt"), "{log}");
}

#[test]
fn a_queues_url_in_a_variable_works_here() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let (_project, server) = serve("sam-queue", &[]);
    let told = server.invoke("Sender", "{}").json();
    assert_eq!(
        (&told["QUEUE_NAME"], &told["AWS_SAM_LOCAL"]),
        (&json!("Orders"), &json!("true"))
    );
    let url = told["QUEUE_URL"].as_str().unwrap();
    let sqs = server.ready()["services"]["sqs"].as_str().unwrap();
    assert_eq!(url, format!("{sqs}/123456789012/Orders"));
    let body = json!({ "QueueUrl": url, "MessageBody": "seven" }).to_string();
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "AmazonSQS.SendMessage"),
    ];
    assert_eq!(send("POST", sqs, &headers, body.as_bytes()).status, 200);
    server
        .log_with("worked on seven as arn:aws:lambda:us-east-1:123456789012:function:Worker:live");
}

#[test]
fn what_cannot_be_served_is_refused_with_its_place_and_the_rest_starts_on_demand() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let refused = Project::fixture("sam-steps").refusal_with(&["--free-ports"]);
    assert!(
        refused.contains(
            "template.yaml:3:3: AWS::Serverless::StateMachine StockTradingStateMachine is not run"
        ),
        "{refused}"
    );
    assert!(refused.contains("--partial starts the rest"), "{refused}");
    let (_project, server) = serve("sam-steps", &["--partial"]);
    assert_eq!(
        server.invoke("Checker", "{}").json(),
        json!({ "price": 42 })
    );

    let refused = Project::fixture("sam-rust").refusal_with(&["--free-ports"]);
    assert!(
        refused.contains("make -C products build-GetProduct"),
        "{refused}"
    );
}

#[test]
fn destinations_get_the_records_of_asynchronous_calls() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let (project, server) = serve("sam-destinations", &[]);
    let event = [("x-amz-invocation-type", "Event")];
    assert_eq!(server.invoke_with("Job", "{}", &event).status, 202);
    assert_eq!(
        server.invoke_with("Job", "{\"fail\":true}", &event).status,
        202
    );
    server.log_with("failed with as asked");
    eventually("the queue has the record", || {
        let queue = "JobEventInvokeConfigOnSuccessQueue";
        let printed = run(project.path(), &["queue", queue]).stdout;
        String::from_utf8_lossy(&printed).contains("\"responsePayload\":\"done\"")
    });
}

#[test]
fn a_plain_template_with_code_in_it_is_served() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let (_project, server) = serve("cfn-http-api", &["--parameter", "Stage=test"]);
    let endpoint = server.ready()["outputs"]["Endpoint"].as_str().unwrap();
    let reply = get(&format!("{endpoint}/a/b")).json();
    assert_eq!(reply, json!({ "path": "/a/b", "api": endpoint }));
    let url = server.trigger_url("api");
    let origin = [("origin", "https://app.example.com")];
    let reply = send("GET", url, &origin, b"");
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("https://app.example.com")
    );
    // By its logical id, its name and its ARN.
    for name in [
        "Greeter",
        "greeter-test",
        "arn:aws:lambda:us-east-1:123456789012:function:greeter-test",
    ] {
        let reply = server.invoke(name, "{\"rawPath\":\"/x\"}").json();
        assert_eq!(reply["path"], "/x", "{name}: {reply}");
    }
    server.log_with("OnlyInProduction is left out: the condition IsProd is false");
}

#[test]
fn an_assembly_of_cdk_is_served() {
    let Ok(()) = interpreter("node") else {
        return;
    };
    let (_project, server) = serve("cdk", &[]);
    let url = server.ready()["outputs"]["Url"].as_str().unwrap();
    assert_eq!(get(&format!("{url}items")).text(), "from /items of uploads");
    let s3 = server.ready()["services"]["s3"].as_str().unwrap();
    let put = |key: &str| {
        send(
            "PUT",
            &format!("{s3}/uploads/{key}"),
            &[("authorization", S3_AUTHORIZATION)],
            b"x",
        )
    };
    assert_eq!((put("out/a").status, put("in/b").status), (200, 200));
    let log = server.log_with("uploaded in/b");
    assert!(!log.contains("uploaded out/a"), "{log}");
}

#[test]
fn serverless_yml_with_an_http_api_is_served() {
    let Ok(()) = interpreter("node") else {
        return;
    };
    let (_project, server) = serve("sls-http", &["--stage", "test"]);
    let reply = trigger(&server, "http-api", "GET", "/any/where", b"").json();
    assert_eq!(
        reply,
        json!({ "stage": "test", "path": "/any/where", "version": "2.0" })
    );
    let reply = server.invoke("app-test-api", "{\"rawPath\":\"/x\"}").json();
    assert_eq!(reply["path"], "/x");
}

#[test]
fn serverless_yml_with_a_rest_api_is_served_with_and_without_the_stage() {
    let Ok(()) = interpreter("node") else {
        return;
    };
    let (_project, server) = serve("sls-rest", &[]);
    let api = |method, path, body| trigger(&server, "api-gateway-rest-api", method, path, body);
    let created = api("POST", "/dev/todos", b"{\"n\":1}").json();
    assert_eq!(created, json!({ "table": "todos-dev", "item": { "n": 1 } }));
    for path in ["/todos/7", "/dev/todos/7"] {
        assert_eq!(
            api("GET", path, b"").json(),
            json!({ "id": "7", "stage": "dev" }),
            "{path}"
        );
    }
    let preflight = api("OPTIONS", "/todos", b"");
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn serverless_yml_with_a_websocket_api_and_an_authorizer_is_served_without_its_schedule() {
    let Ok(()) = interpreter("node") else {
        return;
    };
    let refused = Project::fixture("sls-chat").refusal_with(&["--free-ports"]);
    assert!(refused.contains("serverless.yml:26:9: "), "{refused}");
    assert!(
        refused.contains("lambkin invoke chat-dev-nightly event.json"),
        "{refused}"
    );
    let (_project, server) = serve("sls-chat", &["--partial"]);
    let address = server.trigger_url("websockets-api");
    let address = address.trim_start_matches("http://");
    let refused = Client::open(address, "/dev?token=wrong", &[])
        .err()
        .unwrap();
    assert!(refused.contains(" 403 "), "{refused}");
    let mut client = Client::open(address, "/dev?token=secret", &[]).unwrap();
    client.send("hello");
    assert_eq!(client.text(), "you said hello");
    assert_eq!(server.invoke("chat-dev-nightly", "{}").json(), "done");
}

#[test]
fn a_toml_file_lies_over_a_template() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let (project, server) = serve("extended", &[]);
    for name in ["HelloWorldFunction", "second"] {
        assert_eq!(
            server.invoke(name, "{}").json()["statusCode"],
            200,
            "{name}"
        );
    }
    let checked = run(project.path(), &["check"]);
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.contains("app.lambda_handler, 9 s"), "{checked}");
    // A mistake is shown in the file that has it.
    project.file(
        "lambkin.toml",
        "extends = \"template.yaml\"\n[functions.HelloWorldFunction]\ntimeuot = 9\n",
    );
    let refused = run(project.path(), &["check"]);
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.contains("lambkin.toml:3:1: functions.HelloWorldFunction.timeuot: unknown key"),
        "{refused}"
    );
}

#[test]
fn code_that_a_template_has_on_aws_is_named_by_a_toml_file() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file(
        "template.yaml",
        "Resources:\n  Fn:\n    Type: AWS::Lambda::Function\n    Properties:\n      Code: {S3Bucket: b, S3Key: k}\n      \
         Handler: app.handler\n      Runtime: python3.13\n",
    );
    file("app.py", "def handler(event, context):\n    return 7\n");
    let refused = run(folder.path(), &["check"]);
    assert_eq!(refused.status.code(), Some(2));
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    let way_out = "set `code` of [functions.Fn] in a lambkin.toml that extends this file";
    assert!(refused.contains(way_out), "{refused}");
    file(
        "lambkin.toml",
        "extends = \"template.yaml\"\n[functions.Fn]\ncode = \".\"\n",
    );
    let invoked = run(folder.path(), &["invoke", "Fn", "{}"]);
    assert_eq!(
        String::from_utf8_lossy(&invoked.stdout).trim(),
        "7",
        "{invoked:?}"
    );
}

#[test]
fn the_shell_overrides_variables_of_a_template_but_is_not_written_to_a_file() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let template = "Resources:\n  Fn:\n    Type: AWS::Lambda::Function\n    Properties:\n      Runtime: python3.13\n      \
                    Handler: index.handler\n      Environment: {Variables: {STAGE_OF_TEST: template}}\n      Code: {ZipFile: \
                    \"import os\\ndef handler(event, context): return os.environ['STAGE_OF_TEST']\"}\n";
    std::fs::write(folder.path().join("template.yaml"), template).unwrap();
    let invoke = |stage: Option<&str>| {
        let mut command = lambkin();
        command
            .args(["invoke", "Fn", "{}"])
            .current_dir(folder.path());
        if let Some(stage) = stage {
            command.env("STAGE_OF_TEST", stage);
        }
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(invoke(None), "\"template\"");
    assert_eq!(invoke(Some("shell")), "\"shell\"");
    let mut init = lambkin();
    init.arg("init")
        .current_dir(folder.path())
        .env("STAGE_OF_TEST", "shell");
    assert!(init.output().unwrap().status.success());
    let written = std::fs::read_to_string(folder.path().join("lambkin.toml")).unwrap();
    assert!(
        written.contains("STAGE_OF_TEST = \"template\"\n"),
        "{written}"
    );
}

#[test]
fn init_writes_what_serve_would_use() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let project = Project::fixture("sam-queue");
    let printed = run(project.path(), &["init", "--output", "-"]);
    assert!(printed.status.success());
    let written = run(project.path(), &["init"]);
    assert!(written.status.success(), "{written:?}");
    let text = std::fs::read_to_string(project.path().join("lambkin.toml")).unwrap();
    assert_eq!(text, String::from_utf8(printed.stdout).unwrap());
    let again = run(project.path(), &["init"]);
    let again = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.contains("lambkin.toml is there already"), "{again}");
    let server = project.serve_with(&["--free-ports"], &[]);
    let told: Value = server.invoke("Sender", "{}").json();
    let sqs = server.ready()["services"]["sqs"].as_str().unwrap();
    assert_eq!(told["QUEUE_URL"], format!("{sqs}/123456789012/Orders"));
}

#[test]
fn init_makes_a_first_function_in_a_language() {
    for (language, program) in [
        ("python", "python3"),
        ("node", "node"),
        ("ruby", "ruby"),
        ("bash", "bash"),
    ] {
        let Ok(()) = interpreter(program) else {
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        let made = run(folder.path(), &["init", language]);
        assert!(made.status.success(), "{language}: {made:?}");
        let event = r#"{"pathParameters":{"name":"you"}}"#;
        let invoked = run(folder.path(), &["invoke", "hello", event]);
        let reply: Value = serde_json::from_slice(&invoked.stdout).unwrap_or_default();
        assert_eq!(reply["statusCode"], 200, "{language}: {invoked:?}");
        let body: Value = serde_json::from_str(reply["body"].as_str().unwrap()).unwrap();
        assert_eq!(body, json!({ "message": "hello you" }), "{language}");
    }
    let folder = tempfile::tempdir().unwrap();
    let empty = run(folder.path(), &["init"]);
    let message = String::from_utf8_lossy(&empty.stderr).into_owned();
    assert!(message.contains("lambkin init python"), "{message}");
}
