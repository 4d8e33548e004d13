//! What is in the packages, for programs of several platforms.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{
    REPOSITORY, VERSION, as_root, file, looks_like_linux, looks_like_macos, npm, pack, run, said,
};
use crate::support::{MockServer, curl, installed, lambkin, tool};

const MACHINE: &str = std::env::consts::ARCH;

/// The names of a folder's files, and what is in them.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    entries
        .filter(|path| path.is_file())
        .map(|path| (name(&path), fs::read(&path).unwrap()))
        .collect()
}

/// What a tool lists of an archive: a path in each line.
fn listed(program: &str, arguments: &[&str], archive: &Path) -> Vec<String> {
    let listed = run(Command::new(program).args(arguments).arg(archive));
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn the_same_programs_give_the_same_packages_on_each_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut probe = Command::new("dpkg-deb");
    probe.arg("--version");
    let Ok(()) = tool("dpkg-deb", probe) else {
        return;
    };
    let (linux, macos) = (
        looks_like_linux(folder.path()),
        looks_like_macos(folder.path()),
    );
    let mut made = Vec::new();
    let out = folder.path().join("out");
    for _ in 0..2 {
        let Ok(mut command) = pack() else { return };
        run(command.arg("--out").arg(&out).args([&linux, &macos]));
        made.push(contents(&out));
    }
    assert!(made[0] == made[1]);

    let (node, debian) = if MACHINE == "x86_64" {
        ("x64", "amd64")
    } else {
        ("arm64", "arm64")
    };
    let names: Vec<_> = made[0].keys().map(String::as_str).collect();
    let mut expected = [
        "SHA256SUMS".to_owned(),
        format!("lambkin-{VERSION}-{MACHINE}-unknown-linux-musl.tar.gz"),
        format!("lambkin-{VERSION}-aarch64-apple-darwin.tar.gz"),
        format!(
            "lambkin-{VERSION}-py3-none-manylinux_2_17_{MACHINE}.manylinux2014_{MACHINE}.musllinux_1_1_{MACHINE}.whl"
        ),
        format!("lambkin-{VERSION}-py3-none-macosx_11_0_arm64.whl"),
        format!("lambkin-{VERSION}.tgz"),
        format!("lambkin-linux-{node}-{VERSION}.tgz"),
        format!("lambkin-darwin-arm64-{VERSION}.tgz"),
        format!("lambkin_{VERSION}_{debian}.deb"),
    ];
    expected.sort();
    assert_eq!(names, expected);
    // The sums are those of the files, and name all of them.
    let checked = run(Command::new("sha256sum")
        .args(["--check", "SHA256SUMS"])
        .current_dir(&out));
    assert_eq!(checked.lines().count(), names.len() - 1 + 2, "{checked}");

    let archive = file(&out, "darwin.tar.gz");
    let members = listed("tar", &["-tzf"], &archive);
    for member in [
        "lambkin",
        "LICENSE",
        "THIRD-PARTY.txt",
        "README.md",
        "completions/lambkin.zsh",
        "man/lambkin.1",
    ] {
        let path = format!("lambkin-{VERSION}-aarch64-apple-darwin/{member}");
        assert!(members.contains(&path), "{path}: {members:?}");
    }
    // The licences of a crate and of sources in C that another one brings with it.
    let extract = [
        "-xzOf",
        archive.to_str().unwrap(),
        "--wildcards",
        "*/THIRD-PARTY.txt",
    ];
    let notices = run(Command::new("tar").args(extract));
    assert!(notices.contains("serde_json 1."), "{notices}");
    assert!(
        notices.contains("Unless otherwise specified, files in the jemalloc source distribution"),
        "{notices}"
    );
    // A static program depends on nothing.
    let fields = run(Command::new("dpkg-deb")
        .arg("--field")
        .arg(file(&out, ".deb")));
    assert!(!fields.contains("Depends"), "{fields}");
}

/// A registry with the packages of a folder, as far as npm asks for them.
fn registry(packages: &Path) -> MockServer {
    let mut answers = BTreeMap::new();
    let files = contents(packages);
    for (file, bytes) in files.into_iter().filter(|(file, _)| file.ends_with(".tgz")) {
        let path = packages.join(&file);
        let extract = ["-xzOf", path.to_str().unwrap(), "package/package.json"];
        let mut manifest: Value =
            serde_json::from_str(&run(Command::new("tar").args(extract))).unwrap();
        let name = manifest["name"].as_str().unwrap().to_owned();
        manifest["dist"] = json!({ "tarball": format!("http://localhost/{file}") });
        let document = json!({ "name": name, "dist-tags": { "latest": VERSION }, "versions": { VERSION: manifest } });
        answers.insert(
            format!("/{}", name.replace('/', "%2f")),
            document.to_string().into_bytes(),
        );
        answers.insert(format!("/{file}"), bytes);
    }
    MockServer::with_bodies(move |request| {
        let path = request.head.split(' ').nth(1).expect("a path");
        Some(
            answers
                .get(path)
                .map_or((404, Vec::new()), |body| (200, body.clone())),
        )
    })
}

#[test]
fn npm_takes_the_program_of_the_machine_from_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();
    let (Ok(mut npm), Ok(mut pack)) = (npm(&project), pack()) else {
        return;
    };
    let out = folder.path().join("out");
    let programs = [
        looks_like_linux(folder.path()),
        looks_like_macos(folder.path()),
    ];
    run(pack
        .args(["--only", "npm", "--out"])
        .arg(&out)
        .args(programs));
    let registry = registry(&out);
    fs::write(project.join("package.json"), "{}").unwrap();
    // With this option, npm asks the registry for archives, whatever address they are said to have.
    run(npm.args([
        "install",
        "lambkin",
        "--replace-registry-host=always",
        "--registry",
        registry.url(),
    ]));
    let programs = project.join("node_modules/@lambkin").read_dir().unwrap();
    let names: Vec<_> = programs.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(
        names,
        [if MACHINE == "x86_64" {
            "linux-x64"
        } else {
            "linux-arm64"
        }]
    );
}

/// The archive and the image of the static program, in a new folder.
fn of_the_static_program(kind: &str) -> Option<tempfile::TempDir> {
    let (Ok(mut pack), Ok(program)) = (pack(), installed("static/lambkin")) else {
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    run(pack.args(["--only", kind, "--out"]).arg(out).arg(program));
    Some(folder)
}

#[test]
fn the_action_downloads_checks_and_unpacks_a_release() {
    let Ok(()) = curl() else { return };
    let Ok(python) = installed("clients/python") else {
        return;
    };
    let Some(folder) = of_the_static_program("archive") else {
        return;
    };
    let (out, path) = (folder.path().join("out"), folder.path().join("github-path"));
    let action = |machine: &str, arguments: &[String]| {
        let mut command = Command::new("python3");
        command
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/fixtures/packages/action.py"
            ))
            .arg(Path::new(REPOSITORY).join("packaging/action"))
            .args(arguments)
            .env("PYTHONPATH", &python)
            .env("GITHUB_PATH", &path)
            .env("RUNNER_TEMP", folder.path())
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", machine);
        command
    };
    let machine = if MACHINE == "x86_64" { "X64" } else { "ARM64" };
    let input = |name: &str, value: &str| format!("--input={name}={value}");
    let github = |name: &str, value: &str| format!("--github={name}={value}");
    let url = input("url", &format!("file://{}", out.display()));

    // Used with a tag, the action takes the release of the tag.
    let tag = github("action_ref", &format!("v{VERSION}"));
    let said_by = run(&mut action(machine, &[url.clone(), tag.clone()]));
    assert_eq!(said_by, format!("lambkin {VERSION}\nversion={VERSION}\n"));
    let on_path = fs::read_to_string(&path).unwrap();
    let version = run(Command::new(Path::new(on_path.trim()).join("lambkin")).arg("--version"));
    assert_eq!(version, format!("lambkin {VERSION}\n"));
    run(&mut action(
        machine,
        &[url.clone(), input("version", VERSION)],
    ));

    let refusal = |machine: &str, arguments: &[String]| {
        let output = action(machine, arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        said(&output)
    };
    let branch = github("action_ref", "main");
    let message = refusal(machine, &[url.clone(), branch]);
    assert!(
        message.contains("::error title=Install Lambkin::which version? "),
        "{message}"
    );
    let message = refusal(machine, &[url.clone(), input("version", "../../etc")]);
    assert!(message.contains("'../../etc' is no version"), "{message}");
    let message = refusal("X86", &[url.clone(), tag.clone()]);
    assert!(
        message.contains("there is no program for Linux on X86"),
        "{message}"
    );
    let message = refusal(machine, std::slice::from_ref(&tag));
    assert!(message.contains("which release? "), "{message}");
    // Without `url`, the release is the one of the action's own repository.
    let server = github("server_url", "http://127.0.0.1:9");
    let message = refusal(
        machine,
        &[
            tag.clone(),
            server,
            github("action_repository", "owner/name"),
        ],
    );
    let address = format!("http://127.0.0.1:9/owner/name/releases/download/v{VERSION}/SHA256SUMS");
    assert!(
        message.contains(&format!("cannot download {address}; ")),
        "{message}"
    );

    let archive = file(&out, ".tar.gz");
    fs::write(&archive, "something else").unwrap();
    let message = refusal(machine, &[url.clone(), tag.clone()]);
    assert!(message.contains("is damaged: its SHA-256 is "), "{message}");
    fs::write(out.join("SHA256SUMS"), "").unwrap();
    let message = refusal(machine, &[url, tag]);
    assert!(
        message.contains("/SHA256SUMS does not list lambkin-"),
        "{message}"
    );
}

/// There is no container engine in the tests: the few instructions that the Dockerfile has are followed in a folder.
#[test]
fn the_dockerfile_puts_the_static_program_into_an_empty_image() {
    let mut probe = as_root("chroot");
    probe.args(["/", "true"]);
    let Ok(()) = tool("chroot as root", probe) else {
        return;
    };
    let Some(folder) = of_the_static_program("image") else {
        return;
    };
    let context = folder.path().join("out/image");
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let text = fs::read_to_string(context.join("Dockerfile")).unwrap();
    let machine = if MACHINE == "x86_64" {
        "amd64"
    } else {
        "arm64"
    };
    let mut entry: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["ARG", "BASE=scratch"] | ["FROM", "${BASE}"] | ["ARG", "TARGETARCH"] => {}
            ["COPY", from, to] => {
                let to = root.join(to.trim_start_matches('/'));
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(context.join(from.replace("${TARGETARCH}", machine)), to).unwrap();
            }
            ["ENTRYPOINT", list] => entry = serde_json::from_str(list).unwrap(),
            _ => panic!("an instruction that this test does not know: {line}"),
        }
    }
    let mut command = as_root("chroot");
    command.arg(&root).args(&entry);
    assert_eq!(
        run(command.arg("--version")),
        format!("lambkin {VERSION}\n")
    );
}

#[test]
fn a_program_that_needs_libraries_is_packed_for_systems_that_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let Ok(mut pack) = pack() else { return };
    let out = folder.path().join("out");
    let kinds = ["--only", "wheel", "--only", "image", "--out"];
    let output = pack
        .args(kinds)
        .arg(&out)
        .arg(lambkin().get_program())
        .output()
        .unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("is not static, so it is left out of the container image; "),
        "{said}"
    );
    assert!(!out.join("image/linux").exists());
    // The version of the C library is at least the one that Rust's standard library needs.
    let wheel = file(&out, &format!("_{MACHINE}.whl"));
    let name = wheel.file_name().unwrap().to_string_lossy().into_owned();
    let tag = name
        .strip_prefix(&format!("lambkin-{VERSION}-py3-none-manylinux_2_"))
        .unwrap();
    let minor: u32 = tag
        .strip_suffix(&format!("_{MACHINE}.whl"))
        .unwrap()
        .parse()
        .unwrap();
    assert!((17..100).contains(&minor), "{name}");
}
