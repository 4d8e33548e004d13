//! Where the file of an object is, by its key.
//!
//! **In the store's own folder** any key is valid, so a file's path only resembles its key: the file of
//! `photos/2026/cat.jpg` in the bucket `album` is `album/photos/2026/1f0c2b7a9d3e4c55-cat.jpg`. The id in front makes
//! the name unique, so two keys, or two versions of one key, never share a file. The rest is for people: it is the
//! key with each character that is unsafe in a file name written as `%XX` (control characters, `% < > : " \ | ? *`, a
//! dot at the start, a dot or a space at the end; an empty segment is `_`), cut where it becomes long, with the
//! extension kept. No such name is `.`, `..` or hidden, so no path leaves the folder of its bucket. The path is
//! stored with the object and never computed again.
//!
//! **In a plain folder** the path of a file is its key. A key that is not such a path is refused, and so is one that
//! people or programs use for hidden or temporary files: dot files, backups of editors, partial downloads.

use std::path::{Component, Path, PathBuf};

use uuid::Uuid;

use super::types::ObjectError;

/// The prefix of the names of temporary files in a plain folder, which are not objects.
pub(super) const TEMP_PREFIX: &str = ".lambkin-";

/// The length of a file's id.
const ID: usize = 16;
/// The maximum length of one name in bytes, without the id. File systems allow 255, encrypting ones 143.
const NAME: usize = 100;
/// The maximum length in bytes of all folders of a path together. The whole path stays far below the 1,024 bytes that
/// macOS allows.
const FOLDERS: usize = 400;
/// The maximum length of an extension in bytes, with its dot. A longer ending is not treated as one.
const EXTENSION: usize = 16;
/// The maximum length in bytes of a name in a plain folder: that of file systems.
const FILE_NAME: usize = 255;
/// The maximum length of a key in bytes (S3: 1,024).
const KEY: usize = 1024;

/// A new random id for a file.
pub(super) fn new_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(ID);
    id
}

/// The path of a new object's file, relative to the objects' folder.
pub(super) fn place(bucket: &str, key: &str, id: &str) -> String {
    let mut place = name(bucket);
    let (folders, last) = key
        .rsplit_once('/')
        .map_or((None, key), |(folders, last)| (Some(folders), last));
    for folder in folders.into_iter().flat_map(|folders| folders.split('/')) {
        let folder = name(folder);
        if place.len() + folder.len() > FOLDERS {
            break;
        }
        place.push('/');
        place.push_str(&folder);
    }
    place.push('/');
    place.push_str(id);
    if !last.is_empty() {
        place.push('-');
        place.push_str(&name(last));
    }
    place
}

/// The id in a path that [`place`] has returned.
pub(super) fn id(place: &str) -> &str {
    let file = place.rsplit_once('/').map_or(place, |(_, file)| file);
    file.get(..ID).unwrap_or(file)
}

/// The name of a bucket's folder.
pub(super) fn bucket(bucket: &str) -> String {
    name(bucket)
}

/// A segment of a key as a safe file name.
fn name(segment: &str) -> String {
    if segment.is_empty() {
        return "_".to_owned();
    }
    let last = segment.len() - 1;
    let mut pieces = segment
        .char_indices()
        .map(|(at, char)| escape(char, at == 0, at == last));
    let whole: String = pieces.by_ref().collect();
    if whole.len() <= NAME {
        return whole;
    }
    let extension = whole
        .rfind('.')
        .and_then(|dot| whole.get(dot..))
        .filter(|extension| extension.len() <= EXTENSION)
        .unwrap_or_default();
    let length = whole.floor_char_boundary(NAME - extension.len());
    let stem = whole.get(..length).unwrap_or_default();
    // The cut must not leave half an escape, or a character that is not allowed at the end.
    let stem = stem
        .rfind('%')
        .filter(|at| at + 3 > length)
        .map_or(stem, |at| &stem[..at]);
    format!("{}{extension}", stem.trim_end_matches([' ', '.']))
}

/// A character as it is written in a name.
fn escape(char: char, first: bool, last: bool) -> String {
    let unsafe_here = match char {
        '%' | '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => true,
        '.' => first || last,
        ' ' => last,
        _ => char.is_control(),
    };
    if !unsafe_here {
        return char.to_string();
    }
    let mut bytes = [0; 4];
    let bytes = char.encode_utf8(&mut bytes).bytes();
    bytes.map(|byte| format!("%{byte:02X}")).collect()
}

/// The path of a key below a plain folder, or why the key cannot be stored there.
pub(super) fn relative(key: &str) -> Result<PathBuf, ObjectError> {
    let refused = |why: &str| {
        let shown: String = key.chars().take(100).collect();
        Err(ObjectError::Invalid(format!(
            "the key {shown:?} cannot be a file of the bucket's folder: {why}"
        )))
    };
    if key.len() > KEY {
        return refused("it is longer than 1,024 bytes");
    }
    for segment in key.split('/') {
        if segment.is_empty() {
            return refused("a part between its slashes is empty");
        }
        if segment == "." || segment == ".." {
            return refused("`.` and `..` lead elsewhere");
        }
        if segment.contains('\0') {
            return refused("a file name cannot contain a NUL character");
        }
        if segment.len() > FILE_NAME {
            return refused("a part between its slashes is longer than 255 bytes");
        }
        if is_temporary(segment) {
            return refused("hidden and temporary files of a folder are not objects");
        }
    }
    Ok(PathBuf::from(key))
}

/// The key of a file in a plain folder; `None` if the file is not an object.
pub(super) fn key_of(relative: &Path) -> Option<String> {
    let mut key = String::new();
    for component in relative.components() {
        let Component::Normal(name) = component else {
            return None;
        };
        if !key.is_empty() {
            key.push('/');
        }
        key.push_str(name.to_str()?);
    }
    self::relative(&key).ok().map(|_| key)
}

/// Whether a file or folder with this name is hidden or temporary.
pub(super) fn is_temporary(name: &str) -> bool {
    const ENDINGS: [&str; 6] = ["~", ".tmp", ".part", ".partial", ".crdownload", ".download"];
    name.starts_with('.')
        || name.starts_with("~$")
        || (name.starts_with('#') && name.ends_with('#'))
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: &str = "0123456789abcdef";

    #[test]
    fn a_person_recognises_the_file_of_a_key() {
        for (key, expected) in [
            ("cat.jpg", "b/0123456789abcdef-cat.jpg"),
            (
                "photos/2026/ca t.jpg",
                "b/photos/2026/0123456789abcdef-ca t.jpg",
            ),
            ("müll/日本.txt", "b/müll/0123456789abcdef-日本.txt"),
            ("a//b", "b/a/_/0123456789abcdef-b"),
            ("/a", "b/_/0123456789abcdef-a"),
            ("a/", "b/a/0123456789abcdef"),
            (
                "../../etc/passwd",
                "b/%2E%2E/%2E%2E/etc/0123456789abcdef-passwd",
            ),
            (".", "b/0123456789abcdef-%2E"),
            ("a\0b\n", "b/0123456789abcdef-a%00b%0A"),
            ("50%.", "b/0123456789abcdef-50%25%2E"),
        ] {
            assert_eq!(place("b", key, ANY), expected, "{key:?}");
            assert_eq!(id(expected), ANY);
        }
        assert!(place("..", "a", ANY).starts_with("%2E%2E/"));
    }

    #[test]
    fn a_long_name_is_cut_and_keeps_its_extension() {
        let found = place("b", &format!("{}.jpeg", "ä".repeat(200)), ANY);
        let (_, file) = found.rsplit_once('/').unwrap();
        assert!(
            file.len() <= NAME + ID + 1 && file.ends_with("ä.jpeg"),
            "{file}"
        );
    }

    /// Many unusual keys, the same on each run.
    fn unusual_keys() -> impl Iterator<Item = String> {
        const PIECES: [&str; 20] = [
            "..",
            ".",
            "/",
            "//",
            "\0",
            "\n",
            "\\",
            "%",
            "%2E",
            "a",
            "B.txt",
            " ",
            ":",
            "*",
            "ß",
            "\u{1F600}",
            "\u{85}",
            "CON",
            "~",
            "..\\..",
        ];
        let mut state: u64 = 7;
        std::iter::repeat_with(move || {
            let mut key = String::new();
            let mut next = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 33) as usize
            };
            let long = next() % 9 == 0;
            for _ in 0..1 + next() % if long { 400 } else { 12 } {
                key.push_str(PIECES[next() % PIECES.len()]);
            }
            key
        })
        .take(20_000)
    }

    #[test]
    fn no_key_leads_out_of_its_bucket_or_to_a_name_that_file_systems_refuse() {
        for key in unusual_keys() {
            let found = place("bucket", &key, ANY);
            let mut names = found.split('/');
            assert_eq!(names.next(), Some("bucket"), "{key:?}");
            assert!(found.len() <= FOLDERS + NAME + ID + 2, "{key:?}");
            assert_eq!(id(&found), ANY, "{key:?}");
            for name in names {
                let safe = !name.is_empty()
                    && name.len() <= NAME + ID + 1
                    && !name.starts_with('.')
                    && !name.ends_with(['.', ' '])
                    && !name
                        .contains(|char: char| char.is_control() || "<>:\"\\|?*".contains(char));
                assert!(safe, "{key:?}: {name:?}");
            }
        }
    }

    #[test]
    fn in_a_plain_folder_a_key_is_its_path_or_is_refused() {
        let mut legal = 0;
        for key in unusual_keys().chain(["a/b.txt".to_owned(), "ä b".to_owned()]) {
            if let Ok(path) = relative(&key) {
                legal += 1;
                assert!(
                    path.components()
                        .all(|part| matches!(part, Component::Normal(_))),
                    "{key:?}"
                );
                assert_eq!(key_of(&path), Some(key));
            }
        }
        assert!(legal > 100);
        for key in [
            "",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "./a",
            "a\0",
            ".git/x",
            "a/.lambkin-1",
            "a.txt~",
            "x.part",
        ] {
            assert!(
                matches!(relative(key), Err(ObjectError::Invalid(_))),
                "{key:?}"
            );
        }
        assert!(relative(&"a".repeat(256)).is_err());
    }
}
