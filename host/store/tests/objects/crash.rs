//! What a host leaves that is killed between two steps, and a disk that does not do what it should.

use super::*;

/// What a kill leaves: a copy of all files as they are, with nobody to tidy up.
fn killed(house: &House) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(copy.path().join("objects/.incoming")).unwrap();
    for file in files_below(house.folder.path()) {
        let to = copy
            .path()
            .join(file.strip_prefix(house.folder.path()).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&file, &to).unwrap();
    }
    copy
}

/// Changes a killed host's rows as if it had got less far.
fn rewind(folder: &Path, sql: &str) {
    let rows = rusqlite::Connection::open(folder.join("store.sqlite")).unwrap();
    rows.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn an_answered_object_is_there_after_a_kill() {
    let house = House::new().await;
    house.put("k", "bytes").await;
    let after = House::at(killed(&house)).await;
    assert_eq!(after.get("k").await.unwrap(), "bytes");
}

#[tokio::test]
async fn killed_before_the_commit_nothing_stays() {
    let house = House::new().await;
    house.put("k", "old").await;
    let mut upload = house.objects.upload("b", Vec::new()).await.unwrap();
    upload.write(some_bytes(1 << 20, 1)).await.unwrap();
    upload.finish().await.unwrap();
    assert_eq!(house.incoming().len(), 1);
    let after = House::at(killed(&house)).await;
    assert_eq!(after.get("k").await.unwrap(), "old");
    assert_eq!((after.files().len(), after.incoming().len()), (1, 0));
}

#[tokio::test]
async fn killed_between_commit_and_move_the_new_object_is_whole_and_the_next_host_moves_it() {
    let house = House::new().await;
    house.put("dir/k", "old").await;
    let old = house.files().remove(0);
    house.put("dir/k", "new").await;
    let new = house.files().remove(0);
    let folder = killed(&house);
    // The new file has not moved yet, the old one is still there, and both chores are open.
    let root = folder.path().join("objects");
    let id = new
        .rsplit('/')
        .next()
        .unwrap()
        .get(..16)
        .unwrap()
        .to_owned();
    std::fs::rename(root.join(&new), root.join(".incoming").join(&id)).unwrap();
    std::fs::write(root.join(&old), "old").unwrap();
    rewind(
        folder.path(),
        &format!(
            "DELETE FROM file_chores; INSERT INTO file_chores (file, move) VALUES ('{old}', 0), ('{new}', 1)"
        ),
    );
    let after = House::at(folder).await;
    assert_eq!(after.files(), [new]);
    assert_eq!(after.incoming().len(), 0);
    assert_eq!(after.get("dir/k").await.unwrap(), "new");
}

#[tokio::test]
async fn an_object_is_readable_before_its_file_has_moved() {
    let house = House::new().await;
    house.put("k", "bytes").await;
    let file = house.files().remove(0);
    let id = file
        .rsplit('/')
        .next()
        .unwrap()
        .get(..16)
        .unwrap()
        .to_owned();
    std::fs::rename(
        house.root().join(&file),
        house.root().join(".incoming").join(id),
    )
    .unwrap();
    assert_eq!(house.get("k").await.unwrap(), "bytes");
}

#[tokio::test]
async fn chores_that_were_done_are_done_again_without_harm() {
    let house = House::new().await;
    for n in 0..5 {
        house.put("k", &n.to_string()).await;
    }
    house.put("l", "x").await;
    let (files, folder) = (house.files(), killed(&house));
    let after = House::at(folder).await.again().await;
    assert_eq!(after.files(), files);
    assert_eq!(after.get("k").await.unwrap(), "4");
    assert_eq!(open_chores(&after), 0);
}

/// Chores that the next host would do.
fn open_chores(house: &House) -> i64 {
    let rows = rusqlite::Connection::open(house.folder.path().join("store.sqlite")).unwrap();
    let count = "SELECT count(*) FROM file_chores";
    rows.query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn chores_that_were_done_are_forgotten_also_by_what_is_refused() {
    let house = House::new().await;
    for _ in 0..3 {
        house.put("k", "x").await;
        let absent = Put {
            condition: Condition::Absent,
            ..put("y")
        };
        let refused = house.put_with("k", "y", absent).await;
        assert_eq!(refused, Err(ObjectError::PreconditionFailed));
        let other = Condition::Matches(vec!["other".to_owned()]);
        let refused = house.objects.remove("b", "k", None, other, None).await;
        assert_eq!(refused, Err(ObjectError::PreconditionFailed));
    }
    assert_eq!(open_chores(&house), 0);
}

#[tokio::test]
async fn a_persons_own_files_in_the_objects_folder_are_left_alone() {
    let house = House::new().await;
    house.put("dir/k", "x").await;
    std::fs::write(house.root().join("b/dir/notes.txt"), "mine").unwrap();
    house.remove("dir/k", None).await;
    let house = house.again().await;
    assert_eq!(house.files(), ["b/dir/notes.txt"]);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_a_whole_object_or_none() {
    let house = House::new().await;
    for patience in 0..40 {
        let key = patience.to_string();
        let mut upload = house.objects.upload("b", Vec::new()).await.unwrap();
        upload.write(some_bytes(70_000, 3)).await.unwrap();
        upload.finish().await.unwrap();
        let mut putting = Box::pin(house.objects.put("b", &key, upload, Put::default()));
        for _ in 0..patience {
            tokio::select! {
                biased;
                _ = &mut putting => break,
                () = tokio::task::yield_now() => {}
            }
        }
    }
    eventually("all are settled", || house.incoming().is_empty()).await;
    let keys = house.keys().await;
    assert_eq!(house.files().len(), keys.len());
    for key in keys {
        let object = house.objects.open("b", &key, None).await.unwrap();
        assert!(object.read(0, 1 << 20).await.unwrap() == some_bytes(70_000, 3));
    }
}

#[tokio::test]
async fn a_file_that_was_cut_is_refused_and_named() {
    let house = House::new().await;
    house.put("k", "bytes").await;
    let file = house.files().remove(0);
    std::fs::write(house.root().join(&file), "byt").unwrap();
    let text = house.get("k").await.unwrap_err().to_string();
    assert!(
        text.contains(&file) && text.contains("it has 3 bytes but was stored with 5"),
        "{text}"
    );
    std::fs::remove_file(house.root().join(&file)).unwrap();
    let text = house.get("k").await.unwrap_err().to_string();
    assert!(text.starts_with("cannot open the object \"k\""), "{text}");
    house.put("k", "again").await;
    assert_eq!(
        house.get("k").await.unwrap(),
        "again",
        "it can be stored anew"
    );
}

#[tokio::test]
async fn a_place_that_can_not_be_made_is_named_and_nothing_has_changed() {
    let house = House::new().await;
    house.put("dir/k", "old").await;
    // A file where a folder is to be.
    std::fs::write(house.root().join("b/taken"), "").unwrap();
    let error = house.put_with("taken/k", "x", put("x")).await.unwrap_err();
    let ObjectError::File(text) = error else {
        panic!("{error}")
    };
    assert!(
        text.starts_with("cannot create") && text.contains("b/taken"),
        "{text}"
    );
    assert_eq!(house.keys().await, ["dir/k"]);
    eventually("nothing is left", || house.incoming().is_empty()).await;
}

#[tokio::test]
async fn a_folder_that_can_not_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("objects"), "a file").unwrap();
    let store = Store::open(&folder.path().join("store.sqlite"))
        .await
        .unwrap();
    let clock = Arc::new(ManualClock::new(NOW));
    let opened = Objects::open_store(&folder.path().join("objects"), store, clock).await;
    let text = opened.unwrap_err().to_string();
    assert!(
        text.starts_with("cannot create") && text.contains("objects/.incoming"),
        "{text}"
    );
}

#[tokio::test]
async fn what_comes_in_while_its_folder_vanishes_is_refused_and_the_rest_stays() {
    let house = House::new().await;
    house.put("k", "old").await;
    std::fs::remove_dir_all(house.root().join(".incoming")).unwrap();
    let lost = house
        .put_with("k", "new", put("new"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        lost.starts_with("cannot write") && lost.contains(".incoming"),
        "{lost}"
    );
    assert_eq!(house.get("k").await.unwrap(), "old");
}

/// Give it one of 4 MB: `mount -t tmpfs -o size=4m tmpfs /mnt/small`.
#[tokio::test]
#[ignore = "needs a small disk, named by LAMBKIN_SMALL_DISK"]
async fn on_a_full_disk_the_write_is_refused_with_advice_and_nothing_is_left() {
    let disk = std::env::var("LAMBKIN_SMALL_DISK").unwrap();
    let house = House::at(tempfile::tempdir_in(disk).unwrap()).await;
    house.objects.create("b", Vec::new()).await.unwrap();
    house.put("k", "old").await;
    for size in [8 << 20, 300_000] {
        let mut upload = house.objects.upload("b", Vec::new()).await.unwrap();
        let mut refused = None;
        for _ in 0..(8 << 20) / size {
            refused = refused.or(upload.write(some_bytes(size, 1)).await.err());
        }
        let refused = match refused {
            Some(error) => error,
            None => upload.finish().await.unwrap_err(),
        };
        drop(upload);
        let text = refused.to_string();
        assert!(
            text.starts_with("cannot write") && text.contains("free some space on its disk"),
            "{text}"
        );
        eventually("nothing is left", || house.incoming().is_empty()).await;
        assert_eq!(house.get("k").await.unwrap(), "old");
        house.put("k", "old").await;
    }
}
