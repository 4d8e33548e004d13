//! Links in a function's code that lead to nothing in its sandbox, because what they lead to is elsewhere on the host.
//!
//! On failure: a folder that cannot be read is passed over, as are files beyond [`MAX_FILES`]; the function's own error
//! names what it misses.

use std::collections::VecDeque;
use std::fs;
use std::path::{Component, Path, PathBuf};

use lambkin_process::sandbox::TASK;

use crate::spec::{FunctionSpec, SandboxMode};
use crate::view::is_system;
use crate::visible::visible_outside;

/// How many files and folders of the code are looked at.
const MAX_FILES: usize = 20_000;

/// Folders that a sandbox has besides those of the host. A link to `/tmp` is one to what the function will write.
const OWN: [&str; 6] = ["/opt", "/var/runtime", "/proc", "/dev", "/etc", "/tmp"];

/// The links in a function's code that lead out of it and to nothing that its sandbox has, with the files or folders of
/// the host that they lead to. None if it gets no sandbox, or one with an image.
pub fn outward_links(spec: &FunctionSpec) -> Vec<(PathBuf, PathBuf)> {
    if spec.sandbox != SandboxMode::Namespace {
        return Vec::new();
    }
    let code = spec.code.resolved_root();
    let mut links = links_below(&code);
    links.retain(|link| !link.leads_inside(&code));
    if links.is_empty() {
        return Vec::new();
    }
    let visible = visible_outside(spec);
    let is_visible = |path: &Path| {
        let own = OWN.iter().map(Path::new);
        let mut folders = own.chain(visible.iter().map(PathBuf::as_path));
        is_system(path) || folders.any(|folder| path.starts_with(folder))
    };
    let hidden = links.into_iter().filter_map(|link| {
        // One that leads nowhere on the host either is the developer's own matter.
        let on_host = fs::canonicalize(&link.path).ok()?;
        (!is_visible(&link.inside(&code))).then_some((link.path, on_host))
    });
    hidden.collect()
}

/// A link in the code.
struct Link {
    path: PathBuf,
    /// As it is written.
    to: PathBuf,
}

impl Link {
    /// The path that it leads to in the sandbox, where the code is at `/var/task`.
    fn inside(&self, code: &Path) -> PathBuf {
        let folder = self.path.parent().and_then(|it| it.strip_prefix(code).ok());
        let start = Path::new(TASK).join(folder.unwrap_or(Path::new("")));
        normalized(&start.join(&self.to))
    }

    fn leads_inside(&self, code: &Path) -> bool {
        self.inside(code).starts_with(TASK)
    }
}

fn links_below(code: &Path) -> Vec<Link> {
    let mut links = Vec::new();
    let mut folders = VecDeque::from([code.to_owned()]);
    let mut seen = 0;
    while let Some(folder) = folders.pop_front() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MAX_FILES {
                return links;
            }
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            if kind.is_dir() {
                folders.push_back(path);
            } else if kind.is_symlink()
                && let Ok(to) = fs::read_link(&path)
            {
                links.push(Link { path, to });
            }
        }
    }
    links
}

/// An absolute path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::Normal(name) => normal.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::code::{Code, Entry};

    #[test]
    fn links_are_named_whose_targets_the_sandbox_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["code/node_modules/.bin", "code/own", "packages/shared"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let absolute = fs::canonicalize("/var").unwrap();
        for (link, to) in [
            (
                "code/node_modules/shared",
                Path::new("../../packages/shared"),
            ),
            ("code/var", Path::new("/var")),
            // These lead somewhere, or nowhere on the host either.
            ("code/node_modules/own", Path::new("../own")),
            ("code/node_modules/.bin/own", Path::new("../own")),
            ("code/python", Path::new("/usr/bin/env")),
            ("code/opt", Path::new("/opt/../opt/tool")),
            ("code/broken", Path::new("../none")),
            ("code/task", Path::new("/var/task/own")),
            // The name of the folder of the code is another one in the sandbox.
            ("code/up", Path::new("../code/own")),
        ] {
            symlink(to, root.join(link)).unwrap();
        }
        let code = Code {
            task_root: root.join("code"),
            entry: Entry::Search,
            archive: None,
        };
        let spec = FunctionSpec {
            sandbox: SandboxMode::Namespace,
            ..FunctionSpec::new("f", code)
        };
        let mut found = outward_links(&spec);
        found.sort();
        assert_eq!(
            found,
            [
                (
                    root.join("code/node_modules/shared"),
                    root.join("packages/shared")
                ),
                (root.join("code/up"), root.join("code/own")),
                (root.join("code/var"), absolute),
            ]
        );
        let process = FunctionSpec {
            sandbox: SandboxMode::Process,
            ..spec
        };
        assert_eq!(outward_links(&process), []);
    }
}
