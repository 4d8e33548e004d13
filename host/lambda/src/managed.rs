//! How a function of a managed runtime is started, with the paths of its code and layers as they are at the moment.
//!
//! On failure: a folder that does not exist any more keeps its place in the command, whose start then fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::made_from::MadeFrom;

/// How a function of a managed runtime, such as `python3.13`, is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// The interpreter and its arguments; or the reason why none can be used, as a text for the developer.
    pub command: Result<Vec<String>, String>,
    /// The interpreter in words: `Python 3.13.0 at /usr/bin/python3 (PATH)`. Empty if none can be used.
    pub interpreter: String,
    /// The variables of the runtime, such as `AWS_EXECUTION_ENV` and `NODE_PATH`. The function's own override them.
    pub variables: BTreeMap<String, String>,
    /// The folder of the code to which the command and the variables refer.
    pub code: PathBuf,
    /// The folder of the runtime client, if it is not part of the code.
    pub client: Option<PathBuf>,
    /// Further folders to which the command and the variables refer, besides the interpreter's.
    pub folders: Vec<PathBuf>,
    /// The folders of the code and of the layers, as paths that may have links, and where they led when the command and
    /// the variables were made. They are replaced by where they lead when an environment starts, which is another folder
    /// if an archive has been unpacked again.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// What the code is made from, if it is made from a source whenever that changes.
    pub made_from: Option<MadeFrom>,
}

impl Managed {
    /// Why the function cannot be started, as far as that is known.
    pub(crate) fn problem(&self) -> Option<String> {
        let made_from = self.made_from.as_ref();
        let problem = self.command.as_ref().err().cloned();
        problem.or_else(|| made_from?.problem())
    }

    /// Whether the runtime is one for Node.js, whose debugger speaks HTTP.
    pub(crate) fn is_node(&self) -> bool {
        let runtime = self.variables.get("AWS_EXECUTION_ENV");
        runtime.is_some_and(|runtime| runtime.starts_with("AWS_Lambda_nodejs"))
    }

    /// A text of the command or of the variables, with the folders as they are now.
    pub(crate) fn current(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (path, before) in &self.links {
            let Ok(now) = fs::canonicalize(path) else {
                continue;
            };
            if now != *before {
                text = replace_folder(&text, &before.to_string_lossy(), &now.to_string_lossy());
            }
        }
        text
    }

    /// The variables with the folders as they are now.
    pub(crate) fn current_variables(&self) -> impl Iterator<Item = (String, String)> {
        let all = self.variables.iter();
        all.map(|(key, value)| (key.clone(), self.current(value)))
    }
}

/// Replaces a folder in a list of paths. Longer names that begin with the folder's are others.
fn replace_folder(text: &str, from: &str, to: &str) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, after) = rest.split_at(at);
        let after = &after[from.len()..];
        let is_whole = after.is_empty() || after.starts_with(['/', ':']);
        replaced.push_str(before);
        replaced.push_str(if is_whole { to } else { from });
        rest = after;
    }
    replaced + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_replaced_as_whole_names() {
        let replaced = replace_folder("/a/1/x:/a/12:/b/a/1:/a/1", "/a/1", "/a/2");
        assert_eq!(replaced, "/a/2/x:/a/12:/b/a/2:/a/2");
    }
}
