//! What is kept of images, and what happens when hosts use the cache at the same time.

use std::fs;
use std::time::{Duration, SystemTime};

use super::made::{Made, Place, Tar, listing};

fn image(content: &str) -> Made {
    Made::new([Tar::default().file("a", content)])
}

#[test]
fn an_image_is_unpacked_once() {
    let place = Place::new();
    let made = image("1");
    let first = place.open_made(&made).unwrap();
    fs::write(first.root.join("mark"), "").unwrap();
    let second = place.open_made(&made).unwrap();
    assert_eq!(second.root, first.root);
    assert_eq!(listing(&second), ["a=1", "mark="]);
    // Without its root, it is unpacked again.
    fs::remove_dir_all(&first.root).unwrap();
    assert_eq!(listing(&place.open_made(&made).unwrap()), ["a=1"]);
}

#[test]
fn hosts_that_open_an_image_at_the_same_time_get_the_same_one() {
    let place = Place::new();
    let files = (0..200).fold(Tar::default(), |tar, number| {
        tar.file(&format!("d/{number}"), "x")
    });
    Made::new([files]).add_to_layout(&place.at("layout"), |_| {});
    let barrier = std::sync::Barrier::new(8);
    let open = || {
        barrier.wait();
        let image = place.open("layout").unwrap();
        (listing(&image).len(), fs::metadata(&image.root).unwrap())
    };
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let inode = std::os::unix::fs::MetadataExt::ino(&opened[0].1);
    for (count, about) in &opened {
        assert_eq!(*count, 201);
        assert_eq!(std::os::unix::fs::MetadataExt::ino(about), inode);
    }
}

#[test]
fn what_a_killed_host_left_is_thrown_away() {
    let place = Place::new();
    let images = place.cache().join("images-1");
    let partial = |made: &Made| {
        let hex = made.id().replace("sha256:", "");
        fs::create_dir_all(images.join(format!(".{hex}.partial/root/x"))).unwrap();
        fs::write(images.join(format!("{hex}.use")), "").unwrap();
        images.join(format!(".{hex}.partial"))
    };
    let (made, other) = (image("1"), image("2"));
    let left = [partial(&made), partial(&other)];
    assert_eq!(listing(&place.open_made(&made).unwrap()), ["a=1"]);
    assert!(left.iter().all(|path| !path.exists()));
}

#[test]
fn images_that_were_not_opened_for_long_are_deleted_unless_they_are_in_use() {
    let place = Place::new();
    let used = place.open_made(&image("used")).unwrap();
    let unused = place.open_made(&image("unused")).unwrap().root;
    let recent = place.open_made(&image("recent")).unwrap().root;
    let set_old = |path: &std::path::Path| {
        let lock = fs::File::open(path).unwrap();
        let then = SystemTime::now() - Duration::from_secs(31 * 24 * 60 * 60);
        lock.set_modified(then).unwrap();
    };
    let age = |root: &std::path::Path| set_old(&root.parent().unwrap().with_extension("use"));
    let downloads = place.cache().join("images-1/downloads");
    fs::create_dir(&downloads).unwrap();
    for name in ["old", "old.lock", "new"] {
        fs::write(downloads.join(name), "").unwrap();
    }
    set_old(&downloads.join("old"));
    set_old(&downloads.join("old.lock"));
    age(&used.root);
    age(&unused);
    place.open_made(&image("new")).unwrap();
    assert!(used.root.exists() && recent.exists() && !unused.exists());
    let left = ["old", "old.lock", "new"].map(|name| downloads.join(name).exists());
    assert_eq!(
        left,
        [false, true, true],
        "a lock stays, as a host may be about to take it"
    );
    // It comes back when it is wanted.
    assert_eq!(place.open_made(&image("unused")).unwrap().root, unused);
    assert!(unused.exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_an_error_with_its_path() {
    let place = Place::new();
    fs::write(place.cache(), "").unwrap();
    let error = place.open_made(&image("1")).unwrap_err().to_string();
    let path = place.cache().join("images-1");
    assert!(
        error.contains(&format!("cannot create {}", path.display())),
        "{error}"
    );
}
