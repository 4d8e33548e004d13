//! Which file a handler's text names.

use std::path::{Path, PathBuf};

use crate::id::Language;

/// The endings of files in TypeScript, which AWS does not look for, and Node.js from version 22.6 on can run, except for
/// the last one.
pub(crate) const TYPESCRIPT: [&str; 4] = [".ts", ".mts", ".cts", ".tsx"];

/// The files that could have the module of a handler, in the order in which AWS's clients look for them; for Node.js,
/// those in TypeScript follow.
pub(crate) fn files(language: Language, handler: &str, code: &Path) -> Vec<PathBuf> {
    if language == Language::Java {
        return java_files(handler, code);
    }
    let endings: &[&str] = match language {
        Language::Python => &[".py", "/__init__.py"],
        Language::Node => &[".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx"],
        _ => &[".rb"],
    };
    let Some(module) = module(language, handler) else {
        return Vec::new();
    };
    let files = endings.iter();
    files
        .map(|ending| code.join(format!("{module}{ending}")))
        .collect()
}

/// The files that could have the class of a handler: compiled by the usual builds, or its source.
fn java_files(handler: &str, code: &Path) -> Vec<PathBuf> {
    const FOLDERS: [(&str, &str); 5] = [
        ("", "class"),
        ("target/classes", "class"),
        ("build/classes/java/main", "class"),
        ("", "java"),
        ("src/main/java", "java"),
    ];
    let class = handler.split("::").next().unwrap_or_default();
    if !is_of_java(handler) {
        return Vec::new();
    }
    let class = class.replace('.', "/");
    let files = FOLDERS.iter();
    files
        .map(|(folder, ending)| code.join(folder).join(format!("{class}.{ending}")))
        .collect()
}

/// Whether a handler has the form of a class with or without a method: `demo.Hello`, `demo.Hello::handleRequest`.
pub(crate) fn is_of_java(handler: &str) -> bool {
    let (class, method) = handler.split_once("::").unwrap_or((handler, ""));
    // `app.handler` could be a class as well; those of Java begin with an upper-case letter. Ruby's have methods behind
    // a dot.
    let name = class.rsplit('.').next().unwrap_or_default();
    name.starts_with(char::is_uppercase) && !method.contains(['.', ':'])
}

/// The module of a handler, as a path without an ending.
fn module(language: Language, handler: &str) -> Option<String> {
    let module = match language {
        Language::Python => handler
            .rsplit_once('.')
            .map(|(module, _)| module.replace('.', "/")),
        // The last segment ends at its first dot.
        Language::Node => {
            let start = handler.rfind('/').map_or(0, |slash| slash + 1);
            let dot = handler[start..].find('.');
            dot.map(|dot| handler[..start + dot].to_owned())
        }
        Language::Ruby => handler.split_once('.').map(|(module, _)| module.to_owned()),
        Language::Java | Language::Dotnet | Language::Custom => None,
    };
    module.filter(|module| !module.is_empty())
}

/// Whether the client is sure to find no module for a handler: none of `folders`, which begin with the code's, has it.
pub(crate) fn is_missing(language: Language, handler: &str, folders: &[PathBuf]) -> bool {
    let Some(module) = module(language, handler) else {
        return false;
    };
    // A layer's files are not at `/opt` here, which the client finds out.
    if handler.starts_with("/opt/") {
        return false;
    }
    let is_there = |folder: &PathBuf| {
        let files = files(language, handler, folder);
        files.iter().any(|file| file.is_file())
            || match language {
                // A package, or a file without an ending; and Python's packages without a file of their own.
                Language::Node | Language::Python => folder.join(&module).exists(),
                _ => false,
            }
    };
    !folders.iter().any(is_there)
}
