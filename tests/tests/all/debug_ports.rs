//! The ports at which debuggers attach: they stay the same when a function is started anew, and two functions do not have
//! the same. A call that waits for a debugger is not lost.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::Output;

use serde_json::json;

use crate::debugging::{Inspector, NODE, address, debugged, program};
use crate::support::{Barrier, Project, Server, eventually, lambkin};

/// Saves the code in one step, so that there is one restart.
fn save(project: &Project, text: &str) {
    let new = project.file("new.mjs", text);
    fs::rename(new, project.path().join("code/index.mjs")).unwrap();
}

/// How often the log names this address as the one to attach to.
fn starts_at(server: &Server, address: &str) -> usize {
    let line = format!("attach a debugger at {address}");
    server.log().matches(&line).count()
}

/// Waits until as many environments have been started, all of them with the same port.
#[track_caller]
fn started(server: &Server, address: &str, count: usize) {
    eventually("the next environment has started", || {
        server.log().matches("attach a debugger at ").count() == count
    });
    assert_eq!(starts_at(server, address), count, "{}", server.log());
}

fn run(project: &Project, arguments: &[&str]) -> Output {
    let mut command = lambkin();
    command.args(arguments).current_dir(project.path());
    command.output().unwrap()
}

#[test]
fn the_port_stays_the_same_when_code_is_saved_at_a_breakpoint() {
    if program("node", "--version").is_err() {
        return;
    }
    let project = debugged("index.mjs", NODE, "debug-wait = true\nwatch = true\n");
    let server = project.serve();
    let barrier = Barrier::new();
    let event = json!({ "barrier": barrier.address(), "n": 1 }).to_string();
    let reply = server.invoke_meanwhile("doubled", event);
    let first = address(&server);
    let mut inspector = Inspector::run(&first);
    let arrival = barrier.arrival();
    save(&project, &NODE.replace("* 2", "* 3"));
    server.log_with("has changed");
    // The new code waits for a debugger at the same port, while the old one is still debugged.
    let tripled = server.invoke_meanwhile("doubled", r#"{"n":1}"#);
    started(&server, &first, 2);
    let _next = Inspector::run(&first);
    assert_eq!(tripled.join().unwrap().json(), json!({ "doubled": 3 }));
    inspector.command("Runtime.enable", &json!({}));
    drop(arrival);
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 2 }));
}

#[test]
fn a_call_that_waits_for_a_debugger_goes_on_with_the_code_that_is_saved_meanwhile() {
    if program("node", "--version").is_err() {
        return;
    }
    let project = debugged("index.mjs", NODE, "debug-wait = true\nwatch = true\n");
    let server = project.serve();
    let reply = server.invoke_meanwhile("doubled", r#"{"n":1}"#);
    let first = address(&server);
    for (count, factor) in [(2, "* 3"), (3, "* 4")] {
        save(&project, &NODE.replace("* 2", factor));
        started(&server, &first, count);
    }
    let _inspector = Inspector::run(&first);
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 4 }));
}

#[test]
fn a_call_goes_on_with_new_code_even_if_an_environment_has_begun_to_start_again_for_it() {
    if program("node", "--version").is_err() {
        return;
    }
    let text = NODE.replace(
        "  const order",
        "  if (event.exit) process.exit(1);\n  const order",
    );
    let project = debugged("index.mjs", &text, "debug-wait = true\nwatch = true\n");
    let server = project.serve();
    let reply = server.invoke_meanwhile("doubled", r#"{"n":1}"#);
    let first = address(&server);
    let inspector = Inspector::run(&first);
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 2 }));
    // Node.js does not exit while a debugger is attached.
    inspector.client.vanish();
    let exited = server.invoke("doubled", r#"{"exit":true}"#).text();
    assert!(exited.contains("Runtime.ExitError"), "{exited}");
    // The environment starts its runtime again, as part of this invocation.
    let reply = server.invoke_meanwhile("doubled", r#"{"n":1}"#);
    started(&server, &first, 2);
    save(&project, &text.replace("* 2", "* 3"));
    started(&server, &first, 3);
    let _inspector = Inspector::run(&first);
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 3 }));
}

#[test]
fn a_function_that_waits_says_so_and_takes_no_port_scan_for_a_debugger() {
    if program("node", "--version").is_err() {
        return;
    }
    let project = debugged("index.mjs", NODE, "debug-wait = true\n");
    let server = project.serve();
    let reply = server.invoke_meanwhile("doubled", r#"{"n":1}"#);
    let address = address(&server);
    for _ in 0..3 {
        drop(TcpStream::connect(&address).unwrap());
    }
    // This takes as long as the init phase may take where nobody waits for a debugger.
    server.log_with(&format!(
        "function doubled still waits for a debugger; attach one at {address}"
    ));
    let _inspector = Inspector::run(&address);
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 2 }));
    assert!(!server.log().contains("timed out"), "{}", server.log());
    assert!(!server.log().contains("INIT_REPORT"), "{}", server.log());
}

#[test]
fn all_calls_of_a_function_that_is_debugged_reach_one_environment() {
    if program("node", "--version").is_err() {
        return;
    }
    let project = debugged("index.mjs", NODE, "");
    let server = project.serve();
    let reply = server.invoke_meanwhile("doubled", r#"{"n":1}"#);
    let _inspector = Inspector::attach(&address(&server));
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 2 }));
    let barriers = [(); 3].map(|()| Barrier::new());
    let replies = barriers.each_ref().map(|barrier| {
        let event = json!({ "barrier": barrier.address(), "n": 2 });
        server.invoke_meanwhile("doubled", event.to_string())
    });
    // In any order, and never two at a time.
    let mut left: Vec<&Barrier> = barriers.iter().collect();
    while !left.is_empty() {
        let mut arrived = None;
        eventually("a call has begun", || {
            arrived = left
                .iter()
                .enumerate()
                .find_map(|(index, barrier)| Some((index, barrier.arrived()?)));
            arrived.is_some()
        });
        let (index, arrival) = arrived.unwrap();
        left.remove(index);
        assert!(left.iter().all(|barrier| barrier.arrived().is_none()));
        drop(arrival);
    }
    for reply in replies {
        assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 4 }));
    }
    let log = server.log();
    assert_eq!(log.matches("attach a debugger at ").count(), 1, "{log}");
    assert!(
        log.contains("lambkin: function doubled: while it is debugged, one environment"),
        "{log}"
    );
}

#[test]
fn invoke_picks_a_free_port_and_prints_it() {
    if program("node", "--version").is_err() {
        return;
    }
    let project = debugged("index.mjs", NODE, "");
    let output = run(&project, &["invoke", "doubled", r#"{"n":21}"#]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.stdout, b"{\"doubled\":42}\n", "{log}");
    let (_, rest) = log.split_once("attach a debugger at 127.0.0.1:").unwrap();
    let port: u16 = rest.split_whitespace().next().unwrap().parse().unwrap();
    assert!(port >= 1024, "{log}");
}

#[test]
fn two_functions_with_the_same_port_are_a_mistake_that_names_both() {
    let config = "[functions.a]\ncode = '.'\ncommand = ['true']\ndebug = 9229\nversions.1 = {}\n\
                  [functions.b]\ncode = '.'\ncommand = ['true']\ndebug = 9229\n";
    let refused = Project::new(config).refusal();
    assert!(
        refused.contains("127.0.0.1:9229 is taken by functions.a.debug"),
        "{refused}"
    );
    assert!(refused.contains("functions.b.debug"), "{refused}");
    assert_eq!(refused.matches("is taken by").count(), 1, "{refused}");
}

#[test]
fn check_finds_a_port_of_a_debugger_that_is_taken_and_says_who_has_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let project = Project::new(&format!(
        "[functions.a]\ncode = '.'\ncommand = ['true']\ndebug = {port}\n"
    ));
    let output = run(&project, &["check"]);
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("cannot listen on 127.0.0.1:{port}, which functions.a.debug asks for");
    assert!(said.contains(&expected), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
    let refused = project.refusal();
    assert!(
        refused.contains("for the debugger of function a ("),
        "{refused}"
    );
    if cfg!(target_os = "linux") {
        let pid = format!("process {}", std::process::id());
        assert!(
            said.contains(&pid) && refused.contains(&pid),
            "{said} {refused}"
        );
    }
}
