//! What layers make of each other.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tar::EntryType;

use super::made::{Made, Place, Tar, listing};

fn tar() -> Tar {
    Tar::default()
}

#[test]
fn later_layers_replace_and_delete_what_earlier_ones_have() {
    for (name, layers, expected) in [
        (
            "a file in the place of a folder, and a folder in the place of a file",
            vec![
                tar().file("a/b/c", "1").file("d", "1"),
                tar().file("a", "2").file("d/e", "2"),
            ],
            None,
        ),
        (
            "a file in the place of a folder",
            vec![tar().file("a/b/c", "1"), tar().file("a", "2")],
            Some(vec!["a=2"]),
        ),
        (
            "a folder in the place of a file and of a link",
            vec![
                tar().file("a", "1").link("b", "a"),
                tar()
                    .folder("a", 0o755)
                    .folder("b/", 0o755)
                    .file("b/c", "2"),
            ],
            Some(vec!["a/", "b/", "b/c=2"]),
        ),
        (
            "a link in the place of a folder",
            vec![
                tar().file("a/b", "1").folder("c", 0o755),
                tar().link("a", "c").file("a/d", "2"),
            ],
            Some(vec!["a->c", "c/", "c/d=2"]),
        ),
        (
            "a file in the place of a link, not through it",
            vec![tar().file("a", "1").link("b", "a"), tar().file("b", "2")],
            Some(vec!["a=1", "b=2"]),
        ),
        (
            "a deleted file and a deleted folder",
            vec![
                tar()
                    .file("a", "1")
                    .file("b/c", "1")
                    .file("b/d", "1")
                    .file("e", "1"),
                tar()
                    .file(".wh.a", "")
                    .file("b/.wh.c", "")
                    .file(".wh.none", ""),
            ],
            Some(vec!["b/", "b/d=1", "e=1"]),
        ),
        (
            "a folder that is deleted, and one that is deleted and made again",
            vec![
                tar().file("a/b", "1").file("c/d", "1"),
                tar().file(".wh.a", "").file("c/e", "2").file(".wh.c", ""),
            ],
            Some(vec!["c/", "c/e=2"]),
        ),
        (
            "an opaque folder, whatever the order is",
            vec![
                tar().file("a/b", "1").file("a/c/d", "1").file("a/c/e", "1"),
                tar()
                    .file("a/f", "2")
                    .file("a/c/e", "2")
                    .file("a/.wh..wh..opq", "")
                    .file("a/g", "2"),
            ],
            Some(vec!["a/", "a/c/", "a/c/e=2", "a/f=2", "a/g=2"]),
        ),
        (
            "notes of old versions of Docker",
            vec![
                tar().file("a", "1"),
                tar()
                    .folder(".wh..wh.plnk", 0o700)
                    .file(".wh..wh.aufs", "")
                    .file(".wh.", "")
                    .file(".wh...", ""),
            ],
            Some(vec!["a=1"]),
        ),
        (
            "a link to a folder, in which files are",
            vec![
                tar().folder("srv/", 0o755).link("data", "/srv"),
                tar().file("data/a", "2").file("data/.wh.b", ""),
            ],
            Some(vec!["data->/srv", "srv/", "srv/a=2"]),
        ),
        (
            "a link to a folder that does not exist yet",
            vec![
                tar().link("data", "./y/z").link("y", "../../w"),
                tar().file("data/a", "2"),
            ],
            Some(vec!["data->./y/z", "w/", "w/z/", "w/z/a=2", "y->../../w"]),
        ),
        (
            "a second name of a file, also after the first is gone",
            vec![
                tar()
                    .file("a", "1")
                    .hard_link("b", "a")
                    .hard_link("./c", "/a"),
                tar().file(".wh.a", "").hard_link("d", "b"),
            ],
            Some(vec!["b=1", "c=1", "d=1"]),
        ),
        (
            "devices, FIFOs and the root itself",
            vec![
                tar()
                    .folder("./", 0o700)
                    .file("f", "1")
                    .other("c", EntryType::Char)
                    .other("b", EntryType::Block)
                    .other("f", EntryType::Fifo),
            ],
            Some(vec![]),
        ),
        (
            "a path that is not in its shortest form",
            vec![tar().file("/a//b/./c/../d", "1")],
            Some(vec!["a/", "a/b/", "a/b/d=1"]),
        ),
        (
            "a name with a / at its end",
            vec![tar().raw(super::made::Entry {
                kind: EntryType::Regular,
                path: "a/",
                link: "",
                mode: 0o755,
                content: b"",
            })],
            Some(vec!["a/"]),
        ),
    ] {
        let place = Place::new();
        let made = Made::new(layers);
        match expected {
            Some(expected) => assert_eq!(
                listing(&place.open_made(&made).unwrap()),
                expected,
                "{name}"
            ),
            None => {
                let error = place.refusal(&made);
                assert!(error.contains("layer 2 of 2: cannot unpack d/e"), "{error}");
                assert!(
                    error.contains("a file is where the image has a folder"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn files_have_their_modes_and_times_as_far_as_functions_see_them() {
    let place = Place::new();
    let made = Made::new([tar()
        .file_with_mode("program", "", 0o755)
        .file_with_mode("set-id", "", 0o6755)
        .file_with_mode("owner", "", 0o700)
        .file_with_mode("group", "", 0o640)
        .folder("closed", 0o700)
        .folder("open", 0o755)
        .folder("sticky", 0o1777)
        .folder("none", 0)]);
    let image = place.open_made(&made).unwrap();
    for (name, mode) in [
        ("program", 0o755),
        ("set-id", 0o755),
        ("owner", 0o200),
        ("group", 0o240),
        ("closed", 0o700),
        ("open", 0o755),
        ("sticky", 0o1777),
        ("none", 0o700),
        ("", 0o755),
    ] {
        let about = image.root.join(name).symlink_metadata().unwrap();
        assert_eq!(about.permissions().mode() & 0o7777, mode, "{name}");
    }
    assert_eq!(
        image.root.join("program").metadata().unwrap().mtime(),
        1_700_000_000
    );
}

#[test]
fn long_names_of_both_kinds_are_read() {
    let place = Place::new();
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o644);
    // Written with an entry of GNU for the name.
    builder
        .append_data(&mut header, &long, &b"gnu"[..])
        .unwrap();
    let records = [
        ("path", long.replace('f', "p").into_bytes()),
        ("mtime", b"12.5".to_vec()),
    ];
    let records = records.iter().map(|(key, value)| (*key, value.as_slice()));
    builder.append_pax_extensions(records).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_path("short").unwrap();
    header.set_size(3);
    header.set_mode(0o644);
    header.set_cksum();
    builder.append(&header, &b"pax"[..]).unwrap();
    let mut made = Made::new([tar()]);
    made.stored = vec![builder.into_inner().unwrap()];
    let digest = crate::digest::Digest::of(&made.stored[0]).to_string();
    made.config["rootfs"]["diff_ids"] = serde_json::json!([digest]);
    let image = place.open_made(&made).unwrap();
    assert_eq!(fs::read(image.root.join(&long)).unwrap(), b"gnu");
    let pax = image.root.join(long.replace('f', "p"));
    assert_eq!(fs::read(&pax).unwrap(), b"pax");
    assert_eq!(pax.metadata().unwrap().mtime_nsec(), 500_000_000);
}
