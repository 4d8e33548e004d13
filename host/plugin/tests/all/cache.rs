//! The folder of compiled code.

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lambkin_plugin::{HostError, Options, PluginHost, limits};

use crate::fixture::{good, options, request};

fn host(folder: &Path) -> Result<PluginHost, HostError> {
    PluginHost::new(Options {
        cache: Some(folder.to_owned()),
        ..options()
    })
}

#[tokio::test]
async fn compiled_code_is_kept_for_the_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("a/b");
    for _ in 0..2 {
        let trigger = good()
            .trigger(&host(&cache).expect("the engine starts"))
            .await;
        trigger.shape(&request()).await.expect("shape");
    }
    assert_eq!(
        fs::metadata(&cache).expect("it exists").mode() & 0o777,
        0o700
    );
    assert!(
        fs::read_dir(&cache)
            .expect("it is a folder")
            .next()
            .is_some(),
        "nothing was kept"
    );
}

/// A host that can load nothing but what is in the cache.
fn without_compiler(folder: &Path) -> PluginHost {
    let mut options = options();
    options.cache = Some(folder.to_owned());
    options.compiler.program = "/nonexistent".into();
    PluginHost::new(options).expect("the engine starts")
}

#[tokio::test]
async fn damage_is_noticed_before_the_code_is_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = load(folder.path()).await;
    let whole = fs::read(&file).expect("the entry");
    good().trigger(&without_compiler(folder.path())).await;
    let mut damaged: Vec<Vec<u8>> = (0..64)
        .map(|n| {
            let mut bytes = whole.clone();
            bytes[n * (whole.len() - 1) / 63] ^= 1 << (n % 8);
            bytes
        })
        .collect();
    damaged.extend([0, 1, 7, 8, whole.len() - 1].map(|length| whole[..length].to_vec()));
    damaged.push(vec![0; whole.len()]);
    for (n, bytes) in damaged.into_iter().enumerate() {
        fs::write(&file, bytes).expect("write");
        let refused = good().load(&without_compiler(folder.path())).await;
        assert!(refused.is_err(), "damage {n} was not noticed");
        assert!(!file.exists(), "damage {n} is still there");
    }
    // The entry of another plugin is undamaged, and is not this one's.
    let other = good().with("module", "(func $another)");
    other.trigger(&host(folder.path()).expect("a host")).await;
    let theirs = only_entry(folder.path());
    fs::rename(theirs, &file).expect("rename");
    assert!(good().load(&without_compiler(folder.path())).await.is_err());
}

#[tokio::test]
async fn a_plugin_loads_where_nothing_can_be_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = load(folder.path()).await;
    // A folder that is not empty can be neither read nor replaced, not even by the superuser.
    fs::remove_file(&file).expect("remove");
    fs::create_dir_all(file.join("full")).expect("a folder");
    let trigger = good().trigger(&host(folder.path()).expect("a host")).await;
    trigger.shape(&request()).await.expect("shape");
    assert_eq!(only_entry(folder.path()), file);

    // The system does not let anyone create a folder here.
    let host = host(Path::new("/proc/lambkin/cache")).expect("it does without");
    good().trigger(&host).await;
}

#[tokio::test]
async fn what_was_not_used_for_longest_gives_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let used = load(folder.path()).await;
    // Two entries without content that fill the cache, and the file of a compiler that was killed long ago.
    let old = [("b", 2), ("a", 3)].map(|(name, days)| {
        let path = folder.path().join(name).with_extension("code");
        let file = File::create(&path).expect("a file");
        file.set_len(limits::CACHE_BYTES - 1_000).expect("a size");
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 86_400))
            .expect("a time");
        path
    });
    let part = folder.path().join("x.1.part");
    let file = File::create(&part).expect("a file");
    file.set_modified(SystemTime::now() - Duration::from_secs(86_400))
        .expect("a time");
    let other = good().with("module", "(func $another)");
    other.trigger(&host(folder.path()).expect("a host")).await;
    assert!(used.exists());
    assert!(!old[0].exists() && !old[1].exists() && !part.exists());
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn a_folder_that_others_may_write_to_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).expect("chmod");
    let message = host(folder.path()).err().expect("refused").to_string();
    assert!(
        message.starts_with("cannot keep compiled plugins in "),
        "{message}"
    );
    assert!(
        message.contains("correct it with: chmod go-w "),
        "{message}"
    );
}

#[tokio::test]
async fn a_path_that_is_not_a_folder_is_refused() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let message = host(file.path()).err().expect("refused").to_string();
    assert!(message.contains("cannot be created"), "{message}");
}

/// The plugin's only entry after it was loaded and called.
async fn load(cache: &Path) -> PathBuf {
    let trigger = good()
        .trigger(&host(cache).expect("the engine starts"))
        .await;
    trigger.shape(&request()).await.expect("shape");
    only_entry(cache)
}

fn only_entry(cache: &Path) -> PathBuf {
    let entries = fs::read_dir(cache).expect("a folder");
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "code"))
        .collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

#[tokio::test]
async fn compiled_code_in_which_a_bit_is_flipped_is_compiled_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let entry = load(folder.path()).await;
    let intact = fs::read(&entry).expect("it is readable");
    let inode = |path| fs::metadata(path).expect("it exists").ino();
    let before = inode(&entry);
    load(folder.path()).await;
    assert_eq!(before, inode(&entry), "intact code is used");
    for place in 0..100 {
        let bit = place * (8 * intact.len() - 1) / 99;
        let mut damaged = intact.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&entry, &damaged).expect("it is writable");
        load(folder.path()).await;
        assert!(
            fs::read(&entry).expect("it is readable") == intact,
            "bit {bit}: the entry was not replaced"
        );
    }
}

#[tokio::test]
async fn compiled_code_of_another_user_is_not_used_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let entry = load(folder.path()).await;
    let owner = || fs::metadata(&entry).expect("it exists").uid();
    let (user, other) = (owner(), owner() + 1);
    if chown(&entry, Some(other), None).is_err() {
        eprintln!(
            "SKIPPED: compiled_code_of_another_user_is_not_used_and_replaced: only root can give files away"
        );
        return;
    }
    assert_eq!(owner(), other);
    assert!(good().load(&without_compiler(folder.path())).await.is_err());
    assert!(!entry.exists(), "it is still there");
    load(folder.path()).await;
    assert_eq!(owner(), user);
    good().trigger(&without_compiler(folder.path())).await;
}

#[tokio::test]
async fn whatever_is_in_the_place_of_compiled_code_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let entry = load(folder.path()).await;
    let intact = fs::read(&entry).expect("it is readable");
    let copy = folder.path().join("copy");
    fs::write(&copy, &intact).expect("it is writable");
    let places: [&dyn Fn(); 7] = [
        &|| fs::write(&entry, "").expect("written"),
        &|| {
            fs::write(&entry, &intact[..intact.len() / 2]).expect("written");
        },
        &|| {
            let longer = [&intact[..], b"more"].concat();
            fs::write(&entry, longer).expect("written");
        },
        &|| {
            fs::remove_file(&entry).expect("deleted");
            symlink(&copy, &entry).expect("linked");
        },
        &|| {
            fs::remove_file(&entry).expect("deleted");
            fs::create_dir(&entry).expect("created");
        },
        &|| {
            fs::remove_file(&entry).expect("deleted");
            let fifo = std::process::Command::new("mkfifo").arg(&entry).status();
            assert!(fifo.expect("mkfifo runs").success());
            assert!(
                fs::metadata(&entry)
                    .expect("it exists")
                    .file_type()
                    .is_fifo()
            );
        },
        &|| {
            fs::set_permissions(&entry, fs::Permissions::from_mode(0o666)).expect("chmod");
        },
    ];
    for (number, place) in places.iter().enumerate() {
        place();
        load(folder.path()).await;
        let about = fs::symlink_metadata(&entry).expect("it exists");
        assert!(
            about.is_file() && about.mode() & 0o022 == 0,
            "place {number}"
        );
        assert!(
            fs::read(&entry).expect("it is readable") == intact,
            "place {number}"
        );
    }
}
