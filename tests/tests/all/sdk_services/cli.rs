//! SQS and S3 through the AWS CLI.

use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{aws, server, text};
use crate::support::{Missing, Server};

/// Runs an AWS CLI command that must succeed and returns its output.
#[track_caller]
fn aws_ok(server: &Server, service: &str, words: &[&str]) -> Result<String, Missing> {
    let output = aws(server, service, words)?;
    assert!(
        output.status.success(),
        "{words:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(text(&output.stdout))
}

#[test]
fn a_message_is_sent_received_and_deleted() {
    let server = server();
    let Ok(made) = aws_ok(
        &server,
        "sqs",
        &["sqs", "create-queue", "--queue-name", "typed"],
    ) else {
        return;
    };
    let made: Value = serde_json::from_str(&made).unwrap();
    let url = made["QueueUrl"].as_str().unwrap();
    aws_ok(
        &server,
        "sqs",
        &[
            "sqs",
            "send-message",
            "--queue-url",
            url,
            "--message-body",
            "hello",
        ],
    )
    .ok()
    .unwrap();
    let words = [
        "sqs",
        "receive-message",
        "--queue-url",
        url,
        "--attribute-names",
        "All",
    ];
    let received = aws_ok(&server, "sqs", &words).ok().unwrap();
    let received: Value = serde_json::from_str(&received).unwrap();
    assert_eq!(received["Messages"][0]["Body"], "hello");
    let handle = received["Messages"][0]["ReceiptHandle"].as_str().unwrap();
    let words = [
        "sqs",
        "delete-message",
        "--queue-url",
        url,
        "--receipt-handle",
        handle,
    ];
    assert_eq!(aws_ok(&server, "sqs", &words).ok().unwrap(), "");
    let missing = aws(
        &server,
        "sqs",
        &["sqs", "get-queue-url", "--queue-name", "nowhere"],
    )
    .ok()
    .unwrap();
    assert!(
        text(&missing.stderr).contains("(AWS.SimpleQueueService.NonExistentQueue) when calling the GetQueueUrl operation: The specified queue does not exist."),
        "{}",
        text(&missing.stderr)
    );
}

#[test]
fn a_hundred_megabytes_are_uploaded_in_parts_and_downloaded() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let (up, down) = (folder.path().join("up"), folder.path().join("down"));
    // Content in which no two parts are equal.
    let bytes: Vec<u8> = (0..100_u32 << 18)
        .flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    fs::write(&up, &bytes).unwrap();
    if aws_ok(&server, "s3", &["s3", "mb", "s3://large"]).is_err() {
        return;
    }
    let (up, down) = (up.to_str().unwrap(), down.to_str().unwrap());
    aws_ok(
        &server,
        "s3",
        &["s3", "cp", "--no-progress", up, "s3://large/file.bin"],
    )
    .ok()
    .unwrap();
    let head = [
        "s3api",
        "head-object",
        "--bucket",
        "large",
        "--key",
        "file.bin",
    ];
    let head: Value = serde_json::from_str(&aws_ok(&server, "s3", &head).ok().unwrap()).unwrap();
    assert_eq!(head["ContentLength"], bytes.len());
    assert!(head["ETag"].as_str().unwrap().ends_with("-13\""), "{head}");
    aws_ok(
        &server,
        "s3",
        &["s3", "cp", "--no-progress", "s3://large/file.bin", down],
    )
    .ok()
    .unwrap();
    assert!(
        fs::read(down).unwrap() == bytes,
        "the downloaded content differs"
    );
}

#[test]
fn a_folder_is_synchronised_listed_and_removed() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b/c.txt", "b/d e.txt"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name).unwrap();
        // S3 gives times in whole seconds, and `sync` uploads a file again that is newer than its object: one that was
        // written in the same second as it was uploaded.
        let written = SystemTime::now() - Duration::from_secs(60);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(written).unwrap();
    }
    if aws_ok(&server, "s3", &["s3", "mb", "s3://synced"]).is_err() {
        return;
    }
    let from = folder.path().to_str().unwrap();
    aws_ok(&server, "s3", &["s3", "sync", from, "s3://synced/x"])
        .ok()
        .unwrap();
    let again = aws_ok(&server, "s3", &["s3", "sync", from, "s3://synced/x"])
        .ok()
        .unwrap();
    assert_eq!(again, "", "everything was there already");
    let listed = aws_ok(&server, "s3", &["s3", "ls", "--recursive", "s3://synced"])
        .ok()
        .unwrap();
    let keys: Vec<&str> = listed.lines().map(|line| line.split_at(31).1).collect();
    assert_eq!(keys, ["x/a.txt", "x/b/c.txt", "x/b/d e.txt"]);
    aws_ok(&server, "s3", &["s3", "rb", "--force", "s3://synced"])
        .ok()
        .unwrap();
    assert_eq!(aws_ok(&server, "s3", &["s3", "ls"]).ok().unwrap(), "");
}

#[test]
fn a_presigned_url_works_without_credentials_until_it_expires() {
    let server = server();
    if aws_ok(&server, "s3", &["s3", "mb", "s3://signed"]).is_err() {
        return;
    }
    let words = ["s3api", "put-object", "--bucket", "signed", "--key", "k"];
    aws_ok(&server, "s3", &words).ok().unwrap();
    let url = aws_ok(
        &server,
        "s3",
        &["s3", "presign", "s3://signed/k", "--expires-in", "60"],
    )
    .ok()
    .unwrap();
    let path = url.trim().strip_prefix(server.service_url("s3")).unwrap();
    assert_eq!(server.s3("GET", path, &[], b"").status, 200);
    // This version of the CLI signs the expiry time in seconds of Unix time.
    let (before, expires) = path.split_once("Expires=").unwrap();
    let after = expires.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let expired = format!("{before}Expires=1{after}");
    let refused = server.s3("GET", &expired, &[], b"");
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(
        refused
            .text()
            .contains("<Message>Request has expired</Message>"),
        "{}",
        refused.text()
    );
}
