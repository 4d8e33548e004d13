//! InvokeWithResponseStream through boto3 and the SDK for JavaScript, which check every checksum of the event stream.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::GO;
use crate::sdk_clients::{fixture, javascript_client, python};
use crate::support::{Barrier, Missing, Server};

/// A program that makes one call with an SDK, from `fixtures/clients`.
type Sdk = fn() -> Result<Command, Missing>;

fn boto3() -> Result<Command, Missing> {
    let mut python = python()?;
    python.arg(fixture("stream.py"));
    Ok(python)
}

fn javascript() -> Result<Command, Missing> {
    let mut node = javascript_client()?;
    node.arg(fixture("stream.cjs"));
    Ok(node)
}

/// A call that is being made.
struct Call {
    program: Child,
    events: BufReader<ChildStdout>,
}

impl Call {
    #[track_caller]
    fn start(mut program: Command, server: &Server, call: &Value) -> Self {
        let pipes = program
            .arg(server.invoke_url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut program = pipes.spawn().unwrap();
        let mut stdin = program.stdin.take().unwrap();
        stdin.write_all(call.to_string().as_bytes()).unwrap();
        let events = BufReader::new(program.stdout.take().unwrap());
        Self { program, events }
    }

    /// The next event that the program prints; null at the end.
    #[track_caller]
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.events.read_line(&mut line).unwrap();
        if line.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&line).unwrap()
    }

    /// Reads pieces until their concatenation ends with a text, and returns it.
    #[track_caller]
    fn until(&mut self, text: &str) -> String {
        let mut pieces = String::new();
        while !pieces.ends_with(text) {
            let event = self.next();
            let piece = event["chunk"].as_str();
            pieces += piece.unwrap_or_else(|| panic!("{event} after {pieces:?}"));
        }
        pieces
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let _ = self.program.kill(); // it may have exited
        let _ = self.program.wait(); // it may have been waited for
    }
}

/// Each test, once for each SDK.
macro_rules! for_each_sdk {
    ($($test:ident),* $(,)?) => {
        mod with_boto3 {
            $(#[test] fn $test() { super::$test(super::boto3); })*
        }
        mod with_javascript {
            $(#[test] fn $test() { super::$test(super::javascript); })*
        }
    };
}

for_each_sdk!(
    pieces_arrive_as_they_are_produced,
    a_failure_midway_is_reported_at_the_end,
    eight_megabytes_arrive_complete,
    an_unknown_function_raises_its_exception,
);

/// Calls the streaming function, unless a tool is missing.
fn calling(sdk: Sdk, event: &Value, test: impl Fn(Call)) {
    if let (Ok((_project, server)), Ok(program)) = (GO.serve(), sdk()) {
        let call = json!({ "FunctionName": "good", "Payload": event.to_string() });
        let mut call = Call::start(program, &server, &call);
        let start = json!({ "status": 200, "version": "$LATEST" });
        assert_eq!(call.next(), start, "{}", server.log());
        test(call);
    }
}

fn pieces_arrive_as_they_are_produced(sdk: Sdk) {
    let barrier = Barrier::new();
    let event = json!({ "do": "stream", "barrier": barrier.address() });
    calling(sdk, &event, |mut call| {
        let first = call.until("first\n");
        assert_eq!(GO.after_prelude(first.as_bytes()), b"first\n");
        drop(barrier.arrival());
        assert_eq!(call.until("last\n"), "last\n");
        assert_eq!(call.next(), json!({ "complete": {} }));
        assert_eq!(call.next(), Value::Null);
    });
}

fn a_failure_midway_is_reported_at_the_end(sdk: Sdk) {
    let barrier = Barrier::new();
    let event = json!({ "do": "stream-fail", "barrier": barrier.address() });
    calling(sdk, &event, |mut call| {
        call.until("first\n");
        drop(barrier.arrival());
        let end = &call.next()["complete"];
        assert_eq!(end["ErrorCode"], "errorString");
        assert_eq!(super::details(end)["errorMessage"], "no luck");
        assert_eq!(call.next(), Value::Null);
    });
}

fn eight_megabytes_arrive_complete(sdk: Sdk) {
    calling(sdk, &json!({ "do": "stream-large" }), |mut call| {
        let mut pieces = String::new();
        let end = loop {
            let event = call.next();
            match event["chunk"].as_str() {
                Some(piece) => pieces += piece,
                None => break event,
            }
        };
        assert_eq!(end, json!({ "complete": {} }));
        let large = GO.after_prelude(pieces.as_bytes());
        assert_eq!(large.len(), 8_000_000);
        assert!(large.iter().all(|byte| *byte == b'x'));
    });
}

fn an_unknown_function_raises_its_exception(sdk: Sdk) {
    let server = crate::support::Project::echo("").serve();
    if let Ok(program) = sdk() {
        let mut call = Call::start(program, &server, &json!({ "FunctionName": "nobody" }));
        assert_eq!(
            call.next(),
            json!({ "exception": "ResourceNotFoundException" })
        );
    }
}
