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

/// Where a function's modules are, besides the interpreter's own folders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Modules<'a> {
    pub code: &'a Path,
    pub layers: &'a [PathBuf],
    pub sdk: Option<&'a Path>,
    /// Whether `PYTHONPATH` names further folders.
    pub has_python_path: bool,
}

/// Whether a package is sure not to be installed for a function. Nothing is run: an interpreter of the project's is code
/// of the project's, which belongs into the function's sandbox.
pub(crate) fn lacks(found: &Found, package: &str, modules: &Modules<'_>) -> bool {
    if modules.has_python_path || std::env::var_os("PYTHONPATH").is_some() {
        return false;
    }
    let Some(mut folders) = packages(found, modules.layers, modules.sdk) else {
        return false;
    };
    folders.push(modules.code.to_owned());
    folders.extend(shared_packages(found));
    let is_there = |folder: &PathBuf| {
        folder.join(package).exists() || folder.join(format!("{package}.py")).exists()
    };
    !folders.iter().any(is_there)
}

/// The folders of packages that are not in the interpreter's environment, and that it uses nevertheless: the user's, the
/// distribution's, and those of the interpreter that the environment was made from.
fn shared_packages(found: &Found) -> Vec<PathBuf> {
    let version = format!("python{}.{}", found.version.major, found.version.minor);
    let prefix = |program: &Path| Some(program.parent()?.parent()?.to_owned());
    let mut prefixes: Vec<PathBuf> = prefix(&found.program).into_iter().collect();
    let settings = prefixes
        .first()
        .and_then(|prefix| lambkin_files::read_small_text(&prefix.join("pyvenv.cfg")));
    if let Some(settings) = settings {
        let value = |wanted: &str| {
            let mut lines = settings.lines().filter_map(|line| line.split_once('='));
            let line = lines.find(|(key, _)| key.trim() == wanted);
            line.map(|(_, value)| value.trim().to_owned())
        };
        let is_shared = value("include-system-site-packages").is_some_and(|it| it == "true");
        let home = value("home").filter(|_| is_shared);
        let base = home.and_then(|home| Some(Path::new(&home).parent()?.to_owned()));
        let Some(base) = base else {
            return Vec::new();
        };
        prefixes.push(base);
    }
    let mut folders = Vec::new();
    for prefix in &prefixes {
        folders.extend([
            prefix.join(format!("lib/{version}/site-packages")),
            prefix.join(format!("lib/{version}/dist-packages")),
            prefix.join("lib/python3/dist-packages"),
            prefix.join(format!("local/lib/{version}/dist-packages")),
        ]);
    }
    if let Some(home) = std::env::var_os("HOME") {
        let user = format!(".local/lib/{version}/site-packages");
        folders.push(Path::new(&home).join(user));
    }
    folders
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
            for line in lambkin_files::read_small_text(&file)
                .unwrap_or_default()
                .lines()
            {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;

    #[test]
    fn a_package_is_looked_for_where_the_interpreter_would() {
        let folder = tempfile::tempdir().unwrap();
        let venv = folder.path().join("venv");
        let site = venv.join("lib/python3.12/site-packages");
        let elsewhere = folder.path().join("elsewhere");
        for made in [&site, &elsewhere, &folder.path().join("code")] {
            fs::create_dir_all(made).unwrap();
        }
        let settings = |text: &str| fs::write(venv.join("pyvenv.cfg"), text).unwrap();
        let found = Found {
            program: venv.join("bin/python"),
            version: Version::first_in("3.12.1").unwrap(),
            rule: String::new(),
            is_binding: false,
        };
        let code = folder.path().join("code");
        let modules = Modules {
            code: &code,
            layers: &[],
            sdk: None,
            has_python_path: false,
        };
        let package = "package_of_this_test";
        let is_lacking = || lacks(&found, package, &modules);
        settings("home = /usr/bin\ninclude-system-site-packages = false\n");
        assert!(is_lacking());
        let somewhere = Modules {
            has_python_path: true,
            ..modules
        };
        assert!(!lacks(&found, package, &somewhere), "it could be there");
        // A file that names a folder, as for packages that are installed in place.
        fs::write(site.join("it.pth"), elsewhere.to_str().unwrap()).unwrap();
        assert!(is_lacking());
        fs::create_dir(elsewhere.join(package)).unwrap();
        assert!(!is_lacking());
        fs::remove_dir(elsewhere.join(package)).unwrap();
        fs::write(code.join(format!("{package}.py")), "").unwrap();
        assert!(!is_lacking());
        fs::remove_file(code.join(format!("{package}.py"))).unwrap();
        // The packages of the interpreter that the environment was made from.
        let base = folder.path().join("base");
        let dist = base.join("lib/python3/dist-packages");
        fs::create_dir_all(dist.join(package)).unwrap();
        let home = base.join("bin");
        settings(&format!(
            "home = {}\ninclude-system-site-packages = false\n",
            home.display()
        ));
        assert!(is_lacking());
        settings(&format!(
            "home = {}\ninclude-system-site-packages = true\n",
            home.display()
        ));
        assert!(!is_lacking());
    }
}
