//! `from-file`: settings of plugins whose text is the content of a file.
//!
//! Plugins have no files. Wherever a plugin accepts a text, a table with the one key `from-file` stands for the text of
//! that file, which the host reads: the operator names the file, and the plugin sees its content and nothing else. A
//! plugin need not know of this.
//!
//! On failure: a file that cannot be read, is too large or is not text is reported at the key that names it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::text;

/// The key that names the file.
pub const FROM_FILE: &str = "from-file";

/// The maximum size of a file, in bytes. The state of a plugin may contain the text, and is passed to every call.
const MAX_FILE: usize = 512 * 1024;

/// A file whose text is a setting.
#[derive(Debug, Clone)]
pub struct SettingFile {
    pub path: PathBuf,
    /// The text as the plugin receives it.
    pub text: String,
}

/// The files of a table of settings, each by the path of keys that leads to it.
pub type SettingFiles = BTreeMap<Vec<String>, SettingFile>;

/// Puts the texts of files in the place of the tables that name them. Relative paths begin at `folder`. Returns the
/// files, and every mistake with the path of keys that leads to it.
pub fn read(
    settings: &mut Map<String, Value>,
    folder: &Path,
) -> (SettingFiles, Vec<(Vec<String>, String)>) {
    let mut reader = FileReader {
        folder,
        files: BTreeMap::new(),
        mistakes: Vec::new(),
    };
    let mut at = Vec::new();
    for (key, value) in settings {
        reader.visit(&mut at, key.clone(), value);
    }
    (reader.files, reader.mistakes)
}

struct FileReader<'a> {
    folder: &'a Path,
    files: SettingFiles,
    mistakes: Vec<(Vec<String>, String)>,
}

impl FileReader<'_> {
    fn visit(&mut self, at: &mut Vec<String>, key: String, value: &mut Value) {
        at.push(key);
        match value {
            Value::Object(table) => match table.get(FROM_FILE) {
                Some(file) => match self.read_file(file, table.len()) {
                    Ok(file) => {
                        *value = Value::String(file.text.clone());
                        self.files.insert(at.clone(), file);
                    }
                    Err(message) => {
                        let at = [at.as_slice(), &[FROM_FILE.to_owned()]].concat();
                        self.mistakes.push((at, message));
                    }
                },
                None => {
                    for (key, value) in table {
                        self.visit(at, key.clone(), value);
                    }
                }
            },
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.visit(at, index.to_string(), item);
                }
            }
            _ => {}
        }
        at.pop();
    }

    fn read_file(&self, file: &Value, keys: usize) -> Result<SettingFile, String> {
        let Some(file) = file.as_str().filter(|_| keys == 1) else {
            return Err(format!(
                "the text of a file is a table with nothing but the file's path: {{ {FROM_FILE} = \"…\" }}"
            ));
        };
        let path = self.folder.join(file);
        let shown = path.display();
        let bytes = crate::regular_file::read(&path)
            .map_err(|error| format!("cannot read {shown}: {error}"))?;
        if bytes.len() > MAX_FILE {
            return Err(format!(
                "{shown} has {} bytes; the file of a setting has at most {MAX_FILE}",
                bytes.len()
            ));
        }
        let text = text::decode(bytes).map_err(|why| format!("{shown} {why}"))?;
        Ok(SettingFile { path, text })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn read_in(folder: &Path, mut settings: Value) -> (Value, Vec<(Vec<String>, String)>) {
        let (_, mistakes) = read(settings.as_object_mut().unwrap(), folder);
        (settings, mistakes)
    }

    #[test]
    fn tables_that_name_files_become_their_texts() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), "\u{feff}{\"é\": 1}\n").unwrap();
        let settings = json!({
            "a": { "from-file": "a.json" },
            "b": [1, { "c": { "from-file": folder.path().join("a.json") } }],
            "from-file": "a.json",
        });
        let (settings, mistakes) = read_in(folder.path(), settings);
        let text = "{\"é\": 1}\n";
        let expected = json!({ "a": text, "b": [1, { "c": text }], "from-file": "a.json" });
        assert_eq!((settings, mistakes), (expected, Vec::new()));
    }

    #[test]
    fn each_mistake_says_which_key_names_which_file_and_why_it_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("large"), " ".repeat(MAX_FILE + 1)).unwrap();
        fs::write(folder.path().join("full"), " ".repeat(MAX_FILE)).unwrap();
        fs::write(folder.path().join("binary"), b"\xff\x00\x80").unwrap();
        for (file, message) in [
            (json!("none"), "/none: No such file or directory"),
            (json!("."), "it is a folder, not a file"),
            (json!("large"), "/large has 524289 bytes"),
            (json!("binary"), "/binary "),
            (json!(3), "{ from-file = \"…\" }"),
        ] {
            let settings = json!({ "a": [{ "from-file": file }] });
            let (_, mistakes) = read_in(folder.path(), settings);
            let [(at, found)] = mistakes.as_slice() else {
                panic!("{file}: {mistakes:?}")
            };
            assert_eq!(at, &["a", "0", "from-file"]);
            assert!(found.contains(message), "{file}: {found}");
        }
        let beside = json!({ "a": { "from-file": "full", "b": 1 } });
        assert_eq!(read_in(folder.path(), beside).1.len(), 1);
        let full = json!({ "a": { "from-file": "full" } });
        assert!(read_in(folder.path(), full).1.is_empty());
    }
}
