//! Queues and buckets as a program without an SDK uses them, and a function that writes down what it is told.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Project, RAW_BOOTSTRAP, Reply, Server, request};

/// The service on every queue and the one on every bucket, on free ports.
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

/// A project with a function `recorder` and further settings of it, both services, and whatever else.
pub struct Recorded {
    pub project: Project,
}

impl Recorded {
    pub fn new(function: &str, rest: &str) -> Self {
        let project = Project::new("");
        let file = project.path().join("told");
        let config = format!(
            "invoke.listen = '127.0.0.1:0'\n\
             [functions.recorder]\ncode = '{RAW_BOOTSTRAP}'\n{function}\n\
             [functions.recorder.environment]\nRAW_BOOTSTRAP_RECORD = '{}'\n{SERVICES}\n{rest}",
            file.display()
        );
        project.file("lambkin.toml", config);
        Self { project }
    }

    /// What the function was told, one event after the other.
    pub fn events(&self) -> Vec<Value> {
        let told = fs::read_to_string(self.told()).unwrap_or_default();
        let whole = told
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

    pub fn told(&self) -> PathBuf {
        self.project.path().join("told")
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

    /// Asks the service `sqs` in its JSON protocol.
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

    /// The same, and it must succeed.
    #[track_caller]
    pub fn sqs_ok(&self, operation: &str, input: &Value) -> Value {
        let reply = self.sqs(operation, input);
        assert_eq!(reply.status, 200, "{operation} {input}: {}", reply.text());
        if reply.body.is_empty() {
            return Value::Null;
        }
        reply.json()
    }

    /// Sends a message to a queue; returns its id.
    #[track_caller]
    pub fn send(&self, queue: &str, body: &str) -> String {
        let input = json!({ "QueueUrl": self.queue_url(queue), "MessageBody": body });
        let sent = self.sqs_ok("SendMessage", &input);
        sent["MessageId"].as_str().expect("an id").to_owned()
    }

    /// How many messages of a queue are visible, in flight and delayed.
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

    /// Asks the service `s3`; paths are those of path style.
    #[track_caller]
    pub fn s3(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        request(self.service_url("s3"), method, path, headers, body)
    }
}
