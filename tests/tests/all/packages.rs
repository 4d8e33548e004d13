//! What `packaging/pack` makes of programs: the packages are installed without a network by the tools they are for, and
//! what these have installed is run. What does not depend on the program is tested with files that only look like one.

mod made;
mod refused;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::Signal;

use crate::support::{Missing, Project, cache_folder, curl, lambkin, tool};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `packaging/pack`, which compresses weakly and gets completions and manual pages from the program under test.
fn pack() -> Result<Command, Missing> {
    let mut probe = Command::new("python3");
    probe.args(["-c", "import tomllib"]);
    tool("Python 3.11", probe)?;
    let mut command = Command::new("python3");
    command
        .arg(Path::new(REPOSITORY).join("packaging/pack"))
        .args(["--fast", "--run"])
        .arg(lambkin().get_program())
        // Nothing is written into the repository.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("DEBFULLNAME", "Ada Lovelace")
        .env("DEBEMAIL", "ada@example.com");
    Ok(command)
}

/// Runs a command that has to succeed, and returns its standard output.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let said = said(&output);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// A program that is run as root: of this machine, or else of a user namespace.
fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", program]);
    command
}

/// The only file in a folder whose name ends like this.
#[track_caller]
fn file(folder: &Path, end: &str) -> PathBuf {
    let entries = folder.read_dir().expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = paths
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect();
    assert_eq!(found.len(), 1, "{end}: {found:?}");
    found.remove(0)
}

/// Packs the program under test as one kind of package; the folder is in `target` and replaced in each run.
#[track_caller]
fn packed(kind: &str) -> Result<PathBuf, Missing> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("packages-{kind}"));
    let mut command = pack()?;
    command.args(["--only", kind, "--out"]).arg(&folder);
    run(command.arg(lambkin().get_program()));
    Ok(folder)
}

/// What only starts like a static program of Linux on this machine's processor.
fn looks_like_linux(folder: &Path) -> PathBuf {
    let machine = if cfg!(target_arch = "x86_64") {
        62
    } else {
        183
    };
    write_elf(&folder.join("linux"), machine)
}

/// An ELF file for a processor, without segments.
fn write_elf(path: &Path, machine: u8) -> PathBuf {
    let mut header = [0; 64];
    header[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    header[16] = 3;
    header[18] = machine;
    fs::write(path, header).expect("a file");
    path.to_owned()
}

/// What only starts like a program of macOS 11.3 on ARM.
fn looks_like_macos(folder: &Path) -> PathBuf {
    let words: [u32; 14] = [
        0xFEED_FACF,
        0x0100_000C,
        0,
        2,
        1,
        24,
        0,
        0,
        0x32,
        24,
        1,
        0x000B_0300,
        0,
        0,
    ];
    let path = folder.join("macos");
    fs::write(&path, words.map(u32::to_le_bytes).concat()).expect("a file");
    path
}

/// Checks the version, and does what the README's quick start says, with a program that was installed.
#[track_caller]
fn quick_start(program: &Path) {
    let version = run(Command::new(program).arg("--version"));
    assert_eq!(version.trim(), format!("lambkin {VERSION}"));

    let example = Path::new(REPOSITORY).join("examples/bash");
    let config = fs::read_to_string(example.join("lambkin.toml")).expect("the example");
    let on_a_free_port = config.replace("127.0.0.1:8000", "127.0.0.1:0");
    assert_ne!(on_a_free_port, config);
    let project = Project::new(&on_a_free_port);
    let bootstrap = fs::read(example.join("hello/bootstrap")).expect("the example's function");
    project.executable("hello/bootstrap", bootstrap);
    let mut command = Command::new(program);
    command.env("LAMBKIN_CACHE_DIR", cache_folder());
    let mut server = project.serve_by(command, &[]);
    let reply = server.web("GET", "/hello/ada", &[], b"");
    assert_eq!(reply.text(), r#"{"message":"hi, ada"}"#);
    server.signal(Signal::INT);
    let status = server.wait();
    assert!(status.success(), "{status}: {}", server.log());
}

#[test]
fn pip_installs_the_wheel_into_an_environment() {
    let (Ok(()), Ok(packages)) = (curl(), packed("wheel")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let environment = folder.path().join("venv");
    let mut venv = Command::new("python3");
    run(venv.args(["-m", "venv", "--without-pip"]).arg(&environment));
    let pip = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.args(["-m", "pip", "--disable-pip-version-check", "--python"]);
        command.arg(environment.join("bin/python")).args(arguments);
        command
    };
    let Ok(()) = tool("pip 22.3", pip(&["--version"])) else {
        return;
    };
    let wheel = file(&packages, ".whl");
    run(pip(&["install", "--no-index"]).arg(&wheel));
    quick_start(&environment.join("bin/lambkin"));
    let page = environment.join("share/man/man1/lambkin-serve.1");
    assert!(page.is_file(), "pipx links manual pages from there");
    let shown = run(&mut pip(&["show", "--files", "lambkin"]));
    assert!(shown.contains(&format!("Version: {VERSION}\n")), "{shown}");
    // pip compares what it removes with the list of files in the wheel.
    run(&mut pip(&["uninstall", "--yes", "lambkin"]));
    assert!(!environment.join("bin/lambkin").exists());
    assert!(!page.exists());
}

/// npm in a project of its own, which finds nothing of the machine's user.
fn npm(project: &Path) -> Result<Command, Missing> {
    let mut probe = Command::new("npm");
    probe.arg("--version");
    tool("npm", probe)?;
    let mut command = Command::new("npm");
    command
        .current_dir(project)
        .args(["--no-audit", "--no-fund", "--no-update-notifier", "--cache"])
        .arg(project.join("cache"));
    Ok(command)
}

#[test]
fn npm_installs_the_packages_and_the_launcher_behaves_as_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (Ok(()), Ok(mut npm), Ok(packages)) = (curl(), npm(folder.path()), packed("npm")) else {
        return;
    };
    fs::write(folder.path().join("package.json"), "{}").unwrap();
    let launcher = file(&packages, &format!("lambkin-{VERSION}.tgz"));
    let platform = if cfg!(target_arch = "x86_64") {
        "x64"
    } else {
        "arm64"
    };
    let program = file(
        &packages,
        &format!("lambkin-linux-{platform}-{VERSION}.tgz"),
    );
    run(npm.args(["install", "--offline"]).args([launcher, program]));
    let installed = folder.path().join("node_modules/.bin/lambkin");
    quick_start(&installed);

    // Exit codes and standard streams are the program's.
    let code = folder.path().join("bootstrap");
    fs::write(&code, "#!/bin/sh\nexit 7\n").unwrap();
    fs::set_permissions(&code, fs::Permissions::from_mode(0o755)).unwrap();
    let failed = Command::new(&installed)
        .current_dir(folder.path())
        .args(["invoke", "./bootstrap"])
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    let result = String::from_utf8_lossy(&failed.stdout);
    assert!(result.contains("Runtime.ExitError"), "{}", said(&failed));

    // A machine that no package is for.
    let elsewhere = |platform: &str, machine: &str| {
        let pretend = format!(
            "for (const [key, value] of [['platform', '{platform}'], ['arch', '{machine}']]) \
             Object.defineProperty(process, key, {{ value }});"
        );
        let file = folder.path().join("pretend.cjs");
        fs::write(&file, pretend).unwrap();
        let mut node = Command::new("node");
        node.arg("--require").arg(&file).arg(&installed);
        let output = node.arg("--version").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        said(&output)
    };
    let message = elsewhere("freebsd", "riscv64");
    let start = format!(
        "lambkin: version {VERSION} has no program for freebsd-riscv64, only for linux-{platform}. It can be built"
    );
    assert!(message.starts_with(&start), "{message}");
    let message = elsewhere("win32", "x64");
    assert!(message.contains("Windows Subsystem for Linux"), "{message}");
    // A machine whose package was left out.
    let scope = folder.path().join("node_modules/@lambkin");
    fs::rename(&scope, folder.path().join("elsewhere")).unwrap();
    let output = Command::new(&installed).output().unwrap();
    let message = said(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    let start = format!(
        "lambkin: the package @lambkin/linux-{platform}, which has the program, is not installed."
    );
    assert!(message.starts_with(&start), "{message}");
    assert!(
        message.contains("npm install --include=optional lambkin"),
        "{message}"
    );
}

#[test]
fn dpkg_installs_the_package_for_debian() {
    let Ok(()) = curl() else { return };
    let mut probe = as_root("dpkg");
    probe.arg("--version");
    let Ok(()) = tool("dpkg as root", probe) else {
        return;
    };
    let Ok(packages) = packed("deb") else { return };
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    // An empty system does not have the C library that the program needs.
    let dpkg = |arguments: &[&str]| {
        let mut command = as_root("dpkg");
        command.args(["--force-depends", "--root"]);
        command.arg(root).args(arguments);
        command
    };
    run(dpkg(&["--install"]).arg(file(&packages, ".deb")));
    let status = run(&mut dpkg(&["--status", "lambkin"]));
    assert!(
        status.contains("Status: install ok installed\n"),
        "{status}"
    );
    assert!(
        status.contains("Maintainer: Ada Lovelace <ada@example.com>\n"),
        "{status}"
    );
    assert!(status.contains("Depends: libc6 (>= 2."), "{status}");
    // No file differs from the list of hashes in the package.
    assert_eq!(run(&mut dpkg(&["--verify", "lambkin"])), "");
    quick_start(&root.join("usr/bin/lambkin"));
    for path in [
        "bash-completion/completions/lambkin",
        "doc/lambkin/copyright",
        "doc/lambkin/changelog.gz",
        "fish/vendor_completions.d/lambkin.fish",
        "man/man1/lambkin.1.gz",
        "man/man1/lambkin-serve.1.gz",
        "zsh/vendor-completions/_lambkin",
    ] {
        assert!(root.join("usr/share").join(path).is_file(), "{path}");
    }
    run(&mut dpkg(&["--purge", "lambkin"]));
    assert!(!root.join("usr/bin/lambkin").exists());
}
