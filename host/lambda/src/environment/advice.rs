//! What a failed start may come from that the program itself cannot know: what its sandbox hides from it.
//!
//! On failure: what is not found out is not said; the program's own error remains.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::access::closed_to_strangers;
use crate::spec::{FunctionSpec, SandboxMode};

/// The number of files that are named.
const MAX_FILES: usize = 4;

/// How many folders above the code are searched for packages.
const MAX_FOLDERS: usize = 8;

/// What to say after a start that failed. `reported` is the error that the runtime has reported, as JSON.
pub(super) fn on_failed_start(spec: &FunctionSpec, reported: Option<&[u8]>) -> Vec<String> {
    if spec.sandbox == SandboxMode::Process {
        return Vec::new();
    }
    let mut lines: Vec<String> = reported
        .iter()
        .filter_map(|body| hidden(spec, body))
        .collect();
    if spec.runs_as_stranger() {
        lines.extend(closed(&spec.code.resolved_root()));
    }
    lines
}

/// Names files of the code that the function cannot read.
fn closed(code: &Path) -> Option<String> {
    let files = closed_to_strangers(code, MAX_FILES + 1);
    if files.is_empty() {
        return None;
    }
    let named = files.iter().take(MAX_FILES);
    let mut named: Vec<String> = named.map(|file| file.display().to_string()).collect();
    if files.len() > MAX_FILES {
        named.push("others".to_owned());
    }
    Some(format!(
        "in its sandbox, the function is user 993, as on AWS, and cannot read {}, which only their owner may read: \
         `chmod -R a+rX {}`",
        named.join(", "),
        code.display()
    ))
}

/// Names a file or a package that an error mentions, and that is on this machine, but not in the sandbox.
fn hidden(spec: &FunctionSpec, body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let message = body.get("errorMessage")?.as_str()?;
    let code = spec.code.resolved_root();
    let found = names_in(message).find_map(|name| find_outside(name, &code))?;
    Some(format!(
        "{} is not in the function's sandbox, which has the code in {} and the layers: copy it there, put it into a layer, \
         or use sandbox mode \"process\"",
        found.display(),
        code.display()
    ))
}

/// What an error may be about: words in quotation marks, and the last one of Ruby's errors.
fn names_in(message: &str) -> impl Iterator<Item = &str> {
    let quoted = |mark: char| message.split(mark).skip(1).step_by(2);
    let last = message
        .split("-- ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    let all = quoted('\'').chain(quoted('"')).chain(last);
    all.filter(|name| !name.is_empty() && name.len() < 200 && !name.contains('\n'))
}

/// The path of a file, or of a package above the code, if it exists outside of the code.
fn find_outside(name: &str, code: &Path) -> Option<PathBuf> {
    let is_path = name.starts_with(['/', '.']);
    if is_path {
        let path = fs::canonicalize(code.join(name)).ok()?;
        let is_outside = !path.starts_with(code) && !path.starts_with("/usr");
        return is_outside.then_some(path);
    }
    let package = package_of(name);
    let module = name.split('.').next()?;
    let mut folders = code.ancestors().skip(1).take(MAX_FOLDERS);
    folders.find_map(|folder| {
        [
            folder.join("node_modules").join(&package),
            folder.join(module).join("__init__.py"),
            folder.join(format!("{module}.py")),
            folder.join(format!("{name}.rb")),
        ]
        .into_iter()
        .find(|path| path.exists())
    })
}

/// The package of an import of Node.js: `@scope/name/file` is a file of `@scope/name`.
fn package_of(name: &str) -> String {
    let parts = if name.starts_with('@') { 2 } else { 1 };
    name.split('/').take(parts).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{Code, Entry};

    #[test]
    fn what_is_above_the_code_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let code = root.join("functions/one");
        fs::create_dir_all(&code).unwrap();
        for file in [
            "node_modules/@my/tool/x.js",
            "node_modules/left-pad/x.js",
            "shared.py",
            "lib.rb",
            "data.json",
        ] {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let spec = FunctionSpec {
            sandbox: SandboxMode::Namespace,
            ..FunctionSpec::new(
                "f",
                Code {
                    task_root: code.clone(),
                    entry: Entry::Search,
                    archive: None,
                },
            )
        };
        let said = |message: &str| {
            let body = serde_json::json!({ "errorMessage": message }).to_string();
            hidden(&spec, body.as_bytes())
        };
        for (message, path) in [
            (
                "Cannot find package '@my/tool/sub' imported from /var/task/index.mjs",
                "node_modules/@my/tool",
            ),
            (
                "Error: Cannot find module 'left-pad'\nRequire stack:\n- /var/task/a.js",
                "node_modules/left-pad",
            ),
            (
                "Unable to import module 'app': No module named 'shared'",
                "shared.py",
            ),
            ("cannot load such file -- lib", "lib.rb"),
            (
                "[Errno 2] No such file or directory: '../../data.json'",
                "data.json",
            ),
        ] {
            let text = said(message).unwrap_or_else(|| panic!("{message}"));
            assert!(
                text.starts_with(&format!("{} is not in", root.join(path).display())),
                "{text}"
            );
        }
        for message in ["No module named 'elsewhere'", "", "'/usr/bin/env'", "it's"] {
            assert_eq!(said(message), None, "{message}");
        }
        assert_eq!(hidden(&spec, b"no JSON"), None);
    }
}
