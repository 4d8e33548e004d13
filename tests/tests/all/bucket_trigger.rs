//! Bucket triggers: changes to objects become events.

mod folder;
mod notifications;

use std::fs;

use serde_json::{Value, json};

use crate::support::{Project, RecorderProject, eventually, lambkin};

/// A project with a bucket, its trigger and further settings of both.
fn photos(bucket: &str, trigger: &str) -> RecorderProject {
    RecorderProject::new(
        "",
        &format!(
            "[buckets.photos]\n{bucket}\n\
             [triggers.photos]\nplugin = 's3'\nbucket = 'photos'\nfunction = 'recorder'\n{trigger}\n"
        ),
    )
}

/// Event names and keys of the delivered records, sorted because events may overtake each other.
fn delivered(recorder: &RecorderProject) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let records = recorder.records();
    let named = records.iter().map(|record| {
        (
            text(&record["eventName"]),
            text(&record["s3"]["object"]["key"]),
        )
    });
    let mut delivered: Vec<_> = named.collect();
    delivered.sort();
    delivered
}

#[track_caller]
fn wait_for_delivery(recorder: &RecorderProject, expected: &[(&str, &str)]) {
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(event, key)| ((*event).to_owned(), (*key).to_owned()))
        .collect();
    expected.sort();
    let mut last = Vec::new();
    eventually(&format!("{expected:?} to be delivered"), || {
        last = delivered(recorder);
        last.len() >= expected.len()
    });
    assert_eq!(last, expected);
}

#[test]
fn a_new_object_invokes_the_function_with_an_event() {
    let recorder = photos("", "");
    let server = recorder.project.serve();
    let put = server.s3("PUT", "/photos/my%20cats/a+b.jpg", &[], b"meow");
    assert_eq!(put.status, 200, "{}", put.text());
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "my+cats/a%2Bb.jpg")]);
    let record = recorder.records().remove(0);
    assert_eq!(record["eventSource"], "aws:s3");
    assert_eq!(record["awsRegion"], "us-east-1");
    assert_eq!(record["s3"]["bucket"]["name"], "photos");
    assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws:s3:::photos");
    assert_eq!(record["s3"]["object"]["size"], 4);
    let etag = put.header("etag").unwrap().trim_matches('"');
    assert_eq!(record["s3"]["object"]["eTag"], etag);
    assert_eq!(
        record["responseElements"]["x-amz-request-id"],
        put.header("x-amz-request-id").unwrap()
    );
}

#[test]
fn each_kind_of_object_change_has_its_own_event() {
    let recorder = photos(
        "",
        "events = ['s3:ObjectCreated:*', 's3:ObjectTagging:*', 's3:ObjectRemoved:*']",
    );
    let server = recorder.project.serve();
    let s3 = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        let reply = server.s3(method, path, headers, body);
        assert!(reply.status < 300, "{method} {path}: {}", reply.text());
        reply
    };
    s3("PUT", "/photos/one", &[], b"1");
    s3(
        "PUT",
        "/photos/two",
        &[("x-amz-copy-source", "/photos/one")],
        b"",
    );
    let started = s3("POST", "/photos/three?uploads", &[], b"").text();
    let id = started.split("<UploadId>").nth(1).unwrap();
    let id = id.split('<').next().unwrap();
    let part = s3(
        "PUT",
        &format!("/photos/three?partNumber=1&uploadId={id}"),
        &[],
        b"3",
    );
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        part.header("etag").unwrap()
    );
    s3(
        "POST",
        &format!("/photos/three?uploadId={id}"),
        &[],
        list.as_bytes(),
    );
    let tags = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>";
    s3("PUT", "/photos/one?tagging", &[], tags);
    s3("DELETE", "/photos/one", &[], b"");
    wait_for_delivery(
        &recorder,
        &[
            ("ObjectCreated:Put", "one"),
            ("ObjectCreated:Copy", "two"),
            ("ObjectCreated:CompleteMultipartUpload", "three"),
            ("ObjectTagging:Put", "one"),
            ("ObjectRemoved:Delete", "one"),
        ],
    );
}

#[test]
fn a_trigger_receives_only_the_events_and_keys_that_it_selects() {
    let recorder = photos(
        "",
        "events = ['s3:ObjectCreated:*']\nprefix = 'in/'\nsuffix = '.jpg'",
    );
    let server = recorder.project.serve();
    for key in ["out/a.jpg", "in/b.png", "in/c.jpg"] {
        assert_eq!(
            server
                .s3("PUT", &format!("/photos/{key}"), &[], b"x")
                .status,
            200
        );
        assert_eq!(
            server
                .s3("DELETE", &format!("/photos/{key}"), &[], b"")
                .status,
            204
        );
    }
    assert_eq!(
        server.s3("PUT", "/photos/in/last.jpg", &[], b"x").status,
        200
    );
    wait_for_delivery(
        &recorder,
        &[
            ("ObjectCreated:Put", "in/c.jpg"),
            ("ObjectCreated:Put", "in/last.jpg"),
        ],
    );
}

#[test]
fn deleting_a_versioned_object_creates_a_delete_marker() {
    let recorder = photos(
        "versioning = true",
        "events = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']",
    );
    let server = recorder.project.serve();
    let put = server.s3("PUT", "/photos/a", &[], b"x");
    let version = put.header("x-amz-version-id").unwrap().to_owned();
    assert_eq!(server.s3("DELETE", "/photos/a", &[], b"").status, 204);
    wait_for_delivery(
        &recorder,
        &[
            ("ObjectCreated:Put", "a"),
            ("ObjectRemoved:DeleteMarkerCreated", "a"),
        ],
    );
    let mut records = recorder.records();
    records.sort_by_key(|record| record["s3"]["object"]["sequencer"].to_string());
    assert_eq!(records[0]["s3"]["object"]["versionId"], *version);
    assert_eq!(records[0]["eventName"], "ObjectCreated:Put");
}

#[test]
fn a_file_dropped_into_a_bucket_folder_becomes_an_object() {
    let recorder = RecorderProject::new(
        "",
        "[buckets.inbox]\nfolder = 'inbox'\n\
         [triggers.inbox]\nplugin = 's3'\nbucket = 'inbox'\nfunction = 'recorder'\n\
         events = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']\n",
    );
    let inbox = recorder.project.path().join("inbox");
    fs::create_dir(&inbox).unwrap();
    let server = recorder.project.serve();
    fs::write(inbox.join("one.txt"), "first").unwrap();
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "one.txt")]);
    let got = server.s3("GET", "/inbox/one.txt", &[], b"");
    assert_eq!((got.status, got.text().as_str()), (200, "first"));
    fs::remove_file(inbox.join("one.txt")).unwrap();
    let removed = ("ObjectRemoved:Delete", "one.txt");
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "one.txt"), removed]);
    // An object written through the service is a file, and is reported once.
    assert_eq!(
        server
            .s3("PUT", "/inbox/deep/two.txt", &[], b"second")
            .status,
        200
    );
    assert_eq!(
        fs::read_to_string(inbox.join("deep/two.txt")).unwrap(),
        "second"
    );
    fs::write(inbox.join("three.txt"), "third").unwrap();
    wait_for_delivery(
        &recorder,
        &[
            ("ObjectCreated:Put", "one.txt"),
            removed,
            ("ObjectCreated:Put", "deep/two.txt"),
            ("ObjectCreated:Put", "three.txt"),
        ],
    );
}

#[test]
fn files_added_while_no_host_ran_are_reported_by_the_next_host() {
    let recorder = RecorderProject::new(
        "",
        "[buckets.inbox]\nfolder = 'inbox'\n\
         [triggers.inbox]\nplugin = 's3'\nbucket = 'inbox'\nfunction = 'recorder'\n",
    );
    let inbox = recorder.project.path().join("inbox");
    fs::create_dir(&inbox).unwrap();
    fs::write(inbox.join("early"), "x").unwrap();
    let _server = recorder.project.serve();
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "early")]);
}

#[test]
fn events_can_go_to_a_queue() {
    let project = Project::new(&format!(
        "[queues.changes]\n[buckets.photos]\n\
         [triggers.photos]\nplugin = 's3'\nbucket = 'photos'\ntarget-queue = 'changes'\n{}",
        crate::support::SERVICES
    ));
    let server = project.serve();
    assert_eq!(server.s3("PUT", "/photos/a", &[], b"x").status, 200);
    let received = server.sqs_ok(
        "ReceiveMessage",
        &json!({ "QueueUrl": server.queue_url("changes"), "WaitTimeSeconds": 20 }),
    );
    let body = received["Messages"][0]["Body"].as_str().unwrap();
    let event: Value = serde_json::from_str(body).unwrap();
    assert_eq!(event["Records"][0]["eventName"], "ObjectCreated:Put");
}

#[test]
fn a_trigger_receives_only_changes_made_after_it_was_defined() {
    let recorder = photos("", "events = ['s3:ObjectCreated:*']");
    let config = recorder.project.path().join("lambkin.toml");
    let with_trigger = fs::read_to_string(&config).unwrap();
    let (without, _) = with_trigger.split_once("[triggers.photos]").unwrap();
    let put = |key: &str| {
        let server = recorder.project.serve();
        assert_eq!(server.s3("PUT", key, &[], b"x").status, 200);
        server
    };
    fs::write(&config, without).unwrap();
    drop(put("/photos/unheard-of"));
    fs::write(&config, &with_trigger).unwrap();
    let _server = put("/photos/heard-of");
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "heard-of")]);
}

#[test]
fn a_bucket_that_is_deleted_and_created_again_keeps_its_trigger() {
    let recorder = photos("", "");
    let server = recorder.project.serve();
    for (method, path, body, status) in [
        ("DELETE", "/photos", "", 204),
        ("PUT", "/photos/lost", "x", 404),
        ("PUT", "/photos", "", 200),
        ("PUT", "/photos/a", "x", 200),
    ] {
        let reply = server.s3(method, path, &[], body.as_bytes());
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
    }
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "a")]);
}

#[test]
fn undeliverable_object_events_stay_hidden_and_are_delivered_by_the_next_host() {
    let project = Project::new(&format!(
        "[queues.changes]\n[buckets.photos]\n\
         [triggers.photos]\nplugin = 's3'\nbucket = 'photos'\ntarget-queue = 'changes'\n{}",
        crate::support::SERVICES
    ));
    let server = project.serve();
    let changes = json!({ "QueueUrl": server.queue_url("changes") });
    server.sqs_ok("DeleteQueue", &changes);
    assert_eq!(server.s3("PUT", "/photos/a", &[], b"x").status, 200);
    server.log_with("could not deliver ObjectCreated:Put of photos/a; trying again");
    let listed = server.sqs_ok("ListQueues", &json!({}));
    assert_eq!(listed["QueueUrls"].as_array().map_or(0, Vec::len), 0);
    let queues = lambkin()
        .arg("queue")
        .current_dir(project.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&queues.stdout), "");
    drop(server);
    // The queue is defined again.
    let server = project.serve();
    let wanted = json!({ "QueueUrl": server.queue_url("changes"), "WaitTimeSeconds": 20 });
    let received = server.sqs_ok("ReceiveMessage", &wanted);
    let body = received["Messages"][0]["Body"].as_str().unwrap();
    assert!(body.contains("\"key\":\"a\""), "{body}");
}

#[test]
fn a_service_sees_only_the_buckets_granted_to_it() {
    let project = Project::new(
        "[buckets.mine]\n[buckets.secret]\n\
         [services.s3]\nplugin = 's3'\nlisten = '127.0.0.1:0'\nbuckets = ['mine', 'test-*']\n",
    );
    let server = project.serve();
    assert_eq!(server.s3("PUT", "/mine/a", &[], b"x").status, 200);
    assert_eq!(server.s3("PUT", "/secret/a", &[], b"x").status, 404);
    assert_eq!(server.s3("PUT", "/test-bucket", &[], b"").status, 200);
    assert_eq!(server.s3("PUT", "/other-bucket", &[], b"").status, 403);
    assert!(!server.s3("GET", "/", &[], b"").text().contains("secret"));
}
