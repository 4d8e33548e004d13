//! Queues and buckets over plain HTTP, and a function that records its events.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Project, RAW_BOOTSTRAP, Reply, Server, request};

/// The services `sqs` and `s3` with all queues and buckets, on free ports.
pub const SERVICES: &str = "
[services.sqs]
plugin = 'sqs'
listen = '127.0.0.1:0'
queues = ['*']
[services.s3]
plugin = 's3'
listen = '127.0.0.1:0'
buckets = ['*']
";

/// A signature for the service `s3` with an access key whose secret it does not know, so that it is not verified.
pub const S3_AUTHORIZATION: &str = "AWS tests:unverified";

/// A project with both services and a function `recorder` that records its events.
pub struct RecorderProject {
    pub project: Project,
}

impl RecorderProject {
    pub fn new(function: &str, rest: &str) -> Self {
        let project = Project::new("");
        let file = project.path().join("delivered");
        let config = format!(
            "invoke.listen = '127.0.0.1:0'\n\
             [functions.recorder]\ncode = '{RAW_BOOTSTRAP}'\n{function}\n\
             [functions.recorder.environment]\nRAW_BOOTSTRAP_RECORD = '{}'\n{SERVICES}\n{rest}",
            file.display()
        );
        project.file("lambkin.toml", config);
        Self { project }
    }

    /// The recorded events, in order.
    pub fn events(&self) -> Vec<Value> {
        let delivered = fs::read_to_string(self.file()).unwrap_or_default();
        let whole = delivered
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        whole.collect()
    }

    /// The records of all events.
    pub fn records(&self) -> Vec<Value> {
        let records = self.events().into_iter().flat_map(|mut event| {
            let records = event["Records"].take();
            records.as_array().cloned().unwrap_or_default()
        });
        records.collect()
    }

    /// The bodies of all records.
    pub fn bodies(&self) -> Vec<String> {
        let text = |record: &Value| record["body"].as_str().unwrap_or_default().to_owned();
        self.records().iter().map(text).collect()
    }

    fn file(&self) -> PathBuf {
        self.project.path().join("delivered")
    }
}

impl Server {
    pub fn service_url(&self, name: &str) -> &str {
        self.ready()["services"][name]
            .as_str()
            .expect("the service's address")
    }

    /// The URL of a queue.
    pub fn queue_url(&self, name: &str) -> String {
        format!("{}/123456789012/{name}", self.service_url("sqs"))
    }

    /// Calls an operation of the service `sqs` in its JSON protocol.
    #[track_caller]
    pub fn sqs(&self, operation: &str, input: &Value) -> Reply {
        let target = format!("AmazonSQS.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", target.as_str()),
        ];
        let body = input.to_string();
        request(
            self.service_url("sqs"),
            "POST",
            "/",
            &headers,
            body.as_bytes(),
        )
    }

    /// Like [`sqs`](Self::sqs); asserts success and returns the output.
    #[track_caller]
    pub fn sqs_ok(&self, operation: &str, input: &Value) -> Value {
        let reply = self.sqs(operation, input);
        assert_eq!(reply.status, 200, "{operation} {input}: {}", reply.text());
        if reply.body.is_empty() {
            return Value::Null;
        }
        reply.json()
    }

    /// Sends a message to a queue and returns its id.
    #[track_caller]
    pub fn send(&self, queue: &str, body: &str) -> String {
        let input = json!({ "QueueUrl": self.queue_url(queue), "MessageBody": body });
        let sent = self.sqs_ok("SendMessage", &input);
        sent["MessageId"].as_str().expect("an id").to_owned()
    }

    /// The numbers of visible, in-flight and delayed messages of a queue.
    #[track_caller]
    pub fn counts(&self, queue: &str) -> [u64; 3] {
        let input = json!({ "QueueUrl": self.queue_url(queue), "AttributeNames": ["All"] });
        let attributes = self.sqs_ok("GetQueueAttributes", &input);
        ["", "NotVisible", "Delayed"].map(|kind| {
            let name = format!("ApproximateNumberOfMessages{kind}");
            let count = attributes["Attributes"][&name].as_str();
            count.and_then(|count| count.parse().ok()).expect("a count")
        })
    }

    /// Sends a request to the service `s3`, in path style. Unless its path has a signature, the request is signed with an
    /// access key whose signatures are not verified.
    #[track_caller]
    pub fn s3(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut headers = headers.to_vec();
        if !path.contains("Signature=") {
            headers.push(("authorization", S3_AUTHORIZATION));
        }
        request(self.service_url("s3"), method, path, &headers, body)
    }
}
