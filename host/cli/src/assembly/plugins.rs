//! The plugins of a configuration. Each file is loaded once, however many services and triggers name it.
//!
//! On failure: a plugin that cannot be loaded is reported at each section that names it; the others are loaded all the
//! same.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use lambkin_plugin::{Compiling, ConfigureError, Options, Plugin, PluginHost};
use tokio::task::JoinSet;

use crate::args::GlobalArgs;
use crate::config::{Diagnostic, PluginSource, Section, Service, Trigger};

/// The loaded plugins, and for each of the others the reason why it could not be loaded.
#[derive(Default)]
pub struct Plugins(BTreeMap<PluginSource, Result<Plugin, String>>);

impl Plugins {
    /// Loads the plugins of services and triggers, all at the same time. If there are none, no WebAssembly engine is
    /// created.
    pub async fn load(
        global: &GlobalArgs,
        services: &[Service],
        triggers: &[&Trigger],
    ) -> anyhow::Result<Self> {
        let polls = triggers
            .iter()
            .any(|trigger| trigger.source_section.is_some());
        let waits = polls || !services.is_empty();
        let services = services.iter().map(|service| &service.section);
        let triggers = triggers.iter().flat_map(|trigger| trigger.sections());
        // One file may have several names. Messages use the first one.
        let mut wanted: BTreeMap<PluginSource, PluginSource> = BTreeMap::new();
        for section in services.chain(triggers) {
            let name = || section.plugin.clone();
            wanted.entry(identity(&section.plugin)).or_insert_with(name);
        }
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let host = plugin_host(global, waits)?;
        let mut loading = JoinSet::new();
        for (identity, name) in wanted {
            let host = host.clone();
            loading.spawn(async move {
                let loaded = load(&host, &name).await;
                (identity, loaded.map_err(|error| format!("{error:#}")))
            });
        }
        let mut loaded = BTreeMap::new();
        while let Some(one) = loading.join_next().await {
            let (identity, plugin) = one.context("loading a plugin failed")?;
            loaded.insert(identity, plugin);
        }
        Ok(Self(loaded))
    }

    /// The plugin of a section. The diagnostic of one that was not loaded points at the key `plugin`.
    pub fn of(&self, section: &Section) -> Result<&Plugin, Diagnostic> {
        match self.0.get(&identity(&section.plugin)) {
            Some(Ok(plugin)) => Ok(plugin),
            Some(Err(message)) => Err(section.plugin_diagnostic(message.clone())),
            None => Err(section.plugin_diagnostic("was not loaded".to_owned())),
        }
    }
}

/// The mistakes that a plugin found in its section, each at its place in the file.
pub fn diagnostics_of(error: ConfigureError, section: &Section) -> Vec<Diagnostic> {
    match error {
        ConfigureError::Problems(problems) => problems
            .into_iter()
            .map(|problem| section.diagnostic_at(&problem.at, problem.message))
            .collect(),
        error => vec![section.plugin_diagnostic(error.to_string())],
    }
}

/// What two names of the same plugin have in common: for a file its path without links and dots.
fn identity(source: &PluginSource) -> PluginSource {
    match source {
        PluginSource::BuiltIn(_) => source.clone(),
        PluginSource::File(path) => {
            PluginSource::File(path.canonicalize().unwrap_or_else(|_| path.clone()))
        }
    }
}

/// Loads the built-in plugin with this name, for a trigger that no configuration has.
pub async fn built_in_plugin(global: &GlobalArgs, name: &str) -> anyhow::Result<Plugin> {
    let host = plugin_host(global, false)?;
    load(&host, &PluginSource::BuiltIn(name.to_owned())).await
}

async fn load(host: &PluginHost, source: &PluginSource) -> anyhow::Result<Plugin> {
    let bytes = match source {
        PluginSource::BuiltIn(name) => built_in(name).await?,
        PluginSource::File(path) => read(path)?,
    };
    Ok(host.load(&source.name(), bytes).await?)
}

async fn built_in(name: &str) -> anyhow::Result<Bytes> {
    let owned = name.to_owned();
    // Unpacked beside the others.
    let bytes = tokio::task::spawn_blocking(move || lambkin_builtin::find(&owned)).await?;
    let bytes = bytes.ok_or_else(|| anyhow!("there is no built-in plugin {name}"))?;
    Ok(bytes.into())
}

fn read(path: &Path) -> anyhow::Result<Bytes> {
    let bytes = crate::regular_file::read(path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes.into())
}

/// The plugin host, which caches compiled plugins as the arguments say. `waits`: whether there are services or sources.
fn plugin_host(global: &GlobalArgs, waits: bool) -> anyhow::Result<PluginHost> {
    let cache = if global.no_cache {
        None
    } else {
        global.cache_dir.clone().or_else(crate::cache::folder)
    };
    Ok(PluginHost::new(Options {
        cache,
        on_slow_compile: Some(print_progress),
        runs_waiting_calls: waits,
        ..Options::default()
    })?)
}

/// Tells a person why nothing happens, and that it is not so every time.
fn print_progress(plugin: &str, compiling: Compiling) {
    match compiling {
        Compiling::Started { kept: true } => {
            eprintln!("compiling {plugin} (first time; cached afterwards)…");
        }
        Compiling::Started { kept: false } => {
            eprintln!("compiling {plugin} (without a cache, at every start)…");
        }
        Compiling::Finished(took) => {
            eprintln!("compiled {plugin} in {:.1} s", took.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_of_a_file_are_the_same_plugin() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sqs.wasm");
        std::fs::write(&file, "").unwrap();
        let link = folder.path().join("link.wasm");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let dotted = folder.path().join(".").join("sqs.wasm");
        let of = |path: &Path| identity(&PluginSource::File(path.to_owned()));
        assert_eq!(of(&file), of(&dotted));
        assert_eq!(of(&file), of(&link));
        let built_in = PluginSource::BuiltIn("sqs".to_owned());
        assert_ne!(identity(&built_in), of(&file));
    }
}
