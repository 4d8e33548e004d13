//! Read operations of the Lambda control plane, over plain HTTP and through AWS's own clients.

use serde_json::{Value, json};

use crate::sdk_clients::{python, with_node, with_python};
use crate::support::{Missing, Project, RAW_BOOTSTRAP, Server, request};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function";

fn project() -> Project {
    Project::new(&format!(
        "[functions.hello]\ncode = \"{RAW_BOOTSTRAP}\"\nhandler = \"app.handler\"\ntimeout = 2.5\nmemory = 256\n\
         reserved-concurrency = 7\nenvironment = {{ GREETING = \"hi\" }}\naliases = {{ live = \"1\" }}\n\
         [functions.hello.versions.1]\nmemory = 512\n\
         [functions.other]\ncode = \"{RAW_BOOTSTRAP}\"\nrecursive-loop = \"Allow\"\n"
    ))
}

#[track_caller]
fn get(server: &Server, path: &str) -> Value {
    let reply = request(server.invoke_url(), "GET", path, &[], b"");
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    reply.json()
}

/// Makes the same calls with each installed SDK and returns the answers of each.
#[track_caller]
fn make(server: &Server, calls: &[(&str, Value)]) -> Vec<Vec<Value>> {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(operation, input)| json!({ "operation": operation, "input": input }))
        .collect();
    let python = with_python("operations.py", server, &calls);
    let node = with_node("operations.cjs", server, &calls);
    [python, node].into_iter().flatten().collect()
}

#[test]
fn a_function_description_matches_its_configuration() {
    let project = project();
    let server = project.serve();
    let found = get(&server, "/2015-03-31/functions/hello/configuration");
    let size = std::fs::metadata(RAW_BOOTSTRAP).unwrap().len();
    for (member, value) in [
        ("FunctionName", json!("hello")),
        ("FunctionArn", json!(format!("{ARN}:hello"))),
        ("Runtime", json!("provided.al2023")),
        ("Handler", json!("app.handler")),
        ("Timeout", json!(3)),
        ("MemorySize", json!(256)),
        ("Version", json!("$LATEST")),
        ("State", json!("Active")),
        ("LastUpdateStatus", json!("Successful")),
        ("PackageType", json!("Zip")),
        ("CodeSize", json!(size)),
        ("Environment", json!({ "Variables": { "GREETING": "hi" } })),
        ("EphemeralStorage", json!({ "Size": 512 })),
        ("TracingConfig", json!({ "Mode": "PassThrough" })),
    ] {
        assert_eq!(found[member], value, "{member}");
    }
    let sha256 = std::process::Command::new("sha256sum")
        .arg(RAW_BOOTSTRAP)
        .output();
    let sha256 = String::from_utf8(sha256.unwrap().stdout).unwrap();
    let decoded: String = crate::invoke_api::decode(found["CodeSha256"].as_str().unwrap())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(sha256.starts_with(&decoded), "{sha256} {decoded}");
    let modified = found["LastModified"].as_str().unwrap();
    assert_eq!(modified.len(), "2026-11-21T08:30:00.000+0000".len());
    assert!(modified.ends_with("+0000"), "{modified}");

    let live = get(
        &server,
        "/2015-03-31/functions/hello/configuration?Qualifier=live",
    );
    assert_eq!(live["FunctionArn"], format!("{ARN}:hello:live"));
    assert_eq!(
        (&live["Version"], &live["MemorySize"]),
        (&json!("1"), &json!(512))
    );
    assert_ne!(live["RevisionId"], found["RevisionId"]);
    let concurrency = get(&server, "/2019-09-30/functions/hello/concurrency");
    assert_eq!(concurrency, json!({ "ReservedConcurrentExecutions": 7 }));
    assert_eq!(
        get(&server, "/2019-09-30/functions/other/concurrency"),
        json!({})
    );
}

#[test]
fn both_sdks_read_functions_versions_and_aliases() {
    let project = project();
    let server = project.serve();
    let one = json!({ "FunctionName": "hello" });
    let calls = [
        ("ListFunctions", json!({})),
        ("ListFunctions", json!({ "FunctionVersion": "ALL" })),
        ("ListVersionsByFunction", one.clone()),
        ("ListAliases", one.clone()),
        (
            "GetAlias",
            json!({ "FunctionName": "hello", "Name": "live" }),
        ),
        (
            "GetFunction",
            json!({ "FunctionName": format!("{ARN}:hello") }),
        ),
        (
            "GetFunctionRecursionConfig",
            json!({ "FunctionName": "other" }),
        ),
        ("ListTags", json!({ "Resource": format!("{ARN}:hello") })),
        ("GetAccountSettings", json!({})),
        ("GetFunctionConcurrency", one),
    ];
    let arns = |list: &Value| -> Vec<String> {
        let functions = list.as_array().unwrap().iter();
        functions
            .map(|function| {
                let arn = function["FunctionArn"].as_str().unwrap();
                arn.trim_start_matches(ARN).to_owned()
            })
            .collect()
    };
    for answers in make(&server, &calls) {
        assert_eq!(arns(&answers[0]["Functions"]), [":hello", ":other"]);
        assert_eq!(answers[0]["Functions"][0]["State"], Value::Null);
        let all = [":hello:$LATEST", ":hello:1", ":other:$LATEST"];
        assert_eq!(arns(&answers[1]["Functions"]), all);
        assert_eq!(arns(&answers[2]["Versions"]), all[..2]);
        assert_eq!(answers[3]["Aliases"][0], answers[4]);
        assert_eq!(answers[4]["AliasArn"], format!("{ARN}:hello:live"));
        assert_eq!(answers[4]["FunctionVersion"], "1");
        assert_eq!(answers[5]["Configuration"]["State"], "Active");
        assert_eq!(answers[5]["Concurrency"]["ReservedConcurrentExecutions"], 7);
        assert_eq!(answers[6]["RecursiveLoop"], "Allow");
        assert_eq!(answers[7]["Tags"], json!({}));
        assert_eq!(answers[8]["AccountUsage"]["FunctionCount"], 2);
        assert_eq!(answers[9]["ReservedConcurrentExecutions"], 7);
    }
}

#[test]
fn missing_resources_and_modifying_operations_return_awss_errors() {
    let project = project();
    let server = project.serve();
    let calls = [
        ("GetFunction", json!({ "FunctionName": "nobody" })),
        (
            "GetFunction",
            json!({ "FunctionName": "hello", "Qualifier": "9" }),
        ),
        (
            "GetAlias",
            json!({ "FunctionName": "hello", "Name": "dead" }),
        ),
        ("GetPolicy", json!({ "FunctionName": "hello" })),
        ("ListFunctions", json!({ "Marker": "nonsense" })),
        ("DeleteFunction", json!({ "FunctionName": "hello" })),
        ("PublishVersion", json!({ "FunctionName": "hello" })),
    ];
    let expected = [
        (
            404,
            "ResourceNotFoundException",
            format!("Function not found: {ARN}:nobody"),
        ),
        (
            404,
            "ResourceNotFoundException",
            format!("Function not found: {ARN}:hello:9"),
        ),
        (
            404,
            "ResourceNotFoundException",
            format!("Cannot find alias arn: {ARN}:hello:dead"),
        ),
        (
            404,
            "ResourceNotFoundException",
            "The resource you requested does not exist.".to_owned(),
        ),
        (
            400,
            "InvalidParameterValueException",
            "The marker".to_owned(),
        ),
        (
            501,
            "NotImplementedException",
            "DELETE /2015-03-31/functions/hello would change".to_owned(),
        ),
        (
            501,
            "NotImplementedException",
            "POST /2015-03-31/functions/hello/versions would".to_owned(),
        ),
    ];
    for answers in make(&server, &calls) {
        for (answer, (status, code, message)) in answers.iter().zip(&expected) {
            assert_eq!(
                (&answer["status"], &answer["code"]),
                (&json!(status), &json!(code))
            );
            let said = answer["message"].as_str().unwrap();
            assert!(said.starts_with(message), "{said}");
        }
    }
    let path = "/2015-03-31/functions?FunctionVersion=SOME";
    let reply = request(server.invoke_url(), "GET", path, &[], b"");
    assert_eq!(
        reply.header("x-amzn-errortype"),
        Some("ValidationException")
    );
}

#[test]
fn the_cli_waits_for_a_function_and_calls_it_by_its_alias() {
    let project = project();
    let server = project.serve();
    let aws = |arguments: &[&str]| {
        let mut aws = python()?;
        aws.args([
            "-m",
            "awscli",
            "--endpoint-url",
            server.invoke_url(),
            "lambda",
        ]);
        Ok::<_, Missing>(aws.args(arguments).output().unwrap())
    };
    let Ok(waited) = aws(&["wait", "function-active-v2", "--function-name", "hello"]) else {
        return;
    };
    assert!(waited.status.success(), "{waited:?}");
    let live = [
        "--function-name",
        "hello",
        "--qualifier",
        "live",
        "/dev/null",
    ];
    let invoked = aws(&[&["invoke"], &live[..]].concat()).ok().unwrap();
    let answer: Value = serde_json::from_slice(&invoked.stdout).unwrap();
    assert_eq!(answer["ExecutedVersion"], "1", "{invoked:?}");
}

#[test]
fn the_cli_pages_through_a_list() {
    let functions: String = (0..120)
        .map(|n| format!("[functions.f{n:03}]\ncode = \"{RAW_BOOTSTRAP}\"\n"))
        .collect();
    let project = Project::new(&functions);
    let server = project.serve();
    let Ok(mut aws) = python() else { return };
    let output = aws
        .args(["-m", "awscli", "lambda", "list-functions", "--endpoint-url"])
        .args([server.invoke_url(), "--query", "length(Functions)"])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(printed.trim(), "120", "{output:?}");
}
