//! Images that other tools make, copy and serve: `umoci`, `skopeo` and Docker's registry. Whatever way an image takes,
//! it is the same image.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lambkin_image::{Image, Lock, Source, open};

use crate::support::{Missing, tool};

/// Runs a tool in a folder.
#[track_caller]
fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the tool starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

fn skopeo(folder: &Path, arguments: &[&str]) {
    let all = [&["--insecure-policy"], arguments].concat();
    run(folder, "skopeo", &all);
}

/// Makes the layout `layout` with the image `1`, of two layers. The second one deletes a file and adds one below a
/// link.
fn make(folder: &Path) {
    run(folder, "umoci", &["init", "--layout", "layout"]);
    run(folder, "umoci", &["new", "--image", "layout:1"]);
    let layer = |bundle: &str, change: &dyn Fn(PathBuf)| {
        run(
            folder,
            "umoci",
            &["unpack", "--rootless", "--image", "layout:1", bundle],
        );
        change(folder.join(bundle).join("rootfs"));
        run(folder, "umoci", &["repack", "--image", "layout:1", bundle]);
    };
    layer("first", &|root| {
        fs::create_dir(root.join("srv")).expect("a folder");
        fs::write(root.join("srv/kept"), "kept").expect("a file");
        fs::write(root.join("srv/gone"), "gone").expect("a file");
        symlink("/srv", root.join("data")).expect("a link");
        fs::hard_link(root.join("srv/kept"), root.join("srv/again")).expect("a second name");
    });
    layer("second", &|root| {
        fs::remove_file(root.join("srv/gone")).expect("it is there");
        fs::write(root.join("srv/new"), "new").expect("a file");
    });
    let config = [
        "--config.entrypoint",
        "/entry",
        "--config.cmd",
        "app.handler",
        "--config.env",
        "A=b=c",
    ];
    let config = [&["config", "--image", "layout:1"][..], &config[..]].concat();
    run(folder, "umoci", &config);
}

/// Docker's registry, on a free port.
struct Registry {
    process: Child,
    address: String,
}

impl Registry {
    fn start(folder: &Path) -> Self {
        let storage = folder.join("registry");
        let config = format!(
            "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {storage:?} }} }}\nhttp: {{ addr: '127.0.0.1:0' \
            }}\n"
        );
        let file = folder.join("registry.yml");
        fs::write(&file, config).expect("a file");
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the registry starts");
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let address = lines.by_ref().find_map(|line| {
            let line = line.expect("a line");
            let (_, after) = line.split_once("listening on ")?;
            Some(after.split('"').next()?.to_owned())
        });
        // It would end if nobody read its log.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            address: address.expect("its address"),
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill(); // may have ended
        let _ = self.process.wait();
    }
}

/// What is in the folder that the image has.
fn files(image: &Image) -> Vec<(String, String)> {
    let folder = image.root.join("srv").read_dir().expect("a folder");
    let mut files: Vec<_> = folder
        .map(|entry| {
            let entry = entry.expect("an entry");
            let content = fs::read_to_string(entry.path()).expect("a file");
            (entry.file_name().into_string().expect("a name"), content)
        })
        .collect();
    files.sort();
    files
}

fn check(image: &Image) {
    let file = |name: &str, content: &str| (name.to_owned(), content.to_owned());
    assert_eq!(
        files(image),
        [
            file("again", "kept"),
            file("kept", "kept"),
            file("new", "new")
        ]
    );
    let link = fs::read_link(image.root.join("data")).expect("a link");
    assert_eq!(link, Path::new("/srv"));
    assert_eq!(image.config.entry_point, ["/entry"]);
    assert_eq!(image.config.command, ["app.handler"]);
    assert!(image.config.env.contains(&file("A", "b=c")));
}

fn tools(names: &[&str]) -> Result<(), Missing> {
    for name in names {
        let mut probe = Command::new(name);
        probe.arg("--version");
        tool(name, probe)?;
    }
    Ok(())
}

#[test]
fn an_image_is_the_same_from_a_layout_an_archive_and_a_registry() {
    if tools(&["umoci", "skopeo", "docker-registry"]).is_err() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    make(folder.path());
    let registry = Registry::start(folder.path());
    let name = format!("{}/team/app:1", registry.address);
    let copies = [
        "docker-archive:docker.tar:team/app:1",
        "oci-archive:oci.tar:1",
        "oci:copy:1",
        &format!("docker://{name}"),
    ];
    for copy in copies {
        skopeo(
            folder.path(),
            &["copy", "--dest-tls-verify=false", "oci:layout:1", copy],
        );
    }
    let zstd = [
        "copy",
        "--dest-compress-format",
        "zstd",
        "--dest-compress",
        "oci:layout:1",
        "oci:zstd:1",
    ];
    skopeo(folder.path(), &zstd);
    let lock = Lock::load(&at("lambkin.lock")).expect("no lock yet");
    let mut digests = Vec::new();
    for text in [
        "./layout:1",
        "docker.tar",
        "docker.tar:team/app:1",
        "oci.tar",
        "copy",
        "zstd:1",
        &name,
    ] {
        let source = Source::parse(text, folder.path()).expect("an image");
        // Each with a cache of its own, so that each is unpacked.
        let cache = at("cache").join(digests.len().to_string());
        let image =
            open(&source, &cache, Some(&lock)).unwrap_or_else(|error| panic!("{text}: {error}"));
        check(&image);
        digests.push(image.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");

    // The tag moves, and the lock has the image that it meant.
    run(
        folder.path(),
        "umoci",
        &[
            "config",
            "--image",
            "layout:1",
            "--config.cmd",
            "other.handler",
        ],
    );
    let to = format!("docker://{name}");
    skopeo(
        folder.path(),
        &["copy", "--dest-tls-verify=false", "oci:layout:1", &to],
    );
    let source = Source::parse(&name, folder.path()).expect("a reference");
    let lock = Lock::load(&at("lambkin.lock")).expect("a lock");
    let again = open(&source, &at("cache").join("again"), Some(&lock)).expect("the same image");
    assert_eq!(again.digest, digests[0]);
    let moved = open(&source, &at("cache").join("again"), None).expect("the other image");
    assert_eq!(moved.config.command, ["other.handler"]);
}
