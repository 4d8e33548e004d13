//! Code that a template contains as text: `ZipFile`, and SAM's `InlineCode`.
//!
//! It is written to `.lambkin/inline/NAME/index.py`, or `index.js` or `index.mjs`, if it differs from what is there.

use std::fs;
use std::io;
use std::path::Path;

use crate::document::Table;
use crate::sections::item::known_text;
use crate::value::Value;

use super::subject::{Function, set};

/// Writes the code, and its keys.
pub fn write(function: &Function<'_>, code: &Value, table: &mut Table) -> bool {
    let what = format!("the code of {}", function.shown_name());
    let Some(text) = known_text(function.context, code, &what) else {
        return false;
    };
    let file = match function.runtime.as_str() {
        runtime if runtime.starts_with("python") => "index.py",
        runtime if runtime.starts_with("nodejs") && is_module(&text) => "index.mjs",
        runtime if runtime.starts_with("nodejs") => "index.js",
        runtime => {
            function.refuse(format!(
                "{what} is a text, which only Python and Node.js can be, as on AWS, and its runtime is {runtime:?}: move \
                 it to a folder"
            ));
            return false;
        }
    };
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let folder: String = function
        .resource
        .name
        .chars()
        .filter(|letter| is_legal(*letter))
        .collect();
    if let Err(error) = save(function.project(), &folder, file, &text) {
        function.refuse(format!(
            "{what} cannot be written to {}: {error}",
            function.shown(&function.project().join(".lambkin/inline").join(folder))
        ));
        return false;
    }
    let path = function.project().join(".lambkin/inline").join(folder);
    set(function, table, &path);
    // It changes with the template.
    table.remove("watch");
    true
}

/// Whether the text is an ECMAScript module.
fn is_module(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("export ") || line.starts_with("import ") || line.starts_with("import{")
    })
}

/// Writes a file below the project's folder, never through a link out of it.
fn save(project: &Path, folder: &str, file: &str, text: &str) -> io::Result<()> {
    let mut path = project.to_owned();
    for part in [".lambkin", "inline", folder] {
        path.push(part);
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if !fs::symlink_metadata(&path)?.is_dir() {
            return Err(io::Error::other(format!(
                "{} is not a folder",
                path.display()
            )));
        }
    }
    let path = path.join(file);
    // A file that is the same is not touched, so that nobody who watches it takes it for changed.
    let is_there = lambkin_files::read(&path, text.len() as u64);
    if is_there.is_ok_and(|bytes| bytes == text.as_bytes()) {
        return Ok(());
    }
    lambkin_files::replace(&path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::testing::Project;

    fn function(runtime: &str, code: &str) -> String {
        format!(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties:\n    Runtime: {runtime}\n    Handler: index.handler\n    \
             Code:\n      ZipFile: |\n        {code}\n"
        )
    }

    #[test]
    fn code_in_the_template_is_written_to_a_file() {
        for (runtime, code, file) in [
            (
                "python3.13",
                "def handler(event, context): return 1",
                "index.py",
            ),
            ("nodejs22.x", "exports.handler = async () => 1", "index.js"),
            (
                "nodejs22.x",
                "export const handler = async () => 1",
                "index.mjs",
            ),
        ] {
            let project = Project::new();
            let written = project.write(&function(runtime, code));
            assert_eq!(written.refusals, [""; 0]);
            assert!(
                written.text.contains("code = \".lambkin/inline/Fn\"\n"),
                "{}",
                written.text
            );
            let path = project.path().join(".lambkin/inline/Fn").join(file);
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{code}\n"));
            let made = fs::metadata(&path).unwrap().modified().unwrap();
            project.write(&function(runtime, code));
            assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), made);
        }
    }

    #[test]
    fn other_languages_are_refused() {
        let written = Project::new().write(&function("java21", "class X {}"));
        assert_eq!(
            written.refusals,
            ["template.yaml:6:5: the code of Fn is a text, which only Python and Node.js can be, as on AWS, and its runtime \
              is \"java21\": move it to a folder".replace("6:5", "7:7")]
        );
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let elsewhere = tempfile::tempdir().unwrap();
        let project = Project::new();
        std::os::unix::fs::symlink(elsewhere.path(), project.path().join(".lambkin")).unwrap();
        let written = project.write(&function("python3.13", "x = 1"));
        assert!(
            written.refusals.join("").contains("is not a folder"),
            "{:?}",
            written.refusals
        );
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
