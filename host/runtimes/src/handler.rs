//! Which file a handler's text names.

use std::path::{Path, PathBuf};

use crate::id::Language;

/// The files that could have the module of a handler, in the order in which AWS's clients look for them.
pub(crate) fn files(language: Language, handler: &str, code: &Path) -> Vec<PathBuf> {
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
    let Some(module) = module.filter(|module| !module.is_empty()) else {
        return Vec::new();
    };
    let endings: &[&str] = match language {
        Language::Python => &[".py", "/__init__.py"],
        Language::Node => &[".js", ".mjs", ".cjs"],
        _ => &[".rb"],
    };
    endings
        .iter()
        .map(|ending| code.join(format!("{module}{ending}")))
        .collect()
}
