//! How Python is started.

use std::fs;
use std::path::{Path, PathBuf};

use crate::found::Found;

/// The folders with a project's own `awslambdaric`: in the code, or among the packages of the interpreter's environment.
/// Packages of the machine's own interpreter are not the project's.
pub(crate) fn own_client(found: &Found, code: &Path) -> Option<PathBuf> {
    let environment = found.program.parent()?.parent()?;
    let version = &found.version;
    let packages = format!(
        "lib/python{}.{}/site-packages",
        version.major, version.minor
    );
    let is_environment = environment.join("pyvenv.cfg").is_file();
    let folders = [
        Some(code.to_owned()),
        is_environment.then(|| environment.join(packages)),
    ];
    let mut folders = folders.into_iter().flatten();
    folders.find(|folder| folder.join("awslambdaric/__main__.py").is_file())
}

/// The folders besides the code in which modules are searched. `None` if there may be others: packages that are installed
/// in place.
pub(crate) fn packages(
    found: &Found,
    layers: &[PathBuf],
    sdk: Option<&Path>,
) -> Option<Vec<PathBuf>> {
    let version = &found.version;
    let packages = format!(
        "lib/python{}.{}/site-packages",
        version.major, version.minor
    );
    let mut folders = Vec::new();
    let machine = [PathBuf::from("/opt")];
    for layer in layers.iter().chain(&machine) {
        let python = layer.join("python");
        folders.extend([python.join(&packages), python]);
    }
    folders.extend(sdk.map(Path::to_owned));
    let environment = found.program.parent()?.parent()?.join(packages);
    for entry in fs::read_dir(&environment).into_iter().flatten().flatten() {
        let file = entry.path();
        if file.extension().is_some_and(|ending| ending == "pth") {
            for line in fs::read_to_string(&file).unwrap_or_default().lines() {
                if line.starts_with("import") && line.contains("__editable__") {
                    return None;
                }
                folders.push(environment.join(line.trim()));
            }
        }
    }
    folders.push(environment);
    Some(folders)
}

/// The command with the project's own client, or with the one in `clients`.
pub(crate) fn command(own_client: bool, clients: &Path, handler: &str) -> Vec<String> {
    if own_client {
        return ["-m", "awslambdaric", handler].map(str::to_owned).to_vec();
    }
    vec![
        clients
            .join("python/start.py")
            .to_string_lossy()
            .into_owned(),
    ]
}
