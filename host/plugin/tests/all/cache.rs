//! The folder of compiled code.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

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
