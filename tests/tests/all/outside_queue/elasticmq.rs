//! Polling a queue of ElasticMQ, an independent SQS emulator.

use std::process::Command;

use serde_json::{Value, json};

use super::{PARTIAL, wait_for_delivery};
use crate::support::{
    EmulatorProcess, Missing, Project, RecorderProject, Reply, eventually, free_port, installed,
    request, tool,
};

/// ElasticMQ with one queue, in memory.
struct ElasticMq {
    server: EmulatorProcess,
    _folder: Project,
}

const QUEUES: &str = "queues { orders { defaultVisibilityTimeout = 1 second } }\n";

impl ElasticMq {
    fn start() -> Result<Self, Missing> {
        let jars = installed("elasticmq/elasticmq")?;
        let mut probe = Command::new("java");
        probe.arg("-version");
        tool("java", probe)?;
        let port = free_port();
        let folder = Project::new("");
        folder.file(
            "elasticmq.conf",
            format!(
                "include classpath(\"application.conf\")\n\
                 node-address {{ protocol = http, host = localhost, port = {port}, context-path = \"\" }}\n\
                 rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = \"127.0.0.1\", sqs-limits = strict }}\n\
                 rest-stats {{ enabled = false }}\n{QUEUES}"
            ),
        );
        let mut java = Command::new("java");
        java.arg("-Dconfig.file=elasticmq.conf")
            .arg("-cp")
            .arg(jars.join("*"))
            .arg("org.elasticmq.server.Main")
            .current_dir(folder.path());
        let started = Self {
            server: EmulatorProcess::start_silent(&mut java, port),
            _folder: folder,
        };
        // It listens before it has made the queues of its configuration.
        eventually("the queue of ElasticMQ", || {
            started.answer("GetQueueAttributes", json!({})).status == 200
        });
        Ok(started)
    }

    fn queue_url(&self) -> String {
        format!("{}/000000000000/orders", self.server.url())
    }

    fn answer(&self, operation: &str, mut input: Value) -> Reply {
        input["QueueUrl"] = self.queue_url().into();
        let target = format!("AmazonSQS.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", target.as_str()),
        ];
        let body = input.to_string();
        request(self.server.url(), "POST", "/", &headers, body.as_bytes())
    }

    #[track_caller]
    fn ask(&self, operation: &str, input: Value) -> Value {
        let reply = self.answer(operation, input);
        assert_eq!(reply.status, 200, "{operation}: {}", reply.text());
        reply.json()
    }

    #[track_caller]
    fn counts(&self) -> [String; 2] {
        let answer = self.ask("GetQueueAttributes", json!({ "AttributeNames": ["All"] }));
        ["", "NotVisible"].map(|kind| {
            let name = format!("ApproximateNumberOfMessages{kind}");
            answer["Attributes"][&name].as_str().unwrap().to_owned()
        })
    }
}

#[test]
fn an_elasticmq_queue_is_polled() {
    let Ok(elasticmq) = ElasticMq::start() else {
        return;
    };
    let sent = elasticmq.ask(
        "SendMessage",
        json!({
            "MessageBody": "one order",
            "MessageAttributes": { "Kind": { "DataType": "String", "StringValue": "new" } },
        }),
    );
    let failing = json!({ "failUntil": 2 }).to_string();
    elasticmq.ask("SendMessage", json!({ "MessageBody": failing }));
    let recorder = RecorderProject::new(
        "",
        &format!(
            "[triggers.elsewhere]\nplugin = 'sqs'\nfunction = 'recorder'\n{PARTIAL}\n\
             [triggers.elsewhere.poll]\nqueue-url = '{}'\nnetwork = ['{}']\n",
            elasticmq.queue_url(),
            elasticmq.server.url()
        ),
    );
    let server = recorder.project.serve();
    wait_for_delivery(&recorder, 3);
    eventually("the queue to be empty", || elasticmq.counts() == ["0", "0"]);
    let records = recorder.records();
    let delivered = |body: &str| -> Vec<&Value> {
        let records = records.iter().filter(|record| record["body"] == body);
        records.collect()
    };
    let once = delivered("one order");
    assert_eq!(once.len(), 1, "{}", server.log());
    assert_eq!(once[0]["messageId"], sent["MessageId"]);
    assert_eq!(once[0]["md5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(once[0]["messageAttributes"]["Kind"]["stringValue"], "new");
    assert_eq!(
        once[0]["eventSourceARN"],
        "arn:aws:sqs:us-east-1:000000000000:orders"
    );
    assert_eq!(delivered(&failing).len(), 2);
}
