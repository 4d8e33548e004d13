//! Finding a function's external extensions: the programs in the folders `extensions/` of its layers.
//!
//! Each program is checked when it is found, so that one that cannot be started is reported before any process is
//! started. A layer can disable all external extensions with a file of a certain name.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::executable::{ExecutableError, Starter, examine};
use crate::rootfs::Files;

/// The error type of an external extension that cannot be started.
pub(crate) const LAUNCH_ERROR: &str = "Extension.LaunchError";

/// The folder in which AWS, an image or the machine itself has the contents of layers.
pub(crate) const OPT: &str = "/opt";

/// A file of this name in a layer disables all external extensions.
const KILL_SWITCH: &str = "disable-extensions-jwigqn8j";

/// The external extensions in a function's layers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Discovered {
    /// Sorted by name, which is the order in which they are started.
    pub extensions: Vec<ExternalExtension>,
    /// The file that disabled extensions, if there is one.
    pub disabled_by: Option<PathBuf>,
}

/// An external extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalExtension {
    /// The file's full name, which the extension has to register with.
    pub name: String,
    /// The program's path.
    pub path: PathBuf,
}

/// Why an extension, or a layer's folder of extensions, cannot be used. AWS's error type is [`LAUNCH_ERROR`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error("the extension {} {reason}", path.display())]
    Unusable {
        path: PathBuf,
        reason: ExecutableError,
    },
    #[error("the extensions in {} cannot be listed: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
}

/// Searches the host's [`OPT`], `with_host`, and then the function's layers. Of programs with the same name the last one
/// is used, as it would overwrite the others in `/opt`. `starter` is for whom they are examined.
pub(crate) fn discover(
    layers: &[PathBuf],
    starter: Starter<'_>,
    with_host: bool,
) -> Result<Discovered, LaunchError> {
    let opt = PathBuf::from(OPT);
    let host = std::iter::once(&opt).filter(|_| with_host);
    discover_in(host.chain(layers), starter)
}

/// Searches `/opt` of an image. The paths are those that the extensions see.
pub(crate) fn discover_in_image(
    files: Files<'_>,
    starter: Starter<'_>,
) -> Result<Discovered, LaunchError> {
    let starter = Starter { files, ..starter };
    discover_in(std::iter::once(&PathBuf::from(OPT)), starter)
}

fn discover_in<'a>(
    layers: impl Iterator<Item = &'a PathBuf>,
    starter: Starter<'_>,
) -> Result<Discovered, LaunchError> {
    let files = starter.files;
    let mut found = BTreeMap::new();
    for layer in layers {
        let kill_switch = layer.join(KILL_SWITCH);
        if files.place(&kill_switch).exists() {
            return Ok(Discovered {
                extensions: Vec::new(),
                disabled_by: Some(kill_switch),
            });
        }
        add_programs(files, &layer.join("extensions"), &mut found)?;
    }
    let checked = found
        .into_iter()
        .map(|(name, path)| match examine(&path, starter) {
            Ok(()) => Ok(ExternalExtension { name, path }),
            Err(reason) => Err(LaunchError::Unusable { path, reason }),
        });
    Ok(Discovered {
        extensions: checked.collect::<Result<_, _>>()?,
        disabled_by: None,
    })
}

/// Adds every entry of a folder that is not a folder itself.
fn add_programs(
    files: Files<'_>,
    folder: &Path,
    found: &mut BTreeMap<String, PathBuf>,
) -> Result<(), LaunchError> {
    let unreadable = |reason| LaunchError::Unreadable {
        path: folder.to_owned(),
        reason,
    };
    let entries = match fs::read_dir(files.place(folder)) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    };
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        let path = folder.join(&name);
        if !files.place(&path).is_dir() {
            found.insert(name.to_string_lossy().into_owned(), path);
        }
    }
    Ok(())
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::access::User;

    const STARTER: Starter<'_> = Starter {
        files: Files::HOST,
        path: "/bin",
        user: User::Own,
    };

    fn extension(layer: &Path, name: &str, mode: u32) -> PathBuf {
        let folder = layer.join("extensions");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn layers(root: &Path) -> [PathBuf; 2] {
        ["one", "two"].map(|name| root.join(name))
    }

    #[test]
    fn extensions_are_sorted_and_a_later_layer_wins() {
        let root = tempfile::tempdir().unwrap();
        let layers = layers(root.path());
        extension(&layers[0], "b.sh", 0o755);
        let c = extension(&layers[0], "c", 0o755);
        let a = extension(&layers[1], "a", 0o755);
        let b = extension(&layers[1], "b.sh", 0o755);
        fs::create_dir(layers[0].join("extensions/folder")).unwrap();
        let found = discover_in(layers.iter(), STARTER).unwrap();
        let expected = [("a", a), ("b.sh", b), ("c", c)].map(|(name, path)| ExternalExtension {
            name: name.to_owned(),
            path,
        });
        assert_eq!(found.extensions, expected);
        assert_eq!(found.disabled_by, None);
    }

    #[test]
    fn a_missing_layer_and_an_empty_layer_have_no_extensions() {
        let root = tempfile::tempdir().unwrap();
        let [missing, empty] = layers(root.path());
        fs::create_dir_all(empty.join("extensions")).unwrap();
        let found = discover_in([missing, empty].iter(), STARTER).unwrap();
        assert_eq!(found, Discovered::default());
    }

    #[test]
    fn a_program_that_is_not_executable_is_a_launch_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        let layers = layers(root.path());
        extension(&layers[0], "good", 0o755);
        let bad = extension(&layers[1], "bad", 0o644);
        let error = discover_in(layers.iter(), STARTER).unwrap_err().to_string();
        let expected = format!(
            "the extension {} is not executable; `chmod +x` it",
            bad.display()
        );
        assert_eq!(error, expected);
    }

    #[test]
    fn an_invalid_extension_that_a_later_layer_replaces_is_ignored() {
        let root = tempfile::tempdir().unwrap();
        let layers = layers(root.path());
        extension(&layers[0], "x", 0o644);
        let good = extension(&layers[1], "x", 0o755);
        let found = discover_in(layers.iter(), STARTER).unwrap();
        assert_eq!(found.extensions.len(), 1);
        assert_eq!(found.extensions[0].path, good);
    }

    #[test]
    fn the_kill_switch_disables_all_extensions() {
        let root = tempfile::tempdir().unwrap();
        let layers = layers(root.path());
        extension(&layers[0], "x", 0o755);
        fs::create_dir_all(&layers[1]).unwrap();
        let switch = layers[1].join("disable-extensions-jwigqn8j");
        fs::write(&switch, "").unwrap();
        let found = discover_in(layers.iter(), STARTER).unwrap();
        assert_eq!(found.extensions, []);
        assert_eq!(found.disabled_by, Some(switch));
    }
}
