//! The folder of compiled code.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use lambkin_plugin::{HostError, Options, PluginHost};

use crate::fixture::{good, request};

fn host(folder: &Path) -> Result<PluginHost, HostError> {
    PluginHost::new(Options {
        cache: Some(folder.to_owned()),
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

/// The files with compiled code.
fn entries(cache: &Path) -> Vec<PathBuf> {
    let modules = fs::read_dir(cache.join("digested/modules")).expect("a folder");
    let versions = modules.map(|version| version.expect("an entry").path());
    let files = versions.flat_map(|version| fs::read_dir(version).expect("a folder"));
    let files = files.map(|file| file.expect("an entry").path());
    // Beside them are the engine's statistics.
    files.filter(|file| file.extension().is_none()).collect()
}

/// The plugin's only entry after it was loaded and called.
async fn load(cache: &Path) -> PathBuf {
    let trigger = good()
        .trigger(&host(cache).expect("the engine starts"))
        .await;
    trigger.shape(&request()).await.expect("shape");
    let mut entries = entries(cache);
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
