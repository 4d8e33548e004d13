//! Hosts that are killed while they store objects, repeatedly.

use super::*;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The variable that names the folder to the process that is killed.
const FOLDER: &str = "LAMBKIN_KILLED_FOLDER";
const ROUNDS: usize = 6;

/// The bytes of the object number `n` of a key, some few and some many.
fn content(n: usize) -> Bytes {
    some_bytes([700, 100_000, 400_000][n % 3] + n, n as u8)
}

/// Not a test: the process that is killed. It prints what was answered.
#[tokio::test]
#[ignore = "is run and killed by another test"]
async fn storing_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let clock = Arc::new(ManualClock::new(NOW));
    let folder = PathBuf::from(folder);
    let store = Store::open(&folder.join("store.sqlite")).await.unwrap();
    let objects = Objects::open_store(&folder.join("objects"), store, clock)
        .await
        .unwrap();
    objects.define("b", Versioning::Off, None).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for key in 0..4 {
        let objects = objects.clone();
        writers.spawn(async move {
            let key = format!("dir/{key}");
            let before = objects.describe("b", &key, None).await;
            let first = before.map_or(0, |info| info.etag.parse::<usize>().unwrap() + 1);
            for n in first.. {
                let mut upload = objects.upload("b", Vec::new()).await.unwrap();
                upload.write(content(n)).await.unwrap();
                upload.finish().await.unwrap();
                let put = Put {
                    etag: n.to_string(),
                    ..Put::default()
                };
                objects.put("b", &key, upload, put).await.unwrap();
                println!("\nstored {key} {n}");
            }
        });
    }
    writers.join_all().await;
}

#[tokio::test]
async fn answered_objects_are_whole_after_a_kill_at_any_moment() {
    let mut folder = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let mut host = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "kill::storing_until_killed",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut answered, mut answers) = (HashMap::new(), 0);
        let lines = BufReader::new(host.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            let Some((key, n)) = line
                .strip_prefix("stored ")
                .and_then(|said| said.split_once(' '))
            else {
                continue;
            };
            answered.insert(key.to_owned(), n.parse::<usize>().unwrap());
            answers += 1;
            if answered.len() == 4 && answers > 7 * round {
                // What it prints until it is dead counts, too.
                host.kill().unwrap();
            }
        }
        host.wait().unwrap();
        assert_eq!(
            answered.len(),
            4,
            "every writer stored an object before the kill"
        );
        let fixture = Fixture::at(folder).await;
        for (key, n) in &answered {
            let object = fixture.objects.open("b", key, None).await.unwrap();
            let found: usize = object.info().etag.parse().unwrap();
            assert!(found >= *n, "{key}: {found}, answered {n}");
            assert!(
                object.read(0, 1 << 20).await.unwrap() == content(found),
                "{key} is torn"
            );
        }
        assert_eq!(
            (fixture.files().len(), fixture.incoming().len()),
            (4, 0),
            "no stray file is left"
        );
        fixture.store.close().await;
        folder = fixture.folder;
    }
}
