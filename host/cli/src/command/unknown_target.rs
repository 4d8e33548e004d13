//! What is said of an argument FUNCTION that names nothing: no function, no path and no handler.
//!
//! On failure: a folder that cannot be read counts as empty.

use std::fs;
use std::path::{Path, PathBuf};

use lambkin_image::Reference;

use crate::config::nearest;

/// Why a text names no function if the current folder has neither a configuration nor a handler, and what would. `config`
/// is where the configuration would be.
pub fn explain(config: &Path, wanted: &str) -> String {
    if config != Path::new("lambkin.toml") {
        // It was named.
        return format!(
            "cannot find function {wanted:?}: there is no {}",
            config.display()
        );
    }
    let here = Path::new(".");
    let mut text = format!(
        "{wanted:?} cannot be run: this folder has no lambkin.toml, no file or folder of that name, and no file with a \
         handler\n"
    );
    let names = names_in(here);
    if here.join("bootstrap").exists() {
        text.push_str("to run the bootstrap in this folder: lambkin invoke .");
    } else if let Some(near) = nearest(wanted, names.iter().map(String::as_str)) {
        text.push_str(&format!("did you mean ./{near}?"));
    } else if let Some(above) = above(config) {
        text.push_str(&format!(
            "there is {0}: run the command in its folder, or add --config {0}",
            above.display()
        ));
    } else {
        text.push_str(
            "run lambkin in the folder of a lambkin.toml, or name one with --config\n\
             without one: `lambkin invoke app.handler` in the folder of app.py, or `lambkin invoke PATH` with a folder, \
             a bootstrap, a .zip or the archive of a container image",
        );
    }
    text
}

/// What to do if a path that does not exist may be the name of an image of a registry, which has to be configured.
pub fn explain_image(path: &Path) -> Option<String> {
    let text = path.to_str().filter(|_| path.symlink_metadata().is_err())?;
    let (registry, name) = text.split_once('/')?;
    let is_like_one =
        registry.contains(['.', ':']) || registry == "localhost" || name.contains(':');
    let is_reference = is_like_one && !text.starts_with('.') && Reference::parse(text).is_ok();
    is_reference.then(|| {
        format!(
            "{text} does not exist; if it is a container image of a registry, write a lambkin.toml, in which its digest \
             can be pinned:\n[functions.NAME]\nimage = {text:?}"
        )
    })
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// The nearest configuration in a folder above the current one.
fn above(config: &Path) -> Option<PathBuf> {
    let depth = std::env::current_dir().ok()?.components().count();
    let mut folders = (1..depth).scan(PathBuf::new(), |folder, _| {
        folder.push("..");
        Some(folder.clone())
    });
    folders.find_map(|folder| {
        let file = folder.join(config);
        file.is_file().then_some(file)
    })
}
