//! Measurements, to be run by hand on an idle machine:
//! `cargo test --release -p lambkin-store --test objects -- --ignored --nocapture`.

use super::*;
use std::time::{Duration, Instant};

/// The median duration of several runs.
async fn median<F: Future>(runs: usize, mut work: impl FnMut(usize) -> F) -> Duration {
    let mut times = Vec::new();
    for run in 0..runs {
        let start = Instant::now();
        work(run).await;
        times.push(start.elapsed());
    }
    times.sort();
    times[runs / 2]
}

/// Fills the bucket with keys, without files.
async fn filled(keys: i64) -> Fixture {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let rows = rusqlite::Connection::open(fixture.folder.path().join("store.sqlite")).unwrap();
    rows.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO objects (sequence, bucket, key, latest, marker, size, etag, modified_at, metadata)
         SELECT i, 1, printf('%03d/%08d', i % 100, i), 1, 0, 1, 'etag', 1, '[]' FROM n",
        [keys],
    )
    .unwrap();
    rows.execute("UPDATE object_sequence SET last = ?1", [keys])
        .unwrap();
    drop(rows);
    fixture.again().await
}

#[tokio::test]
#[ignore = "a measurement"]
async fn a_page_costs_the_same_in_a_large_bucket() {
    let mut costs = Vec::new();
    for keys in [1000, 200_000] {
        let fixture = filled(keys).await;
        let middle = Some(("050/".to_owned(), None));
        let mut cost = Vec::new();
        for (delimiter, after, max) in [("/", None, 1000), ("", middle, 100), ("/", None, 10)] {
            let query = Query {
                delimiter: delimiter.to_owned(),
                after,
                max,
                ..Query::default()
            };
            cost.push(median(201, |_| fixture.objects.list("b", query.clone())).await);
            cost.push(median(201, |_| fixture.objects.versions("b", query.clone())).await);
        }
        println!("{keys} keys: {cost:?}");
        costs.push(cost);
    }
    for (small, large) in costs[0].iter().zip(&costs[1]) {
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        println!("ratio {ratio:.2}");
        assert!(ratio < 5.0, "the cost does not grow with the bucket");
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn small_and_large_objects() {
    let fixture = Arc::new(Fixture::new().await);
    let put = async |n: usize| {
        let mut upload = fixture
            .objects
            .upload("b", vec![Digest::Md5, Digest::Crc64Nvme])
            .await
            .unwrap();
        upload.write(some_bytes(1000, 1)).await.unwrap();
        upload.finish().await.unwrap();
        fixture
            .objects
            .put("b", &format!("dir/{n}"), upload, Put::default())
            .await
            .unwrap();
    };
    println!("put of 1,000 bytes, new: {:?}", median(2001, &put).await);
    println!(
        "put of 1,000 bytes, over another: {:?}",
        median(2001, &put).await
    );
    println!(
        "get of 1,000 bytes: {:?}",
        median(2001, async |n| {
            let object = fixture
                .objects
                .open("b", &format!("dir/{n}"), None)
                .await
                .unwrap();
            object.read(0, 1000).await.unwrap()
        })
        .await
    );
    let start = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..16 {
        let fixture = Arc::clone(&fixture);
        clients.spawn(async move {
            for n in 0..500 {
                let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
                upload.write(Bytes::from_static(b"x")).await.unwrap();
                upload.finish().await.unwrap();
                let key = format!("{client}/{n}");
                let put = fixture.objects.put("b", &key, upload, Put::default());
                put.await.unwrap();
            }
        });
    }
    clients.join_all().await;
    println!(
        "16 clients: {:.0} puts/s",
        8000.0 / start.elapsed().as_secs_f64()
    );
    let piece = some_bytes(1 << 16, 3);
    for digests in [
        vec![],
        vec![Digest::Md5],
        vec![Digest::Sha256],
        vec![Digest::Crc64Nvme],
        vec![Digest::Md5, Digest::Sha256],
    ] {
        let start = Instant::now();
        let mut upload = fixture.objects.upload("b", digests.clone()).await.unwrap();
        for _ in 0..1600 {
            upload.write(piece.clone()).await.unwrap();
        }
        upload.finish().await.unwrap();
        fixture
            .objects
            .put("b", "large", upload, Put::default())
            .await
            .unwrap();
        println!(
            "100 MiB with {digests:?}: {:.0} MB/s",
            104.9 / start.elapsed().as_secs_f64()
        );
    }
    let object = fixture.objects.open("b", "large", None).await.unwrap();
    let start = Instant::now();
    for at in 0..100 {
        object.read(at << 20, 1 << 20).await.unwrap();
    }
    println!(
        "100 MiB read: {:.0} MB/s",
        104.9 / start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    let mut copy = fixture.objects.upload("b", Vec::new()).await.unwrap();
    copy.copy(&object, 0, object.info().size).await.unwrap();
    copy.finish().await.unwrap();
    println!(
        "100 MiB copied: {:.0} MB/s",
        104.9 / start.elapsed().as_secs_f64()
    );
}
