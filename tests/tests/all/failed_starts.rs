//! Starts that fail: what is said about them, once and in one place, and the lines of the log.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::support::{Project, lambkin};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    lambkin()
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The log with what differs from run to run replaced: request ids and numbers with a fraction.
fn normalized(log: &str) -> String {
    let words = |line: &str| {
        let words = line.split_inclusive([' ', '\t']).map(|word| {
            let text = word.trim_end();
            let rest = &word[text.len()..];
            let is_number = text.contains('.') && text.parse::<f64>().is_ok();
            let is_id = text.len() == 36 && text.matches('-').count() == 4;
            match (is_number, is_id) {
                (true, _) => format!("N{rest}"),
                (_, true) => format!("ID{rest}"),
                _ => word.to_owned(),
            }
        });
        words.collect::<String>()
    };
    // The billed time and the memory are whole numbers.
    let lines = log.lines().map(|line| {
        let line = words(line);
        let mut parts = line.split('\t').map(|part| match part.split_once(": ") {
            Some((name @ ("Billed Duration" | "Max Memory Used"), _)) => format!("{name}: _"),
            _ => part.to_owned(),
        });
        let first = parts.next().unwrap_or_default();
        parts.fold(first, |line, part| line + "\t" + &part)
    });
    lines.map(|line| line + "\n").collect()
}

const REPORT: &str = "REPORT RequestId: ID\tDuration: N ms\tBilled Duration: _\tMemory Size: 128 MB\tMax Memory Used: _\t";

#[test]
fn a_program_that_exits_in_init_has_one_start_and_report() {
    let project = Project::echo("environment = { RAW_BOOTSTRAP_INIT = '{\"exit\":7}' }");
    let output = run(project.path(), &["invoke", "echo", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        normalized(&err(&output)),
        format!(
            "INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n\
             START RequestId: ID Version: $LATEST\n\
             RequestId: ID Error: Runtime exited with error: exit status 7\n\
             Runtime.ExitError\n\
             END RequestId: ID\n\
             {REPORT}Status: error\tError Type: Runtime.ExitError\n"
        )
    );
}

#[test]
fn a_function_without_a_bootstrap_is_explained_once_with_every_path() {
    let project = Project::new("[functions.echo]\ncode = 'code'\n");
    fs::create_dir(project.path().join("code")).unwrap();
    let output = run(project.path(), &["invoke", "echo", "1"]);
    assert_eq!(output.status.code(), Some(2));
    let code = project.path().canonicalize().unwrap().join("code");
    let code = code.display();
    assert_eq!(
        normalized(&err(&output)),
        format!(
            "lambkin: function echo: no bootstrap and no handler found\n  {code}/bootstrap: does not exist\n  \
             /opt/bootstrap: does not exist\n  /var/runtime/bootstrap: does not exist\n  \
             a handler is looked for in files such as lambda_function.py, index.mjs, app.rb and Hello.java beside it; \
             any other one has to be named, as in handler = \"file.function\" or --handler file.function\n\
             INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: error\tError Type: Runtime.InvalidEntrypoint\n\
             START RequestId: ID Version: $LATEST\n\
             RequestId: ID Error: Couldn't find valid bootstrap(s): [{code}/bootstrap /opt/bootstrap \
             /var/runtime/bootstrap]\n\
             Runtime.InvalidEntrypoint\n\
             END RequestId: ID\n\
             {REPORT}Status: error\tError Type: Runtime.InvalidEntrypoint\n"
        )
    );
}

#[test]
fn an_error_that_the_runtime_reports_is_summed_up_in_one_line() {
    let project =
        Project::echo("environment = { RAW_BOOTSTRAP_INIT = '{\"error\":\"no module\"}' }");
    let output = run(project.path(), &["invoke", "echo", "1"]);
    let log = normalized(&err(&output));
    for line in [
        "INIT_REPORT",
        "lambkin: function echo could not be initialized: Fixture.Ordered: no module",
        "START RequestId",
        "REPORT RequestId",
    ] {
        let found = log.lines().filter(|found| found.starts_with(line));
        assert_eq!(found.count(), 1, "{line}\n{log}");
    }
}

#[test]
fn an_init_that_takes_too_long_within_a_call_has_the_line_of_a_timeout() {
    // The first process exits, so that the init phase is repeated within the call; that one hangs.
    let project = Project::new("[functions.echo]\ncode = 'code'\ntimeout = 0.3\n");
    let script = "#!/bin/sh\nif [ -e mark ]; then exec sleep 60; fi\n: > mark\nexit 1\n";
    project.executable("code/bootstrap", script);
    let server = project.serve();
    server.invoke("echo", "1");
    let log = server.log_with("Status: timeout");
    assert_eq!(log.matches("INIT_REPORT").count(), 2, "{log}");
    let lines: Vec<&str> = log.lines().collect();
    let start = lines
        .iter()
        .position(|line| line.starts_with("START "))
        .unwrap_or_else(|| panic!("{log}"));
    assert!(
        lines[start + 1].ends_with(" Task timed out after 0.30 seconds"),
        "{log}"
    );
    assert_eq!(log.matches("Task timed out").count(), 1, "{log}");
}

#[test]
fn programs_that_were_meant_are_named_with_where_they_are() {
    let project = Project::new(
        "[functions.built]\ncode = 'built'\n\
         [functions.mistyped]\ncode = 'mistyped'\n\
         [functions.client]\ncode = 'client'\ncommand = ['/usr/local/bundle/bin/aws_lambda_ric', 'app.handler']\n\
         [functions.relative]\ncode = 'client'\ncommand = ['tools/start']\n\
         [functions.named]\ncode = 'client'\ncommand = ['no-such-program-here']\n\
         [functions.folder]\ncode = 'folder'\n\
         [functions.zip]\ncode = 'code.zip'\n",
    );
    project.executable("built/target/lambda/built/bootstrap", "#!/bin/sh\n");
    project.executable("mistyped/boostrap", "#!/bin/sh\n");
    project.executable(
        "client/vendor/bundle/ruby/3.4.0/bin/aws_lambda_ric",
        "#!/bin/sh\n",
    );
    project.executable("tools/start", "#!/bin/sh\n");
    fs::create_dir_all(project.path().join("folder/bootstrap")).unwrap();
    let mut archive =
        zip::ZipWriter::new(fs::File::create(project.path().join("code.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    archive.start_file("hello/bootstrap", options).unwrap();
    archive.finish().unwrap();

    let root = project.path().canonicalize().unwrap();
    let root = root.display();
    let hints = [
        format!("function built: no bootstrap and no handler found\n  {root}/built/bootstrap: does not exist\n"),
        "\n  there is one in the folder target/lambda/built: let that folder be the code\n".to_owned(),
        "\n  there is boostrap: rename it to `bootstrap`, or let that file be the code\n".to_owned(),
        "\n  /usr/local/bundle/bin/aws_lambda_ric: does not exist\n  there is one in the code: command = \
         [\"./vendor/bundle/ruby/3.4.0/bin/aws_lambda_ric\", …]\n"
            .to_owned(),
        "set runtime = \"ruby3.4\": then Lambkin's own client runs the handler".to_owned(),
        format!("\n  {root}/client/tools/start: does not exist\n  there is {root}/tools/start; relative paths begin at"),
        "\n  no-such-program-here: is not in PATH (".to_owned(),
        format!("\n  {root}/folder/bootstrap: is a folder\n"),
        "\n  there is one in the folder hello of the archive: it has to be at the top\n".to_owned(),
    ];
    let text = err(&run(project.path(), &["check"]));
    for hint in hints {
        assert!(text.contains(&hint), "{hint}\n{text}");
    }
}
