//! Reading a configuration of which everything will be used.
//!
//! On failure: all mistakes at once, those of the host's keys and those that plugins find in their settings.

use anyhow::anyhow;

use super::plugins::Plugins;
use super::services::configure_service;
use super::triggers::mistakes;
use crate::args::GlobalArgs;
use crate::config::{Choices, Config, ConfigError, Mistaken};

/// Reads the configuration, or makes one of the code beside it, as [`Config::read_or_guess`] does. If it has mistakes,
/// the plugins of what is left report theirs as well.
pub async fn read_config(global: &GlobalArgs, choices: &Choices) -> anyhow::Result<Config> {
    match Config::read_or_guess(&global.config, choices) {
        Ok(config) => Ok(config),
        Err(ConfigError::Mistaken(mut mistaken)) => {
            ask_plugins(global, &mut mistaken).await?;
            Err(anyhow!("{mistaken}"))
        }
        Err(error) => Err(error.into()),
    }
}

async fn ask_plugins(global: &GlobalArgs, mistaken: &mut Mistaken) -> anyhow::Result<()> {
    let config = &mistaken.config;
    let triggers: Vec<_> = config.triggers.iter().collect();
    let plugins = Plugins::load(global, &config.services, &triggers).await?;
    let mut found = Vec::new();
    for service in &config.services {
        let configured = configure_service(&plugins, service, config, None).await;
        found.extend(configured.err().into_iter().flatten());
    }
    for trigger in triggers {
        found.extend(mistakes(&plugins, trigger, config, &mistaken.functions).await);
    }
    mistaken.add(found);
    Ok(())
}
