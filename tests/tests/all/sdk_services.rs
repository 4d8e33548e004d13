//! SQS and S3 through AWS's own clients: boto3, the SDK for JavaScript v3, the SDK for Rust and the AWS CLI.
//!
//! boto3 and JavaScript make the same calls and must get the same results; the programs are in `fixtures/clients`.
//! The SDKs themselves check digests of messages and attributes, checksums of objects, and the form of every response.

mod cli;
mod s3;
mod sqs;

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::sdk_clients::{client, feed, fixture, javascript_client, python};
use crate::support::{Missing, Project, SERVICES, Server, installed};

/// An SDK: makes a list of calls to a service.
type Sdk = fn(&Server, &str, &[Value]) -> Result<Vec<Value>, Missing>;

fn boto3(server: &Server, service: &str, calls: &[Value]) -> Result<Vec<Value>, Missing> {
    let mut python = python()?;
    python.arg(fixture("service.py"));
    Ok(answers(python, server, service, calls))
}

fn javascript(server: &Server, service: &str, calls: &[Value]) -> Result<Vec<Value>, Missing> {
    let mut node = javascript_client()?;
    node.arg(fixture("service.cjs"));
    Ok(answers(node, server, service, calls))
}

#[track_caller]
fn answers(mut program: Command, server: &Server, service: &str, calls: &[Value]) -> Vec<Value> {
    program.arg(service).arg(server.service_url(service));
    let output = feed(program, calls);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The results of the SDK for Rust with a service.
#[track_caller]
fn rust(server: &Server, service: &str) -> Result<Value, Missing> {
    let mut program = client(installed("clients/rust/target/release/sdk-client")?);
    program.arg(service).arg(server.service_url(service));
    let output = program.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn server() -> Server {
    Project::new(SERVICES).serve()
}

fn call(operation: &str, input: Value) -> Value {
    json!({ "operation": operation, "input": input })
}

/// A placeholder for a value in the response to an earlier call of the list.
fn answer(path: Value) -> Value {
    json!({ "$answer": path })
}

/// Asserts that a response is this error.
#[track_caller]
fn assert_refused(answer: &Value, status: u16, message: &str) {
    assert_eq!(
        (&answer["status"], &answer["message"]),
        (&json!(status), &json!(message)),
        "{answer}"
    );
}

/// Each test, once for each SDK.
macro_rules! for_each_sdk {
    ($($test:ident),* $(,)?) => {
        mod with_boto3 { $(#[test] fn $test() { super::$test(super::super::boto3); })* }
        mod with_javascript { $(#[test] fn $test() { super::$test(super::super::javascript); })* }
    };
}
use for_each_sdk;

/// Runs the AWS CLI against a service.
#[track_caller]
fn aws(server: &Server, service: &str, words: &[&str]) -> Result<Output, Missing> {
    let mut python = python()?;
    python
        .args([
            "-m",
            "awscli",
            "--endpoint-url",
            server.service_url(service),
        ])
        .args(words);
    Ok(python.output().unwrap())
}
