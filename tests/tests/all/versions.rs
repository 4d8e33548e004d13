//! Versions and aliases: which version a call reaches, and what that version knows about itself.

use serde_json::json;

use crate::support::{Project, RAW_BOOTSTRAP, Server, lambkin, request};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:echo";

fn versioned(aliases: &str) -> Project {
    Project::echo(&format!(
        "environment = {{ SAYS = \"latest\" }}\naliases = {{ {aliases} }}\n\
         [functions.echo.versions.2]\nenvironment = {{ SAYS = \"two\" }}\n\
         [functions.echo.versions.10]\nenvironment = {{ SAYS = \"ten\" }}\n"
    ))
}

/// The value of the function's variable `SAYS`, and the executed version in the response header.
#[track_caller]
fn variable_and_version(server: &Server, function: &str) -> (String, String) {
    let reply = server.invoke(function, r#"{"env":"SAYS"}"#);
    assert_eq!(reply.status, 200, "{function}: {}", reply.text());
    let version = reply.header("x-amz-executed-version").unwrap().to_owned();
    (
        reply.json().as_str().unwrap_or_default().to_owned(),
        version,
    )
}

#[test]
fn a_qualifier_selects_its_version() {
    let server = versioned("live = \"2\", beta = \"$LATEST\"").serve();
    for (function, says, version) in [
        ("echo", "latest", "$LATEST"),
        ("echo:$LATEST", "latest", "$LATEST"),
        ("echo:2", "two", "2"),
        ("echo:10", "ten", "10"),
        ("echo:live", "two", "2"),
        ("echo:beta", "latest", "$LATEST"),
        ("echo:$LATEST.PUBLISHED", "ten", "10"),
        (&format!("{ARN}:live"), "two", "2"),
    ] {
        let expected = (says.to_owned(), version.to_owned());
        assert_eq!(
            variable_and_version(&server, function),
            expected,
            "{function}"
        );
    }
    let path = "/2015-03-31/functions/echo/invocations?Qualifier=live";
    let reply = request(server.invoke_url(), "POST", path, &[], b"1");
    assert_eq!(reply.header("x-amz-executed-version"), Some("2"));
    for unknown in ["echo:3", "echo:02", "echo:lively"] {
        assert_eq!(server.invoke(unknown, "1").status, 404, "{unknown}");
    }
}

#[test]
fn a_version_gets_its_number_and_the_qualified_arn() {
    let server = versioned("live = \"2\"").serve();
    let version = r#"{"env":"AWS_LAMBDA_FUNCTION_VERSION"}"#;
    let reply = server.invoke("echo:live", version);
    assert_eq!(reply.json(), "2");
    let id = reply.header("x-amzn-requestid").unwrap();
    server.log_with(&format!("START RequestId: {id} Version: 2"));

    let headers = r#"{"tell":"headers"}"#;
    let arn = |function| {
        let headers = server.invoke(function, headers).json();
        headers["lambda-runtime-invoked-function-arn"].clone()
    };
    assert_eq!(arn("echo:live"), json!(format!("{ARN}:live")));
    assert_eq!(arn("echo:2"), json!(format!("{ARN}:2")));
    assert_eq!(arn("echo"), json!(ARN));
}

#[test]
fn versions_do_not_share_environments() {
    let server = versioned("live = \"2\"").serve();
    let pid = |function| server.invoke(function, r#"{"tell":"pid"}"#).json();
    assert_ne!(pid("echo:2"), pid("echo:10"));
    // The same version by another name is the same function.
    assert_eq!(
        server.invoke("echo:2", r#"{"tell":"served"}"#).json(),
        json!(2)
    );
    assert_eq!(
        server.invoke("echo:live", r#"{"tell":"served"}"#).json(),
        json!(3)
    );
}

#[test]
fn the_command_line_accepts_a_qualifier() {
    let project = versioned("live = \"2\"");
    let invoke = |function: &str| {
        let mut command = lambkin();
        command.args(["invoke", function, r#"{"env":"SAYS"}"#]);
        command.current_dir(project.path()).output().unwrap()
    };
    let output = invoke("echo:live");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "\"two\"\n");
    assert_eq!(invoke("echo:dead").status.code(), Some(2));
}

#[test]
fn an_alias_can_split_its_calls_between_versions() {
    let weighted = "all = { version = \"2\", weights = { \"10\" = 1.0 } }, \
                    half = { version = \"2\", weights = { \"10\" = 0.5 } }";
    let server = versioned(weighted).serve();
    for _ in 0..5 {
        assert_eq!(variable_and_version(&server, "echo:all").1, "10");
    }
    // The probability that a hundred calls all reach the same version is negligible.
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..100 {
        reached.insert(variable_and_version(&server, "echo:half").1);
        if reached.len() == 2 {
            return;
        }
    }
    panic!("only {reached:?}");
}

#[test]
fn a_trigger_can_name_an_alias_and_an_unknown_one_is_an_error() {
    let project = |function: &str| {
        Project::new(&format!(
            "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\naliases = {{ live = \"2\" }}\n\
             [functions.echo.versions.2]\nenvironment = {{ RAW_BOOTSTRAP_RETURN = \"body\" }}\n\
             [triggers.web]\nplugin = \"api-gateway-http\"\nlisten = \"127.0.0.1:0\"\nfunction = \"{function}\"\n"
        ))
    };
    let live = project("echo:live");
    let server = live.serve();
    let text = [("content-type", "text/plain")];
    assert_eq!(server.web("POST", "/", &text, b"\"hi\"").text(), "hi");

    let text = project("echo:lvie").refusal();
    assert!(
        text.contains("invokes the version or alias \"lvie\" of echo, which is not defined; did you mean `live`?"),
        "{text}"
    );
}

#[test]
fn an_alias_of_an_undefined_version_is_reported_at_its_position() {
    let text = versioned("live = \"11\"").refusal();
    assert!(
        text.contains(
            "functions.echo.aliases.live: echo has no version \"11\"; did you mean `10`?"
        ),
        "{text}"
    );
    assert!(text.contains("\"11\"") && text.contains("^^^^"), "{text}");
}
