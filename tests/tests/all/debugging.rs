//! Debugging: where debuggers attach, and clocks that are paused while somebody is attached. The debuggers are real ones:
//! Node's inspector, debugpy, rdbg and JDWP, each with the protocol or the program of its clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Barrier, Client, Missing, Project, RecorderProject, Server, eventually, http, installed, tool,
};

/// Doubles `n`. With `barrier`, it first waits until the test closes that connection.
pub const NODE: &str = r#"import net from "node:net";
export const handler = async (event) => {
  const order = event.Records ? JSON.parse(event.Records[0].body) : event;
  const barrier = order.barrier ?? process.env.BARRIER;
  if (barrier) {
    const [host, port] = barrier.split(":");
    await new Promise((done) => net.connect(port, host).on("close", done).resume());
  }
  const doubled = order.n * 2;
  return { doubled };
};
"#;
/// The line of `return` in it, from 0.
const NODE_RETURN: u32 = 9;

const PYTHON: &str =
    "def handler(event, context):\n    doubled = event['n'] * 2\n    return {'doubled': doubled}\n";
/// The line of `return` in it, from 1.
const PYTHON_RETURN: u32 = 3;

/// A project of one function, which is debugged, with a timeout that no one in front of a debugger would meet.
pub fn debugged(file: &str, text: &str, settings: &str) -> Project {
    let stem = file.split_once('.').unwrap().0;
    let project = Project::new(&format!(
        "[functions.doubled]\ncode = \"code\"\nhandler = \"{stem}.handler\"\nversion-check = \"off\"\ntimeout = 0.5\n\
         debug = 0\n{settings}"
    ));
    project.file(&format!("code/{file}"), text);
    project
}

pub fn program(name: &str, argument: &str) -> Result<(), Missing> {
    let mut probe = Command::new(name);
    probe.arg(argument);
    tool(name, probe)
}

/// The address that the log names, when the function has been started.
#[track_caller]
pub fn address(server: &Server) -> String {
    const TEXT: &str = "attach a debugger at ";
    let log = server.log_with(TEXT);
    let (_, rest) = log.split_once(TEXT).unwrap();
    let end = rest.find(|it: char| !it.is_ascii_digit() && !".:".contains(it));
    rest[..end.unwrap()].to_owned()
}

/// What can be debugged at an address. The inspector keeps the connection open behind its response.
fn targets(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /json/list HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    read_one(&mut BufReader::new(stream))
}

/// Reads headers and a body of the length that they state.
#[track_caller]
fn read_one(reader: &mut BufReader<TcpStream>) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(
            reader.read_line(&mut line).unwrap() > 0,
            "the debugger has gone"
        );
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(number) => length = number.parse().unwrap(),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// A client of Node's inspector.
pub struct Inspector {
    pub client: Client,
    id: u32,
}

impl Inspector {
    /// Attaches as an editor does: it asks for the target's URL first.
    #[track_caller]
    pub fn attach(address: &str) -> Self {
        Self::attach_with(address, &[])
    }

    /// Attaches with further headers.
    #[track_caller]
    pub fn attach_with(address: &str, headers: &[(&str, &str)]) -> Self {
        let targets: Value = serde_json::from_str(&targets(address)).unwrap();
        let url = targets[0]["webSocketDebuggerUrl"].as_str().unwrap();
        let path = url.strip_prefix(&format!("ws://{address}"));
        let path = path.unwrap_or_else(|| panic!("it leads past the host: {url}"));
        let client = Client::open(address, path, headers).unwrap_or_else(|head| panic!("{head}"));
        Self { client, id: 0 }
    }

    /// Attaches, and lets the function's code run.
    #[track_caller]
    pub fn run(address: &str) -> Self {
        let mut inspector = Self::attach(address);
        inspector.command("Runtime.runIfWaitingForDebugger", &json!({}));
        inspector
    }

    /// Sends a command and returns its result. Events before it are dropped.
    #[track_caller]
    pub fn command(&mut self, method: &str, parameters: &Value) -> Value {
        self.id += 1;
        let id = self.id;
        self.client
            .send(json!({ "id": id, "method": method, "params": parameters }));
        loop {
            let message = self.client.json();
            if message["id"] == id {
                return message["result"].clone();
            }
        }
    }

    #[track_caller]
    pub fn event(&mut self, method: &str) -> Value {
        loop {
            let message = self.client.json();
            if message["method"] == method {
                return message["params"].clone();
            }
        }
    }

    /// Lets the code run to a breakpoint in the function `handler`, and returns the value of an expression there.
    #[track_caller]
    pub fn value_at(&mut self, place: &Value, expression: &str) -> Value {
        self.command("Debugger.setBreakpointByUrl", place);
        self.command("Runtime.runIfWaitingForDebugger", &json!({}));
        let mut paused = self.event("Debugger.paused");
        while paused["callFrames"][0]["functionName"] != "handler" {
            // Before Node 20.15, it also stops in the first line of the runtime's client.
            self.command("Debugger.resume", &json!({}));
            paused = self.event("Debugger.paused");
        }
        let frame = &paused["callFrames"][0]["callFrameId"];
        let asked = json!({ "callFrameId": frame, "expression": expression });
        let value = self.command("Debugger.evaluateOnCallFrame", &asked);
        value["result"]["value"].clone()
    }
}

/// Waits for longer than the function's timeout.
fn think_for_a_while() {
    let began = Instant::now();
    eventually("the timeout is over", || {
        began.elapsed() > Duration::from_millis(1500)
    });
}

/// A page of another site cannot open a WebSocket, and is no debugger.
#[track_caller]
fn refuses_pages(address: &str) {
    let page = ("origin", "https://evil.example");
    match Client::open(address, "/", &[page]) {
        Ok(_) => panic!("a web page has attached"),
        Err(head) => assert!(head.starts_with("HTTP/1.1 403 "), "{head}"),
    }
}

#[test]
fn a_function_waits_for_nodes_inspector_and_a_breakpoint_is_no_timeout() {
    if program("node", "--version").is_err() {
        return;
    }
    let server = debugged("index.mjs", NODE, "debug-wait = true\n").serve();
    let reply = server.invoke_meanwhile("doubled", r#"{"n":21}"#);
    let address = address(&server);
    // Not attached yet: the clock of the init phase is paused, too.
    think_for_a_while();
    refuses_pages(&address);
    // Chrome's own developer tools are no page of a site.
    let mut inspector = Inspector::attach_with(&address, &[("origin", "devtools://devtools")]);
    inspector.command("Runtime.enable", &json!({}));
    inspector.command("Debugger.enable", &json!({}));
    let place = json!({ "lineNumber": NODE_RETURN, "urlRegex": ".*/index\\.mjs" });
    assert_eq!(inspector.value_at(&place, "doubled"), 42);
    think_for_a_while();
    inspector.command("Debugger.resume", &json!({}));
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 42 }));
    assert!(!server.log().contains("timed out"), "{}", server.log());

    // Nobody is attached any more: the timeout applies again.
    inspector.client.vanish();
    let barrier = Barrier::new();
    let event = json!({ "barrier": barrier.address(), "n": 1 });
    let reply = server.invoke("doubled", event.to_string());
    assert!(
        reply.text().contains("Task timed out after 0.50 seconds"),
        "{}",
        reply.text()
    );
}

#[test]
fn a_message_and_a_request_wait_for_a_function_that_is_debugged() {
    if program("node", "--version").is_err() {
        return;
    }
    let barrier = Barrier::new();
    let config = format!(
        "[functions.doubled]\ncode = \"code\"\nhandler = \"index.handler\"\nversion-check = \"off\"\ntimeout = 0.5\n\
         debug = 0\ndebug-wait = true\nenvironment = {{ BARRIER = \"{}\" }}\n[queues.jobs]\nVisibilityTimeout = 1\n\
         [triggers.jobs]\nplugin = \"sqs\"\nqueue = \"jobs\"\nfunction = \"doubled\"\n\
         [triggers.web]\nplugin = \"api-gateway-http\"\nlisten = \"127.0.0.1:0\"\n[triggers.web.routes]\n\
         \"$default\" = {{ function = \"doubled\", timeout = 0.6 }}\n",
        barrier.address()
    );
    let RecorderProject { project } = RecorderProject::new("", &config);
    project.file("code/index.mjs", NODE);
    let server = project.serve();
    server.send("jobs", r#"{"n":1}"#);
    let mut inspector = Inspector::attach(&address(&server));
    inspector.command("Runtime.runIfWaitingForDebugger", &json!({}));
    let arrival = barrier.arrival();
    // Longer than the message would be hidden.
    think_for_a_while();
    think_for_a_while();
    assert_eq!(server.counts("jobs"), [0, 1, 0], "it is not received again");
    assert!(barrier.arrived().is_none(), "it is delivered once");
    drop(arrival);
    eventually("the message is deleted", || {
        server.counts("jobs") == [0, 0, 0]
    });
    let url = server.trigger_url("web").to_owned();
    let request = std::thread::spawn(move || http::request(&url, "POST", "/", &[], b"{}"));
    let arrival = barrier.arrival();
    think_for_a_while();
    drop(arrival);
    assert_eq!(
        request.join().unwrap().status,
        200,
        "the gateway waits as well"
    );
    assert!(!server.log().contains("timed out"), "{}", server.log());
}

/// Sends a message of the Debug Adapter Protocol.
fn send(stream: &mut TcpStream, message: &Value) {
    let text = message.to_string();
    write!(stream, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
}

/// Reads messages of the Debug Adapter Protocol up to the one that `is_it`.
#[track_caller]
fn receive(reader: &mut BufReader<TcpStream>, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let message: Value = serde_json::from_str(&read_one(reader)).unwrap();
        if is_it(&message) {
            return message;
        }
    }
}

/// An environment of Python with debugpy.
fn with_debugpy(project: &Path) -> Result<(), Missing> {
    let debugpy = installed("debugpy")?;
    let folder = project.join("code/.venv");
    let made = Command::new("python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&folder)
        .status();
    assert!(made.unwrap().success());
    let libraries = std::fs::read_dir(folder.join("lib")).unwrap();
    for version in libraries.map(Result::unwrap) {
        let path = version.path().join("site-packages/debugpy.pth");
        std::fs::write(path, debugpy.to_str().unwrap()).unwrap();
    }
    Ok(())
}

#[test]
fn a_function_is_debugged_with_debugpy() {
    if program("python3", "--version").is_err() {
        return;
    }
    let project = debugged("app.py", PYTHON, "debug-wait = true\n");
    if with_debugpy(project.path()).is_err() {
        return;
    }
    let server = project.serve();
    let reply = server.invoke_meanwhile("doubled", r#"{"n":21}"#);
    refuses_pages(&address(&server));
    let mut stream = TcpStream::connect(address(&server)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let request = |seq: u32, command: &str, arguments: &Value| json!({ "seq": seq, "type": "request", "command": command, "arguments": arguments });
    send(
        &mut stream,
        &request(1, "initialize", &json!({ "adapterID": "test" })),
    );
    receive(&mut reader, |message| message["command"] == "initialize");
    send(
        &mut stream,
        &request(2, "attach", &json!({ "justMyCode": false })),
    );
    receive(&mut reader, |message| message["event"] == "initialized");
    let file = project.path().canonicalize().unwrap().join("code/app.py");
    let breakpoint =
        json!({ "source": { "path": file }, "breakpoints": [{ "line": PYTHON_RETURN }] });
    send(&mut stream, &request(3, "setBreakpoints", &breakpoint));
    receive(&mut reader, |message| {
        message["command"] == "setBreakpoints"
    });
    send(&mut stream, &request(4, "configurationDone", &json!({})));
    let stopped = receive(&mut reader, |message| message["event"] == "stopped");
    assert_eq!(stopped["body"]["reason"], "breakpoint");
    let thread = &stopped["body"]["threadId"];
    send(
        &mut stream,
        &request(5, "stackTrace", &json!({ "threadId": thread })),
    );
    let stack = receive(&mut reader, |message| message["command"] == "stackTrace");
    let frame = &stack["body"]["stackFrames"][0];
    assert_eq!(frame["name"], "handler");
    let asked = json!({ "expression": "doubled", "frameId": frame["id"] });
    send(&mut stream, &request(6, "evaluate", &asked));
    let value = receive(&mut reader, |message| message["command"] == "evaluate");
    assert_eq!(value["body"]["result"], "42");
    think_for_a_while();
    send(
        &mut stream,
        &request(7, "continue", &json!({ "threadId": thread })),
    );
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 42 }));
    assert!(!server.log().contains("timed out"), "{}", server.log());
}

#[test]
fn python_without_debugpy_says_how_to_get_it() {
    if program("python3", "--version").is_err() {
        return;
    }
    let project = debugged("app.py", PYTHON, "");
    let venv = project.path().join("code/.venv");
    let made = Command::new("python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&venv)
        .status();
    assert!(made.unwrap().success());
    let server = project.serve();
    let reply = server.invoke("doubled", r#"{"n":21}"#).text();
    assert!(reply.contains("-m pip install debugpy"), "{reply}");
}

/// The input of a debugger's client, and what it has printed so far.
fn conversation(client: &mut Child) -> (ChildStdin, Arc<Mutex<String>>) {
    let mut output = client.stdout.take().unwrap();
    let text = Arc::new(Mutex::new(String::new()));
    let printed = Arc::clone(&text);
    std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            let piece = String::from_utf8_lossy(&bytes[..count]);
            printed.lock().unwrap().push_str(&piece);
        }
    });
    (client.stdin.take().unwrap(), text)
}

#[test]
fn a_function_is_debugged_with_rdbg() {
    let mut probe = Command::new("ruby");
    probe.args(["-e", "require 'debug/version'"]);
    if tool("ruby with the gem debug", probe).is_err() {
        return;
    }
    let text =
        "def handler(event:, context:)\n  doubled = event['n'] * 2\n  { doubled: doubled }\nend\n";
    let server = debugged("app.rb", text, "debug-wait = true\n").serve();
    let reply = server.invoke_meanwhile("doubled", r#"{"n":21}"#);
    let address = address(&server);
    refuses_pages(&address);
    let (host, port) = address.split_once(':').unwrap();
    // The program may be in no folder of `PATH`.
    let find = "load Gem.bin_path('debug', 'rdbg')";
    let mut rdbg = Command::new("ruby")
        .args(["-e", find, "--", "--attach", host, port])
        .env("RUBY_DEBUG_NO_COLOR", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut commands, text) = conversation(&mut rdbg);
    let until = |wanted: &str| eventually(wanted, || text.lock().unwrap().contains(wanted));
    until("(rdbg:remote)");
    writeln!(commands, "b app.rb:3").unwrap();
    until("(pending)");
    // Who attaches before the program waits for it interrupts it first, wherever it is.
    let is_reached = (1..=5).any(|stop| {
        writeln!(commands, "c\np \"stop-{stop}-#{{defined?(doubled)}}\"").unwrap();
        until(&format!("=> \"stop-{stop}-"));
        let text = text.lock().unwrap();
        text.contains(&format!("stop-{stop}-local-variable"))
    });
    assert!(is_reached, "{}", text.lock().unwrap());
    think_for_a_while();
    writeln!(commands, "p doubled").unwrap();
    until("=> 42");
    writeln!(commands, "c").unwrap();
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 42 }));
    rdbg.kill().unwrap();
    rdbg.wait().unwrap();
    let log = server.log();
    assert!(!log.contains("timed out"), "{log}");
    assert!(
        !log.contains("can attach via"),
        "a port that is not the one to attach to: {log}"
    );
}

#[test]
fn a_function_is_debugged_with_jdb() {
    let Ok(code) = installed("runtimes/java") else {
        return;
    };
    if program("jdb", "-version").is_err() {
        return;
    }
    let project = Project::new(&format!(
        "[functions.faults]\ncode = {code:?}\nruntime = \"java17\"\nversion-check = \"off\"\nhandler = \"Faults\"\n\
         timeout = 1\ndebug = 0\ndebug-wait = true\n"
    ));
    let server = project.serve();
    let reply = server.invoke_meanwhile("faults", r#"{"n":21}"#);
    let address = address(&server);
    refuses_pages(&address);
    let mut jdb = Command::new("jdb")
        .args(["-attach", &address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut commands, text) = conversation(&mut jdb);
    let until = |wanted: &str| eventually(wanted, || text.lock().unwrap().contains(wanted));
    until("VM Started");
    // The compiler adds a method of the same name with other types.
    let types = "java.util.Map,com.amazonaws.services.lambda.runtime.Context";
    writeln!(commands, "stop in Faults.handleRequest({types})").unwrap();
    until("Deferring breakpoint");
    writeln!(commands, "resume").unwrap();
    until("Breakpoint hit");
    think_for_a_while();
    writeln!(commands, "where").unwrap();
    until("[1] Faults.handleRequest");
    writeln!(commands, "cont").unwrap();
    assert_eq!(reply.join().unwrap().json(), json!({ "n": 21 }));
    jdb.kill().unwrap();
    jdb.wait().unwrap();
    assert!(!server.log().contains("timed out"), "{}", server.log());
}

#[test]
fn serve_debugs_a_function_and_refuses_what_it_cannot_debug() {
    if program("node", "--version").is_err() {
        return;
    }
    let project = Project::new(
        "[functions.doubled]\ncode = \"code\"\nhandler = \"index.handler\"\nversion-check = \"off\"\n",
    );
    project.file("code/index.mjs", NODE);
    let server = project.serve_with(&["--debug", "doubled=0", "--debug-wait"], &[]);
    // Where, before the first call.
    let log = server.log_with(" takes a debugger when the function is started");
    assert!(log.contains("function doubled: 127.0.0.1:"), "{log}");
    let announced = log.split_once("function doubled: 127.0.0.1:").unwrap().1;
    let announced = announced.split_once(' ').unwrap().0.to_owned();
    let reply = server.invoke_meanwhile("doubled", r#"{"n":2}"#);
    server.log_with(", for which the function waits");
    assert!(address(&server).ends_with(&format!(":{announced}")));
    let mut inspector = Inspector::attach(&address(&server));
    inspector.command("Runtime.runIfWaitingForDebugger", &json!({}));
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 4 }));
    drop(server);

    let refused = |arguments: &[&str]| project.refusal_with(arguments);
    let unknown = refused(&["--debug", "doubeld"]);
    assert!(
        unknown.contains("there is no function \"doubeld\""),
        "{unknown}"
    );
    assert!(unknown.contains("doubled"), "{unknown}");
    let two = Project::new("[functions.a]\ncode = '.'\n[functions.b]\ncode = '.'\n");
    let unnamed = two.refusal_with(&["--debug"]);
    assert!(unnamed.contains("the functions are: a, b"), "{unnamed}");
    let no_port = refused(&["--debug", "doubled=x"]);
    assert!(no_port.contains("\"x\" is not a port"), "{no_port}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let taken = refused(&["--debug", &format!("doubled={port}")]);
    assert!(
        taken.contains(&format!("cannot listen at 127.0.0.1:{port}")),
        "{taken}"
    );
}

#[test]
fn a_function_with_a_command_of_its_own_is_told_the_port_of_its_debugger() {
    let settings = "debug = 0\ncommand = [\"./bootstrap\", \"--listen={debug-port}\"]\n\
                    environment = { OPTIONS = \"port {debug-port}\" }\n";
    let script =
        "while next; do respond \"[\\\"$1\\\",\\\"$OPTIONS\\\",$LAMBKIN_DEBUG_PORT]\"; done\n";
    let Ok(project) = Project::bash(settings, script) else {
        return;
    };
    let server = project.serve();
    let told = server.invoke("echo", "{}").json();
    let port = told[2].as_u64().unwrap();
    assert_eq!(told[0], format!("--listen={port}"));
    assert_eq!(told[1], format!("port {port}"));
    assert!(
        !address(&server).ends_with(&format!(":{port}")),
        "the host's own port is another one"
    );
}
