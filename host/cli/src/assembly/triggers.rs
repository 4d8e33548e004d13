//! Triggers: their plugins, configured, and checked against the rest of the configuration.

use lambkin_plugin::{FunctionInfo, FunctionReference, QueueReference};
use lambkin_trigger::{ConfiguredTrigger, PluginSetup, Setup, SetupError};

use super::functions::{function_names, resolve, unknown_function};
use super::plugins::{Plugins, diagnostics_of};
use crate::config::{self, Config, Diagnostic, FIFO_SUFFIX, Section, suggestion};

/// A trigger whose plugin has accepted its settings and whose functions and queues are defined.
pub struct Trigger {
    pub name: String,
    /// The plugin as the operator named it.
    pub plugin: String,
    pub configured: Box<dyn ConfiguredTrigger>,
}

/// Configures a trigger's plugins, and checks that the functions and queues that they name are defined.
pub async fn configure_trigger(
    plugins: &Plugins,
    trigger: &config::Trigger,
    config: &Config,
) -> Result<Trigger, Vec<Diagnostic>> {
    let section = &trigger.section;
    let names: Vec<String> = config.function_names().map(str::to_owned).collect();
    let configured = configure(plugins, trigger, config, &names).await?;
    let mut diagnostics = Vec::new();
    for FunctionReference { name, at } in configured.functions() {
        if let Some(message) = unknown_function(name, config) {
            diagnostics.push(section.diagnostic_at(at, message));
        }
    }
    for QueueReference { name, at } in configured.queues() {
        if let Err(message) = check_target_queue(name, config) {
            diagnostics.push(section.diagnostic_at(at, message));
        }
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    Ok(Trigger {
        name: trigger.name.clone(),
        plugin: section.plugin.name(),
        configured,
    })
}

/// The mistakes in a trigger of a configuration that has other mistakes: those that its plugins find, and functions of
/// which there is no table at all. `functions` are the names of the file's functions.
pub async fn mistakes(
    plugins: &Plugins,
    trigger: &config::Trigger,
    config: &Config,
    functions: &[String],
) -> Vec<Diagnostic> {
    match configure(plugins, trigger, config, functions).await {
        Ok(configured) => missing_functions(trigger, config, &*configured, functions),
        Err(found) => found,
    }
}

/// Configures a trigger's plugins. If they find mistakes, functions of which there is no table at all are reported with
/// them, as far as the other settings tell which functions are meant.
async fn configure(
    plugins: &Plugins,
    trigger: &config::Trigger,
    config: &Config,
    functions: &[String],
) -> Result<Box<dyn ConfiguredTrigger>, Vec<Diagnostic>> {
    let mut found = match configure_section(plugins, trigger, &trigger.section, config).await {
        Ok(configured) => return Ok(configured),
        Err(found) => found,
    };
    if let Some(rest) = configure_rest(plugins, trigger, config, &found).await {
        found.extend(missing_functions(trigger, config, &*rest, functions));
    }
    Err(found)
}

/// The functions that a configured trigger names and of which there is no table at all.
fn missing_functions(
    trigger: &config::Trigger,
    config: &Config,
    configured: &dyn ConfiguredTrigger,
    functions: &[String],
) -> Vec<Diagnostic> {
    let is_missing = |it: &&FunctionReference| {
        let name = it.name.split(':').next().unwrap_or_default();
        !functions.iter().any(|known| known == name)
    };
    let missing = configured.functions().into_iter().filter(is_missing);
    let diagnostics = missing.filter_map(|FunctionReference { name, at }| {
        let message = unknown_function(name, config)?;
        Some(trigger.section.diagnostic_at(at, message))
    });
    diagnostics.collect()
}

/// Configures a trigger whose plugin has found mistakes without the settings that have them, to learn which functions the
/// others name. `None` if the plugin does not accept the rest, or the mistakes are not in its settings.
async fn configure_rest(
    plugins: &Plugins,
    trigger: &config::Trigger,
    config: &Config,
    mistakes: &[Diagnostic],
) -> Option<Box<dyn ConfiguredTrigger>> {
    let section = trigger.section.without(mistakes)?;
    configure_section(plugins, trigger, &section, config)
        .await
        .ok()
}

/// Configures a trigger's plugins with these settings.
async fn configure_section(
    plugins: &Plugins,
    trigger: &config::Trigger,
    section: &Section,
    config: &Config,
) -> Result<Box<dyn ConfiguredTrigger>, Vec<Diagnostic>> {
    let source_section = trigger.source_section.as_ref();
    let setup = Setup {
        name: &trigger.name,
        account: &config.account,
        functions: &function_infos(config),
        plugin: plugin_setup(plugins, section)?,
        grants: &trigger.grants,
        source: source_section
            .map(|section| plugin_setup(plugins, section))
            .transpose()?,
    };
    let configured = trigger.source.configure(setup).await;
    configured.map_err(|error| match error {
        SetupError::Trigger(error) => diagnostics_of(error, section),
        SetupError::Source(error) => diagnostics_of(error, source_section.unwrap_or(section)),
    })
}

fn plugin_setup<'a>(
    plugins: &'a Plugins,
    section: &'a Section,
) -> Result<PluginSetup<'a>, Vec<Diagnostic>> {
    Ok(PluginSetup {
        plugin: plugins.of(section).map_err(|diagnostic| vec![diagnostic])?,
        settings: &section.settings,
    })
}

/// A queue that receives events must be defined, and be a standard queue: events have no message group.
fn check_target_queue(queue: &str, config: &Config) -> Result<(), String> {
    let names = config.queues.iter().map(|queue| queue.name.as_str());
    if !names.clone().any(|name| name == queue) {
        let hint = suggestion(queue, names);
        return Err(format!(
            "sends to the queue {queue:?}, which is not defined; {hint}"
        ));
    }
    if queue.ends_with(FIFO_SUFFIX) {
        return Err(format!(
            "sends to the FIFO queue {queue:?}; events can only be sent to standard queues, as they have no message group"
        ));
    }
    Ok(())
}

/// Every function of the configuration, by each name that a trigger may use.
fn function_infos(config: &Config) -> Vec<FunctionInfo> {
    let info = |name: String| {
        let timeout = resolve(&name, config)?.timeout;
        Some(FunctionInfo { name, timeout })
    };
    function_names(config).filter_map(info).collect()
}

/// The trigger's warnings, each with the trigger's name.
pub fn warnings(trigger: &Trigger) -> impl Iterator<Item = String> {
    let warnings = trigger.configured.warnings().iter();
    warnings.map(|warning| format!("trigger {}: {warning}", trigger.name))
}
