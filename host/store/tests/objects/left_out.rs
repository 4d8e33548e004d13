//! Entries of a plain folder that are not objects.

use std::collections::BTreeMap;

use lambkin_store::object::FolderEvents;

use super::folder::{shown, sync, write};
use super::*;

#[tokio::test]
async fn an_entry_that_is_not_an_object_hides_no_other_and_is_returned_with_the_reason() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    let (fixture, inbox) = shown().await;
    write(&inbox, "dir/a", "x");
    symlink("itself", inbox.join("itself")).unwrap();
    symlink("dir/ping", inbox.join("pong")).unwrap();
    symlink("../pong", inbox.join("dir/ping")).unwrap();
    symlink("x".repeat(300), inbox.join("long")).unwrap();
    symlink("nowhere", inbox.join("dangling")).unwrap();
    symlink("..", inbox.join("dir/parent")).unwrap();
    symlink("/proc/self", inbox.join("proc")).unwrap();
    let _socket = UnixListener::bind(inbox.join("socket")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(inbox.join("fifo"))
        .status();
    assert!(fifo.unwrap().success());
    write(&inbox, ".hidden", "x");
    // Some file systems refuse such a name.
    let latin = std::fs::write(inbox.join(OsStr::from_bytes(b"caf\xe9")), "x").is_ok();
    let deep = [
        "d".repeat(250),
        "e".repeat(250),
        "f".repeat(250),
        "g".repeat(250),
    ]
    .join("/");
    write(&inbox, &format!("{deep}/{}", "h".repeat(100)), "x");
    write(&inbox, "z", "z");
    let nothing = FolderEvents::default();
    let synced = fixture.objects.sync_folder("b", &nothing).await;
    let left_out = synced.unwrap().left_out;
    assert_eq!(fixture.keys().await, ["dir/a", "z"]);
    assert_eq!(fixture.get("z").await.unwrap(), "z");
    let reasons: BTreeMap<_, _> = left_out
        .iter()
        .map(|one| (one.path.to_string_lossy(), one.reason.as_str()))
        .collect();
    for (path, reason) in [
        (
            "itself",
            "is a link that leads nowhere: Too many levels of symbolic links",
        ),
        (
            "pong",
            "is a link that leads nowhere: Too many levels of symbolic links",
        ),
        (
            "dir/ping",
            "is a link that leads nowhere: Too many levels of symbolic links",
        ),
        ("long", "is a link that leads nowhere: File name too long"),
        ("dangling", "is a link that leads nowhere: No such file"),
        ("dir/parent", "is a link to something other than a file"),
        ("proc", "is a link that leads out of the folder"),
        ("socket", "is a socket"),
        ("fifo", "is a FIFO"),
    ] {
        let found = reasons
            .get(path)
            .unwrap_or_else(|| panic!("{path}: {reasons:?}"));
        assert!(found.starts_with(reason), "{path}: {found}");
    }
    assert_eq!(reasons.len(), 10 + usize::from(latin), "{reasons:?}");
    assert!(
        reasons
            .values()
            .any(|reason| reason.contains("1,024 bytes"))
    );
}

/// What cannot be read is not known to be gone.
#[tokio::test]
async fn objects_in_a_folder_that_becomes_unreadable_are_kept_and_new_ones_of_others_found() {
    use std::os::unix::fs::PermissionsExt;
    let (fixture, inbox) = shown().await;
    write(&inbox, "secret/a", "x");
    sync(&fixture).await;
    let mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(inbox.join("secret"), permissions).unwrap();
    };
    mode(0);
    write(&inbox, "b", "x");
    let nothing = FolderEvents::default();
    let left_out = fixture.objects.sync_folder("b", &nothing).await;
    let is_read_anyway = std::fs::read_dir(inbox.join("secret")).is_ok();
    mode(0o700);
    let left_out = left_out.unwrap().left_out;
    assert_eq!(fixture.keys().await, ["b", "secret/a"]);
    if is_read_anyway {
        eprintln!("skipped in part: this user may read every folder");
    } else {
        assert_eq!(left_out[0].path, Path::new("secret"));
        assert!(
            left_out[0]
                .reason
                .starts_with("cannot be read: Permission denied")
        );
    }
}
