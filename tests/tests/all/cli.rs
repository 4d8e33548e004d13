//! The command line: what it prints to stdout and stderr, and its exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Output, Stdio};

use crate::support::{Project, RAW_BOOTSTRAP, lambkin};

fn run(project: &Project, args: &[&str]) -> Output {
    lambkin()
        .args(args)
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn invoke_prints_the_result_on_stdout_and_logs_on_stderr() {
    let project = Project::echo("");
    let output = run(&project, &["invoke", "echo", r#"{"print":"hello","n":1}"#]);
    assert_eq!(out(&output), "{\"print\":\"hello\",\"n\":1}\n");
    let log = err(&output);
    assert!(log.starts_with("START RequestId: "), "{log}");
    assert!(
        log.contains("\nhello\n") && log.contains("\nREPORT RequestId: "),
        "{log}"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_reader_that_closes_the_output_early_causes_no_error() {
    let project = Project::new("");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = lambkin();
    command.args(["completions", "bash"]).stdout(writer);
    let output = command.current_dir(project.path()).output().unwrap();
    assert_eq!(err(&output), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn invoke_reads_its_event_from_a_file_or_stdin_and_defaults_to_an_empty_one() {
    let project = Project::echo("");
    project.file("event.json", "[1,2]");
    assert_eq!(
        out(&run(&project, &["invoke", "echo", "-e", "event.json"])),
        "[1,2]\n"
    );
    assert_eq!(out(&run(&project, &["invoke", "echo"])), "{}\n");

    let mut command = lambkin();
    command
        .args(["invoke", "echo", "-e", "-"])
        .current_dir(project.path());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\"piped\"").unwrap();
    assert_eq!(out(&child.wait_with_output().unwrap()), "\"piped\"\n");
}

#[test]
fn invoke_reads_a_piped_event_without_being_told_to() {
    let project = Project::echo("");
    project.file("event.json", "[1,2]");
    let invoke = |input: Stdio| {
        let mut command = lambkin();
        command.args(["invoke", "echo"]).current_dir(project.path());
        command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let piped = |bytes: &[u8]| {
        let mut child = invoke(Stdio::piped());
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        out(&child.wait_with_output().unwrap())
    };
    assert_eq!(piped(b"\"piped\"\n"), "\"piped\"\n");
    assert_eq!(piped(b""), "{}\n");
    assert_eq!(piped(b" \n"), "{}\n");
    let file = std::fs::File::open(project.path().join("event.json")).unwrap();
    let output = invoke(file.into()).wait_with_output().unwrap();
    assert_eq!(out(&output), "[1,2]\n");
}

#[test]
fn invoke_says_that_it_waits_for_an_event_on_a_pipe_that_stays_open() {
    let project = Project::echo("");
    let mut command = lambkin();
    command.args(["invoke", "echo"]).current_dir(project.path());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    log.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("waiting for the event on standard input"),
        "{line}"
    );
    child.stdin.take().unwrap().write_all(b"7").unwrap();
    log.read_to_string(&mut line).unwrap();
    assert_eq!(out(&child.wait_with_output().unwrap()), "7\n");
}

#[test]
fn invoke_reads_what_windows_editors_write_and_names_other_encodings() {
    let project = Project::echo("");
    let utf_16 = "\u{feff}{\"é\":1}".encode_utf16();
    let files: [(&str, Vec<u8>, Result<&str, &str>); 4] = [
        ("bom.json", "\u{feff}{\"é\":1}".into(), Ok("{\"é\":1}\n")),
        (
            "16.json",
            utf_16.flat_map(u16::to_le_bytes).collect(),
            Ok("{\"é\":1}\n"),
        ),
        (
            "latin.json",
            b"{\"a\":\"\xe9\"}".to_vec(),
            Err(
                "error: the event in latin.json is not UTF-8: the byte 0xe9 in line 1, at offset 6",
            ),
        ),
        (
            "16-without.json",
            "{}".encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Err(
                "error: the event in 16-without.json is UTF-16 without a byte order mark; save it as UTF-8",
            ),
        ),
    ];
    for (name, content, expected) in files {
        std::fs::write(project.path().join(name), content).unwrap();
        let output = run(&project, &["invoke", "echo", "-e", name]);
        match expected {
            Ok(event) => assert_eq!(out(&output), event, "{name}"),
            Err(error) => assert!(err(&output).starts_with(error), "{}", err(&output)),
        }
    }
}

#[test]
fn invoke_refuses_an_event_that_is_too_large_for_lambda() {
    let project = Project::echo("");
    let event = format!("\"{}\"", "x".repeat(6 * 1024 * 1024));
    project.file("event.json", event);
    let output = run(&project, &["invoke", "echo", "-e", "event.json"]);
    assert_eq!(output.status.code(), Some(2));
    let expected = "error: the event has 6291458 bytes, of which Lambda allows 6291456";
    assert!(err(&output).starts_with(expected), "{}", err(&output));
}

#[test]
fn a_configuration_in_utf_16_is_read() {
    let project = Project::echo("");
    let path = project.path().join("lambkin.toml");
    let text = format!("\u{feff}{}", std::fs::read_to_string(&path).unwrap());
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, utf_16).unwrap();
    assert_eq!(out(&run(&project, &["invoke", "echo", "7"])), "7\n");
    std::fs::write(&path, b"# \xe9").unwrap();
    let output = run(&project, &["invoke", "echo", "7"]);
    assert!(
        err(&output).starts_with("error: lambkin.toml is not UTF-8: "),
        "{}",
        err(&output)
    );
}

#[test]
fn invoke_runs_a_bootstrap_without_any_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let output = lambkin()
        .args(["invoke", RAW_BOOTSTRAP, "7"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(
        (out(&output).as_str(), output.status.code()),
        ("7\n", Some(0)),
        "{}",
        err(&output)
    );
}

#[test]
fn the_exit_code_of_invoke_distinguishes_success_function_errors_and_other_errors() {
    let project = Project::echo("");
    let failed = run(&project, &["invoke", "echo", r#"{"error":"no luck"}"#]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(out(&failed).contains(r#""errorMessage":"no luck""#));
    assert_eq!(
        run(&project, &["invoke", "echo", r#"{"exit":9}"#])
            .status
            .code(),
        Some(1)
    );

    let unknown = run(&project, &["invoke", "ehco"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        err(&unknown).contains(r#"defines no function "ehco"; did you mean `echo`?"#),
        "{}",
        err(&unknown)
    );

    let broken = run(&project, &["invoke", "echo", "{nope"]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(
        err(&broken).contains("the event is not JSON: {nope"),
        "{}",
        err(&broken)
    );

    // Its program could not be started.
    std::fs::create_dir(project.path().join("empty")).unwrap();
    let unstarted = run(&project, &["invoke", "./empty"]);
    assert_eq!(unstarted.status.code(), Some(2), "{}", err(&unstarted));

    let missing = run(&project, &["invoke", "echo", "-e", "nowhere.json"]);
    assert!(
        err(&missing).contains("cannot read the event from nowhere.json"),
        "{}",
        err(&missing)
    );
}

#[test]
fn invoke_passes_a_client_context_on() {
    let project = Project::echo("");
    let output = run(
        &project,
        &[
            "invoke",
            "echo",
            r#"{"tell":"headers"}"#,
            "--client-context",
            r#"{"a": 1}"#,
        ],
    );
    assert!(
        out(&output).contains(r#""lambda-runtime-client-context":"{\"a\":1}""#),
        "{}",
        out(&output)
    );
}

#[test]
fn serve_prints_the_address_of_every_listener() {
    let project = Project::gateway("routes = { \"GET /hello/{name}\" = \"echo\" }");
    let server = project.serve();
    let ready = server.ready();
    assert_eq!(ready["event"], "ready");
    for url in [&ready["invoke"], &ready["triggers"]["web"]] {
        let port = url
            .as_str()
            .and_then(|url| url.strip_prefix("http://127.0.0.1:"))
            .unwrap();
        assert_ne!(port.parse::<u16>().unwrap(), 0);
    }
}

#[test]
fn check_prints_the_functions_and_triggers_that_serve_would_start() {
    let project =
        Project::gateway("routes = { \"GET /hello/{name}\" = \"echo\", \"$default\" = \"echo\" }");
    let output = run(&project, &["check"]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(
        text.contains("function echo: ")
            && text.contains("3 s, 128 MB, up to 32 environments, sandbox process"),
        "{text}"
    );
    assert!(
        text.contains("trigger web: api-gateway-http on http://127.0.0.1:0"),
        "{text}"
    );
    assert!(text.contains("    GET /hello/{name} -> echo\n"), "{text}");
}

#[test]
fn check_tries_the_ports_and_names_the_key_and_the_program_that_uses_one() {
    let project = Project::gateway("function = \"echo\"");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let path = project.path().join("lambkin.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let listen = "listen = \"127.0.0.1:0\"\nfunction";
    std::fs::write(
        &path,
        config.replace(listen, &format!("listen = \"{address}\"\nfunction")),
    )
    .unwrap();
    let output = run(&project, &["check"]);
    let expected =
        format!("error: cannot listen on {address}, which triggers.web.listen asks for (");
    assert!(err(&output).contains(&expected), "{}", err(&output));
    assert_eq!(output.status.code(), Some(1));
    if cfg!(target_os = "linux") {
        let process = format!("process {}, uses the port", std::process::id());
        assert!(err(&output).contains(&process), "{}", err(&output));
    }
    drop(taken);
    assert_eq!(run(&project, &["check"]).status.code(), Some(0));
}

#[test]
fn check_does_not_mind_the_ports_of_a_host_that_serves_the_same_configuration() {
    let project = Project::echo("");
    let server = project.serve();
    let address = server
        .invoke_url()
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let path = project.path().join("lambkin.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config.replace("127.0.0.1:0", &address)).unwrap();
    let output = run(&project, &["check"]);
    if cfg!(target_os = "linux") {
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(
            err(&output).contains("note: invoke.listen: "),
            "{}",
            err(&output)
        );
    }
}

#[test]
fn shape_prints_the_event_of_a_request() {
    let project = Project::gateway("routes = { \"POST /hello/{name}\" = \"echo\" }");
    let output = run(
        &project,
        &[
            "shape",
            "web",
            "POST",
            "/hello/ada?x=1",
            "-H",
            "Content-Type: application/json",
            "-H",
            "Host: api.example.com",
            "-d",
            r#"{"a":1}"#,
        ],
    );
    let event: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(event["routeKey"], "POST /hello/{name}");
    assert_eq!(event["pathParameters"]["name"], "ada");
    assert_eq!(event["queryStringParameters"]["x"], "1");
    assert_eq!(event["body"], r#"{"a":1}"#);
    assert_eq!(event["headers"]["host"], "api.example.com");
    assert_eq!(event["requestContext"]["domainName"], "api.example.com");
    assert!(err(&output).contains("invokes echo"));

    let reply = run(&project, &["shape", "web", "GET", "/nowhere"]);
    assert!(
        out(&reply).starts_with("HTTP/1.1 404\n")
            && out(&reply).ends_with("{\"message\":\"Not Found\"}\n"),
        "{}",
        out(&reply)
    );
}

#[test]
fn shape_prints_the_event_of_a_test_in_awss_console() {
    let project = Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\n[triggers.web]\nplugin = \"api-gateway-rest\"\n\
         listen = \"127.0.0.1:0\"\nroutes = {{ \"POST /hello/{{name}}\" = \"echo\" }}\n"
    ));
    let request = [
        "shape",
        "web",
        "POST",
        "/hello/ada",
        "--test-invoke",
        "-d",
        "{}",
    ];
    let output = run(&project, &request);
    let event: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(event["headers"], serde_json::Value::Null);
    assert_eq!(event["body"], "{}");
    assert_eq!(event["requestContext"]["stage"], "test-invoke-stage");
    assert_eq!(
        event["requestContext"]["identity"]["sourceIp"],
        "test-invoke-source-ip"
    );
    assert!(!err(&output).contains("makes no difference"));
}

#[test]
fn shape_says_that_a_plugin_does_not_know_tests() {
    let shape = |trigger: &str, words: &[&str]| {
        let project = Project::new(&format!(
            "[queues.q]\n[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\n[triggers.web]\nfunction = \"echo\"\n{trigger}"
        ));
        let words = [&["shape", "web"], words, &["--test-invoke"]].concat();
        let output = run(&project, &words);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        err(&output)
    };
    let listen = "listen = \"127.0.0.1:0\"";
    for (plugin, words) in [
        ("api-gateway-http", &["GET", "/"][..]),
        ("function-url", &["GET", "/"]),
        ("api-gateway-websocket", &["CONNECT", "/prod"]),
    ] {
        let said = shape(&format!("plugin = \"{plugin}\"\n{listen}\n"), words);
        let hint =
            "note: --test-invoke makes no difference to this plugin; it is for api-gateway-rest";
        assert!(said.contains(hint), "{plugin}: {said}");
    }
    let said = shape("plugin = \"sqs\"\nqueue = \"q\"\n", &["-d", "{}"]);
    let hint = "note: --test-invoke has no effect: the trigger web takes no requests";
    assert!(said.contains(hint), "{said}");
}

#[test]
fn completions_are_generated_for_every_shell() {
    let project = Project::new("");
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&project, &["completions", shell]);
        assert!(
            output.status.success() && out(&output).contains("lambkin"),
            "{shell}"
        );
    }
}

#[test]
fn the_manual_has_a_page_of_each_command() {
    let project = Project::new("");
    let output = run(&project, &["man", "share/man1"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let page = |name: &str| std::fs::read_to_string(project.path().join("share/man1").join(name));
    let all = page("lambkin.1").unwrap();
    assert!(all.starts_with(".ie"), "{all}");
    assert!(all.contains("lambkin\\-serve(1)"), "{all}");
    let serve = page("lambkin-serve.1").unwrap();
    assert!(serve.contains("\\-\\-watch"), "{serve}");
    // Every command that the help lists.
    let help = out(&run(&project, &["--help"]));
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let names = commands.lines().filter_map(|line| {
        let is_name = line.starts_with("  ") && !line.starts_with("   ");
        line.split_whitespace()
            .next()
            .filter(|name| is_name && *name != "help")
    });
    let names: Vec<_> = names.collect();
    assert!(names.contains(&"docker-lambda"), "{names:?}");
    for name in &names {
        assert!(page(&format!("lambkin-{name}.1")).is_ok(), "{name}");
    }
    let count = format!("wrote {} manual pages to share/man1\n", names.len() + 1);
    assert_eq!(err(&output), count);

    std::fs::write(project.path().join("file"), "").unwrap();
    let output = run(&project, &["man", "file"]);
    assert_eq!(output.status.code(), Some(2));
    let message = "error: cannot make the folder file for the manual pages: ";
    assert!(err(&output).starts_with(message), "{}", err(&output));
}

#[test]
fn wit_writes_the_contracts_of_the_roles_that_are_named() {
    let project = Project::new("");
    let output = run(&project, &["wit", "http-trigger", "batch-trigger"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(err(&output), "wrote wit/world.wit (world plugin)\n");
    let read = |name: &str| std::fs::read_to_string(project.path().join("wit").join(name)).unwrap();
    let world = read("world.wit");
    for role in ["http-trigger", "batch-trigger"] {
        let include = format!("    include lambkin:{role}/{role}@");
        assert!(world.contains(&include), "{world}");
        let package = read(&format!("deps/{role}/{role}.wit"));
        assert!(package.contains(&format!("\npackage lambkin:{role}@")));
    }
    assert!(read("deps/common/common.wit").contains("interface types"));
    assert!(!world.contains("object-trigger"), "{world}");

    let output = run(&project, &["wit", "--output", "all/wit"]);
    assert_eq!(
        err(&output),
        "wrote all/wit/world.wit (worlds http-trigger, websocket-trigger, batch-trigger, object-trigger, source, service)\n"
    );
}

#[test]
fn wit_replaces_what_it_has_written_and_nothing_else() {
    let project = Project::new("");
    assert_eq!(run(&project, &["wit", "source"]).status.code(), Some(0));
    let output = run(&project, &["wit", "http-trigger"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));

    project.file("own/world.wit", "package acme:orders;\nworld orders {}\n");
    let output = run(&project, &["wit", "-o", "own"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        err(&output),
        "error: own/world.wit was not written by `lambkin wit`, so it is not replaced; move it away, or name another \
         folder with --output\n"
    );
    let output = run(&project, &["wit", "http-triger"]);
    assert!(
        err(&output).contains("a similar value exists: 'http-trigger'"),
        "{}",
        err(&output)
    );
    project.file("file", "");
    let output = run(&project, &["wit", "-o", "file"]);
    assert!(
        err(&output).starts_with("error: cannot read file/world.wit: "),
        "{}",
        err(&output)
    );
}
