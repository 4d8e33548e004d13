//! Storing, reading and removing objects in a bucket that keeps no versions.

use super::*;

#[tokio::test]
async fn an_object_is_read_as_it_was_stored_and_its_file_can_be_opened() {
    let fixture = Fixture::new().await;
    let metadata = vec![("content-type".to_owned(), "text/plain".to_owned())];
    let stored = Put {
        metadata: metadata.clone(),
        ..put("hello")
    };
    let info = fixture
        .put_with("photos/2026/cat.txt", "hello", stored)
        .await
        .unwrap();
    let expected = ObjectInfo {
        key: "photos/2026/cat.txt".to_owned(),
        version: None,
        latest: true,
        delete_marker: false,
        size: 5,
        etag: "tag of hello".to_owned(),
        modified_at: NOW,
        metadata,
    };
    assert_eq!(info, expected);
    assert_eq!(
        fixture
            .objects
            .describe("b", "photos/2026/cat.txt", None)
            .await,
        Ok(expected.clone())
    );
    let object = fixture
        .objects
        .open("b", "photos/2026/cat.txt", None)
        .await
        .unwrap();
    assert_eq!(object.info(), &expected);
    assert_eq!(object.read(1, 3).await.unwrap(), "ell");
    assert_eq!(object.read(4, 100).await.unwrap(), "o");
    assert_eq!(object.read(5, 1).await.unwrap(), "");
    assert_eq!(object.read(u64::MAX, 1).await.unwrap(), "");
    let files = fixture.files();
    assert_eq!(files.len(), 1);
    assert!(
        files[0].starts_with("b/photos/2026/") && files[0].ends_with("-cat.txt"),
        "{files:?}"
    );
    assert_eq!(
        std::fs::read_to_string(fixture.root().join(&files[0])).unwrap(),
        "hello"
    );
    assert_eq!(fixture.incoming().len(), 0);
}

#[tokio::test]
async fn every_key_is_valid_and_distinct() {
    let fixture = Fixture::new().await;
    let long = "k".repeat(1024);
    let deep = "a/".repeat(511);
    let wide = format!("x/{}/y", "ü".repeat(300));
    let keys = [
        "..",
        ".",
        "../../../etc/passwd",
        "/",
        "//",
        "a",
        "a/",
        "a/b",
        "A",
        "a//b",
        "a/./b",
        "a/../b",
        "nul\0",
        "nul\0\0",
        "new\nline",
        "\u{FEFF}",
        "\u{10FFFF}",
        "%2E%2E",
        "..\\..",
        " ",
        "con",
        "",
        &long,
        &deep,
        &wide,
    ];
    for key in keys {
        fixture.put(key, key).await;
    }
    for key in keys {
        assert_eq!(fixture.get(key).await.as_deref(), Ok(key), "{key:?}");
    }
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    assert_eq!(fixture.keys().await, sorted);
    assert_eq!(fixture.files().len(), keys.len());
    assert_eq!(
        files_below(fixture.folder.path())
            .iter()
            .filter(|file| !file.starts_with(fixture.root()))
            .count(),
        4,
        "the store's own"
    );
    let fixture = fixture.again().await;
    for key in keys {
        fixture.remove(key, None).await;
    }
    assert_eq!(fixture.files().len(), 0);
    assert!(
        !fixture.root().join("b").exists(),
        "empty folders are removed"
    );
}

#[tokio::test]
async fn a_reader_keeps_the_object_that_it_opened() {
    let fixture = Fixture::new().await;
    let large = some_bytes(300_000, 1);
    for (key, bytes) in [("small", Bytes::from_static(b"old")), ("large", large)] {
        let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
        upload.write(bytes.clone()).await.unwrap();
        upload.finish().await.unwrap();
        fixture
            .objects
            .put("b", key, upload, Put::default())
            .await
            .unwrap();
        let open = fixture.objects.open("b", key, None).await.unwrap();
        fixture.put(key, "new").await;
        assert_eq!(fixture.get(key).await.unwrap(), "new");
        assert_eq!(fixture.files().len(), 1, "the old file is deleted");
        fixture.remove(key, None).await;
        assert!(open.read(0, 1 << 20).await.unwrap() == bytes);
        assert_eq!(fixture.get(key).await, Err(ObjectError::Missing));
    }
}

#[tokio::test]
async fn a_condition_that_does_not_hold_changes_nothing() {
    let fixture = Fixture::new().await;
    let with = |condition, bytes: &str| Put {
        condition,
        ..put(bytes)
    };
    let matches = |etag: &str| Condition::Matches(vec!["other".to_owned(), etag.to_owned()]);
    let no = Err(ObjectError::PreconditionFailed);
    let any = Condition::Matches(Vec::new());
    assert_eq!(fixture.put_with("k", "0", with(any.clone(), "0")).await, no);
    fixture
        .put_with("k", "1", with(Condition::Absent, "1"))
        .await
        .unwrap();
    assert_eq!(
        fixture
            .put_with("k", "2", with(Condition::Absent, "2"))
            .await,
        no
    );
    assert_eq!(
        fixture
            .put_with("k", "2", with(matches("tag of 2"), "2"))
            .await,
        no
    );
    assert_eq!(fixture.get("k").await.unwrap(), "1");
    fixture
        .put_with("k", "2", with(matches("tag of 1"), "2"))
        .await
        .unwrap();
    fixture.put_with("k", "3", with(any, "3")).await.unwrap();
    let remove = |condition| fixture.objects.remove("b", "k", None, condition, None);
    assert_eq!(
        remove(matches("tag of 2")).await.unwrap_err(),
        ObjectError::PreconditionFailed
    );
    assert_eq!(fixture.get("k").await.unwrap(), "3");
    assert!(remove(matches("tag of 3")).await.unwrap().existed);
    assert_eq!(
        remove(matches("tag of 3")).await.unwrap_err(),
        ObjectError::PreconditionFailed
    );
    fixture.objects.synchronize().await.unwrap();
    assert_eq!((fixture.files().len(), fixture.incoming().len()), (0, 0));
}

#[tokio::test]
async fn one_of_many_writers_that_require_an_absent_key_succeeds() {
    let fixture = Arc::new(Fixture::new().await);
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..50 {
        let fixture = Arc::clone(&fixture);
        writers.spawn(async move {
            let wanted = Put {
                condition: Condition::Absent,
                ..Put::default()
            };
            fixture.put_with("k", &n.to_string(), wanted).await.is_ok()
        });
    }
    let succeeded = writers.join_all().await;
    assert_eq!(succeeded.into_iter().filter(|done| *done).count(), 1);
    assert_eq!((fixture.files().len(), fixture.incoming().len()), (1, 0));
}

#[tokio::test]
async fn readers_see_whole_objects_while_writers_replace_them() {
    let fixture = Arc::new(Fixture::new().await);
    let content = |n: u8| some_bytes(100_000 + usize::from(n), n);
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..4_u8 {
        let fixture = Arc::clone(&fixture);
        tasks.spawn(async move {
            for n in 0..25 {
                let n = writer * 25 + n;
                let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
                upload.write(content(n)).await.unwrap();
                upload.finish().await.unwrap();
                let put = Put {
                    etag: n.to_string(),
                    ..Put::default()
                };
                fixture.objects.put("b", "k", upload, put).await.unwrap();
            }
        });
    }
    for _ in 0..4 {
        let fixture = Arc::clone(&fixture);
        tasks.spawn(async move {
            let mut seen = 0;
            while seen < 50 {
                match fixture.objects.open("b", "k", None).await {
                    Ok(object) => {
                        let n: u8 = object.info().etag.parse().unwrap();
                        assert!(object.read(0, 1 << 20).await.unwrap() == content(n));
                        seen += 1;
                    }
                    Err(error) => assert_eq!(error, ObjectError::Missing),
                }
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.join_all().await;
    fixture.objects.synchronize().await.unwrap();
    assert_eq!((fixture.files().len(), fixture.incoming().len()), (1, 0));
}

#[tokio::test]
async fn a_dropped_upload_leaves_no_file() {
    let fixture = Fixture::new().await;
    let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
    upload.write(some_bytes(1 << 20, 1)).await.unwrap();
    drop(upload);
    eventually("the file is gone", || fixture.incoming().is_empty()).await;
    let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
    upload.write(Bytes::from_static(b"x")).await.unwrap();
    let unfinished = fixture.objects.put("b", "k", upload, Put::default()).await;
    assert_eq!(
        unfinished.unwrap_err(),
        ObjectError::Invalid("the upload is not finished".to_owned())
    );
    let none = fixture
        .objects
        .upload("none", Vec::new())
        .await
        .unwrap_err();
    assert_eq!(none, ObjectError::MissingBucket);
}

#[tokio::test]
async fn a_copy_appends_a_range_of_an_object_with_and_without_digests() {
    let fixture = Fixture::new().await;
    let content = some_bytes(3_000_000, 7);
    let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
    for piece in content.chunks(100_000) {
        upload.write(content.slice_ref(piece)).await.unwrap();
    }
    assert_eq!(upload.finish().await.unwrap().size, 3_000_000);
    fixture
        .objects
        .put("b", "source", upload, Put::default())
        .await
        .unwrap();
    let source = fixture.objects.open("b", "source", None).await.unwrap();
    for digests in [Vec::new(), vec![Digest::Md5]] {
        let mut copy = fixture.objects.upload("b", digests).await.unwrap();
        copy.write(Bytes::from_static(b"before")).await.unwrap();
        copy.copy(&source, 1000, 2_500_000).await.unwrap();
        copy.write(Bytes::from_static(b"after")).await.unwrap();
        assert!(
            copy.copy(&source, 1, 3_000_000).await.is_err(),
            "more bytes than the object has"
        );
        let finished = copy.finish().await.unwrap();
        assert_eq!(finished.size, 2_500_011);
        let expected: Bytes = [b"before", &content[1000..2_501_000], b"after"]
            .concat()
            .into();
        if let Some(digest) = finished.digests.first() {
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, md5(&fixture.objects, expected.clone()).await);
        }
        fixture
            .objects
            .put("b", "copy", copy, Put::default())
            .await
            .unwrap();
        let object = fixture.objects.open("b", "copy", None).await.unwrap();
        let mut read = Vec::new();
        while read.len() < 2_500_011 {
            read.extend(object.read(read.len() as u64, 1 << 20).await.unwrap());
        }
        assert!(read == expected);
    }
}

#[tokio::test]
async fn replacing_metadata_leaves_the_rest_unchanged() {
    let fixture = Fixture::new().await;
    let before = fixture.put("k", "bytes").await;
    fixture.clock.advance(1000);
    let metadata = vec![("tag:a".to_owned(), "b".to_owned())];
    let after = fixture
        .objects
        .replace_metadata("b", "k", None, metadata.clone(), None)
        .await
        .unwrap();
    assert_eq!(after, ObjectInfo { metadata, ..before });
    assert_eq!(
        fixture.objects.describe("b", "k", None).await.unwrap(),
        after
    );
    let missing = fixture
        .objects
        .replace_metadata("b", "none", None, Vec::new(), None)
        .await;
    assert_eq!(missing.unwrap_err(), ObjectError::Missing);
}

#[tokio::test]
async fn buckets_are_listed_by_name_and_deleted_when_empty() {
    let fixture = Fixture::new().await;
    let objects = &fixture.objects;
    for name in ["c", "ba", "a/..", "bb"] {
        objects
            .create(name, vec![("k".to_owned(), name.to_owned())])
            .await
            .unwrap();
    }
    assert_eq!(
        objects.create("c", Vec::new()).await,
        Err(ObjectError::Exists)
    );
    let named = async |prefix: &str, after: Option<&str>, max| {
        let buckets = objects.buckets(prefix, after, max).await.unwrap();
        buckets
            .into_iter()
            .map(|bucket| bucket.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(named("", None, 10).await, ["a/..", "b", "ba", "bb", "c"]);
    assert_eq!(named("b", Some("b"), 1).await, ["ba"]);
    assert_eq!(named("b", Some("a"), 10).await, ["b", "ba", "bb"]);
    assert_eq!(
        objects.bucket("ba").await.unwrap().attributes,
        [("k".to_owned(), "ba".to_owned())]
    );
    fixture.put("k", "x").await;
    assert_eq!(objects.delete("b").await, Err(ObjectError::NotEmpty));
    fixture.remove("k", None).await;
    objects.start_multipart("b", "k", Vec::new()).await.unwrap();
    objects.delete("b").await.unwrap();
    assert_eq!(objects.delete("b").await, Err(ObjectError::MissingBucket));
    assert_eq!(
        objects.list("b", Query::default()).await,
        Err(ObjectError::MissingBucket)
    );
}
