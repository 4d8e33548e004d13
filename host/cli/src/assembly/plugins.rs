//! The plugins of a configuration: each file is loaded once, however many services and triggers name it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use lambkin_plugin::{Options, Plugin, PluginHost};
use tokio::task::JoinSet;

use super::user_cache;
use crate::args::GlobalArgs;
use crate::config::{Diagnostic, Feed, PluginSource, Section, Service, Trigger};

/// Plugins that were loaded, and why others were not.
#[derive(Default)]
pub struct Plugins(BTreeMap<PluginSource, Result<Plugin, String>>);

impl Plugins {
    /// Loads what services and triggers need, all at the same time. Without any, no engine is started.
    pub async fn load(
        global: &GlobalArgs,
        services: &[Service],
        triggers: &[&Trigger],
    ) -> anyhow::Result<Self> {
        let services = services.iter().map(|service| &service.section);
        let triggers = triggers.iter().flat_map(|trigger| sections_of(trigger));
        // By what is loaded; the name is the first that somebody called it.
        let mut wanted: BTreeMap<PluginSource, PluginSource> = BTreeMap::new();
        for section in services.chain(triggers) {
            let name = || section.plugin.clone();
            wanted.entry(identity(&section.plugin)).or_insert_with(name);
        }
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let host = plugin_host(global)?;
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

    /// The plugin of a section. An error points at the choice of the plugin.
    pub fn of(&self, section: &Section) -> Result<&Plugin, Diagnostic> {
        match self.0.get(&identity(&section.plugin)) {
            Some(Ok(plugin)) => Ok(plugin),
            Some(Err(message)) => Err(section.plugin_diagnostic(message.clone())),
            None => Err(section.plugin_diagnostic("was not loaded".to_owned())),
        }
    }
}

/// The parts of a trigger's configuration that name plugins.
fn sections_of(trigger: &Trigger) -> impl Iterator<Item = &Section> {
    let poll = match &trigger.feed {
        Feed::Poll(poll) => Some(&poll.section),
        _ => None,
    };
    std::iter::once(&trigger.section).chain(poll)
}

/// One file has several names.
fn identity(source: &PluginSource) -> PluginSource {
    match source {
        PluginSource::BuiltIn(_) => source.clone(),
        PluginSource::File(path) => {
            PluginSource::File(path.canonicalize().unwrap_or_else(|_gone| path.clone()))
        }
    }
}

async fn load(host: &PluginHost, source: &PluginSource) -> anyhow::Result<Plugin> {
    let bytes = match source {
        PluginSource::BuiltIn(name) => built_in(name)?,
        PluginSource::File(path) => read(path)?,
    };
    Ok(host.load(&source.name(), bytes).await?)
}

fn built_in(name: &str) -> anyhow::Result<Bytes> {
    let bytes = lambkin_builtin::find(name);
    let bytes = bytes.ok_or_else(|| anyhow!("there is no built-in plugin {name}"))?;
    Ok(Bytes::from_static(bytes))
}

fn read(path: &Path) -> anyhow::Result<Bytes> {
    let bytes = std::fs::read(path).with_context(|| format!("can not read {}", path.display()))?;
    Ok(bytes.into())
}

/// The plugin host, with the cache the operator wants.
fn plugin_host(global: &GlobalArgs) -> anyhow::Result<PluginHost> {
    let cache = if global.no_cache {
        None
    } else {
        global.cache_dir.clone().or_else(user_cache)
    };
    Ok(PluginHost::new(Options { cache })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_however_it_is_called() {
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
