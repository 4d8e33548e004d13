//! The keys of functions that are container images, in place of `code`.
//!
//! Whether a text can name an image is found out when the file is read; the image is opened afterwards, as that may take
//! a while. On failure: the place in the file, and why the image cannot be used.

use std::path::{Path, PathBuf};

use lambkin_image::{ImageError, Lock, Source};
use lambkin_lambda::{Code, Entry, FunctionSpec, Image, Keeper};

use super::key::{Key, Kind, Table};
use super::reader::{Diagnostics, Reader};
use super::source::{Diagnostic, Span};
use crate::cache;

/// Keys that each version of a function can set.
pub const KEYS: &[Key] = &[
    Key::optional(
        "image",
        Kind::Text,
        "A container image that is the function, in place of `code`: the path of an archive of `docker save` or of the \
         folder of an OCI layout, or the name of an image of a registry. See section *Functions from container \
         images*.",
    ),
    Key::optional(
        "image-config",
        Kind::Table(&Table::new(&[OVERRIDES])),
        "What replaces the image's own settings, as AWS's `ImageConfig`.",
    ),
];

const OVERRIDES: &[Key] = &[
    Key::optional(
        "entry-point",
        Kind::Texts,
        "Replaces the image's ENTRYPOINT.",
    ),
    Key::optional(
        "command",
        Kind::Texts,
        "Replaces the image's CMD, which usually names the handler: `[\"app.handler\"]`.",
    ),
    Key::optional(
        "working-directory",
        Kind::Text,
        "Replaces the image's WORKDIR: an absolute path in the image.",
    ),
];

/// Keys that a function with an image cannot have, with the reason and what to do.
const CONFLICTS: [(&str, &str); 10] = [
    (
        "code",
        "cannot be combined with `image`, which has the code; remove one of them",
    ),
    ("runtime", OWN_RUNTIME),
    ("interpreter", OWN_RUNTIME),
    ("client", OWN_RUNTIME),
    ("version-check", OWN_RUNTIME),
    ("sdk", OWN_RUNTIME),
    ("bundle", OWN_RUNTIME),
    (
        "handler",
        "cannot be combined with `image`, whose handler is part of its command; to replace it: `image-config = { \
         command = [\"app.handler\"] }`",
    ),
    (
        "command",
        "cannot be combined with `image`; `image-config = { entry-point = […], command = […] }` replaces the image's \
         ENTRYPOINT and CMD",
    ),
    (
        "layers",
        "cannot be combined with `image`, as on AWS; copy the layers' content to /opt in the Dockerfile",
    ),
];

/// The file beside `lambkin.toml` that has the digests of images of registries.
const LOCK_FILE: &str = "lambkin.lock";

const OWN_RUNTIME: &str = "cannot be combined with `image`, which has its own runtime; remove it, or replace `image` by \
                           `code`";

/// What a function with an image is made from.
#[derive(Debug, Clone)]
pub struct ImageInputs {
    source: Source,
    /// As it is written in the file.
    name: String,
    /// The folder of the file, from which paths start.
    project: PathBuf,
    overrides: Overrides,
    /// Where the file names the image.
    span: Span,
    key: String,
}

/// `image-config`
#[derive(Debug, Clone, Default)]
struct Overrides {
    entry_point: Option<Vec<String>>,
    command: Option<Vec<String>>,
    working_directory: Option<PathBuf>,
}

impl ImageInputs {
    /// The image with this name, a path or a reference, without a file that configures it.
    pub fn new(name: &str, project: &Path) -> Result<Self, String> {
        Ok(Self {
            source: Source::parse(name, project).map_err(|error| error.to_string())?,
            name: name.to_owned(),
            project: project.to_owned(),
            overrides: Overrides::default(),
            span: 0..0,
            key: String::new(),
        })
    }

    /// The file or folder with the image; `None` if a registry has it.
    pub fn path(&self) -> Option<&PathBuf> {
        match &self.source {
            Source::Layout { folder, .. } => Some(folder),
            Source::Archive { file, .. } => Some(file),
            Source::Registry(_) => None,
        }
    }

    /// The code of an image that has not been opened yet.
    fn unopened(&self) -> Code {
        Code::of_image(Image {
            name: self.name.clone(),
            ..Image::default()
        })
    }

    /// Unpacks the image, unless that has been done, and reads what it says about its program.
    pub fn open(&self) -> Result<Image, String> {
        let opened = self.unpack().map_err(|error| error.to_string())?;
        let config = opened.config.clone();
        let Overrides {
            entry_point,
            command,
            working_directory,
        } = self.overrides.clone();
        Ok(Image {
            name: self.name.clone(),
            digest: opened.digest.clone(),
            root: opened.root.clone(),
            entry_point: entry_point.unwrap_or(config.entry_point),
            command: command.unwrap_or(config.command),
            variables: config.env,
            working_directory: working_directory.or(config.working_directory),
            keeper: Keeper::new(opened),
        })
    }

    fn unpack(&self) -> Result<lambkin_image::Image, ImageError> {
        let cache = cache::folder_or_temporary();
        let lock = match self.source {
            Source::Registry(_) => Some(Lock::load(&self.project.join(LOCK_FILE))?),
            _ => None,
        };
        lambkin_image::open(&self.source, &cache, lock.as_ref())
    }

    /// Opens the image for a function that has been read with it. On failure, the place in the file and the reason.
    pub fn open_for(&self, spec: &FunctionSpec) -> Result<(), Diagnostic> {
        let Entry::Image(current) = &spec.code.entry else {
            return Ok(());
        };
        let image = self.open().map_err(|message| Diagnostic {
            span: self.span.clone(),
            key: self.key.clone(),
            message,
        })?;
        current.replace(image);
        Ok(())
    }
}

/// Whether a path is that of an image: a tar archive, or a folder with an OCI layout.
fn is_image(path: &Path) -> bool {
    if path.is_dir() {
        return path.join("oci-layout").is_file();
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_archive = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz"]
        .iter()
        .any(|ending| name.ends_with(ending));
    is_archive && path.is_file()
}

/// Whether a text of the command line is the path of an image, with or without a tag after it: `app.tar:orders:2`.
pub fn names_image(text: &str) -> bool {
    let tagged = || {
        let mut colons = text.match_indices(':');
        colons.any(|(at, _)| text.get(..at).is_some_and(|path| is_image(Path::new(path))))
    };
    let path = Path::new(text);
    is_image(path) || (!path.exists() && tagged())
}

/// Reads the keys, and reports those that cannot be combined with them. `before` is the image of which this table is a
/// version. Returns the image, and its code if the table changes it.
pub fn read(
    table: &mut Reader<'_>,
    before: Option<ImageInputs>,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Option<(ImageInputs, Option<Code>)> {
    let named = table.text("image");
    let is_replaced = named.is_none() && before.is_some() && table.has("code");
    let is_named = named.is_some();
    let mut inputs = match named {
        Some(named) => match Source::parse(&named.value, project) {
            Ok(source) => Some(ImageInputs {
                source,
                name: named.value,
                project: project.to_owned(),
                overrides: Overrides::default(),
                span: named.span,
                key: named.key,
            }),
            Err(error) => {
                diagnostics.add(named.span, &named.key, error.to_string());
                None
            }
        },
        None => before.filter(|_| !is_replaced),
    };
    let has_overrides = table.has("image-config");
    if has_overrides && !is_named && inputs.is_none() {
        table.refuse(
            "image-config",
            "needs `image`: it replaces settings of a container image",
        );
        return None;
    }
    if let Some(mut overrides) = table.table("image-config") {
        let read = read_overrides(&mut overrides, diagnostics);
        overrides.finish();
        if let Some(inputs) = &mut inputs {
            let before = std::mem::take(&mut inputs.overrides);
            inputs.overrides = Overrides {
                entry_point: read.entry_point.or(before.entry_point),
                command: read.command.or(before.command),
                working_directory: read.working_directory.or(before.working_directory),
            };
        }
    }
    if is_named || inputs.is_some() {
        for (key, message) in CONFLICTS {
            table.refuse(key, message);
        }
    }
    let inputs = inputs?;
    let code = (is_named || has_overrides).then(|| inputs.unopened());
    Some((inputs, code))
}

fn read_overrides(table: &mut Reader<'_>, diagnostics: &Diagnostics) -> Overrides {
    let working_directory = table.text("working-directory");
    if let Some(folder) = &working_directory
        && !folder.value.starts_with('/')
    {
        let message = format!(
            "{:?} is not an absolute path in the image; write one such as \"/var/task\"",
            folder.value
        );
        diagnostics.add(folder.span.clone(), &folder.key, message);
    }
    Overrides {
        entry_point: table.texts("entry-point").map(|found| found.value),
        command: table.texts("command").map(|found| found.value),
        working_directory: working_directory.map(|folder| PathBuf::from(folder.value)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_path_of_an_image_may_have_a_tag() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        fs::write(at("app.tar"), "").unwrap();
        fs::write(at("app.py"), "").unwrap();
        fs::create_dir(at("layout")).unwrap();
        fs::write(at("layout/oci-layout"), "{}").unwrap();
        for name in [
            "app.tar",
            "app.tar:1",
            "app.tar:team/fn:1",
            "layout",
            "layout:py",
        ] {
            assert!(names_image(&at(name)), "{name}");
        }
        for name in ["app.py", "app.py:1", "none.tar:1", "layouts:1", ":1", ""] {
            assert!(!names_image(&at(name)), "{name}");
        }
    }
}
