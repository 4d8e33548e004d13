//! What triggers and services have in common: a plugin, and settings that are that plugin's own.
//!
//! The settings are handed on as JSON, and the place of each of their parts is kept, so that what the plugin finds wrong
//! is shown where it was written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::reader::{Diagnostics, Reader, Spanned, nearest};
use super::source::{Diagnostic, Span};

/// A part of the file that a plugin is to understand.
#[derive(Debug, Clone)]
pub struct Section {
    pub plugin: PluginSource,
    /// The plugin's own settings, as JSON.
    pub settings: String,
    /// The keys that lead to it: `triggers.web`.
    key: String,
    span: Span,
    /// Of the choice of the plugin.
    plugin_key: String,
    plugin_span: Span,
    spans: BTreeMap<Vec<String>, Span>,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginSource {
    /// A built-in, by name.
    BuiltIn(String),
    /// A component file.
    File(PathBuf),
}

impl PluginSource {
    /// How the operator wrote it.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(name) => name.clone(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl Section {
    /// All that is left of a table is its plugin's.
    pub fn new(plugin: Spanned<PluginSource>, table: Reader<'_>) -> Self {
        let (key, span) = (table.path().to_owned(), table.span());
        let (settings, spans) = table.remaining_json();
        Self {
            plugin: plugin.value,
            settings: Value::Object(settings).to_string(),
            key,
            span,
            plugin_key: plugin.key,
            plugin_span: plugin.span,
            spans,
        }
    }

    /// A mistake in the plugin's settings, at the place its path of keys leads to, or as near to it as there is one.
    pub fn diagnostic_at(&self, at: &[String], message: String) -> Diagnostic {
        let mut path = at.to_vec();
        let span = loop {
            match self.spans.get(&path) {
                Some(span) => break span.clone(),
                None if path.pop().is_none() => break self.span.clone(),
                None => {}
            }
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

    /// A mistake in a name that the plugin took from its settings, at the place where they say it, if they do.
    pub fn diagnostic_for_name(&self, name: &str, message: String) -> Diagnostic {
        let settings = serde_json::from_str(&self.settings).unwrap_or_default();
        self.diagnostic_at(&path_to(name, &settings).unwrap_or_default(), message)
    }

    /// A mistake in the choice of the plugin.
    pub fn plugin_diagnostic(&self, message: String) -> Diagnostic {
        Diagnostic {
            span: self.plugin_span.clone(),
            key: self.plugin_key.clone(),
            message,
        }
    }
}

/// The keys that lead to the first value that is this text.
fn path_to(text: &str, value: &Value) -> Option<Vec<String>> {
    let below = |key: String, value| {
        let mut path = path_to(text, value)?;
        path.insert(0, key);
        Some(path)
    };
    match value {
        Value::String(found) => (found == text).then(Vec::new),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| below(index.to_string(), item))
        }
        Value::Object(members) => {
            let mut members = members.iter();
            members.find_map(|(key, member)| below(key.clone(), member))
        }
        _ => None,
    }
}

/// Reads `plugin`, which has to be there.
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

/// A path has a `/` or ends in `.wasm`; everything else is a built-in's name.
fn find_plugin(text: &str, project: &Path) -> Result<PluginSource, String> {
    if text.contains('/') || text.ends_with(".wasm") {
        let path = project.join(text);
        if !path.is_file() {
            return Err(format!("there is no file {}", path.display()));
        }
        return Ok(PluginSource::File(path));
    }
    if lambkin_builtin::find(text).is_some() {
        return Ok(PluginSource::BuiltIn(text.to_owned()));
    }
    let names = lambkin_builtin::names();
    let known = match nearest(text, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "built in are: {}; a file needs a path, such as \"./{text}.wasm\"",
            names.join(", ")
        ),
    };
    Err(format!("there is no built-in plugin {text:?}; {known}"))
}
