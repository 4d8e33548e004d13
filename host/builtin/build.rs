//! Compiles the plugins of `plugins/` to components, compresses them, and lists them for `src/lib.rs`.
//!
//! Each plugin is built from source with the flags of the committed component in `plugins/prebuilt/`, so that both
//! have the same bytes. If the compiler's `wasm32-wasip2` standard library is not installed, or if
//! `LAMBKIN_PREBUILT_PLUGINS` is set, the committed component is used, and a warning says so. A plugin that does not
//! compile fails the build with the compiler's message.
//!
//! The inner cargo has its own target folder, so it never waits for the lock that the outer one holds.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const TARGET: &str = "wasm32-wasip2";

/// The environment variable that makes the build use the committed components, whatever its value.
const PREBUILT: &str = "LAMBKIN_PREBUILT_PLUGINS";

/// How strongly components are compressed. Higher levels save a tenth and take several times as long, in a build script
/// that is not optimized.
const COMPRESSION: i32 = 12;

/// The environment variables that the outer cargo sets for its build scripts and compilers, and that the inner one
/// must not see: flags of another target, the compiler wrappers of `clippy`, and the folders and the profile of the
/// outer build.
const OUTER: &[&str] = &[
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_FEATURE_",
    "CARGO_INCREMENTAL",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CLIPPY_",
    "LLVM_PROFILE_FILE",
    "RUSTC",
    "RUSTFLAGS",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let root = fs::canonicalize(Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../.."))?;
    let names = plugins(&root.join("plugins"))?;
    watch(&root);

    let from_source = env::var_os(PREBUILT).is_none() && target_installed()?;
    if !from_source {
        println!(
            "cargo::warning=the plugins are taken from plugins/prebuilt, as the target {TARGET} is not installed or \
             {PREBUILT} is set; to build them from source: rustup target add {TARGET}"
        );
    }
    let mut list = String::from("&[\n");
    for name in &names {
        let component = if from_source {
            build(&root, &out, name)?
        } else {
            prebuilt(&root, name)?
        };
        let component = compress(&component, &out.join(format!("{name}.wasm.zst")))?;
        let settings = root.join("plugins").join(name).join("settings.json");
        writeln!(
            list,
            "BuiltIn {{ name: {name:?}, component: include_bytes!({component:?}), settings: include_str!({settings:?}) }},"
        )?;
    }
    list.push(']');
    fs::write(out.join("plugins.rs"), list)?;
    fs::write(out.join("names.rs"), format!("&{names:?}"))?;
    Ok(())
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}

/// Writes a compressed copy of a component, and returns its path.
fn compress(component: &Path, to: &Path) -> io::Result<PathBuf> {
    let compressed = zstd::bulk::compress(&fs::read(component)?, COMPRESSION)?;
    fs::write(to, compressed)?;
    Ok(to.to_owned())
}

/// The crates of the folder `plugins`, sorted by name.
fn plugins(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

/// Rebuilds when a source of the components changes.
fn watch(root: &Path) {
    println!("cargo::rerun-if-env-changed={PREBUILT}");
    for part in [
        "plugins",
        "wit",
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(part).display());
    }
}

/// Whether the compiler in use has the standard library of [`TARGET`].
fn target_installed() -> Result<bool, Box<dyn std::error::Error>> {
    let output = Command::new(variable("RUSTC")?)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()?;
    let folder = String::from_utf8(output.stdout)?;
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}

fn build(root: &Path, out: &Path, name: &str) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let folder = out.join("target");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(root).args([
        "build",
        "--quiet",
        "--locked",
        "--profile",
        "plugin",
        "--target",
        TARGET,
    ]);
    cargo.args(["--package", name, "--target-dir"]).arg(&folder);
    for (key, _) in env::vars_os() {
        if key
            .to_str()
            .is_some_and(|key| OUTER.iter().any(|outer| key.starts_with(outer)))
        {
            cargo.env_remove(key);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(root)?);
    if !cargo.status()?.success() {
        return Err(format!(
            "plugins/{name} cannot be built as a component; the compiler's message is above"
        )
        .into());
    }
    Ok(folder
        .join(TARGET)
        .join("plugin")
        .join(format!("{}.wasm", name.replace('-', "_"))))
}

/// The compiler flags, in cargo's encoding, which allows spaces in paths. They replace this machine's folders in
/// panic messages, so that the same source gives the same bytes on every machine: a file of a crate of the registry is
/// `/crates/NAME-VERSION/…`, one of the workspace `/src/…`. The flags are those of `plugins/build`.
fn flags(root: &Path) -> Result<OsString, Box<dyn std::error::Error>> {
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(variable("HOME")?).join(".cargo"),
    };
    // Of several rules that fit the last one applies.
    let mut rules = vec![(home.clone(), "/cargo"), (root.to_owned(), "/src")];
    // One folder for each registry: its name contains a hash, which depends on the version of cargo.
    for registry in fs::read_dir(home.join("registry/src"))? {
        rules.push((registry?.path(), "/crates"));
    }
    let mut flags = OsString::new();
    for (n, (from, to)) in rules.iter().enumerate() {
        if n > 0 {
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    }
    Ok(flags)
}

fn prebuilt(root: &Path, name: &str) -> Result<PathBuf, String> {
    let component = root.join("plugins/prebuilt").join(format!("{name}.wasm"));
    if component.is_file() {
        return Ok(component);
    }
    Err(format!(
        "plugins/prebuilt/{name}.wasm does not exist; install its compiler: rustup target add {TARGET}"
    ))
}
