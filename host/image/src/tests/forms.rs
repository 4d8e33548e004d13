//! The forms in which images come, what is chosen among several, and what is refused.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::made::{Made, Place, Tar, add_to_index, gzip, listing, store, zstd};
use crate::platform::Platform;

fn annotated(tag: &str) -> impl FnOnce(&mut Value) + '_ {
    move |descriptor| {
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    }
}

fn image(content: &str) -> Made {
    Made::new([Tar::default().file("a", content)])
}

#[test]
fn the_same_image_is_one_wherever_it_comes_from() {
    let place = Place::new();
    let mut image = Made::new([
        Tar::default().folder("d/", 0o755).file("d/a", "1"),
        Tar::default().file("./d/b", "2"),
        Tar::default().file("d/b", "3"),
    ]);
    image.config["config"] = json!({
        "Entrypoint": ["/entry", "x"], "Cmd": ["app.handler"], "WorkingDir": "/d", "User": "1000:1000",
        "Env": ["PATH=/bin", "A=b=c", "EMPTY=", "BARE"],
    });
    image.add_to_layout(&place.at("plain"), |_| {});
    let compressed = image.clone().compressed(0, gzip).compressed(1, zstd);
    compressed.add_to_layout(&place.at("compressed"), annotated("1"));
    compressed.archive(&place.at("app.tar"), "team/app:1");
    for text in [
        "plain",
        "./compressed:1",
        "compressed",
        "app.tar",
        "app.tar:1",
        "app.tar:team/app:1",
    ] {
        let opened = place.open(text).unwrap();
        assert_eq!(opened.digest, image.id(), "{text}");
        assert_eq!(listing(&opened), ["d/", "d/a=1", "d/b=3"], "{text}");
        let config = &opened.config;
        assert_eq!(config.entry_point, ["/entry", "x"]);
        assert_eq!(config.command, ["app.handler"]);
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let env = [
            variable("PATH", "/bin"),
            variable("A", "b=c"),
            variable("EMPTY", ""),
            variable("BARE", ""),
        ];
        assert_eq!(config.env, env);
        assert_eq!(config.working_directory, Some(PathBuf::from("/d")));
        assert_eq!(config.user.as_deref(), Some("1000:1000"));
    }
    // Each form alone, with a cache of its own.
    for text in ["plain", "compressed", "app.tar"] {
        fs::remove_dir_all(place.cache()).unwrap();
        assert_eq!(listing(&place.open(text).unwrap()).len(), 3, "{text}");
    }
}

#[test]
fn an_image_is_chosen_by_tag_and_platform() {
    let place = Place::new();
    let layout = place.at("layout");
    image("one").add_to_layout(&layout, annotated("1"));
    image("two").add_to_layout(&layout, annotated("2"));
    assert_eq!(listing(&place.open("layout:1").unwrap()), ["a=one"]);
    assert_eq!(listing(&place.open("layout:2").unwrap()), ["a=two"]);
    let error = place.open("layout").unwrap_err().to_string();
    assert!(
        error.contains("write one of their tags after the path, with a `:` before it: 1, 2"),
        "{error}"
    );
    let error = place.open("layout:3").unwrap_err().to_string();
    assert!(
        error.contains("no image with the tag \"3\"; its tags are 1, 2"),
        "{error}"
    );

    // An index of several platforms, as builders make it.
    let here = Platform::here();
    let nested = place.at("nested");
    let wanted = image("wanted");
    for made in [&wanted, &image("other")] {
        made.add_to_layout(&nested, |_| {});
    }
    let digest = |made: &Made| store(&nested, &serde_json::to_vec(&made.manifest()).unwrap());
    let index = json!({ "manifests": [
        { "digest": digest(&image("other")), "platform": { "os": "linux", "architecture": "s390x" } },
        { "digest": digest(&wanted), "platform": { "os": "linux", "architecture": here.architecture } },
        { "digest": digest(&image("other")), "platform": { "os": "unknown", "architecture": "unknown" } },
    ] });
    let index = store(&nested, &serde_json::to_vec(&index).unwrap());
    fs::remove_file(nested.join("index.json")).unwrap();
    add_to_index(&nested, json!({ "digest": index }));
    assert_eq!(listing(&place.open("nested").unwrap()), ["a=wanted"]);
}

#[test]
fn an_image_without_layers_is_empty() {
    let place = Place::new();
    let mut empty = Made::new([]);
    assert!(listing(&place.open_made(&empty).unwrap()).is_empty());
    empty.config["rootfs"]["diff_ids"] = Value::Null;
    empty.config["config"] = Value::Null;
    assert!(listing(&place.open_made(&empty).unwrap()).is_empty());
    let list = json!([{ "Config": "c", "RepoTags": null, "Layers": null }]);
    let archive = Tar::default()
        .file("c", &empty.config.to_string())
        .file("manifest.json", &list.to_string());
    fs::write(place.at("empty.tar"), archive.bytes()).unwrap();
    assert!(listing(&place.open("empty.tar").unwrap()).is_empty());
    // As a list without images.
    fs::create_dir(place.at("none")).unwrap();
    fs::write(place.at("none/index.json"), r#"{"manifests":null}"#).unwrap();
    let error = place.open("none").unwrap_err().to_string();
    assert!(error.contains("its index lists no image"), "{error}");
}

#[test]
fn layers_of_archives_can_be_links() {
    // Old versions of Docker store the second of two equal layers so.
    let place = Place::new();
    let layer = Tar::default().file("a", "1").bytes();
    let mut made = Made::new([Tar::default().file("a", "1"), Tar::default().file("a", "1")]);
    made.stored.truncate(1);
    let document = String::from_utf8(made.document()).unwrap();
    let list = json!([{ "Config": "config.json", "RepoTags": null, "Layers": ["x/layer.tar", "y/layer.tar"] }]);
    let archive = Tar::default()
        .file("x/layer.tar", &String::from_utf8(layer).unwrap())
        .link("y/layer.tar", "../x/layer.tar")
        .file("config.json", &document)
        .file("manifest.json", &list.to_string());
    fs::write(place.at("app.tar"), archive.bytes()).unwrap();
    assert_eq!(listing(&place.open("./app.tar").unwrap()), ["a=1"]);
}

#[test]
fn an_archive_can_be_compressed_as_a_whole() {
    let place = Place::new();
    image("1").archive(&place.at("app.tar"), "app:1");
    let plain = fs::read(place.at("app.tar")).unwrap();
    for (name, compressed) in [
        ("app.tar.gz", gzip(&plain)),
        ("app.tgz", gzip(&plain)),
        ("app.tar.zst", zstd(&plain)),
    ] {
        fs::remove_dir_all(place.cache()).unwrap_or_default();
        fs::write(place.at(name), compressed).unwrap();
        let opened = place.open(&format!("{name}:1")).unwrap();
        assert_eq!(listing(&opened), ["a=1"], "{name}");
        assert_eq!(opened.digest, image("1").id(), "{name}");
        let kept = fs::read_dir(place.cache().join("images-1/downloads")).unwrap();
        let kept: u64 = kept
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum();
        assert!(kept < 100, "the archive is not kept");
        // Now from the note.
        fs::write(opened.root.join("mark"), "").unwrap();
        assert_eq!(
            listing(&place.open(&format!("{name}:1")).unwrap()),
            ["a=1", "mark="]
        );
        assert_eq!(place.open(name).unwrap().config, opened.config);
        let error = place.open(&format!("{name}:2")).unwrap_err().to_string();
        assert!(
            error.contains("no image with the name or tag \"2\"; there is app:1"),
            "{error}"
        );
    }
    // Another archive of the same name, of the same size.
    image("2").archive(&place.at("app.tar"), "app:1");
    fs::write(
        place.at("app.tgz"),
        gzip(&fs::read(place.at("app.tar")).unwrap()),
    )
    .unwrap();
    assert_eq!(listing(&place.open("app.tgz").unwrap()), ["a=2"]);
    // A note without its image.
    fs::remove_dir_all(place.open("app.tgz").unwrap().root).unwrap();
    assert_eq!(listing(&place.open("app.tgz").unwrap()), ["a=2"]);
    for (bytes, reason) in [
        (&gzip(&plain)[..300], "cannot decompress into"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "compressed with xz"),
        (&gzip(b"text"), "cannot be read as a tar archive"),
        (&gzip(b""), "it has neither manifest.json nor index.json"),
    ] {
        fs::write(place.at("bad.tgz"), bytes).unwrap();
        let error = place.open("bad.tgz").unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn what_is_no_image_for_this_machine_is_refused_with_the_reason() {
    let place = Place::new();
    let here = Platform::here();
    let mut foreign = image("x");
    foreign.config["architecture"] = json!("s390x");
    let mut windows = image("x");
    windows.config["os"] = json!("windows");
    let mut artifact = image("x");
    artifact.config = json!({});
    let mut fewer = image("x");
    fewer.config["rootfs"]["diff_ids"] = json!([]);
    let mut null = image("x");
    null.config["config"] = json!({ "Cmd": ["a\0b"] });
    for (made, reason) in [
        (
            &foreign,
            format!("it is for linux/s390x, and this machine runs {here} only"),
        ),
        (&foreign, format!("--platform {here}")),
        (&windows, "it is for windows/".to_owned()),
        (
            &artifact,
            "no container image but another kind of artifact".to_owned(),
        ),
        (
            &fewer,
            "it has 1 layers, and its configuration has the digests of 0".to_owned(),
        ),
        (&null, "a null byte".to_owned()),
    ] {
        let error = place.refusal(made);
        assert!(error.contains(&reason), "{error}");
        assert!(
            error.starts_with(&format!("image {}: ", place.at("made").display())),
            "{error}"
        );
    }

    let write = |name: &str, bytes: Vec<u8>| fs::write(place.at(name), bytes).unwrap();
    write(
        "exported.tar",
        Tar::default().file("etc/passwd", "").bytes(),
    );
    write("other.tar", Tar::default().file("x", "").bytes());
    write("text.tar", b"this is no archive".repeat(100));
    write(
        "short.tar",
        Tar::default().file("x", "").bytes()[..512].to_vec(),
    );
    write(
        "list.tar",
        Tar::default().file("manifest.json", "[]").bytes(),
    );
    write(
        "json.tar",
        Tar::default().file("manifest.json", "[{]").bytes(),
    );
    write(
        "missing.tar",
        Tar::default()
            .file("manifest.json", r#"[{"Config":"c","Layers":[]}]"#)
            .bytes(),
    );
    for (name, index) in [
        ("empty", r#"{"manifests":[]}"#),
        ("broken", "{"),
        ("sha512", r#"{"manifests":[{"digest":"sha512:00"}]}"#),
        (
            "path",
            r#"{"manifests":[{"digest":"sha256:../../../etc/passwd"}]}"#,
        ),
        (
            "gone",
            &format!(
                r#"{{"manifests":[{{"digest":"sha256:{}"}}]}}"#,
                "0".repeat(64)
            ),
        ),
    ] {
        fs::create_dir(place.at(name)).unwrap();
        fs::write(place.at(name).join("index.json"), index).unwrap();
    }
    image("x").add_to_layout(&place.at("damaged"), |_| {});
    let blobs = fs::read_dir(place.at("damaged/blobs/sha256")).unwrap();
    for blob in blobs {
        let path = blob.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes.push(b' ');
        fs::write(path, bytes).unwrap();
    }
    for (text, reason) in [
        (
            "exported.tar",
            "archives of `docker export` do; use `docker save NAME -o FILE` instead",
        ),
        (
            "other.tar",
            "it is no image; `docker save NAME -o FILE` makes one",
        ),
        ("text.tar", "cannot be read as a tar archive"),
        ("list.tar", "its manifest.json lists no image"),
        (
            "json.tar",
            "manifest.json is not valid: key must be a string at line 1 column 3",
        ),
        ("missing.tar", "c is missing, which is its configuration"),
        ("short.tar", "it is no image"),
        ("empty", "its index lists no image"),
        ("broken", "index.json is not valid"),
        ("sha512", "sha512 is not supported"),
        ("path", "is not a digest"),
        ("gone", "is missing"),
        ("damaged", "the image is damaged or was changed"),
    ] {
        let error = place.open(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
        place.has_no_unpacked();
    }
}

#[test]
fn an_index_that_contains_itself_or_is_too_deep_is_refused() {
    let place = Place::new();
    let folder = place.at("deep");
    let mut digest = store(&folder, br#"{"manifests":[]}"#);
    for _ in 0..5 {
        let index = json!({ "manifests": [{ "digest": digest }] });
        digest = store(&folder, &serde_json::to_vec(&index).unwrap());
    }
    add_to_index(&folder, json!({ "digest": digest }));
    let error = place.open("deep").unwrap_err().to_string();
    assert!(error.contains("nested more than 4 levels deep"), "{error}");
}

#[test]
fn a_large_document_is_not_read() {
    let place = Place::new();
    let folder = place.at("large");
    fs::create_dir(&folder).unwrap();
    let file = fs::File::create(folder.join("index.json")).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = place.open("large").unwrap_err().to_string();
    assert!(
        error.contains("index.json has more than 4194304 bytes"),
        "{error}"
    );
}

#[cfg(not(feature = "registry"))]
#[test]
fn a_build_without_registries_says_how_to_get_the_image() {
    let error = Place::new().open("a.test/app:1").unwrap_err().to_string();
    let line =
        "`skopeo copy docker://a.test/app:1 oci:image:1` does, and the image is then ./image:1";
    assert!(error.contains(line), "{error}");
}
