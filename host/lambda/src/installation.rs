//! Which files of the host a program needs, if it lies outside of the code: itself, or the installation around it.
//!
//! The path comes from a file of the project, such as a `#!` line or a virtual environment, and must not make anything
//! visible that is no program's. Therefore:
//!
//! - a folder is visible as a whole only if it is a version manager's folder of one version, or a package of `/opt`;
//! - of another interpreter's installation, only the folders with programs and libraries are;
//! - of everything else, only the file is, and only if it is a program;
//! - a part of an installation or of a virtual environment that is a link out of it is not visible;
//! - the home folder, folders above it or above the code, and those of credentials are never visible.
//!
//! On failure: what cannot be read is not visible.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// Folders with much besides a program.
const BROAD: [&str; 12] = [
    "/", "/boot", "/etc", "/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp",
    "/var",
];

/// Folders of a home folder with much besides a program.
const BROAD_AT_HOME: [&str; 5] = [".local", ".local/share", ".config", ".cache", "bin"];

/// The ends of the paths of folders with credentials.
const CREDENTIALS: [&str; 13] = [
    ".ssh",
    ".aws",
    ".azure",
    ".docker",
    ".gnupg",
    ".kube",
    ".mozilla",
    ".password-store",
    ".pki",
    ".config/gcloud",
    ".config/gh",
    ".config/google-chrome",
    ".local/share/keyrings",
];

/// The ends of the paths in which version managers keep one version; `*` is any name.
const STORES: [&str; 23] = [
    ".pyenv/versions/*",
    "uv/python/*",
    ".nvm/versions/node/*",
    ".config/nvm/versions/node/*",
    "fnm/node-versions/*",
    ".fnm/node-versions/*",
    ".volta/tools/image/*/*",
    ".nodenv/versions/*",
    "n/versions/node/*",
    ".rbenv/versions/*",
    ".rvm/rubies/*",
    ".rubies/*",
    ".sdkman/candidates/java/*",
    ".jenv/versions/*",
    ".asdf/installs/*/*",
    "mise/installs/*/*",
    ".rustup/toolchains/*",
    ".dotnet",
    ".linuxbrew",
    "anaconda3",
    "miniconda3",
    "miniforge3",
    "mambaforge",
];

/// Interpreters by the beginning of their names, and what is in the folder `lib` beside them.
const INTERPRETERS: [(&str, &str); 6] = [
    ("python", "python"),
    ("pypy", "pypy"),
    ("node", "node_modules"),
    ("ruby", "ruby"),
    ("perl", "perl5"),
    ("java", "modules"),
];

/// The folders and files of an installation that programs and libraries are in.
const PARTS: [&str; 9] = [
    "bin", "lib", "lib64", "libexec", "include", "conf", "jmods", "jre", "release",
];

/// Those of a virtual environment.
const ENVIRONMENT_PARTS: [&str; 6] = ["pyvenv.cfg", "bin", "lib", "lib64", "include", "share"];

/// What must not become visible.
#[derive(Debug)]
pub(crate) struct Private {
    homes: Vec<PathBuf>,
    code: PathBuf,
}

impl Private {
    /// `home` is the user's home folder, and `code` the folder of the code, without links.
    pub(crate) fn new(home: Option<PathBuf>, code: PathBuf) -> Self {
        // `/home` is a link to `/var/home` on some systems.
        let real = home.as_ref().and_then(|home| fs::canonicalize(home).ok());
        Self {
            homes: home.into_iter().chain(real).collect(),
            code,
        }
    }

    /// Whether a folder is not to be visible as a whole.
    fn covers(&self, folder: &Path) -> bool {
        self.is_broad(folder) || self.code.starts_with(folder)
    }

    /// Whether a folder has much of the host besides programs and libraries, or has credentials.
    fn is_broad(&self, folder: &Path) -> bool {
        let is_home = |home: &PathBuf| {
            home.starts_with(folder) || BROAD_AT_HOME.iter().any(|broad| home.join(broad) == folder)
        };
        BROAD.iter().any(|broad| folder == Path::new(broad))
            || self.homes.iter().any(is_home)
            || has_credentials(folder)
    }
}

fn has_credentials(path: &Path) -> bool {
    let is_one = |folder: &Path| CREDENTIALS.iter().any(|end| ends_with(folder, end));
    path.ancestors().any(is_one)
}

/// What must be visible for a program outside of the code. Its path has no links.
pub(crate) fn needed(program: &Path, private: &Private) -> Vec<PathBuf> {
    if has_credentials(program) {
        return Vec::new();
    }
    if let Some(whole) = store(program).filter(|folder| !private.covers(folder)) {
        return vec![whole];
    }
    if let Some(folder) = interpreter_folder(program).filter(|folder| !private.covers(folder)) {
        return present(folder, &PARTS);
    }
    match is_program(program) {
        true => vec![program.to_owned()],
        false => Vec::new(),
    }
}

/// The parts of a virtual environment, by the path with which it is used; nothing if the folder is none.
pub(crate) fn environment(folder: &Path, private: &Private) -> Vec<PathBuf> {
    let is_plain = !folder.components().any(|part| part == Component::ParentDir);
    let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let is_environment = folder.join("pyvenv.cfg").is_file();
    match is_plain && is_environment && !private.covers(folder) && !private.covers(&real) {
        true => present(folder, &ENVIRONMENT_PARTS),
        false => Vec::new(),
    }
}

/// Whether a program is found by its name in the folder in which it lies, as those of installations are.
pub(crate) fn is_installed(program: &Path) -> bool {
    store(program).is_some() || interpreter_folder(program).is_some()
}

/// The parts of a folder that exist, without those that are links to something outside of it.
fn present(folder: &Path, parts: &[&str]) -> Vec<PathBuf> {
    let Ok(real) = fs::canonicalize(folder) else {
        return Vec::new();
    };
    let is_within = |path: &PathBuf| {
        fs::canonicalize(path)
            .is_ok_and(|part| part != real && part.starts_with(&real) && !has_credentials(&part))
    };
    let paths = parts.iter().map(|part| folder.join(part));
    paths.filter(is_within).collect()
}

/// Whether a folder to which the command of a managed runtime refers may be visible. It can be above the code, as that of
/// Yarn's Plug'n'Play is. A folder of packages must not be a link to anything else.
pub(crate) fn is_referable(folder: &Path, private: &Private) -> bool {
    const PACKAGES: &str = "node_modules";
    fs::canonicalize(folder).is_ok_and(|real| {
        let is_other = folder.ends_with(PACKAGES) && !real.ends_with(PACKAGES);
        !is_other && !private.is_broad(folder) && !private.is_broad(&real)
    })
}

/// The folder of one version or package that a program is in.
fn store(program: &Path) -> Option<PathBuf> {
    let mut folders = program.ancestors().skip(1);
    let found = folders.find(|folder| {
        let is_package = folder.parent() == Some(Path::new("/opt")) && !folder.ends_with("bin");
        is_package || STORES.iter().any(|store| ends_with(folder, store))
    });
    found.map(Path::to_owned)
}

/// Whether a path ends with these names.
fn ends_with(path: &Path, pattern: &str) -> bool {
    let mut names = path.components().rev();
    pattern.rsplit('/').all(|wanted| {
        let name = names.next();
        name.is_some_and(|name| match name {
            Component::Normal(name) => wanted == "*" || name == wanted,
            _ => false,
        })
    })
}

/// The folder above `bin` of an interpreter with its library in `lib`.
fn interpreter_folder(program: &Path) -> Option<&Path> {
    let name = program.file_name()?.to_str()?;
    let folder = program.parent().filter(|bin| bin.ends_with("bin"))?;
    let folder = folder.parent()?;
    let (_, library) = INTERPRETERS
        .iter()
        .find(|(interpreter, _)| name.starts_with(interpreter))?;
    let mut entries = fs::read_dir(folder.join("lib")).ok()?.flatten();
    let has_library = entries.any(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with(library))
    });
    (has_library && is_program(program)).then_some(folder)
}

/// Whether a file can be executed and begins as programs do, so that it is no key and no document.
fn is_program(path: &Path) -> bool {
    let executable = |file: fs::File| {
        let metadata = file.metadata().ok()?;
        let mut head = Vec::new();
        file.take(4).read_to_end(&mut head).ok()?;
        let is_executable = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
        Some(is_executable && (head.starts_with(b"\x7fELF") || head.starts_with(b"#!")))
    };
    // A pipe would block.
    path.is_file() && fs::File::open(path).ok().and_then(executable) == Some(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Home {
        _folder: tempfile::TempDir,
        path: PathBuf,
    }

    impl Home {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().canonicalize().unwrap();
            Self {
                _folder: folder,
                path,
            }
        }

        fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
            let file = self.path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            file
        }

        fn program(&self, name: &str) -> PathBuf {
            self.file(name, "\x7fELF", 0o755)
        }

        fn private(&self) -> Private {
            Private::new(Some(self.path.clone()), self.path.join("project/code"))
        }

        /// What is visible for a program, below the home folder.
        fn needed(&self, program: &Path) -> Vec<String> {
            let needed = needed(program, &self.private());
            let names = needed.iter().map(|path| {
                let path = path.strip_prefix(&self.path).unwrap();
                path.display().to_string()
            });
            names.collect()
        }
    }

    #[test]
    fn versions_of_version_managers_are_visible_as_a_whole() {
        let home = Home::new();
        for (program, folder) in [
            (
                ".pyenv/versions/3.13/bin/python3.13",
                ".pyenv/versions/3.13",
            ),
            (
                ".nvm/versions/node/v22.1.0/bin/node",
                ".nvm/versions/node/v22.1.0",
            ),
            (
                ".local/share/mise/installs/ruby/3.4/bin/ruby",
                ".local/share/mise/installs/ruby/3.4",
            ),
            (
                ".local/share/fnm/node-versions/v22/installation/bin/node",
                ".local/share/fnm/node-versions/v22",
            ),
            (".linuxbrew/Cellar/ruby/3.4/bin/ruby", ".linuxbrew"),
            (".dotnet/dotnet", ".dotnet"),
        ] {
            assert_eq!(home.needed(&home.program(program)), [folder], "{program}");
        }
        let private = home.private();
        let of_opt = needed(Path::new("/opt/node/bin/node"), &private);
        assert_eq!(of_opt, [Path::new("/opt/node")]);
        assert_eq!(
            needed(Path::new("/opt/bin/tool"), &private),
            [""; 0].map(PathBuf::from)
        );
    }

    #[test]
    fn only_programs_and_libraries_of_another_installation_are_visible() {
        let home = Home::new();
        let python = home.program("site/bin/python3.12");
        home.file("site/.env", "PASSWORD=hunter2", 0o600);
        // No interpreter yet: `lib` may be anything's.
        fs::create_dir_all(home.path.join("site/lib")).unwrap();
        assert_eq!(home.needed(&python), ["site/bin/python3.12"]);
        fs::create_dir_all(home.path.join("site/lib/python3.12")).unwrap();
        assert_eq!(home.needed(&python), ["site/bin", "site/lib"]);
        let other = home.program("site/bin/server");
        assert_eq!(home.needed(&other), ["site/bin/server"]);
    }

    #[test]
    fn parts_that_are_links_out_of_their_folder_are_not_visible() {
        let home = Home::new();
        let python = home.program("site/bin/python3.12");
        fs::create_dir_all(home.path.join("site/lib/python3.12")).unwrap();
        home.file("docs/letter", "private", 0o600);
        home.file("site/pyvenv.cfg", "home = /usr/bin", 0o644);
        let site = home.path.join("site");
        symlink("lib", site.join("lib64")).unwrap();
        fs::create_dir_all(site.join("keys/.ssh")).unwrap();
        for (name, to) in [
            ("share", home.path.clone()),
            ("include", home.path.join("docs")),
            ("conf", PathBuf::from("../docs")),
            ("jre", PathBuf::from(".")),
            ("jmods", PathBuf::from("keys/.ssh")),
            ("release", home.path.join("docs/letter")),
            ("libexec", PathBuf::from("nowhere")),
        ] {
            symlink(to, site.join(name)).unwrap();
        }
        assert_eq!(home.needed(&python), ["site/bin", "site/lib", "site/lib64"]);
        let parts = ["pyvenv.cfg", "bin", "lib", "lib64"].map(|part| site.join(part));
        assert_eq!(environment(&site, &home.private()), parts);
        // The environment may itself be reached through a link.
        let link = home.path.join("current");
        symlink(&site, &link).unwrap();
        let parts = ["pyvenv.cfg", "bin", "lib", "lib64"].map(|part| link.join(part));
        assert_eq!(environment(&link, &home.private()), parts);
    }

    #[test]
    fn folders_of_commands_are_visible_unless_they_lead_to_something_private() {
        let home = Home::new();
        let private = home.private();
        let folder = |name: &str| {
            let folder = home.path.join(name);
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        let link = |name: &str, to: &Path| {
            let link = home.path.join(name);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(to, &link).unwrap();
            link
        };
        let (docs, packages) = (folder("docs"), folder("shared/node_modules"));
        for good in [
            folder("project"), // above the code
            packages.clone(),
            link("a/node_modules", &packages),
            docs.clone(),
        ] {
            assert!(is_referable(&good, &private), "{}", good.display());
        }
        for bad in [
            home.path.clone(),
            folder(".ssh"),
            folder(".aws/node_modules"),
            folder(".config"),
            link("b/node_modules", &home.path),
            link("c/node_modules", &docs),
            link("d", &home.path),
            link("e", &home.path.join(".ssh")),
            PathBuf::from("/"),
            PathBuf::from("/etc"),
            home.path.join("missing"),
        ] {
            assert!(!is_referable(&bad, &private), "{}", bad.display());
        }
    }

    #[test]
    fn the_home_folder_and_what_is_above_the_code_are_never_visible() {
        let home = Home::new();
        for folder in ["", ".local/", ".config/", "project/"] {
            fs::create_dir_all(home.path.join(format!("{folder}lib/python3.12"))).unwrap();
            let name = format!("{folder}bin/python3");
            let python = home.program(&name);
            assert_eq!(home.needed(&python), [name.as_str()]);
            home.file(&format!("{folder}pyvenv.cfg"), "home = /usr/bin", 0o644);
            let environment = environment(&home.path.join(folder), &home.private());
            assert_eq!(environment, [""; 0].map(PathBuf::from), "{folder}");
        }
        // The home folder's other name.
        let link = home.path.join("link");
        symlink(&home.path, &link).unwrap();
        let private = Private::new(Some(link.clone()), PathBuf::from("/nowhere"));
        assert!(private.covers(&home.path) && private.covers(&link));
        assert!(environment(&link, &private).is_empty());
    }

    #[test]
    fn credentials_and_documents_are_never_visible() {
        let home = Home::new();
        home.file(
            ".ssh/id_ed25519",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            0o600,
        );
        for secret in [
            home.path.join(".ssh/id_ed25519"),
            home.file("keys/deploy", "-----BEGIN PRIVATE KEY-----", 0o600),
            // As on file systems without modes.
            home.file("keys/all", "-----BEGIN PRIVATE KEY-----", 0o777),
            home.file("notes", "#!", 0o644),
            home.program(".ssh/bin/python3"),
            home.program(".config/gcloud/virtenv/bin/python3"),
            home.path.clone(),
            PathBuf::from("/etc/shadow"),
            PathBuf::from("/dev/zero"),
        ] {
            fs::create_dir_all(home.path.join(".ssh/lib/python3")).unwrap();
            assert!(needed(&secret, &home.private()).is_empty(), "{secret:?}");
        }
    }

    #[test]
    fn an_environment_is_visible_without_what_else_is_in_its_folder() {
        let home = Home::new();
        home.program("project/.venv/bin/python");
        home.file("project/.venv/secret", "", 0o600);
        let folder = home.path.join("project/.venv");
        assert!(environment(&folder, &home.private()).is_empty());
        home.file("project/.venv/pyvenv.cfg", "home = /usr/bin", 0o644);
        let parts = environment(&folder, &home.private());
        assert_eq!(parts, [folder.join("pyvenv.cfg"), folder.join("bin")]);
        let roundabout = home.path.join("project/code/../.venv");
        fs::create_dir_all(home.path.join("project/code")).unwrap();
        assert!(environment(&roundabout, &home.private()).is_empty());
    }
}
