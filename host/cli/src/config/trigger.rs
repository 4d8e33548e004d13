//! `[triggers.NAME]`: which plugin, where it listens, and the plugin's own settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::Listeners;
use super::reader::{Found, Problems, Reader, nearest};
use super::source::{Place, Problem};

/// A trigger as configured.
#[derive(Debug)]
pub struct Trigger {
    pub name: String,
    pub plugin: PluginSource,
    pub listen: SocketAddr,
    /// The plugin's own settings, as JSON.
    pub settings: String,
    place: Place,
    plugin_place: Place,
    places: BTreeMap<Vec<String>, Place>,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
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

pub fn read(
    name: Found<String>,
    mut table: Reader<'_>,
    project: &Path,
    listeners: &mut Listeners,
    problems: &Problems,
) -> Option<Trigger> {
    for (key, what) in [
        ("plugin", "a built-in's name or the path of a .wasm file"),
        (
            "listen",
            "an address and a port, such as \"127.0.0.1:8000\"",
        ),
    ] {
        if !table.has(key) {
            problems.add(
                table.place(),
                table.path(),
                format!("needs `{key}`: {what}"),
            );
        }
    }
    let plugin = table.text("plugin");
    let listen = table.text("listen");
    let plugin_place = plugin
        .as_ref()
        .map_or(table.place(), |plugin| plugin.place.clone());
    let source = plugin.and_then(|plugin| plugin_source(&plugin, project, problems));
    let address = listen.and_then(|listen| listeners.add(&listen, problems));
    let (settings, places) = table.remaining_json();
    Some(Trigger {
        plugin: source?,
        listen: address?,
        settings: serde_json::Value::Object(settings).to_string(),
        place: name.place,
        name: name.value,
        plugin_place,
        places,
    })
}

/// A path has a `/` or ends in `.wasm`; everything else is a built-in's name.
fn plugin_source(
    plugin: &Found<String>,
    project: &Path,
    problems: &Problems,
) -> Option<PluginSource> {
    let text = &plugin.value;
    if text.contains('/') || text.ends_with(".wasm") {
        let path = project.join(text);
        if !path.is_file() {
            problems.add(
                plugin.place.clone(),
                &plugin.key,
                format!("there is no file {}", path.display()),
            );
            return None;
        }
        return Some(PluginSource::File(path));
    }
    if lambkin_builtin::find(text).is_some() {
        return Some(PluginSource::BuiltIn(text.clone()));
    }
    let names = lambkin_builtin::names();
    let known = match nearest(text, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "built in are: {}; a file needs a path, such as \"./{text}.wasm\"",
            names.join(", ")
        ),
    };
    problems.add(
        plugin.place.clone(),
        &plugin.key,
        format!("there is no built-in plugin {text:?}; {known}"),
    );
    None
}

impl Trigger {
    /// A mistake in the plugin's settings, at the place its path of keys leads to, or as near to it as there is one.
    pub fn problem(&self, at: &[String], message: String) -> Problem {
        let mut path = at.to_vec();
        let place = loop {
            match self.places.get(&path) {
                Some(place) => break place.clone(),
                None if path.pop().is_none() => break self.place.clone(),
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
        let key = ["triggers".to_owned(), self.name.clone()]
            .into_iter()
            .chain(keys)
            .collect::<Vec<_>>()
            .join(".");
        Problem {
            place,
            key,
            message,
        }
    }

    /// A mistake in the choice of the plugin.
    pub fn plugin_problem(&self, message: String) -> Problem {
        Problem {
            place: self.plugin_place.clone(),
            key: format!("triggers.{}.plugin", self.name),
            message,
        }
    }
}
