use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use super::*;

const PATH: &str = "/usr/bin:/bin";

/// An image with these programs, whose content is a script's.
fn image(programs: &[&str]) -> (tempfile::TempDir, Image) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for program in programs {
        write(&root, program, "#!/bin/sh\n");
    }
    let image = Image {
        name: "app.tar".to_owned(),
        digest: "sha256:1".to_owned(),
        root,
        ..Image::default()
    };
    (folder, image)
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A shell that can be examined: a link would lead to the host's files only.
fn with_shell(root: &Path) {
    fs::create_dir_all(root.join("bin")).unwrap();
    let mut head = fs::read(std::env::current_exe().unwrap()).unwrap();
    head.truncate(64); // without program headers, and so without a loader
    write(root, "bin/sh", "");
    fs::write(root.join("bin/sh"), head).unwrap();
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_command_line_is_that_of_entrypoint_and_cmd() {
    let (_folder, mut image) = image(&["usr/bin/python3", "var/task/run", "entry"]);
    with_shell(&image.root);
    for (entry_point, command, program, arguments, handler) in [
        (
            &["/entry"][..],
            &["app.handler"][..],
            "/entry",
            &["app.handler"][..],
            "app.handler",
        ),
        (
            &["python3", "-m", "ric"],
            &["a.b"],
            "/usr/bin/python3",
            &["-m", "ric", "a.b"],
            "a.b",
        ),
        (&[], &["./run", "x"], "/var/task/./run", &["x"], "x"),
        (&["/entry"], &[], "/entry", &[], ""),
    ] {
        image.entry_point = words(entry_point);
        image.command = words(command);
        let found = image.program(PATH).unwrap();
        assert_eq!(found, (PathBuf::from(program), words(arguments)));
        assert_eq!(image.handler(), handler);
    }
}

#[test]
fn the_emulator_is_left_out_with_its_options() {
    let (_folder, mut image) = image(&["entry", "opt/bootstrap"]);
    with_shell(&image.root);
    image.entry_point = words(&[
        "/usr/local/bin/aws-lambda-rie",
        "--log-level",
        "debug",
        "--runtime-api-address=127.0.0.1:9001",
        "--enable-init-caching",
        "/entry",
        "--log",
    ]);
    image.command = words(&["app.handler"]);
    let found = image.program(PATH).unwrap();
    assert_eq!(
        found,
        (PathBuf::from("/entry"), words(&["--log", "app.handler"]))
    );
    image.entry_point = words(&["aws-lambda-rie"]);
    image.command = Vec::new();
    let found = image.program(PATH).unwrap();
    assert_eq!(found, (PathBuf::from("/opt/bootstrap"), Vec::new()));
}

#[test]
fn a_script_takes_the_place_of_the_emulator() {
    let (_folder, mut image) = image(&["usr/local/bin/aws-lambda-rie", "tools/aws-lambda-rie"]);
    let root = image.root.clone();
    assert_eq!(
        image.scripts(PATH),
        [],
        "without a shell there are no scripts"
    );
    with_shell(&root);
    write(
        &root,
        "entry",
        "#!/bin/sh\nexec \"/tools/aws-lambda-rie\" /bin/true \"$@\"\n",
    );
    fs::create_dir_all(root.join("aws-lambda")).unwrap();
    symlink(
        "/tools/aws-lambda-rie",
        root.join("aws-lambda/aws-lambda-rie"),
    )
    .unwrap();
    image.entry_point = words(&["/entry"]);
    let scripts = image.scripts(PATH);
    let paths: Vec<_> = scripts
        .iter()
        .map(|(path, _)| path.to_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        ["/tools/aws-lambda-rie", "/usr/local/bin/aws-lambda-rie"]
    );
    // What the script does with options in various places.
    write(&root, "rie", &scripts[0].1);
    let output = Command::new("/bin/sh")
        .arg(root.join("rie"))
        .args([
            "--log-level",
            "debug",
            "/bin/echo",
            "a b",
            "--log-level=info",
            "c",
            "--enable-init-caching",
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a b c\n");
}

#[test]
fn the_working_directory_is_the_images_or_the_usual_one() {
    let (_folder, mut image) = image(&["srv/app/run"]);
    with_shell(&image.root);
    image.entry_point = words(&["/srv/app/run"]);
    assert_eq!(image.directory(), Path::new("/"));
    fs::create_dir_all(image.root.join("var/task")).unwrap();
    assert_eq!(image.directory(), Path::new("/var/task"));
    image.working_directory = Some(PathBuf::from("srv/app"));
    assert_eq!(image.directory(), Path::new("/srv/app"));
    assert!(image.program(PATH).is_ok());
    image.working_directory = Some(PathBuf::from("/srv/nowhere"));
    let error = image.program(PATH).unwrap_err();
    assert_eq!(
        error.image,
        Some((
            "Runtime.InvalidWorkingDir",
            "chdir /srv/nowhere: no such file or directory".to_owned()
        ))
    );
    assert_eq!(
        error.to_string(),
        "image app.tar (id 1): its working directory /srv/nowhere is no such file or directory"
    );
}

#[test]
fn each_program_that_cannot_be_started_has_a_reason_and_awss_error() {
    let (_folder, mut image) = image(&["usr/bin/needs-python"]);
    let root = image.root.clone();
    with_shell(&root);
    write(&root, "usr/bin/needs-python", "#!/usr/bin/python3\n");
    write(&root, "usr/bin/text", "#!/bin/sh\n");
    fs::set_permissions(root.join("usr/bin/text"), fs::Permissions::from_mode(0o644)).unwrap();
    symlink("/etc/passwd", root.join("usr/bin/link")).unwrap();
    let mut foreign = fs::read(root.join("bin/sh")).unwrap();
    foreign[18] = 8; // MIPS
    fs::write(root.join("usr/bin/text2"), foreign).unwrap();
    fs::set_permissions(
        root.join("usr/bin/text2"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    for (word, said, reason) in [
        (
            "/none",
            "fork/exec /none: no such file or directory",
            "its program /none does not exist",
        ),
        (
            "none",
            "fork/exec none: no such file or directory",
            "`none` is in no folder of PATH (/usr/bin:/bin)",
        ),
        (
            "text",
            "fork/exec /usr/bin/text: permission denied",
            "is not executable",
        ),
        (
            "text2",
            "fork/exec /usr/bin/text2: exec format error",
            "is built for machine number 8",
        ),
        (
            "needs-python",
            "fork/exec /usr/bin/needs-python: no such file or directory",
            "needs /usr/bin/python3, which does not exist",
        ),
        // The host's file of that name does not count.
        (
            "link",
            "fork/exec /usr/bin/link: no such file or directory",
            "which does not exist",
        ),
    ] {
        image.entry_point = words(&[word]);
        let error = image.program(PATH).unwrap_err();
        assert_eq!(
            error.image,
            Some((INVALID_ENTRYPOINT, said.to_owned())),
            "{word}"
        );
        assert!(error.to_string().contains(reason), "{error}");
        assert!(
            error.to_string().starts_with("image app.tar (id 1): "),
            "{error}"
        );
    }
    image.entry_point = Vec::new();
    let error = image.program(PATH).unwrap_err().to_string();
    assert!(error.contains("neither an ENTRYPOINT nor a CMD"), "{error}");
}

#[test]
fn a_replaced_image_is_that_of_all_clones() {
    let (_folder, first) = image(&[]);
    let current = CurrentImage::from(first.clone());
    let clone = current.clone();
    current.replace(Image {
        digest: "sha256:2".to_owned(),
        ..first
    });
    assert_eq!(clone.get().digest, "sha256:2");
    assert_eq!(clone, current);
}
