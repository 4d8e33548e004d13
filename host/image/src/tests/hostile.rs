//! Images that want more than to be unpacked: each is refused or contained.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::json;
use tar::EntryType;

use super::made::{Entry, Made, Place, Tar, add_to_index, gzip, listing, store, zstd};
use crate::digest::Digest;
use crate::layer::Budget;

fn tar() -> Tar {
    Tar::default()
}

/// Everything in a folder and below it but the cache, by path.
fn snapshot(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("cache") || path.ends_with("made") {
                continue;
            }
            let about = path.symlink_metadata().unwrap();
            let content = about.is_file().then(|| fs::read(&path).unwrap());
            found.push(format!(
                "{} {content:?} {:?}",
                path.display(),
                about.permissions()
            ));
            if about.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn nothing_outside_of_the_image_is_written_or_read() {
    let place = Place::new();
    fs::write(place.at("secret"), "secret").unwrap();
    fs::create_dir(place.at("folder")).unwrap();
    fs::write(place.at("folder/kept"), "kept").unwrap();
    let before = snapshot(&place.at(""));
    let secret = place.at("secret").display().to_string();
    let folder = place.at("folder").display().to_string();
    // From the root of the image to the folder with the secret: root, digest, images, cache.
    let up = "../../../..";
    for (name, layers, refusal) in [
        (
            "a path that leads out",
            vec![tar().file(&format!("{up}/new"), "")],
            Some("leads out of the image"),
        ),
        (
            "a path that leads out later",
            vec![tar().file("a/../../new", "")],
            Some("leads out of the image"),
        ),
        (
            "an absolute path",
            vec![tar().file(&format!("{folder}/new"), "")],
            None,
        ),
        (
            "a link out and a file in its place",
            vec![tar().link("a", &secret).file("a", "changed")],
            None,
        ),
        (
            "a link out and a file below it",
            vec![tar().link("a", &folder).file("a/new", "")],
            None,
        ),
        (
            "a relative link out and a file below it",
            vec![tar().link("a", &format!("{up}/folder")).file("a/new", "")],
            None,
        ),
        (
            "a link out and a file below it in the next layer",
            vec![tar().link("a", &folder), tar().file("a/new", "")],
            None,
        ),
        (
            "links in a chain",
            vec![
                tar()
                    .link("a", "b")
                    .link("b", "c")
                    .link("c", &format!("{up}/folder"))
                    .file("a/new", ""),
            ],
            None,
        ),
        (
            "a link out and a deleted file below it",
            vec![tar().link("a", &folder), tar().file("a/.wh.kept", "")],
            None,
        ),
        (
            "a link out that is opaque",
            vec![tar().link("a", &folder), tar().file("a/.wh..wh..opq", "")],
            None,
        ),
        (
            "a link out that is deleted",
            vec![tar().link("a", &folder), tar().file(".wh.a", "")],
            None,
        ),
        (
            "a link out that becomes a folder",
            vec![
                tar().link("a", &folder),
                tar().folder("a", 0o777).file("a/new", ""),
            ],
            None,
        ),
        (
            "a link out with another mode",
            vec![tar().link("a", &folder), tar().folder("a/.", 0o777)],
            None,
        ),
        (
            "a deleted parent",
            vec![tar().file("a/.wh...", "").file("a/.wh..", "")],
            None,
        ),
        (
            "a second name for a file outside",
            vec![tar().hard_link("a", &format!("{up}/secret"))],
            Some("links to a file out of the image"),
        ),
        (
            "a second name for an absolute path",
            vec![tar().hard_link("a", &secret)],
            Some("which the image does not have"),
        ),
        (
            "a second name for a file through a link",
            vec![
                tar()
                    .link("b", &place.at("").display().to_string())
                    .hard_link("a", "b/secret"),
            ],
            Some("which the image does not have"),
        ),
        (
            "a second name for a link out, which is written to",
            vec![
                tar()
                    .link("b", &secret)
                    .hard_link("a", "b")
                    .file("a", "changed"),
            ],
            None,
        ),
        (
            "a second name for a folder",
            vec![tar().folder("b", 0o755).hard_link("a", "b")],
            Some("cannot unpack a"),
        ),
        (
            "a second name for itself",
            vec![tar().hard_link("a", "a")],
            Some("which the image does not have"),
        ),
        (
            "a second name for the root",
            vec![tar().hard_link("a", "/")],
            Some("which the image does not have"),
        ),
        (
            "a link to a process's root",
            vec![
                tar()
                    .folder("proc/self", 0o755)
                    .link("proc/self/root", "/")
                    .link("a", "/proc/self/root/proc/self/cwd")
                    .file("a/new", ""),
            ],
            None,
        ),
        (
            "links in a circle",
            vec![tar().link("a", "b").link("b", "a").file("a/new", "")],
            Some("cannot unpack a/new"),
        ),
        (
            "a link to itself",
            vec![tar().link("a", "a").file("a/new", "")],
            Some("cannot unpack a/new"),
        ),
        (
            "a link to nothing",
            vec![tar().link("a", "")],
            Some("cannot unpack a"),
        ),
        (
            "links to folders that do not exist, in a circle",
            vec![tar().link("a", "b/c").link("b", "a/d").file("a/new", "")],
            Some("cannot unpack a/new"),
        ),
    ] {
        let made = Made::new(layers);
        match refusal {
            Some(reason) => {
                let error = place.refusal(&made);
                assert!(error.contains(reason), "{name}: {error}");
            }
            None => {
                let image = place.open_made(&made);
                let image = image.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(
                    !listing(&image).iter().any(|line| line.ends_with("=secret")),
                    "{name}"
                );
                drop(image);
                fs::remove_dir_all(place.cache()).unwrap();
            }
        }
        assert_eq!(snapshot(&place.at("")), before, "{name}");
    }
}

/// A layer of zeros that is much smaller when compressed.
fn zeros(megabytes: usize) -> Tar {
    let content = vec![0; megabytes << 20];
    tar().raw(Entry {
        kind: EntryType::Regular,
        path: "zeros",
        link: "",
        mode: 0o644,
        content: &content,
    })
}

/// Unpacks with limits.
fn unpack(made: &Made, bytes: u64, entries: u64) -> Result<(), String> {
    let place = Place::new();
    made.add_to_layout(&place.at("made"), |_| {});
    let files = crate::files::Files::Folder(place.at("made"));
    let here = crate::platform::Platform::here();
    let resolved = crate::layout::resolve(&files, None, &here).unwrap();
    let root = place.at("root");
    fs::create_dir(&root).unwrap();
    let budget = Budget::of(bytes, entries);
    crate::unpack::unpack(&resolved, &files, &root, &budget).map_err(|error| error.to_string())
}

#[test]
fn the_size_and_the_number_of_files_are_limited_for_all_layers_together() {
    let two = Made::new([zeros(2), zeros(2)]);
    assert_eq!(unpack(&two, 5 << 20, 2), Ok(()));
    for made in [
        two.clone(),
        two.clone().compressed(0, gzip),
        two.clone().compressed(1, zstd),
    ] {
        let error = unpack(&made, 4 << 20, 2).unwrap_err();
        assert!(
            error.contains("layer 2 of 2: the image unpacks to more than 4194304 bytes"),
            "{error}"
        );
    }
    let error = unpack(&two, 5 << 20, 1).unwrap_err();
    assert!(
        error.contains("layer 2 of 2: the image has more than"),
        "{error}"
    );
    // What follows the end of the archive, and what is skipped, counts as well.
    let mut after = Made::new([tar()]);
    after.stored[0].extend(vec![0; 3 << 20]);
    after.config["rootfs"]["diff_ids"][0] = Digest::of(&after.stored[0]).to_string().into();
    assert_eq!(unpack(&after, 4 << 20, 0), Ok(()));
    let error = unpack(&after.compressed(0, gzip), 2 << 20, 0).unwrap_err();
    assert!(error.contains("unpacks to more than"), "{error}");
    let device = tar().raw(Entry {
        kind: EntryType::Char,
        path: "device",
        link: "",
        mode: 0,
        content: &vec![0; 3 << 20],
    });
    let error = unpack(&Made::new([device]), 2 << 20, 1).unwrap_err();
    assert!(error.contains("unpacks to more than"), "{error}");
}

#[test]
fn deep_folders_are_refused_so_that_they_can_be_deleted() {
    let place = Place::new();
    let levels = |name: &str, count: usize| vec![name; count].join("/");
    assert!(
        place
            .open_made(&Made::new([tar().file(&levels("a", 45), "")]))
            .is_ok()
    );
    // Each link leads to the deepest folder so far.
    let mut layer = tar()
        .folder(&levels("a", 45), 0o755)
        .link("l0", &levels("a", 45));
    for number in 1..6 {
        let deepest = format!("l{}/{}", number - 1, levels("b", 45));
        layer = layer
            .folder(&deepest, 0o755)
            .link(&format!("l{number}"), &deepest);
    }
    fs::remove_dir_all(place.cache()).unwrap();
    let error = place.refusal(&Made::new([layer.file("l5/x", "")]));
    assert!(
        error.contains("it is more than 200 folders deep"),
        "{error}"
    );

    // Links that lead nowhere, each to below the next: with them, one path has more levels than can be deleted.
    let mut layer = tar().link("l0", &levels("d", 45));
    for number in 1..30 {
        let target = format!("l{}/{}", number - 1, levels("c", 45));
        layer = layer.link(&format!("l{number}"), &target);
    }
    let chain = Made::new([layer.file("l29/x", "")]);
    for _ in 0..2 {
        let error = place.refusal(&chain);
        assert!(
            error.contains("it is more than 200 folders deep"),
            "{error}"
        );
    }

    // In one entry, or in one link that leads nowhere: more levels than a process has file descriptors.
    let long = levels("a", 1900);
    let record = |key: &str, value: &str| {
        let length = key.len() + value.len() + 3;
        let digits = (length + 4).to_string().len();
        format!("{} {key}={value}\n", length + digits)
    };
    let extended = |key, entry: Entry<'_>| {
        let content = record(key, &long);
        let header = Entry {
            kind: EntryType::XHeader,
            path: "x",
            link: "",
            mode: 0,
            content: content.as_bytes(),
        };
        tar().raw(header).raw(entry)
    };
    let entry = |kind| Entry {
        kind,
        path: "l",
        link: "",
        mode: 0o644,
        content: b"",
    };
    for layer in [
        extended("path", entry(EntryType::Regular)),
        extended("path", entry(EntryType::Directory)),
        extended("linkpath", entry(EntryType::Symlink)).file("l/x", ""),
    ] {
        let error = place.refusal(&Made::new([layer]));
        assert!(
            error.contains("it is more than 200 folders deep"),
            "{error}"
        );
    }
}

#[test]
fn what_archives_do_not_have_is_refused() {
    let place = Place::new();
    let of = |kind: EntryType, content: &[u8]| {
        Made::new([tar()
            .raw(Entry {
                kind,
                path: "a",
                link: "",
                mode: 0o644,
                content,
            })
            .file("b", "")])
    };
    let huge = vec![b'x'; 2 << 20];
    for (made, reason) in [
        (
            of(EntryType::GNUSparse, b""),
            "a is stored as a sparse file",
        ),
        (
            of(EntryType::XHeader, b"22 GNU.sparse.major=1\n"),
            "b is stored as a sparse file",
        ),
        (
            of(EntryType::XHeader, b"11 size=99\n"),
            "b has two different sizes",
        ),
        (
            of(EntryType::XHeader, b"99 path=b\n"),
            "extended attributes that are not valid",
        ),
        (
            of(EntryType::XHeader, &huge),
            "a name or attributes of more than 1048576 bytes",
        ),
        (
            of(EntryType::GNULongName, &huge),
            "a name or attributes of more than 1048576 bytes",
        ),
        (
            of(EntryType::XHeader, b"12 path=\0/b\n"),
            "cannot unpack \\x00/b",
        ),
        (
            of(EntryType::GNULongName, &[b'n'; 300]),
            "cannot unpack nnn",
        ),
        (
            of(EntryType::new(b'Z'), b""),
            "an entry of the unknown type 'Z'",
        ),
    ] {
        let error = place.refusal(&made);
        assert!(error.contains(reason), "{reason}: {error}");
    }
    // A valid image may have other attributes.
    let attributes = of(EntryType::XHeader, b"26 SCHILY.xattr.user.a=\n\n\n");
    assert_eq!(listing(&place.open_made(&attributes).unwrap()), ["b="]);
}

#[test]
fn indexes_are_limited_all_together() {
    let index = |manifests: usize, padding: usize, number: usize| {
        let descriptor = json!({ "digest": format!("sha256:{:064}", number) });
        let manifests = vec![descriptor; manifests];
        json!({ "manifests": manifests, "padding": "x".repeat(padding), "number": number })
    };
    for (name, count, manifests, padding) in [
        ("many images", 10, 500, 0),
        ("large indexes", 5, 0, 4_000_000),
    ] {
        let place = Place::new();
        let folder = place.at("layout");
        for number in 0..count {
            let index = index(manifests, padding, number).to_string();
            let digest = store(&folder, index.as_bytes());
            add_to_index(&folder, json!({ "digest": digest }));
        }
        let error = place.open("layout").unwrap_err().to_string();
        assert!(error.contains("it has too many images"), "{name}: {error}");
    }
}

#[test]
fn what_an_image_says_controls_no_terminal() {
    let place = Place::new();
    for tag in ["\u{1b}]0;title\u{7}", "\u{9b}2J\r\n"] {
        Made::new([tar()]).add_to_layout(&place.at("layout"), |descriptor| {
            descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        });
    }
    for text in ["layout", "layout:other"] {
        let error = place.open(text).unwrap_err().to_string();
        assert!(error.contains(r"\u{1b}]0;title\u{7}"), "{error}");
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

#[test]
fn damaged_layers_are_refused_and_nothing_of_them_is_kept() {
    let place = Place::new();
    let whole = || Made::new([tar().file("a", "1"), zeros(1)]);
    let cut = |compress: fn(&[u8]) -> Vec<u8>| {
        let mut made = whole().compressed(1, compress);
        let length = made.stored[1].len();
        made.stored[1].truncate(length - 20);
        made
    };
    for made in [cut(<[u8]>::to_vec), cut(gzip), cut(zstd)] {
        let error = place.refusal(&made);
        assert!(error.contains("layer 2 of 2: "), "{error}");
    }
    // The layer that another image has, whose configuration it claims to have.
    let mut other = whole();
    other.stored[0] = tar().file("a", "2").bytes();
    let error = place.refusal(&other);
    assert!(
        error.contains("layer 1 of 2: what is stored as sha256:"),
        "{error}"
    );

    // A layer that was changed after the manifest was written.
    whole().add_to_layout(&place.at("changed"), |_| {});
    let name = Digest::of(&whole().stored[1]).hex();
    let path = place.at("changed/blobs/sha256").join(name);
    let mut bytes = Vec::new();
    fs::File::open(&path)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes[10] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = place.open("changed").unwrap_err().to_string();
    assert!(
        error.contains("layer 2 of 2: what is stored as sha256:"),
        "{error}"
    );
    place.has_no_unpacked();

    for (begin, name) in [
        (&b"BZh9"[..], "bzip2"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
    ] {
        let mut made = whole();
        made.stored[0] = begin.to_vec();
        let error = place.refusal(&made);
        assert!(
            error.contains(&format!("compressed with {name}")),
            "{error}"
        );
    }
}
