//! Where a program is that was not found where it was looked for: what a developer most likely meant.
//!
//! Contract: only folders in which programs usually are, and a bounded part of the function's code, are looked at.
//! On failure: what cannot be read is passed over, and nothing is suggested.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// The number of files and folders of the code that are looked at.
const MAX_ENTRIES: usize = 4000;

/// How deep in the code is looked.
const MAX_DEPTH: usize = 6;

/// The number of places that are named.
const MAX_PLACES: usize = 3;

/// Folders of the code in which nothing is looked for, besides the programs that packages bring.
const SKIPPED: [&str; 5] = [
    ".git",
    ".lambkin",
    "node_modules",
    "site-packages",
    "__pycache__",
];

/// Folders besides those of `PATH` in which programs are. `*` stands for any name, `~` for the home folder.
const FOLDERS: [&str; 20] = [
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/opt/*/bin",
    "/opt/homebrew/bin",
    "/var/lang/bin",
    "/usr/local/bundle/bin",
    "/var/lib/gems/*/bin",
    "/var/lib/gems/*/gems/*/bin",
    "/var/lib/gems/*/gems/*/exe",
    "/usr/lib/jvm/*/bin",
    "~/.local/bin",
    "~/.cargo/bin",
    "~/.gem/ruby/*/bin",
    "~/.local/share/gem/ruby/*/bin",
    "~/.pyenv/versions/*/bin",
    "~/.rbenv/versions/*/bin",
    "~/.nvm/versions/node/*/bin",
    "~/.local/share/mise/installs/*/*/bin",
    "~/.asdf/installs/*/*/bin",
];

/// Folders with packages of Python, which `python -m` starts.
const PACKAGES: [&str; 5] = [
    "/usr/lib/python3/dist-packages",
    "/usr/local/lib/python3*/*-packages",
    "~/.local/lib/python3*/site-packages",
    "~/.pyenv/versions/*/lib/python3*/site-packages",
    "/var/lang/lib/python3*/site-packages",
];

/// The usual names of files with a handler, and their endings.
const HANDLER_MODULES: [&str; 5] = ["lambda_function", "index", "app", "handler", "main"];
const HANDLER_ENDINGS: [&str; 6] = ["py", "js", "mjs", "cjs", "ts", "rb"];

/// AWS's runtime interface clients, which first users start by the path that an image has them at.
const CLIENTS: [(&str, &str, &str); 3] = [
    ("aws_lambda_ric", "ruby3.4", "gem install aws_lambda_ric"),
    ("awslambdaric", "python3.13", "pip install awslambdaric"),
    ("aws-lambda-ric", "nodejs22.x", "npm install aws-lambda-ric"),
];

/// The path of a program with this name: in one of the folders of `path`, or where programs are installed. If there is
/// none, that of a program of the same name without a version: `python3` for `python3.13`.
pub(crate) fn program(name: &str, path: &str) -> Option<PathBuf> {
    let without_version = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let mut names = vec![name.to_owned()];
    if !without_version.is_empty() {
        names.push(format!("{without_version}3"));
        names.push(without_version.to_owned());
    }
    names.into_iter().find_map(|name| {
        let folders = env::split_paths(path).collect::<Vec<_>>().into_iter();
        let mut all = folders
            .chain(usual_folders())
            .map(|folder| folder.join(&name));
        all.find(|file| is_program(file))
    })
}

/// What to say if a function has no bootstrap: files of that name deeper in its code, or with a similar name.
pub(crate) fn bootstraps(code: &Path, is_archive: bool) -> Vec<String> {
    let found = walk(code, &|name| is_similar(name, "bootstrap"));
    let near = |file: &PathBuf| file.strip_prefix(code).unwrap_or(file).to_owned();
    let mut hints = Vec::new();
    for file in found.iter().map(near) {
        let is_exact = file.file_name().is_some_and(|name| name == "bootstrap");
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        hints.push(match (is_exact, folder) {
            (true, Some(folder)) if is_archive => format!(
                "there is one in the folder {} of the archive: it has to be at the top",
                folder.display()
            ),
            (true, Some(folder)) => format!(
                "there is one in the folder {}: let that folder be the code",
                folder.display()
            ),
            _ => format!(
                "there is {}: rename it to `bootstrap`, or let that file be the code",
                file.display()
            ),
        });
    }
    hints
}

/// What to say if a function has neither a bootstrap nor a handler: files deeper in its code that usually have one, or
/// which files are looked for.
pub(crate) fn handlers(code: &Path, is_archive: bool) -> Vec<String> {
    let is_handler = |name: &str| {
        let (stem, ending) = name.split_once('.').unwrap_or_default();
        HANDLER_MODULES.contains(&stem) && HANDLER_ENDINGS.contains(&ending)
    };
    let found = walk(code, &is_handler).into_iter();
    let below = found.filter_map(|file| {
        let file = file.strip_prefix(code).ok()?.to_owned();
        let folder = file.parent()?.to_owned();
        (!folder.as_os_str().is_empty()).then_some((file, folder))
    });
    let hints = below.map(|(file, folder)| match is_archive {
        true => format!(
            "there is {} in the archive: the file with the handler has to be at the top",
            file.display()
        ),
        false => format!(
            "there is {}: if it has the handler, let {} be the code",
            file.display(),
            folder.display()
        ),
    });
    let hints: Vec<String> = hints.collect();
    match hints.is_empty() {
        true => vec![
            "a handler is looked for in files such as lambda_function.py, index.mjs, app.rb and Hello.java beside it; \
             any other one has to be named, as in handler = \"file.function\" or --handler file.function"
                .to_owned(),
        ],
        false => hints,
    }
}

/// What to say if a command's program does not exist: where files of that name are.
pub(crate) fn commands(command: &str, code: &Path, layers: &[PathBuf], path: &str) -> Vec<String> {
    let written = Path::new(command);
    let Some(name) = written
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
    else {
        return Vec::new();
    };
    let mut places = Vec::new();
    let mut add = |place: PathBuf| {
        if is_program(&place) && !places.contains(&place) {
            places.push(place);
        }
    };
    // Where it would be if the path began at the folder that lambkin was started in.
    if written.is_relative()
        && let Ok(here) = env::current_dir()
    {
        add(here.join(written));
    }
    walk(code, &|found| found == name)
        .into_iter()
        .for_each(&mut add);
    for folder in layers
        .iter()
        .flat_map(|layer| [layer.join("bin"), layer.clone()])
    {
        add(folder.join(&name));
    }
    for folder in env::split_paths(path).chain(usual_folders()) {
        add(folder.join(&name));
    }
    let is_relative = written.is_relative() && command.contains('/');
    let mut hints: Vec<String> = places
        .iter()
        .take(MAX_PLACES)
        .map(|place| match place.strip_prefix(code) {
            Ok(below) => format!(
                "there is one in the code: command = [\"./{}\", …]",
                below.display()
            ),
            Err(_) if is_relative => format!(
                "there is {}; relative paths begin at the folder of the code",
                place.display()
            ),
            Err(_) => format!("there is {0}: command = [\"{0}\", …]", place.display()),
        })
        .collect();
    if let Some(package) = package(&name, code) {
        hints.push(format!(
            "there is a package of Python at {}: command = [\"python3\", \"-m\", \"{name}\", …]",
            package.display()
        ));
    }
    let client = CLIENTS.iter().find(|(client, ..)| *client == name);
    if let Some((_, runtime, install)) = client {
        let or = match hints.is_empty() {
            true => format!("install it ({install}), or "),
            false => "or ".to_owned(),
        };
        hints.push(format!(
            "{or}leave `command` out and set runtime = \"{runtime}\": then Lambkin's own client runs the handler"
        ));
    }
    hints
}

/// A package of Python that can be started as a program.
fn package(name: &str, code: &Path) -> Option<PathBuf> {
    let of_code = [".venv", "venv"].into_iter().flat_map(|folder| {
        let pattern = code.join(folder).join("lib/python3*/site-packages");
        expand(&pattern.to_string_lossy())
    });
    let usual = PACKAGES.iter().flat_map(|pattern| expand(pattern));
    let mut packages = std::iter::once(code.to_owned())
        .chain(of_code)
        .chain(usual)
        .map(|folder| folder.join(name));
    packages.find(|package| package.join("__main__.py").is_file())
}

/// The files below a folder whose names are meant, those higher up first.
fn walk(root: &Path, is_meant: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut level = vec![root.to_owned()];
    let mut entries = 0;
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        level.sort();
        for folder in std::mem::take(&mut level) {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                entries += 1;
                if entries > MAX_ENTRIES || found.len() >= MAX_PLACES {
                    return found;
                }
                let name = entry.file_name().to_string_lossy().into_owned();
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                if !kind.is_dir() {
                    if is_meant(&name) && entry.path().is_file() {
                        found.push(entry.path());
                    }
                } else if name == "node_modules" {
                    next.push(entry.path().join(".bin"));
                } else if !SKIPPED.contains(&name.as_str()) {
                    next.push(entry.path());
                }
            }
        }
        level = next;
    }
    found
}

/// Whether a name is, or looks like a mistyped, `wanted`: in another case, with an ending, or with a letter too many, too
/// few or another one.
fn is_similar(name: &str, wanted: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    // `bootstrap.js` and `.css` are libraries for web pages.
    let is_ending = matches!(
        name.strip_prefix(stem).unwrap_or_default(),
        "" | ".sh" | ".exe" | ".bin" | ".bash"
    );
    is_ending && differs_by_one(stem, wanted)
}

/// Whether two words are the same, or differ in one letter, or in the order of two neighbours.
fn differs_by_one(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let rest = |word: &[u8]| word.get(same..).unwrap_or_default().to_vec();
    match (rest(one).as_slice(), rest(other).as_slice()) {
        ([], []) => true,
        ([_, a @ ..], b) | (b, [_, a @ ..]) if a == b => true,
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        ([a, b, rest @ ..], [c, d, others @ ..]) => a == d && b == c && rest == others,
        _ => false,
    }
}

fn usual_folders() -> impl Iterator<Item = PathBuf> {
    FOLDERS.iter().flat_map(|pattern| expand(pattern))
}

/// The folders that a pattern stands for.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        folders = match part {
            "~" => env::var_os("HOME").map(PathBuf::from).into_iter().collect(),
            part if part.contains('*') => folders
                .iter()
                .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
                .filter(|entry| fits(&entry.file_name().to_string_lossy(), part))
                .map(|entry| entry.path())
                .collect(),
            part => folders.iter().map(|folder| folder.join(part)).collect(),
        };
    }
    folders.sort();
    folders
}

/// Whether a name fits a pattern with one `*`.
fn fits(name: &str, pattern: &str) -> bool {
    let (start, end) = pattern.split_once('*').unwrap_or((pattern, ""));
    name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
}

/// Whether a path is that of a program. A version manager's shim is none: it may start nothing.
fn is_program(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_none_or(|folder| folder != "shims")
        && path.is_file()
        && access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program_at(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_program_is_found_in_the_path_also_without_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        assert_eq!(program("no-such-tool-at-all", &path), None);
        let tool = folder.path().join("toolkit");
        program_at(&tool);
        assert_eq!(program("toolkit", &path), Some(tool.clone()));
        assert_eq!(program("toolkit3.13", &path), Some(tool));
        let shim = folder.path().join("shims/shimmed-tool");
        program_at(&shim);
        let shims = folder.path().join("shims").display().to_string();
        assert_eq!(program("shimmed-tool", &shims), None);
    }

    #[test]
    fn similar_names_are_those_of_a_bootstrap() {
        for name in [
            "bootstrap",
            "Bootstrap",
            "boostrap",
            "bootstap",
            "bootsrtap",
            "bootstraps",
            "bootstrap.sh",
        ] {
            assert!(is_similar(name, "bootstrap"), "{name}");
        }
        for name in [
            "bootstrap.js",
            "bootstrap.min.css",
            "boot",
            "main",
            "bootloader",
            "",
        ] {
            assert!(!is_similar(name, "bootstrap"), "{name}");
        }
    }

    #[test]
    fn bootstraps_deeper_in_the_code_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path();
        let bootstraps = |code: &Path| bootstraps(code, false);
        assert_eq!(bootstraps(code), Vec::<String>::new());
        program_at(&code.join("target/lambda/hello/bootstrap"));
        program_at(&code.join("node_modules/x/bootstrap"));
        assert_eq!(
            bootstraps(code),
            ["there is one in the folder target/lambda/hello: let that folder be the code"]
        );
        fs::write(code.join("boostrap"), "").unwrap();
        assert!(bootstraps(code)[0].starts_with("there is boostrap: rename it to `bootstrap`"));
    }

    #[test]
    fn files_with_a_handler_deeper_in_the_code_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path();
        let general = handlers(code, true);
        assert!(general[0].contains("lambda_function.py"), "{general:?}");
        fs::create_dir_all(code.join("proj/node_modules/x")).unwrap();
        fs::write(code.join("proj/node_modules/x/index.js"), "").unwrap();
        assert_eq!(handlers(code, true), general);
        fs::write(code.join("proj/app.py"), "").unwrap();
        assert_eq!(
            handlers(code, true),
            ["there is proj/app.py in the archive: the file with the handler has to be at the top"]
        );
        assert_eq!(
            handlers(code, false),
            ["there is proj/app.py: if it has the handler, let proj be the code"]
        );
    }

    #[test]
    fn the_program_of_a_command_is_found_in_the_code_and_its_packages() {
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path();
        let hints = |command: &str| commands(command, code, &[], "/no/such/folder");
        let own = "/usr/local/bundle/bin/some_lambda_ric";
        assert_eq!(hints(own), Vec::<String>::new());
        program_at(&code.join("vendor/bundle/ruby/3.4.0/bin/some_lambda_ric"));
        assert_eq!(
            hints(own),
            [
                "there is one in the code: command = [\"./vendor/bundle/ruby/3.4.0/bin/some_lambda_ric\", …]"
            ]
        );
        program_at(&code.join("node_modules/.bin/some-tool"));
        assert!(hints("some-tool")[0].contains("./node_modules/.bin/some-tool"));
        let package = code.join(".venv/lib/python3.13/site-packages/some_module");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("__main__.py"), "").unwrap();
        let expected = format!(
            "there is a package of Python at {}: command = [\"python3\", \"-m\", \"some_module\", …]",
            package.display()
        );
        assert_eq!(hints("/x/some_module"), [expected]);
        let of_client = hints("/usr/local/bundle/bin/aws-lambda-ric");
        assert!(
            of_client
                .last()
                .unwrap()
                .ends_with("then Lambkin's own client runs the handler"),
            "{of_client:?}"
        );
    }
}
