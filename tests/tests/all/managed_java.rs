//! Java functions with AWS's runtime interface client: classes, jars, layers and source files.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use serde_json::{Value, json};

use crate::support::{Missing, Project, Reply, Server, eventually, installed, lambkin, tool};

/// Handlers of all forms, and all that can go wrong with them.
const HANDLERS: &str = include_str!("../../fixtures/runtimes/java-handlers/Handlers.java");

/// The folder with the client and the folder of the JDK, if both are there.
fn needed() -> Result<PathBuf, Missing> {
    let mut probe = Command::new("javac");
    probe.arg("-version");
    tool("javac", probe)?;
    Ok(installed("runtimes/java")?.join("lib"))
}

/// Compiles the handlers into a folder of the project.
fn compile(project: &Project, client: &Path, folder: &str) {
    let source = project.file("src/ex/Handlers.java", HANDLERS);
    let output = Command::new("javac")
        .args(["-parameters", "-d"])
        .arg(project.path().join(folder))
        .arg("-cp")
        .arg(format!("{}/*", client.display()))
        .arg(source)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A function of these settings whose code is the folder `code`, with room for a JVM on a busy machine.
fn function(name: &str, settings: &str) -> String {
    format!("[functions.{name}]\ncode = 'code'\ntimeout = 100\nmemory = 512\n{settings}\n")
}

fn handler(name: &str, handler: &str) -> String {
    function(name, &format!("handler = '{handler}'\nruntime = 'java17'"))
}

#[track_caller]
fn error(reply: &Reply) -> (String, String) {
    assert_eq!(
        reply.header("x-amz-function-error"),
        Some("Unhandled"),
        "{}",
        reply.text()
    );
    let error = reply.json();
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    (text("errorType"), text("errorMessage"))
}

/// Calls functions one after another in two threads, so that two virtual machines start at a time.
fn call(server: &Server, calls: &[(&str, &str)]) -> Vec<Reply> {
    let half = calls.len().div_ceil(2);
    thread::scope(|scope| {
        let halves = calls.chunks(half.max(1)).map(|calls| {
            scope.spawn(|| {
                calls
                    .iter()
                    .map(|(name, event)| server.invoke(name, event))
                    .collect::<Vec<_>>()
            })
        });
        let halves: Vec<_> = halves.collect();
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    })
}

#[test]
fn handlers_of_all_forms_get_and_return_what_they_do_on_aws() {
    let Ok(client) = needed() else { return };
    let project = Project::new(
        &[
            handler("map", "ex.Handlers"),
            handler("pojo", "ex.Handlers::pojo"),
            handler("text", "ex.Handlers::text"),
            handler("nothing", "ex.Handlers::nothing"),
            handler("fixed", "ex.Handlers::fixed"),
            handler("stream", "ex.Handlers$Stream"),
            handler("overloaded", "ex.Handlers::overloaded"),
        ]
        .concat(),
    );
    compile(&project, &client, "code");
    symlink(&client, project.path().join("code/lib")).unwrap();
    let server = project.serve();
    let replies = call(
        &server,
        &[
            ("map", r#"{"a":1}"#),
            ("pojo", r#"{"name":"x","age":3,"zzz":1}"#),
            ("text", r#""q""#),
            ("nothing", "{}"),
            ("fixed", "41"),
            ("stream", r#"{"raw":  1}"#),
            ("overloaded", r#""x""#),
        ],
    );
    let texts: Vec<String> = replies.iter().map(Reply::text).collect();
    assert_eq!(texts[0], r#"{"a":1,"map":"java.util.LinkedHashMap"}"#);
    assert_eq!(replies[1].json(), json!({"name": "x", "age": 4}));
    assert_eq!(texts[2..5], [r#""q: q""#, "null", "42"]);
    assert_eq!(
        texts[5], r#"{"raw":  1}"#,
        "bytes are passed on as they are"
    );
    assert_eq!(texts[6], r#""with the context of overloaded""#);
}

#[test]
fn errors_of_java_functions_have_awss_shapes() {
    let Ok(client) = needed() else { return };
    let project = Project::new(
        &[
            handler("fails", "ex.Handlers::fails"),
            handler("text", "ex.Handlers::text"),
            handler("class", "ex.Nope::handle"),
            handler("method", "ex.Handlers::nope"),
            handler("plain", "ex.Handlers$Plain"),
            handler("constructor", "ex.Handlers$Constructor"),
            handler("exits", "ex.Handlers::exits"),
        ]
        .concat(),
    );
    compile(&project, &client, "code");
    symlink(&client, project.path().join("code/lib")).unwrap();
    let server = project.serve();
    let replies = call(
        &server,
        &[
            ("fails", "1"),
            ("text", r#"{"a":1}"#),
            ("class", "1"),
            ("method", "1"),
            ("plain", "1"),
            ("constructor", "1"),
            ("exits", "1"),
        ],
    );
    let errors: Vec<_> = replies.iter().map(error).collect();
    let expected = |kind: &str, message: &str| (kind.to_owned(), message.to_owned());
    assert_eq!(
        errors[0],
        expected("java.lang.IllegalStateException", "boom\nx")
    );
    let trace = replies[0].json()["stackTrace"][0]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(trace.starts_with("ex.Handlers.fails("), "{trace}");
    assert_eq!(
        errors[1],
        expected(
            "java.lang.RuntimeException",
            "An error occurred during JSON parsing"
        )
    );
    assert_eq!(
        errors[2],
        expected(
            "java.lang.ClassNotFoundException",
            "Class not found: ex.Nope"
        )
    );
    assert!(
        errors[3].1.starts_with("No public method named nope"),
        "{:?}",
        errors[3]
    );
    assert_eq!(
        errors[4].1,
        "Class does not implement an appropriate handler interface: ex.Handlers$Plain"
    );
    assert_eq!(
        errors[5],
        expected("java.lang.RuntimeException", "constructor")
    );
    assert_eq!(errors[6].0, "Runtime.ExitError");
    assert!(errors[6].1.ends_with("exit status 3"), "{:?}", errors[6]);
    // The process of a function that has thrown serves the next event.
    assert_eq!(error(&server.invoke("fails", "1")), errors[0]);
}

#[test]
fn a_jar_runs_with_the_client_of_a_layer_and_the_variables_of_the_jvm() {
    let Ok(client) = needed() else { return };
    let project = Project::new(
        "[functions.f]\ncode = 'app.jar'\nhandler = 'ex.Handlers::property'\nruntime = 'java17'\ntimeout = 100\nmemory = 512\n\
         layers = ['layer']\nenvironment = { JAVA_TOOL_OPTIONS = '-Dlambkin.test=set' }\n",
    );
    compile(&project, &client, "classes");
    let jar = Command::new("jar")
        .args(["cf", "app.jar", "-C", "classes", "."])
        .current_dir(project.path())
        .output()
        .unwrap();
    assert!(jar.status.success(), "{jar:?}");
    fs::create_dir_all(project.path().join("layer/java")).unwrap();
    symlink(&client, project.path().join("layer/java/lib")).unwrap();
    let server = project.serve();
    let answer = server.invoke("f", r#""lambkin.test""#);
    assert_eq!(answer.json(), "set", "{}", server.log());
    server.log_with("Picked up JAVA_TOOL_OPTIONS: -Dlambkin.test=set");
    let path = server.invoke("f", r#""java.class.path""#).json();
    let path: Vec<&str> = path.as_str().unwrap().split(':').collect();
    let at = |name: &str| path.iter().position(|entry| entry.contains(name)).unwrap();
    assert!(at("app.jar") < at("layer/java/lib/"), "{path:?}");
    // The heap is AWS's share of the memory.
    let heap = server.invoke("f", r#""heap""#).json();
    assert_eq!(heap, Value::from((512 * 85 / 100).to_string()));
}

#[test]
fn a_source_file_is_compiled_when_it_starts_and_when_it_has_changed() {
    let Ok(client) = needed() else { return };
    let project = Project::new(
        "[functions.f]\ncode = 'code/Hello.java'\nruntime = 'java17'\ntimeout = 100\nmemory = 512\nwatch = true\n",
    );
    let source = |answer: &str| {
        format!(
            "import com.amazonaws.services.lambda.runtime.*;\n\
             public class Hello implements RequestHandler<String, String> {{\n    \
             public String handleRequest(String event, Context context) {{ return Other.of(event) + {answer}; }}\n}}\n"
        )
    };
    project.file("code/Hello.java", source("\" one\""));
    project.file(
        "code/Other.java",
        "class Other { static String of(String text) { return \"« \" + text; } }\n",
    );
    symlink(&client, project.path().join("code/lib")).unwrap();
    let server = project.serve();
    assert_eq!(
        server.invoke("f", r#""é""#).json(),
        "« é one",
        "{}",
        server.log()
    );
    project.file("code/Hello.java", source("\" two\""));
    eventually("the new code", || {
        server.invoke("f", r#""é""#).json() == "« é two"
    });
    // What the compiler says is in the log.
    project.file("code/Hello.java", source("3 +"));
    eventually("a failure", || {
        server
            .invoke("f", "\"\"")
            .header("x-amz-function-error")
            .is_some()
    });
    server.log_with("Hello.java:3: error: illegal start of expression");
    assert!(!project.path().join("code/Hello.class").exists());
}

/// Runs `lambkin invoke` in the project, and returns what it prints.
#[track_caller]
fn invoke(project: &Project, arguments: &[&str]) -> (String, String) {
    let mut command = lambkin();
    command
        .arg("invoke")
        .args(arguments)
        .current_dir(project.path());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn code_of_java_is_recognised_without_a_runtime() {
    let Ok(client) = needed() else { return };
    let project = Project::new("");
    fs::remove_file(project.path().join("lambkin.toml")).unwrap();
    project.file(
        "Hello.java",
        "public class Hello {\n    public String handleRequest(String event) { return \"Hello \" + event; }\n}\n",
    );
    symlink(&client, project.path().join("lib")).unwrap();
    let event = r#""you""#;
    for arguments in [
        vec!["./Hello.java", event],
        vec!["./Hello.java", event, "--handler", "Hello::handleRequest"],
        vec!["Hello::handleRequest", event],
        vec![".", event],
    ] {
        let (result, log) = invoke(&project, &arguments);
        assert_eq!(result, "\"Hello you\"\n", "{arguments:?}: {log}");
    }
    compile(&project, &client, "classes");
    let jar = Command::new("jar")
        .args(["cf", "app.jar", "-C", "classes", "."])
        .current_dir(project.path())
        .output()
        .unwrap();
    assert!(jar.status.success(), "{jar:?}");
    let (result, log) = invoke(&project, &["./app.jar", "{}", "--handler", "ex.Handlers"]);
    assert!(result.contains("java.util.LinkedHashMap"), "{result} {log}");
    let (_, log) = invoke(&project, &["./app.jar", "{}"]);
    assert!(
        log.contains("needs a handler") && !log.contains("chmod"),
        "{log}"
    );
    project.file(
        "lambkin.toml",
        "[functions.jar]\ncode = 'app.jar'\nhandler = 'ex.Handlers::text'\n\
         [functions.folder]\ncode = 'folder'\nhandler = 'ex.Handlers::text'\n\
         [functions.none]\ncode = 'app.jar'\nruntime = 'java17'\n",
    );
    fs::create_dir(project.path().join("folder")).unwrap();
    fs::copy(
        project.path().join("app.jar"),
        project.path().join("folder/app.jar"),
    )
    .unwrap();
    symlink(&client, project.path().join("folder/lib")).unwrap();
    for name in ["jar", "folder"] {
        let (result, log) = invoke(&project, &[name, r#""q""#]);
        assert!(
            result.contains('q') && !result.contains("errorType"),
            "{result} {log}"
        );
    }
    let check = lambkin()
        .arg("check")
        .current_dir(project.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(
        said.contains("function none: runtime java17 needs a handler"),
        "{said}"
    );
    assert!(!check.status.success());
}
