//! The programs lambkin is compared with: fetched once into the target folder by `tests/benches/tools.sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The path of a fetched tool, fetching it if it is not there yet.
///
/// # Errors
/// When it cannot be fetched, with the last output of the script.
pub fn fetch(folder: &Path, tool: &str) -> Result<PathBuf> {
    let path = folder.join(tool);
    if !path.is_file() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/tools.sh");
        run(Command::new("sh").arg(script).arg(folder).arg(tool))
            .with_context(|| format!("cannot fetch {tool}"))?;
    }
    Ok(path)
}

/// A Cargo project whose only binary becomes the bootstrap, built and ready for `cargo lambda watch`.
///
/// # Errors
/// When it cannot be written or built.
pub fn build_cargo_project(folder: &Path, bootstrap: &str) -> Result<PathBuf> {
    let project = folder.join("echo");
    fs::create_dir_all(project.join("src"))?;
    let manifest =
        "[package]\nname = \"echo\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(project.join("Cargo.toml"), manifest)?;
    let main = format!(
        "use std::os::unix::process::CommandExt;\n\n\
         fn main() {{\n    panic!(\"{{}}\", std::process::Command::new({bootstrap:?}).exec());\n}}\n"
    );
    fs::write(project.join("src/main.rs"), main)?;
    run(Command::new("cargo")
        .args(["build", "--release", "--quiet"])
        .current_dir(&project)
        .env("CARGO_TARGET_DIR", target_of(&project)))
    .context("cannot build the project for cargo lambda watch")?;
    Ok(project)
}

/// Where a generated project is built, whatever the environment says.
pub fn target_of(project: &Path) -> PathBuf {
    project.join("target")
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{}",
        stderr
            .trim()
            .lines()
            .next_back()
            .unwrap_or("it said nothing")
    );
    Ok(())
}
