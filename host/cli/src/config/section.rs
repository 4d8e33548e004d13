//! What triggers and services have in common: a plugin, and settings that only the plugin understands.
//!
//! The plugin receives the settings as JSON. The span of each value is kept, so that a mistake that the plugin finds is
//! reported at its place in the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::key::{Key, Kind};
use super::reader::{Diagnostics, Reader, Spanned};
use super::setting_file::{self, SettingFile, SettingFiles};
use super::source::{Diagnostic, Span};
use super::suggest::{abbreviated, nearest};

/// The key that chooses the plugin of a section.
pub const PLUGIN: Key = Key::required(
    "plugin",
    Kind::Text,
    "The plugin: the name of a built-in one, or the path of a `.wasm` file, which has a `/` or ends in `.wasm`.",
);

/// A table of the file with a plugin and its settings.
#[derive(Debug, Clone)]
pub struct Section {
    pub plugin: PluginSource,
    /// All keys of the table that are not the host's, as a JSON object, with the texts of [files](setting_file).
    pub settings: String,
    /// The key path of the table: `triggers.web`.
    key: String,
    span: Span,
    /// The key path of `plugin`.
    plugin_key: String,
    plugin_span: Span,
    spans: BTreeMap<Vec<String>, Span>,
    files: SettingFiles,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginSource {
    /// A built-in plugin, by its name.
    BuiltIn(String),
    /// A .wasm file, by its path.
    File(PathBuf),
}

impl PluginSource {
    /// The plugin as the operator named it.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(name) => name.clone(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl Section {
    /// Makes a section of a table. The keys that have not been read become the plugin's settings. Files that they name
    /// are read; mistakes are reported.
    pub fn new(
        plugin: Spanned<PluginSource>,
        mut table: Reader<'_>,
        folder: &Path,
        diagnostics: &Diagnostics,
    ) -> Self {
        let (key, span) = (table.path().to_owned(), table.span());
        table.report_misplaced(documented(&plugin.value).as_deref());
        let (mut settings, spans) = table.remaining_json();
        let (files, mistakes) = setting_file::read(&mut settings, folder);
        let section = Self {
            plugin: plugin.value,
            settings: Value::Object(settings).to_string(),
            key,
            span,
            plugin_key: plugin.key,
            plugin_span: plugin.span,
            spans,
            files,
        };
        for (at, message) in mistakes {
            let diagnostic = section.diagnostic_at(&at, message);
            diagnostics.add(diagnostic.span, &diagnostic.key, diagnostic.message);
        }
        section
    }

    /// The files whose texts are settings.
    pub fn files(&self) -> impl Iterator<Item = &SettingFile> + Clone {
        self.files.values()
    }

    /// A mistake in the plugin's settings at the value with this key path, or at the innermost table or list that
    /// exists.
    pub fn diagnostic_at(&self, at: &[String], message: String) -> Diagnostic {
        let mut path = at.to_vec();
        let span = loop {
            match self.spans.get(&path) {
                Some(span) => break span.clone(),
                None if path.pop().is_none() => break self.span.clone(),
                None => {}
            }
        };
        let file = (1..=at.len()).find_map(|length| self.files.get(at.get(..length)?));
        let message = match file {
            Some(SettingFile { path, .. }) => format!("in {}: {message}", path.display()),
            None => message,
        };
        let keys = at.iter().map(|key| {
            if key.contains([' ', '.', '"', '/']) {
                format!("{key:?}")
            } else {
                key.clone()
            }
        });
        Diagnostic {
            span,
            key: std::iter::once(self.key.clone())
                .chain(keys)
                .collect::<Vec<_>>()
                .join("."),
            message,
        }
    }

    /// The section without the settings in which mistakes have been found; `None` if one is not in a setting.
    pub fn without(&self, mistakes: &[Diagnostic]) -> Option<Self> {
        let mut settings: Value = serde_json::from_str(&self.settings).ok()?;
        for mistake in mistakes {
            // The innermost value at the place; further tables of the same span are made of dotted keys.
            let places = self.spans.iter().filter(|(_, span)| **span == mistake.span);
            let path = places.map(|(path, _)| path).max_by_key(|path| path.len())?;
            let (last, above) = path.split_last()?;
            let table = above
                .iter()
                .try_fold(&mut settings, |value, key| match value {
                    Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
                    value => value.get_mut(key),
                });
            // An item of a list is emptied instead, so that the others keep their places.
            match table {
                Some(Value::Object(table)) => drop(table.remove(last)),
                Some(Value::Array(items)) => {
                    let item = items.get_mut(last.parse::<usize>().ok()?)?;
                    *item = Value::Null;
                }
                // A mistake of something above has removed it.
                _ => {}
            }
        }
        Some(Self {
            settings: settings.to_string(),
            ..self.clone()
        })
    }

    /// A mistake in the choice of the plugin, at the key `plugin`.
    pub fn plugin_diagnostic(&self, message: String) -> Diagnostic {
        Diagnostic {
            span: self.plugin_span.clone(),
            key: self.plugin_key.clone(),
            message,
        }
    }
}

/// The settings of a built-in plugin, in all its roles.
fn documented(plugin: &PluginSource) -> Option<Vec<String>> {
    let PluginSource::BuiltIn(name) = plugin else {
        return None;
    };
    let roles: Value = serde_json::from_str(lambkin_builtin::settings(name)?).ok()?;
    let settings = roles.as_object()?.values().filter_map(Value::as_array);
    let names = settings.flatten().filter_map(|it| it.get("key")?.as_str());
    Some(names.map(str::to_owned).collect())
}

/// Reads the mandatory key `plugin`. Returns `None` after it has reported a mistake.
pub fn read_plugin(
    table: &mut Reader<'_>,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Option<Spanned<PluginSource>> {
    if !table.has("plugin") {
        diagnostics.add(
            table.span(),
            table.path(),
            "needs `plugin`: a built-in's name or the path of a .wasm file",
        );
    }
    let plugin = table.text("plugin")?;
    match find_plugin(&plugin.value, project) {
        Ok(source) => Some(Spanned {
            value: source,
            span: plugin.span,
            key: plugin.key,
        }),
        Err(message) => {
            diagnostics.add(plugin.span, &plugin.key, message);
            None
        }
    }
}

/// Names a .wasm file of the folder, if there is one.
fn is_a_folder(path: &Path) -> String {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".wasm"))
        .collect();
    files.sort();
    let hint = match files.first() {
        Some(file) => format!(", such as {}", path.join(file).display()),
        None => ", which the plugin's toolchain makes".to_owned(),
    };
    format!("{} is a folder; name the .wasm file{hint}", path.display())
}

/// Text with a `/`, or with `.wasm` at its end, is a path; everything else is the name of a built-in plugin.
fn find_plugin(text: &str, project: &Path) -> Result<PluginSource, String> {
    if text.contains('/') || text.ends_with(".wasm") {
        let path = project.join(text);
        if path.is_dir() {
            return Err(is_a_folder(&path));
        }
        if !path.is_file() {
            return Err(format!(
                "the file {} does not exist; if a toolchain makes it, build the plugin first",
                path.display()
            ));
        }
        return Ok(PluginSource::File(path));
    }
    let names = lambkin_builtin::names();
    if names.contains(&text) {
        return Ok(PluginSource::BuiltIn(text.to_owned()));
    }
    let known = || names.iter().copied();
    let known = match abbreviated(text, known()).or_else(|| nearest(text, known())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "built in are: {}; a file needs a path, such as \"./{text}.wasm\"",
            names.join(", ")
        ),
    };
    Err(format!("there is no built-in plugin {text:?}; {known}"))
}
