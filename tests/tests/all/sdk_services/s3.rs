//! S3 through SDKs.

use serde_json::{Value, json};

use super::{Sdk, answer, call, for_each_sdk, rust, server};

for_each_sdk!(
    an_object_is_stored_and_returned_with_its_metadata,
    objects_are_listed_by_prefix_and_page,
    uploaded_parts_become_one_object,
    a_large_object_is_uploaded_in_parts,
    a_presigned_url_works_until_it_expires,
    conditional_requests_are_honoured,
    versions_are_kept,
    errors_match_awss,
);

fn bytes(text: &str) -> Value {
    json!({ "$base64": base64(text.as_bytes()) })
}

/// Encodes Base64 without a library.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let word = three
            .iter()
            .fold(0_u32, |word, &byte| word << 8 | u32::from(byte))
            << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    text
}

fn an_object_is_stored_and_returned_with_its_metadata(sdk: Sdk) {
    let server = server();
    let key = "a folder/ü+ü=?.txt";
    let calls = [
        call("CreateBucket", json!({ "Bucket": "there" })),
        call(
            "PutObject",
            json!({
                "Bucket": "there", "Key": key, "Body": bytes("hello"), "ContentType": "text/plain",
                "Metadata": { "author": "Ada" }, "Tagging": "team=a&stage=b%20c",
            }),
        ),
        call("GetObject", json!({ "Bucket": "there", "Key": key })),
        call("HeadObject", json!({ "Bucket": "there", "Key": key })),
        call(
            "GetObject",
            json!({ "Bucket": "there", "Key": key, "Range": "bytes=1-3" }),
        ),
        call("GetObjectTagging", json!({ "Bucket": "there", "Key": key })),
        call(
            "CopyObject",
            json!({ "Bucket": "there", "Key": "copy", "CopySource": "/there/a%20folder/%C3%BC%2B%C3%BC%3D%3F.txt" }),
        ),
        call("HeadObject", json!({ "Bucket": "there", "Key": "copy" })),
        call(
            "DeleteObjects",
            json!({ "Bucket": "there", "Delete": { "Objects": [{ "Key": key }, { "Key": "copy" }, { "Key": "nothing" }] } }),
        ),
        call("ListObjectsV2", json!({ "Bucket": "there" })),
        call("DeleteBucket", json!({ "Bucket": "there" })),
        call("ListBuckets", json!({})),
    ];
    let Ok(answers) = sdk(&server, "s3", &calls) else {
        return;
    };
    let etag = "\"5d41402abc4b2a76b9719d911017c592\"";
    assert_eq!(answers[1]["ETag"], etag, "{answers:?}");
    assert_eq!(answers[1]["ServerSideEncryption"], "AES256");
    let got = &answers[2];
    assert_eq!(got["Body"], bytes("hello"));
    assert_eq!(got["ContentType"], "text/plain");
    assert_eq!(got["Metadata"], json!({ "author": "Ada" }));
    assert_eq!(got["ETag"], etag);
    assert_eq!(got["TagCount"], 2);
    assert_eq!(answers[3]["ContentLength"], 5);
    assert_eq!(answers[4]["Body"], bytes("ell"));
    assert_eq!(answers[4]["ContentRange"], "bytes 1-3/5");
    assert_eq!(
        answers[5]["TagSet"],
        json!([{ "Key": "team", "Value": "a" }, { "Key": "stage", "Value": "b c" }])
    );
    assert_eq!(answers[6]["CopyObjectResult"]["ETag"], etag);
    assert_eq!(answers[7]["Metadata"], json!({ "author": "Ada" }));
    assert_eq!(
        answers[8]["Deleted"].as_array().map(Vec::len),
        Some(3),
        "{}",
        answers[8]
    );
    assert_eq!(answers[9]["KeyCount"], 0);
    assert_eq!(answers[10]["code"], Value::Null, "{}", answers[10]);
    let buckets = answers[11]["Buckets"].as_array();
    assert!(buckets.is_none_or(Vec::is_empty), "{}", answers[11]);
}

fn objects_are_listed_by_prefix_and_page(sdk: Sdk) {
    let server = server();
    let keys = ["a/1", "a/2", "b", "c/d/e", "c/f"];
    let list = |input: Value| {
        let mut whole = json!({ "Bucket": "lists" });
        whole
            .as_object_mut()
            .unwrap()
            .extend(input.as_object().unwrap().clone());
        call("ListObjectsV2", whole)
    };
    let mut calls = vec![call("CreateBucket", json!({ "Bucket": "lists" }))];
    calls.extend(keys.map(|key| {
        call(
            "PutObject",
            json!({ "Bucket": "lists", "Key": key, "Body": bytes("x") }),
        )
    }));
    let first = calls.len();
    calls.extend([
        list(json!({})),
        list(json!({ "Delimiter": "/" })),
        list(json!({ "Prefix": "c/", "Delimiter": "/" })),
        list(json!({ "MaxKeys": 2 })),
        list(json!({ "MaxKeys": 2, "ContinuationToken": answer(json!([first + 3, "NextContinuationToken"])) })),
        list(json!({ "StartAfter": "b" })),
    ]);
    let Ok(answers) = sdk(&server, "s3", &calls) else {
        return;
    };
    let seen = |place: usize| {
        let names = |list: &str, key: &str| -> Vec<String> {
            let listed = answers[first + place][list]
                .as_array()
                .into_iter()
                .flatten();
            listed
                .filter_map(|one| one[key].as_str().map(str::to_owned))
                .collect()
        };
        (names("Contents", "Key"), names("CommonPrefixes", "Prefix"))
    };
    let strings = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(seen(0), (strings(&keys), vec![]));
    assert_eq!(seen(1), (strings(&["b"]), strings(&["a/", "c/"])));
    assert_eq!(seen(2), (strings(&["c/f"]), strings(&["c/d/"])));
    assert_eq!(seen(3).0, ["a/1", "a/2"]);
    assert_eq!(answers[first + 3]["IsTruncated"], true);
    assert_eq!(seen(4).0, ["b", "c/d/e"]);
    assert_eq!(seen(5).0, ["c/d/e", "c/f"]);
}

fn uploaded_parts_become_one_object(sdk: Sdk) {
    let server = server();
    let id = answer(json!([1, "UploadId"]));
    let part = |number: u64, size: usize| {
        call(
            "UploadPart",
            json!({ "Bucket": "parts", "Key": "k", "UploadId": id, "PartNumber": number, "Body": bytes(&"p".repeat(size)) }),
        )
    };
    let complete = |numbers: &[u64]| {
        let parts: Vec<Value> = numbers
            .iter()
            .map(|&number| {
                let place = usize::try_from(number).unwrap() + 1;
                json!({ "PartNumber": number, "ETag": answer(json!([place, "ETag"])) })
            })
            .collect();
        call(
            "CompleteMultipartUpload",
            json!({ "Bucket": "parts", "Key": "k", "UploadId": id, "MultipartUpload": { "Parts": parts } }),
        )
    };
    const MIB: usize = 1 << 20;
    let calls = [
        call("CreateBucket", json!({ "Bucket": "parts" })),
        call(
            "CreateMultipartUpload",
            json!({ "Bucket": "parts", "Key": "k" }),
        ),
        part(1, 5 * MIB),
        part(2, 3),
        call(
            "ListParts",
            json!({ "Bucket": "parts", "Key": "k", "UploadId": id }),
        ),
        call("ListMultipartUploads", json!({ "Bucket": "parts" })),
        complete(&[2, 1]),
        complete(&[1, 2]),
        call("HeadObject", json!({ "Bucket": "parts", "Key": "k" })),
        call(
            "GetObject",
            json!({ "Bucket": "parts", "Key": "k", "PartNumber": 2 }),
        ),
        complete(&[1, 2]),
        call(
            "CreateMultipartUpload",
            json!({ "Bucket": "parts", "Key": "never" }),
        ),
        call(
            "AbortMultipartUpload",
            json!({ "Bucket": "parts", "Key": "never", "UploadId": answer(json!([11, "UploadId"])) }),
        ),
        call("ListMultipartUploads", json!({ "Bucket": "parts" })),
    ];
    let Ok(answers) = sdk(&server, "s3", &calls) else {
        return;
    };
    assert_eq!(
        answers[4]["Parts"].as_array().map(Vec::len),
        Some(2),
        "{answers:?}"
    );
    assert_eq!(answers[5]["Uploads"][0]["Key"], "k");
    assert_eq!(answers[6]["code"], "InvalidPartOrder");
    assert!(
        answers[7]["ETag"].as_str().unwrap().ends_with("-2\""),
        "{}",
        answers[7]
    );
    assert_eq!(answers[8]["ContentLength"], 5 * MIB + 3);
    assert_eq!(answers[9]["Body"], bytes("ppp"));
    assert_eq!(answers[9]["PartsCount"], 2);
    assert_eq!(answers[13]["Uploads"], Value::Null);
}

fn a_large_object_is_uploaded_in_parts(sdk: Sdk) {
    const BYTES: usize = 100_000_000;
    let server = server();
    let calls = [
        call("CreateBucket", json!({ "Bucket": "large" })),
        call(
            "Upload",
            json!({ "Bucket": "large", "Key": "k", "Bytes": BYTES }),
        ),
        call("HeadObject", json!({ "Bucket": "large", "Key": "k" })),
    ];
    let Ok(answers) = sdk(&server, "s3", &calls) else {
        return;
    };
    assert_eq!(answers[2]["ContentLength"], BYTES, "{answers:?}");
    let etag = answers[2]["ETag"].as_str().unwrap();
    assert!(etag.contains('-'), "{etag} is not of an upload in parts");
    let got = server.s3("GET", "/large/k", &[], b"");
    let same = got
        .body
        .iter()
        .zip((0..251).cycle())
        .all(|(byte, expected)| *byte == expected);
    assert!(
        same && got.body.len() == BYTES,
        "the downloaded content differs"
    );
}

fn a_presigned_url_works_until_it_expires(sdk: Sdk) {
    let server = server();
    let presign = |operation: &str| {
        let input = json!({ "Bucket": "signed", "Key": "k" });
        call(
            "Presign",
            json!({ "operation": operation, "input": input, "seconds": 60 }),
        )
    };
    let calls = [
        call("CreateBucket", json!({ "Bucket": "signed" })),
        presign("PutObject"),
        presign("GetObject"),
    ];
    let Ok(answers) = sdk(&server, "s3", &calls) else {
        return;
    };
    let path = |at: usize| {
        let url = answers[at]["url"].as_str().unwrap();
        url.strip_prefix(server.service_url("s3"))
            .unwrap()
            .to_owned()
    };
    let put = server.s3("PUT", &path(1), &[], b"hello");
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(server.s3("GET", &path(2), &[], b"").text(), "hello");
    let signed = path(2);
    let (before, date) = signed.split_once("X-Amz-Date=").unwrap();
    let long_ago = format!("{before}X-Amz-Date=2020{}", &date[4..]);
    let refused = server.s3("GET", &long_ago, &[], b"");
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(
        refused
            .text()
            .contains("<Message>Request has expired</Message>"),
        "{}",
        refused.text()
    );
    for (path, headers, code) in [
        (
            signed.replace("/k?", "/other?"),
            &[][..],
            "<Code>SignatureDoesNotMatch</Code>",
        ),
        (
            signed.clone(),
            &[("x-amz-meta-a", "b")],
            "<HeadersNotSigned>x-amz-meta-a</HeadersNotSigned>",
        ),
    ] {
        let refused = server.s3("GET", &path, headers, b"");
        assert_eq!(refused.status, 403, "{}", refused.text());
        assert!(refused.text().contains(code), "{}", refused.text());
    }
}

fn conditional_requests_are_honoured(sdk: Sdk) {
    let server = server();
    let put = |condition: Value| {
        let mut input = json!({ "Bucket": "when", "Key": "k", "Body": bytes("x") });
        input
            .as_object_mut()
            .unwrap()
            .extend(condition.as_object().unwrap().clone());
        call("PutObject", input)
    };
    let calls = [
        call("CreateBucket", json!({ "Bucket": "when" })),
        put(json!({ "IfNoneMatch": "*" })),
        put(json!({ "IfNoneMatch": "*" })),
        put(json!({ "IfMatch": "\"0123456789abcdef0123456789abcdef\"" })),
        put(json!({ "IfMatch": answer(json!([1, "ETag"])) })),
        call(
            "GetObject",
            json!({ "Bucket": "when", "Key": "k", "IfNoneMatch": answer(json!([1, "ETag"])) }),
        ),
        call(
            "GetObject",
            json!({ "Bucket": "when", "Key": "k", "IfMatch": "\"no\"" }),
        ),
    ];
    let Ok(answers) = sdk(&server, "s3", &calls) else {
        return;
    };
    assert!(answers[1]["ETag"].is_string(), "{answers:?}");
    assert_eq!(
        (&answers[2]["code"], &answers[2]["status"]),
        (&json!("PreconditionFailed"), &json!(412))
    );
    assert_eq!(answers[3]["status"], 412);
    assert!(answers[4]["ETag"].is_string(), "{}", answers[4]);
    assert_eq!(answers[5]["status"], 304);
    assert_eq!(answers[6]["status"], 412);
}

fn versions_are_kept(sdk: Sdk) {
    let server = server();
    let put = |body: &str| {
        call(
            "PutObject",
            json!({ "Bucket": "kept", "Key": "k", "Body": bytes(body) }),
        )
    };
    let calls = [
        call("CreateBucket", json!({ "Bucket": "kept" })),
        call(
            "PutBucketVersioning",
            json!({ "Bucket": "kept", "VersioningConfiguration": { "Status": "Enabled" } }),
        ),
        put("one"),
        put("two"),
        call("DeleteObject", json!({ "Bucket": "kept", "Key": "k" })),
        call("GetObject", json!({ "Bucket": "kept", "Key": "k" })),
        call(
            "GetObject",
            json!({ "Bucket": "kept", "Key": "k", "VersionId": answer(json!([2, "VersionId"])) }),
        ),
        call("ListObjectVersions", json!({ "Bucket": "kept" })),
        call(
            "DeleteObject",
            json!({ "Bucket": "kept", "Key": "k", "VersionId": answer(json!([4, "VersionId"])) }),
        ),
        call("GetObject", json!({ "Bucket": "kept", "Key": "k" })),
        call("GetBucketVersioning", json!({ "Bucket": "kept" })),
    ];
    let Ok(answers) = sdk(&server, "s3", &calls) else {
        return;
    };
    assert_ne!(
        answers[2]["VersionId"], answers[3]["VersionId"],
        "{answers:?}"
    );
    assert_eq!(answers[4]["DeleteMarker"], true);
    assert_eq!(answers[5]["code"], "NoSuchKey");
    assert_eq!(answers[6]["Body"], bytes("one"));
    assert_eq!(answers[7]["Versions"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        answers[7]["DeleteMarkers"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(answers[9]["Body"], bytes("two"));
    assert_eq!(answers[10]["Status"], "Enabled");
}

fn errors_match_awss(sdk: Sdk) {
    let server = server();
    let table = [
        (
            call("GetObject", json!({ "Bucket": "nowhere", "Key": "k" })),
            "NoSuchBucket",
            404,
            "The specified bucket does not exist",
        ),
        (
            call("GetObject", json!({ "Bucket": "here", "Key": "k" })),
            "NoSuchKey",
            404,
            "The specified key does not exist.",
        ),
        (
            call(
                "PutObject",
                json!({ "Bucket": "here", "Key": "k".repeat(1_025), "Body": bytes("x") }),
            ),
            "KeyTooLongError",
            400,
            "Your key is too long",
        ),
        (
            call(
                "PutObject",
                json!({ "Bucket": "here", "Key": "k", "Body": bytes("x"), "ContentMD5": "AAAAAAAAAAAAAAAAAAAAAA==" }),
            ),
            "BadDigest",
            400,
            "The Content-MD5 you specified did not match what we received.",
        ),
        (
            call(
                "GetObject",
                json!({ "Bucket": "here", "Key": "full", "Range": "bytes=9-" }),
            ),
            "InvalidRange",
            416,
            "The requested range is not satisfiable",
        ),
        (
            call("DeleteBucket", json!({ "Bucket": "here" })),
            "BucketNotEmpty",
            409,
            "The bucket you tried to delete is not empty",
        ),
        (
            call(
                "AbortMultipartUpload",
                json!({ "Bucket": "here", "Key": "k", "UploadId": "no" }),
            ),
            "NoSuchUpload",
            404,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        ),
        (
            call("GetBucketPolicy", json!({ "Bucket": "here" })),
            "NoSuchBucketPolicy",
            404,
            "The bucket policy does not exist",
        ),
    ];
    let mut calls = vec![
        call("CreateBucket", json!({ "Bucket": "here" })),
        call(
            "PutObject",
            json!({ "Bucket": "here", "Key": "full", "Body": bytes("x") }),
        ),
    ];
    let made = calls.len();
    calls.extend(table.iter().map(|(call, ..)| call.clone()));
    let Ok(answers) = sdk(&server, "s3", &calls) else {
        return;
    };
    for ((call, code, status, message), answer) in table.iter().zip(&answers[made..]) {
        assert_eq!(
            (&answer["code"], &answer["status"], &answer["message"]),
            (&json!(code), &json!(status), &json!(message)),
            "{call}"
        );
    }
}

#[test]
fn the_sdk_for_rust_reads_every_response() {
    let server = server();
    let Ok(seen) = rust(&server, "s3") else {
        return;
    };
    assert_eq!(
        seen,
        json!({
            "one": { "etag": "\"5d41402abc4b2a76b9719d911017c592\"", "type": "text/plain", "author": "Ada", "encryption": "AES256" },
            "body": "hello",
            "large": { "parts": true, "range": "bytes 10485759-10485760/10485761", "tail": [2, 3] },
            "keys": ["large"],
            "prefixes": ["folder/"],
            "missing": { "is": true, "code": "NoSuchKey" },
        })
    );
}
