//! Multipart uploads.

use super::*;
use lambkin_store::object::{MultipartUpload, Part};

async fn put_part(
    fixture: &Fixture,
    id: &str,
    number: u32,
    bytes: Bytes,
) -> Result<Part, ObjectError> {
    let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
    upload.write(bytes).await.unwrap();
    upload.finish().await.unwrap();
    let metadata = vec![("checksum".to_owned(), number.to_string())];
    fixture
        .objects
        .put_part("b", id, number, upload, format!("tag {number}"), metadata)
        .await
}

/// Parts as `put_part` stores them.
fn named(numbers: &[u32]) -> Vec<(u32, String)> {
    let tags = numbers.iter().map(|number| format!("tag {number}"));
    numbers.iter().copied().zip(tags).collect()
}

fn completes(id: &str) -> Put {
    Put {
        completes: Some(id.to_owned()),
        etag: "whole".to_owned(),
        ..Put::default()
    }
}

#[tokio::test]
async fn parts_become_one_object_in_the_requested_order() {
    let fixture = Fixture::new().await;
    let objects = &fixture.objects;
    let metadata = vec![("content-type".to_owned(), "image/png".to_owned())];
    let id = objects
        .start_multipart("b", "dir/k", metadata.clone())
        .await
        .unwrap();
    let described = MultipartUpload {
        id: id.clone(),
        key: "dir/k".to_owned(),
        started_at: NOW,
        metadata,
    };
    assert_eq!(objects.describe_multipart("b", &id).await, Ok(described));
    let large = some_bytes(400_000, 2);
    put_part(&fixture, &id, 7, large.clone()).await.unwrap();
    put_part(&fixture, &id, 1, Bytes::from_static(b"replaced"))
        .await
        .unwrap();
    put_part(&fixture, &id, 1, Bytes::from_static(b"one"))
        .await
        .unwrap();
    put_part(&fixture, &id, 3, Bytes::from_static(b"left out"))
        .await
        .unwrap();
    objects.synchronize().await.unwrap();
    assert_eq!(fixture.incoming().len(), 3);
    let parts = objects.parts("b", &id, 1, 1).await.unwrap();
    let three = Part {
        number: 3,
        size: 8,
        etag: "tag 3".to_owned(),
        modified_at: NOW,
        metadata: vec![("checksum".to_owned(), "3".to_owned())],
    };
    assert_eq!(parts, [three]);
    assert_eq!(
        objects
            .compose("b", &id, named(&[1, 2]), Vec::new())
            .await
            .unwrap_err(),
        ObjectError::Missing
    );
    let expected: Bytes = [&large, &b"one"[..]].concat().into();
    for digests in [Vec::new(), vec![Digest::Md5]] {
        let mut upload = objects
            .compose("b", &id, named(&[7, 1]), digests)
            .await
            .unwrap();
        let finished = upload.finish().await.unwrap();
        assert_eq!(finished.size, 400_003);
        let Some(digest) = finished.digests.first() else {
            continue;
        };
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, md5(objects, expected.clone()).await);
        objects
            .put("b", "dir/k", upload, completes(&id))
            .await
            .unwrap();
    }
    let object = objects.open("b", "dir/k", None).await.unwrap();
    assert!(object.read(0, 1 << 20).await.unwrap() == expected);
    assert_eq!(
        objects.describe_multipart("b", &id).await,
        Err(ObjectError::Missing)
    );
    eventually("the parts are gone", || fixture.incoming().is_empty()).await;
}

#[tokio::test]
async fn a_multipart_upload_is_completed_once_and_only_for_its_own_key() {
    let fixture = Fixture::new().await;
    let objects = &fixture.objects;
    let id = objects.start_multipart("b", "k", Vec::new()).await.unwrap();
    put_part(&fixture, &id, 1, Bytes::from_static(b"x"))
        .await
        .unwrap();
    let compose = async || {
        let mut upload = objects
            .compose("b", &id, named(&[1]), Vec::new())
            .await
            .unwrap();
        upload.finish().await.unwrap();
        upload
    };
    let (first, second) = (compose().await, compose().await);
    let other = objects
        .put("b", "other", compose().await, completes(&id))
        .await;
    assert_eq!(other, Err(ObjectError::Missing));
    objects.put("b", "k", first, completes(&id)).await.unwrap();
    assert_eq!(
        objects.put("b", "k", second, completes(&id)).await,
        Err(ObjectError::Missing)
    );
    assert_eq!(
        put_part(&fixture, &id, 2, Bytes::new()).await,
        Err(ObjectError::Missing)
    );
    eventually("nothing is left", || fixture.incoming().is_empty()).await;
    assert_eq!(fixture.files().len(), 1);
}

#[tokio::test]
async fn parts_survive_the_host_until_an_abort_deletes_them() {
    let fixture = Fixture::new().await;
    let id = fixture
        .objects
        .start_multipart("b", "k", Vec::new())
        .await
        .unwrap();
    put_part(&fixture, &id, 1, Bytes::from_static(b"x"))
        .await
        .unwrap();
    let fixture = fixture.again().await;
    assert_eq!(
        fixture.objects.parts("b", &id, 0, 10).await.unwrap().len(),
        1
    );
    assert_eq!(fixture.incoming().len(), 1);
    fixture
        .objects
        .compose("b", &id, named(&[1]), Vec::new())
        .await
        .unwrap()
        .finish()
        .await
        .unwrap();
    fixture.objects.abort_multipart("b", &id).await.unwrap();
    assert_eq!(
        fixture.objects.abort_multipart("b", &id).await,
        Err(ObjectError::Missing)
    );
    assert_eq!(
        fixture.objects.parts("b", &id, 0, 10).await,
        Err(ObjectError::Missing)
    );
    eventually("the parts are gone", || fixture.incoming().is_empty()).await;
}

#[tokio::test]
async fn a_bucket_is_deleted_together_with_its_uploads_in_progress() {
    let fixture = Fixture::new().await;
    let objects = &fixture.objects;
    let id = objects.start_multipart("b", "k", Vec::new()).await.unwrap();
    put_part(&fixture, &id, 1, Bytes::from_static(b"x"))
        .await
        .unwrap();
    objects.delete("b").await.unwrap();
    eventually("the parts are gone", || fixture.incoming().is_empty()).await;
    objects.create("b", Vec::new()).await.unwrap();
    assert_eq!(
        objects.parts("b", &id, 0, 10).await,
        Err(ObjectError::Missing)
    );
}

#[tokio::test]
async fn a_part_of_another_length_than_it_was_stored_with_does_not_become_an_object() {
    let fixture = Fixture::new().await;
    let objects = &fixture.objects;
    let id = objects.start_multipart("b", "k", Vec::new()).await.unwrap();
    put_part(&fixture, &id, 1, Bytes::from_static(b"bytes"))
        .await
        .unwrap();
    let file = fixture.incoming().remove(0);
    std::fs::write(&file, "byte").unwrap();
    let composed = objects.compose("b", &id, named(&[1]), Vec::new()).await;
    let error = composed.unwrap().finish().await.unwrap_err().to_string();
    let told = format!(
        "cannot read {}: it has 4 bytes but was stored with 5",
        file.display()
    );
    assert!(error.starts_with(&told), "{error}");
    assert!(error.ends_with("upload the part again"), "{error}");
}

#[tokio::test]
async fn multipart_uploads_are_listed_by_key_and_id_in_pages() {
    let fixture = Fixture::new().await;
    let mut expected = Vec::new();
    for key in ["b", "a/1", "a/2", "c", "b", "b"] {
        expected.push((
            key,
            fixture
                .objects
                .start_multipart("b", key, Vec::new())
                .await
                .unwrap(),
        ));
    }
    expected.sort();
    for max in [1, 2, 10] {
        let mut query = Query {
            max,
            delimiter: "/".to_owned(),
            ..Query::default()
        };
        let (mut found, mut prefixes) = (Vec::new(), Vec::new());
        loop {
            let page = fixture
                .objects
                .multipart_uploads("b", query.clone())
                .await
                .unwrap();
            found.extend(
                page.uploads
                    .into_iter()
                    .map(|upload| (upload.key, upload.id)),
            );
            prefixes.extend(page.common_prefixes);
            let Some(next) = page.next else { break };
            query.after = Some(next);
        }
        assert_eq!(prefixes, ["a/"]);
        let expected = expected
            .iter()
            .skip(2)
            .map(|(key, id)| ((*key).to_owned(), id.clone()));
        assert_eq!(found, expected.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_replaced_part_is_not_used_in_place_of_the_named_one() {
    let fixture = Fixture::new().await;
    let objects = &fixture.objects;
    let id = objects.start_multipart("b", "k", Vec::new()).await.unwrap();
    put_part(&fixture, &id, 1, Bytes::from_static(b"bytes"))
        .await
        .unwrap();
    let before = vec![(1, "tag before".to_owned())];
    let composed = objects.compose("b", &id, before, Vec::new()).await;
    assert_eq!(composed.unwrap_err(), ObjectError::PreconditionFailed);
}
